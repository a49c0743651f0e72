package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

func leaveURL(pairs ...string) string {
	return issuer + oidc.PathEndSession + "?" + set(url.Values{}, pairs...).Encode()
}

const bye = "https://shop.example/bye"

// signedIn is a browser with one session and an ID token of it.
func (d *desk) signedIn() (b *browser, hint string) {
	b = d.browser()
	b.enter(d.Customer())
	return b, d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token")
}

func (b *browser) in() bool {
	return b.get(authorizeURL(b.d.apps["web"], "prompt", "none")).to().Has("code")
}

func TestRPInitiatedLogout_2_AnIDTokenOfTheSessionEndsItAtOnce(t *testing.T) {
	each(t, func(d *desk) {
		for _, method := range []string{"GET", "POST", "foreign POST"} {
			b, hint := d.signedIn()
			q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {`"s&é`}}
			var p *page
			switch method {
			case "GET":
				p = b.get(issuer + oidc.PathEndSession + "?" + q.Encode())
			case "POST":
				p = b.post(issuer, issuer+oidc.PathEndSession, q)
			default:
				p = b.post("https://shop.example", issuer+oidc.PathEndSession, q)
			}
			if p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), bye+"?state=") || p.to().Get("state") != `"s&é` {
				d.t.Errorf("%s: %d %s %s", method, p.status, p.header.Get("Location"), p.body)
			}
			if b.in() || b.cookie() != "" || p.header.Get("Clear-Site-Data") == "" {
				d.t.Errorf("%s: still signed in", method)
			}
		}
	})
}

func TestRPInitiatedLogout_2_AnOldHintIsGoodEnough(t *testing.T) {
	each(t, func(d *desk) {
		b, hint := d.signedIn()
		d.wait(11 * time.Hour)
		if p := b.get(leaveURL("id_token_hint", hint)); p.body != "SIGNED OUT" || b.in() {
			d.t.Errorf("%d %s", p.status, p.body)
		}
	})
}

// TestH152_NobodyElseSignsAnybodyOut: without an ID token of the very session
// the customer is asked first, and the question can be answered from our own
// page alone.
func TestH152_NobodyElseSignsAnybodyOut(t *testing.T) {
	each(t, func(d *desk) {
		b, hint := d.signedIn()
		_, other := d.signedIn()
		for what, address := range map[string]string{
			"nothing":           leaveURL(),
			"client_id":         leaveURL("client_id", d.apps["web"].id, "post_logout_redirect_uri", bye),
			"another's session": leaveURL("id_token_hint", other),
			"unknown client":    leaveURL("client_id", "x"),
		} {
			if p := b.get(address); p.status != http.StatusOK || !strings.HasPrefix(p.body, "ASK ") || !b.in() {
				d.t.Errorf("%s: %d %s", what, p.status, p.body)
			}
		}
		for what, address := range map[string]string{
			"altered hint":         leaveURL("id_token_hint", altered(hint)),
			"unsigned hint":        leaveURL("id_token_hint", unsigned(hint)),
			"other client":         leaveURL("id_token_hint", hint, "client_id", d.apps["spa"].id),
			"foreign address":      leaveURL("id_token_hint", hint, "post_logout_redirect_uri", "https://evil.test/"),
			"almost":               leaveURL("id_token_hint", hint, "post_logout_redirect_uri", bye+"/"),
			"a redirect URI":       leaveURL("id_token_hint", hint, "post_logout_redirect_uri", "https://shop.example/cb"),
			"nobody's address":     leaveURL("client_id", "x", "post_logout_redirect_uri", bye),
			"a parameter twice":    leaveURL("id_token_hint", hint) + "&state=a&state=b",
			"endless state":        leaveURL("id_token_hint", hint, "state", strings.Repeat("s", 5000)),
			"an access token":      leaveURL("id_token_hint", d.tokens(d.apps["web"]).text("access_token")),
			"script as an address": leaveURL("id_token_hint", hint, "post_logout_redirect_uri", "javascript:alert(1)"),
		} {
			if p := b.get(address); p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !b.in() {
				d.t.Errorf("%s: %d %s %s", what, p.status, p.header.Get("Location"), p.body)
			}
		}
		if p := b.get(leaveURL("post_logout_redirect_uri", bye)); !strings.HasPrefix(p.body, "ASK |") {
			d.t.Errorf("an address that nobody vouches for is left out: %d %s", p.status, p.body)
		}
		ask := b.get(leaveURL("client_id", d.apps["web"].id, "post_logout_redirect_uri", bye, "state", "x"))
		name, word, _ := strings.Cut(strings.TrimPrefix(ask.body, "ASK "), "|")
		if name != "Fern web" {
			d.t.Errorf("who asks: %q", name)
		}
		for _, from := range []string{"https://evil.test", "https://shop.example", "null"} {
			if p := b.post(from, issuer+oidc.PathEndSession, url.Values{"confirm": {word}}); p.status != http.StatusForbidden || !b.in() {
				d.t.Errorf("from %s: %d %s", from, p.status, p.body)
			}
		}
		if p := b.post(issuer, issuer+oidc.PathEndSession, url.Values{"confirm": {word + "A"}}); p.status != http.StatusGone || !b.in() {
			d.t.Errorf("altered: %d", p.status)
		}
		if p := b.post(issuer, issuer+oidc.PathEndSession, url.Values{"confirm": {word}, "action": {"deny"}}); p.status == http.StatusOK && strings.Contains(p.body, "OUT") || !b.in() {
			d.t.Errorf("no means no: %d", p.status)
		}
		p := b.post(issuer, issuer+oidc.PathEndSession, url.Values{"confirm": {word}, "action": {"continue"}})
		if p.header.Get("Location") != bye+"?state=x" || b.in() {
			d.t.Errorf("%d %s %s", p.status, p.header.Get("Location"), p.body)
		}
		if p := b.get(leaveURL("id_token_hint", hint, "post_logout_redirect_uri", bye)); p.header.Get("Location") != bye {
			d.t.Errorf("who is out already goes on: %d %s", p.status, p.body)
		}
	})
}

