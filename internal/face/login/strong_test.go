package login_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The whole product on every engine: an application asks for a level, the
// customer proves it by a text message, and the application hears of it.
func TestSecond_AnApplicationsLevelIsProvenByTextMessage(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const mail, number = "mia@example.test", "+4915123456789"
		h.SignUp(servertest.NewBrowser(t), mail)
		h.Update(func(tx *db.Tx) error {
			c, _, err := customer.ByIdentifier(tx, h.Tenant(), customer.Email, mail)
			if err != nil {
				return err
			}
			return customer.AddIdentifier(tx, h.Tenant(), c.ID, customer.NewIdentifier{Kind: customer.Phone, Value: number, Verified: true})
		})
		h.Advance(time.Hour)
		b := servertest.NewBrowser(t)
		p := b.Get(h.AuthorizeURL(h.Apps["web"], "acr_values", session.Multi))
		p = p.Submit("identifier", mail).Submit("code", h.Code(mail))
		if !strings.Contains(p.Text(), "Get a code by text message") || strings.Contains(p.Body, number) {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		p = p.Submit("action", "send")
		if p = p.Submit("code", "000000"); p.Status != 422 {
			t.Errorf("a wrong code: %d", p.Status)
		}
		p = p.Submit("code", h.Code(number))
		tokens := h.Redeem(h.Apps["web"], p.Location().Query().Get("code"))
		if claims := decode(t, tokens.IDToken); claims["acr"] != session.Multi {
			t.Errorf("the application hears %v of %v", claims["acr"], claims["amr"])
		}
	}, servertest.Options{Settings: func(s *tenant.Settings) {
		s.SecondFactor.SMS, s.Identifiers.Phone, s.Identifiers.PhoneRegion = true, true, "DE"
	}})
}

// A wish is done without by who says so; what is essential is not.
func TestEnrol_AWishMayBeLeftOut_ANeedMayNot(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const mail = "mia@example.test"
		h.SignUp(servertest.NewBrowser(t), mail)
		h.Advance(time.Hour)
		b := servertest.NewBrowser(t)
		p := b.Get(h.AuthorizeURL(h.Apps["web"], "acr_values", session.Multi))
		p = p.Submit("identifier", mail).Submit("code", h.Code(mail))
		if !strings.Contains(p.Text(), "Add a second step") || !p.Has("skip") {
			t.Fatalf("a wish: %s", p.Text())
		}
		if p = p.Submit("action", "skip"); p.Location() == nil || p.Location().Query().Get("code") == "" {
			t.Errorf("a wish: %s", p.Text())
		}
		h.Advance(time.Hour)
		b = servertest.NewBrowser(t)
		p = b.Get(h.AuthorizeURL(h.Apps["web"], "claims", `{"id_token":{"acr":{"essential":true,"value":"`+session.Multi+`"}}}`))
		p = p.Submit("identifier", mail).Submit("code", h.Code(mail))
		if !strings.Contains(p.Text(), "Add a second step") || p.Has("skip") {
			t.Errorf("a need: %s", p.Text())
		}
	})
}

// A challenge that nobody answered does not stay.
func TestPasskey_ChallengesOfPagesThatWereLeftAreSwept(t *testing.T) {
	t.Parallel()
	d := open(t)
	b := d.browser()
	b.get("/signin")
	for range 3 {
		b.options("passkey")
	}
	d.Wait(6 * time.Minute)
	d.Update(func(tx *db.Tx) error {
		n, err := credential.SweepChallenges(tx, 10)
		if n != 3 {
			t.Errorf("%d are swept", n)
		}
		return err
	})
}

// decode reads the claims of a token without asking whether it is genuine.
func decode(t *testing.T, token string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(raw, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}
