package server_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/examples/api"
	"github.com/cardea-id/cardea/examples/shop"
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

const (
	levelSingle    = "urn:cardea:acr:single"
	levelMulti     = "urn:cardea:acr:multi"
	levelResistant = "urn:cardea:acr:phishing-resistant"
)

// stall runs the demo shop with its delivery API against the house and returns
// where.
func stall(t *testing.T, h *servertest.House, change api.Need) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + l.Addr().String()
	var a app.Application
	var secret string
	h.Update(func(tx *db.Tx) (err error) {
		a, secret, err = app.Register(tx, h.Tenant(), app.New{Kind: app.Web, Name: "Stall", FirstParty: true, Settings: app.Settings{
			RedirectURIs: []string{address + "/callback"}, Resources: []string{h.APIURI},
			AllowedScopes: []string{"openid", "email", "profile", "orders:read", "orders:write"},
		}})
		return err
	})
	s := shop.New(shop.Config{
		Issuer: h.URL, ClientID: a.ClientID(), ClientSecret: secret, BaseURL: address, AccountURL: h.URL + "/account",
		Resource: h.APIURI, Change: change, Now: h.Clock.Now,
	}).Server("")
	go func() { _ = s.Serve(l) }() // ends with Close below
	t.Cleanup(func() { _ = s.Close() })
	return address
}

var accountButton = regexp.MustCompile(`name="account" value="([^"]+)"`)

// proven walks a sign-in by code, and says on the way who of the browser it is.
func proven(h *servertest.House, p *servertest.Page, address string) *servertest.Page {
	if m := accountButton.FindStringSubmatch(p.Body); m != nil {
		p = p.Submit("account", m[1])
	}
	return h.Prove(p, address)
}

// TestRFC9470_TheAPIAsksForAFresherSignInAndGetsIt walks the whole way: the API
// answers insufficient_user_authentication, the shop goes back with max_age, the
// customer proves once more, and the API lets the same change through.
func TestRFC9470_TheAPIAsksForAFresherSignInAndGetsIt(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		at := stall(t, h, api.Need{MaxAge: 5 * time.Minute})
		b := servertest.NewBrowser(t)
		p := h.Prove(b.Get(at+"/signin"), ann)
		if !strings.Contains(p.Text(), "Hello") {
			t.Fatalf("not signed in to the shop: %s", p.Text())
		}
		move := func(to string) *servertest.Page { return b.Get(at+"/delivery").Submit("address", to) }
		if p = move("Moss Lane 1"); !strings.Contains(p.Text(), "Moss Lane 1") || !strings.HasPrefix(p.URL.String(), at) {
			t.Fatalf("a fresh sign-in is not enough: %s %s", p.URL, p.Text())
		}
		h.Advance(6 * time.Minute) // the access token is over too: the shop gets another without a page
		b.Trail = nil
		p = move("Heath Road 2")
		if !strings.HasPrefix(p.URL.String(), h.URL) {
			t.Fatalf("nobody asked: %s %s", p.URL, p.Text())
		}
		if trail := strings.Join(b.Trail, " "); !strings.Contains(trail, "max_age=300") || strings.Contains(trail, "Heath") {
			t.Errorf("the way there: %s", trail)
		}
		if b.Get(at + "/delivery"); strings.Contains(p.Text(), "Heath") {
			t.Error("the address was changed before the proof")
		}
		if p = proven(h, move("Heath Road 2"), ann); p.URL.String() != at+"/delivery" || !strings.Contains(p.Text(), "Heath Road 2") {
			t.Errorf("after the proof: %s %s", p.URL, p.Text())
		}
		if p = move("Fern Court 3"); !strings.Contains(p.Text(), "Fern Court 3") {
			t.Errorf("while it is fresh nobody is asked again: %s %s", p.URL, p.Text())
		}
	})
}

// strong is what an API asks for that wants two factors: it compares words, so
// it names the higher level too.
var strong = api.Need{ACR: []string{levelMulti, levelResistant}}