// TestH139_ALostCookieEndsTheSessionAllTheSame: the next customer at this
// browser gets a session of their own, and the old one is dead.
func TestH139_ALostCookieEndsTheSessionAllTheSame(t *testing.T) {
	each(t, func(d *desk) {
		b, hint := d.signedIn()
		kept := b.cookie()
		b.hold("")
		if p := b.get(leaveURL("id_token_hint", hint)); p.body != "SIGNED OUT" {
			d.t.Errorf("%d %s", p.status, p.body)
		}
		stolen := d.browser()
		stolen.hold(kept)
		if stolen.in() {
			d.t.Error("the session lives on, seen by nobody")
		}
		b.enter(d.Customer())
		next := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token"))
		if old := d.claims(hint); next["sid"] == old["sid"] || next["sub"] == old["sub"] {
			d.t.Errorf("the next customer is the last one: %v", next)
		}
	})
}

func TestAHintEndsItsOwnSessionAndLeavesTheOthers(t *testing.T) {
	each(t, func(d *desk) {
		b, hint := d.signedIn()
		other := d.Customer()
		b.enter(other)
		p := b.get(leaveURL("id_token_hint", hint))
		if p.body != "SIGNED OUT" || p.header.Get("Clear-Site-Data") != "" || !b.in() {
			d.t.Errorf("%d %s: the other account is gone too", p.status, p.body)
		}
		got := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token"))
		if got["sub"] == d.claims(hint)["sub"] {
			d.t.Error("the wrong one was signed out")
		}
	})
}

// TestBackChannelLogout_2: an application that was signed in to in the session
// hears of its end, in its own names for customer and session.
func TestBackChannelLogout_2_ApplicationsHearOfTheEnd(t *testing.T) {
	each(t, func(d *desk) {
		var mu sync.Mutex
		var heard []url.Values
		status := http.StatusServiceUnavailable
		ear := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if r.ParseForm() == nil && status == http.StatusOK {
				heard = append(heard, r.PostForm)
			}
			w.WriteHeader(status)
		}))
		defer ear.Close()
		c := d.apps["web"]
		// The test's ear speaks plain HTTP on loopback, which registration refuses.
		d.Update(func(tx *db.Tx) error {
			a, err := app.Get(tx, d.T(), c.ID)
			if err != nil {
				return err
			}
			a.Settings.BackchannelLogoutURI = ear.URL
			if _, err := tx.Exec(`UPDATE application SET settings = $1 WHERE id = $2`, db.JSON(a.Settings), a.ID); err != nil {
				return err
			}
			return tenant.Changed(tx, d.T())
		})
		b, hint := d.signedIn()
		b.code(d.apps["spa"]) // has no ear
		b.get(leaveURL("id_token_hint", hint))
		d.drain()
		if len(heard) != 0 {
			d.t.Fatal("heard while it was down")
		}
		mu.Lock()
		status = http.StatusOK
		mu.Unlock()
		for range 10 {
			d.wait(5 * time.Minute)
			d.drain()
		}
		if len(heard) != 1 || len(heard[0]) != 1 {
			d.t.Fatalf("heard %v", heard)
		}
		token := heard[0].Get("logout_token")
		if _, err := d.T().Verify("logout+jwt", token); err != nil {
			d.t.Error(err)
		}
		got, id := d.claims(token), d.claims(hint)
		var events map[string]map[string]any
		raw, _ := json.Marshal(got["events"])
		_ = json.Unmarshal(raw, &events)
		ev, told := events["http://schemas.openid.net/event/backchannel-logout"]
		if got["iss"] != issuer || got["aud"] != c.id || got["sub"] != id["sub"] || got["sid"] != id["sid"] || got["jti"] == nil || got["nonce"] != nil ||
			!told || len(ev) != 0 || got["exp"].(float64)-got["iat"].(float64) > 120 || len(got) != 8 {
			d.t.Errorf("%v", got)
		}
		if p := b.get(authorizeURL(c, "id_token_hint", token, "prompt", "none")); p.to().Get("error") != "invalid_request" {
			d.t.Error("a logout token passes for an ID token")
		}
	})
}

func TestSessionsHaveADifferentNameForEachApplication(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		one := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token"))["sid"]
		two := d.claims(d.redeem(d.apps["spa"], b.code(d.apps["spa"])).text("id_token"))["sid"]
		again := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token"))["sid"]
		if one == two || one != again || strings.HasPrefix(one.(string), "ses_") {
			d.t.Errorf("%v %v %v", one, two, again)
		}
	})
}
