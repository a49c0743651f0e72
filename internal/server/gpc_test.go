package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

const postcode = "12099"

// sells gives the tenant a purpose that sells a field, and the web application
// that purpose.
func sells(h *servertest.House) {
	h.Update(func(tx *db.Tx) error {
		return catalog.Put(tx, h.Tenant(), []catalog.Field{{
			Name: "postcode", Type: catalog.Text, Class: catalog.Profile, Scope: "profile", Purposes: []string{"partners"},
			Viewers: []string{catalog.Customer, catalog.Application}, Editors: []string{catalog.Customer},
		}})
	})
	another(h, askedAt("signup"), func(p *consent.Purpose) { p.Fields = []string{"postcode"} })
	h.Update(func(tx *db.Tx) error {
		a, err := app.Get(tx, h.Tenant(), h.Apps["web"].ID)
		if err != nil {
			return err
		}
		a.Settings.Purposes = []string{"account", "partners"}
		_, err = app.Change(tx, h.Tenant(), a)
		return err
	})
}

// sold makes the field flow: a value, and consent given by hand.
func sold(t *testing.T, h *servertest.House, address string) customer.ID {
	t.Helper()
	id := idOf(t, h, address)
	h.Update(func(tx *db.Tx) error {
		if err := customer.SetField(tx, h.Tenant(), id, "postcode", postcode, catalog.Customer); err != nil {
			return err
		}
		_, err := consent.Decide(tx, h.Tenant(), consent.Choice{Customer: id, Purpose: "partners", Decision: consent.Given, Version: 1, Surface: "api", Method: "import"})
		return err
	})
	return id
}

func objections(h *servertest.House, c customer.ID) (n int) {
	for _, e := range ledger(h, c, consent.ForPurpose, "partners") {
		if e.Decision == consent.Objected && e.Surface == consent.SurfaceGPC && len(e.Evidence) > 0 {
			n++
		}
	}
	return n
}

// H224: the signal of a browser is heeded on every face: at the sign-up, at a
// sign-in, where an application asks and no page is shown, and in the portal. It
// is kept once for who is known, confirmed where they see it, and from then on
// nothing that is sold leaves: not with a token of before either.
func TestH224_TheSignalIsHeededOnEveryFace(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		sells(h)
		signal := http.Header{"Sec-Gpc": {"1"}}
		faces := map[string]func(b *servertest.Browser, mia string){
			"sign-in": func(_ *servertest.Browser, mia string) {
				h.Advance(time.Minute)
				b := servertest.NewBrowser(t)
				b.Header = signal
				p := b.Get(h.AuthorizeURL(h.Apps["web"]))
				if strings.Contains(p.Text(), "not to sell or share") {
					t.Error("the front door grows")
				}
				p = p.Submit("identifier", mia)
				if !strings.Contains(p.Text(), "not to sell or share") {
					t.Errorf("no confirmation:\n%s", p.Text())
				}
				if !lands(h.Prove(p, mia)) {
					t.Error("signing in does not work")
				}
			},
			"authorize": func(b *servertest.Browser, _ string) {
				b.Header = signal
				if got := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")); !lands(got) {
					t.Errorf("prompt=none gives %q", got.Header.Get("Location"))
				}
			},
			"portal": func(b *servertest.Browser, _ string) {
				b.Header = signal
				if got := b.Get(h.URL + "/account/consents"); !strings.Contains(got.Text(), "Global Privacy Control") {
					t.Errorf("no confirmation:\n%s", got.Text())
				}
			},
		}
		for name, face := range faces {
			mia := strings.ReplaceAll(name, "-", "") + "@example.test"
			b, p := arrive(t, h, h.Apps["web"], mia)
			if p = p.Submit("action", "deny"); !lands(p) {
				t.Fatal("the sign-up does not offer the purpose")
			}
			tokens := h.Redeem(h.Apps["web"], p.Location().Query().Get("code"))
			id := sold(t, h, mia)
			info := func() string {
				_, body := h.Bearer("/oauth2/userinfo", tokens.AccessToken)
				return string(body)
			}
			for _, no := range []string{"0", "true", "1, 1", ""} {
				b.Header = http.Header{"Sec-Gpc": {no}}
				b.Get(h.URL + "/account/consents")
				b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none"))
			}
			if !strings.Contains(info(), postcode) || objections(h, id) != 0 {
				t.Fatalf("%s: before the signal: %s", name, info())
			}
			b.Header = nil
			face(b, mia)
			if got := info(); strings.Contains(got, postcode) || objections(h, id) != 1 {
				t.Errorf("%s: after the signal %d objections, and userinfo says %s", name, objections(h, id), got)
			}
			face(b, mia)
			if n := objections(h, id); n != 1 {
				t.Errorf("%s: %d objections after the second time", name, n)
			}
		}
	})
}

// Who signs up with the signal is not asked for what it objects to, and the
// objection stands with the account.
func TestH224_ASignUpWithTheSignal(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		sells(h)
		b := servertest.NewBrowser(t)
		b.Header = http.Header{"Sec-Gpc": {"1"}}
		p := b.Get(h.AuthorizeURL(h.Apps["web"])).Submit("identifier", "mia@example.test")
		if p = p.Submit("code", h.Code("mia@example.test")); !lands(p) {
			t.Fatalf("asked all the same:\n%s", p.Text())
		}
		if n := objections(h, idOf(t, h, "mia@example.test")); n != 1 {
			t.Errorf("%d objections", n)
		}
	})
}