// TestRFC9470_TheAPIAsksForASecondFactorAndGetsIt: the session is not thrown
// away but proven further, by the second factor alone.
func TestRFC9470_TheAPIAsksForASecondFactorAndGetsIt(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		at := stall(t, h, strong)
		b := servertest.NewBrowser(t)
		h.Prove(b.Get(at+"/signin"), ann)
		key := giveApp(t, h, ann)
		before := b.Cookie(h.URL, session.Cookie)
		b.Trail = nil
		p := b.Get(at+"/delivery").Submit("address", "Moss Lane 1")
		if !p.Has("code") || strings.HasPrefix(p.URL.String(), at) {
			t.Fatalf("no second factor is asked for: %s %s", p.URL, p.Text())
		}
		if trail := strings.Join(b.Trail, " "); !strings.Contains(trail, "acr_values=urn%3Acardea%3Aacr%3Amulti+urn%3Acardea%3Aacr%3Aphishing-resistant") {
			t.Errorf("the way there: %s", trail)
		}
		if wrong := p.Submit("code", "000000"); strings.HasPrefix(wrong.URL.String(), at) {
			t.Fatalf("a wrong code passes: %s", wrong.Text())
		}
		p = h.Finish(p.Submit("code", appCode(t, key, h.Clock.Now())))
		if p.URL.String() != at+"/delivery" || !strings.Contains(p.Text(), "Moss Lane 1") {
			t.Fatalf("after the proof: %s %s", p.URL, p.Text())
		}
		if after := b.Cookie(h.URL, session.Cookie); after == before {
			t.Error("the session's token did not change with its assurance (ASVS 7.2.4)")
		}
		h.Advance(6 * time.Minute) // another access token, of the same sign-in
		b.Trail = nil
		if p = b.Get(at+"/delivery").Submit("address", "Heath Road 2"); !strings.Contains(p.Text(), "Heath Road 2") {
			t.Errorf("what was proven is asked again: %s %s", p.URL, p.Text())
		}
	})
}

// TestRFC9470_WhoHasNoSecondFactorIsLedToOne: from nothing but a mailbox to two
// factors on the way, and the change that was asked for is made in the end.
func TestRFC9470_WhoHasNoSecondFactorIsLedToOne(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		at := stall(t, h, strong)
		b := servertest.NewBrowser(t)
		h.Prove(b.Get(at+"/signin"), ann)
		h.Advance(time.Minute)
		p := b.Get(at+"/delivery").Submit("address", "Moss Lane 1")
		if !p.Has("code") { // a fresh proof comes before a new way in
			p = p.Submit("action", "resend")
		}
		p = p.Submit("code", h.Code(ann))
		p = p.Submit("action", "app")
		uri := regexp.MustCompile(`secret=([A-Z2-7]+)`).FindStringSubmatch(p.Body)
		if uri == nil {
			t.Fatalf("no authenticator app is set up: %s %s", p.URL, p.Text())
		}
		p = p.Submit("code", appCode(t, uri[1], h.Clock.Now()))
		for range 3 { // recovery codes, and what else there is to see
			if !strings.HasPrefix(p.URL.String(), at) {
				p = h.Finish(p.Submit())
			}
		}
		if p.URL.String() != at+"/delivery" || !strings.Contains(p.Text(), "Moss Lane 1") {
			t.Fatalf("after the way: %s %s", p.URL, p.Text())
		}
	})
}

// TestRFC9470_AnAPIThatWantsMoreThanThereIsEndsTheCircle: where no proof could
// reach the level, the shop hears so once and says it, and the address stays.
func TestRFC9470_AnAPIThatWantsMoreThanThereIsEndsTheCircle(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		at := stall(t, h, api.Need{ACR: []string{"urn:example:unheard-of"}})
		b := servertest.NewBrowser(t)
		h.Prove(b.Get(at+"/signin"), ann)
		p := b.Get(at+"/delivery").Submit("address", "Moss Lane 1")
		if !strings.Contains(p.Text(), "unmet_authentication_requirements") {
			t.Errorf("%s %s", p.URL, p.Text())
		}
		if p = b.Get(at + "/delivery"); strings.Contains(p.Text(), "Moss") {
			t.Error("the address was changed")
		}
	})
}

// TestRFC9470_TheGuardTellsWhatIsMissing: every way in which a token may fall
// short, and the words for it.
func TestRFC9470_TheGuardTellsWhatIsMissing(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		web := h.Apps["web"]
		b := servertest.NewBrowser(t)
		tokens := h.Redeem(web, h.Authorize(b, web, ann, "resource", h.APIURI, "scope", "openid orders:read").Get("code"))
		foreign := h.Redeem(web, h.Authorize(b, web, ann, "scope", "openid").Get("code"))
		own := h.Token(h.Apps["service"], map[string][]string{"grant_type": {"client_credentials"}, "resource": {h.APIURI}})
		guard := api.NewGuard(api.Config{Issuer: h.URL, Audience: h.APIURI, Now: h.Clock.Now})
		ask := func(n api.Need, authorization string) (int, string) {
			r := httptest.NewRequest(http.MethodGet, "/delivery", nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			w := httptest.NewRecorder()
			guard.Require(n, func(w http.ResponseWriter, r *http.Request) {
				_ = json.NewEncoder(w).Encode(api.Of(r).Subject) // a recorder takes everything
			}).ServeHTTP(w, r)
			return w.Code, w.Header().Get("WWW-Authenticate")
		}
		good := "Bearer " + tokens.AccessToken
		h.Advance(2 * time.Minute)
		const short = `Bearer error="insufficient_user_authentication", error_description="Prove once more who you are"`
		const bad = `Bearer error="invalid_token", error_description="The access token cannot be used here"`
		for name, row := range map[string]struct {
			need   api.Need
			token  string
			status int
			header string
		}{
			"enough":                  {api.Need{Scope: "orders:read", ACR: []string{levelMulti, levelSingle}, MaxAge: 3 * time.Minute}, good, 200, ""},
			"no token":                {api.Need{}, "", 401, "Bearer"},
			"another scheme":          {api.Need{}, "Basic " + tokens.AccessToken, 401, "Bearer"},
			"an ID token":             {api.Need{}, "Bearer " + tokens.IDToken, 401, bad},
			"nonsense":                {api.Need{}, "Bearer a.b.c", 401, bad},
			"an altered token":        {api.Need{}, good[:len(good)-8] + "AAAAAAAA", 401, bad},
			"another audience":        {api.Need{}, "Bearer " + foreign.AccessToken, 401, bad},
			"too little scope":        {api.Need{Scope: "orders:write"}, good, 403, `Bearer error="insufficient_scope", scope="orders:write"`},
			"too weak":                {api.Need{ACR: []string{levelMulti, levelResistant}}, good, 401, short + `, acr_values="` + levelMulti + ` ` + levelResistant + `"`},
			"too old":                 {api.Need{MaxAge: time.Minute}, good, 401, short + `, max_age="60"`},
			"both":                    {api.Need{ACR: []string{levelMulti}, MaxAge: time.Minute}, good, 401, short + `, acr_values="` + levelMulti + `", max_age="60"`},
			"no customer at all":      {api.Need{Scope: "orders:read"}, "Bearer " + own.AccessToken, 200, ""},
			"no customer to be fresh": {api.Need{MaxAge: time.Hour}, "Bearer " + own.AccessToken, 401, short + `, max_age="3600"`},
		} {
			if status, header := ask(row.need, row.token); status != row.status || header != row.header {
				t.Errorf("%s: %d %s", name, status, header)
			}
		}
		h.Advance(4 * time.Minute)
		if status, header := ask(api.Need{}, good); status != 401 || header != bad {
			t.Errorf("over: %d %s", status, header)
		}
	})
}

// appCode is what an authenticator app shows (RFC 6238).
func appCode(t *testing.T, key string, now time.Time) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, raw)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()/30)))
	sum := mac.Sum(nil)
	at := sum[19] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}
