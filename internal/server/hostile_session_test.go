package server_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// adds proves another address in the account of a browser that was proven lately.
func adds(t *testing.T, h *servertest.House, b *servertest.Browser, address string) {
	t.Helper()
	p := b.Get(h.URL + "/account/addresses/add?kind=email")
	at(t, p.Submit("email", address).Submit("code", newest(t, h, address, "/signin/link").Code), "/account/addresses")
}

// removes takes an address off the account of a browser.
func removes(t *testing.T, h *servertest.House, b *servertest.Browser, address string) {
	t.Helper()
	page := b.Get(h.URL + "/account/addresses").Body
	found := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(address) + `.*?/account/addresses/remove\?address=([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("%s cannot be removed", address)
	}
	p := b.Get(h.URL + "/account/addresses/remove?address=" + found[1])
	at(t, p.Submit("address", field(p, "address")), "/account/addresses")
	if exists(h, address) {
		t.Fatalf("%s was not removed", address)
	}
}

// Somebody slips an address into an account; days later its owner takes it off.
// The way back that the intruder was sent is none: who has been there longest
// has the last word.
func TestH115_H116_WhoIsThrownOutDoesNotComeBackByTheWayBack(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		h.Advance(time.Hour)
		b := signedUp(t, h, ann)
		adds(t, h, b, mallet)
		h.Advance(5 * 24 * time.Hour)
		b = signedUp(t, h, ann)
		removes(t, h, b, mallet)
		back := newest(t, h, mallet, "/undo")
		thief := servertest.NewBrowser(t)
		if p := thief.Get(back.Link); p.Status != http.StatusGone {
			t.Errorf("the intruder is offered a way back: %d %s", p.Status, p.Text())
		}
		if thief.Post(h.URL+"/undo", url.Values{"t": {token(back)}, "action": {"continue"}}); exists(h, mallet) || !inside(h, b) {
			t.Error("the intruder is back")
		}
		if p := servertest.NewBrowser(t).Get(newest(t, h, ann, "/undo").Link); p.Status != http.StatusOK {
			t.Errorf("the owner cannot take it back: %d", p.Status)
		}
	})
}

// Somebody slips an address in and throws the owner's out. Whichever of the
// links the owner follows, the intruder's address is gone, and the owner's is
// the primary one.
func TestH115_H116_TheWayBackOfTheOwnerLeavesTheIntruderOut(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		h.Advance(30 * 24 * time.Hour)
		b := signedUp(t, h, ann)
		adds(t, h, b, mallet)
		h.Clock.Advance(time.Minute)
		removes(t, h, b, ann)
		last := newest(t, h, ann, "/undo")
		owner := servertest.NewBrowser(t)
		owner.Get(last.Link).Submit("action", "continue")
		if !exists(h, ann) || exists(h, mallet) {
			t.Fatalf("the owner's address is back: %v; the intruder's, too: %v", exists(h, ann), exists(h, mallet))
		}
		h.Clock.Advance(time.Minute)
		p := owner.Get(h.URL+"/signin?recover=1").Submit("identifier", ann)
		p = p.Submit("code", newest(t, h, ann, "/signin/link").Code)
		h.Finish(p.Submit("new_password", secure))
		page := owner.Get(h.URL + "/account/addresses")
		if !strings.Contains(page.Body, ann) || strings.Contains(page.Body, mallet) || !strings.Contains(page.Text(), "Main") {
			t.Errorf("the owner's addresses: %s", page.Text())
		}
		if inside(h, b) {
			t.Error("the intruder is still signed in")
		}
	})
}

// What somebody prepared under a stranger's address is gone when its owner comes.
func TestH113_H115_APreparedAccountIsEmptyWhenItsOwnerComes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		phc, err := h.Hasher.Hash(t.Context(), secure)
		if err != nil {
			t.Fatal(err)
		}
		var token string
		h.Update(func(tx *db.Tx) error {
			c, err := customer.Register(tx, h.Tenant(), customer.New{Source: "import", Identifiers: []customer.NewIdentifier{
				{Kind: customer.Email, Value: ann}, {Kind: customer.Email, Value: mallet},
			}})
			if err != nil {
				return err
			}
			return credential.SetPassword(tx, h.Tenant(), c.ID, phc)
		})
		token = opened(h, h.Tenant(), idOf(t, h, ann))
		thief := servertest.NewBrowser(t)
		if named(h, thief, ann, "password").Submit("password", secure); inside(h, thief) {
			t.Fatal("a password alone opens an account that nobody has proven")
		}
		h.Clock.Advance(time.Hour)
		owner := signedUp(t, h, ann)
		if exists(h, mallet) {
			t.Error("the prepared address is in")
		}
		if got := (probe{Target: "/account", Cookies: map[string]string{"session": token}}).send(t, h); got.Status == http.StatusOK {
			t.Error("the prepared session goes on")
		}
		again := servertest.NewBrowser(t)
		if p := named(h, again, ann, "password").Submit("password", secure); p.URL.Path == "/account" || !strings.Contains(p.Text(), "does not match") {
			t.Errorf("the prepared password is one: %d %s", p.Status, p.Text())
		}
		if !inside(h, owner) {
			t.Error("the owner is out")
		}
	}, servertest.Options{Settings: passwordAlone})
}

// A way in that was recovered is worth one proof, and no application that asks
// for more is told of more.
func TestH095_RecoveryIsOneProofAndNoMore(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		givePassword(t, h, ann, secure)
		h.Clock.Advance(time.Hour)
		b := servertest.NewBrowser(t)
		p := b.Get(h.URL+"/signin?recover=1").Submit("identifier", ann)
		h.Finish(p.Submit("code", newest(t, h, ann, "/signin/link").Code).Submit("new_password", secure+" two"))
		web := h.Apps["web"]
		tokens := h.Redeem(web, b.Get(h.AuthorizeURL(web, "prompt", "none")).Location().Query().Get("code"))
		var claims struct {
			ACR string   `json:"acr"`
			AMR []string `json:"amr"`
		}
		if err := json.Unmarshal(segment(t, tokens.IDToken, 1), &claims); err != nil {
			t.Fatal(err)
		}
		if claims.ACR != "urn:cardea:acr:single" || strings.Contains(strings.Join(claims.AMR, " "), "mfa") || strings.Contains(strings.Join(claims.AMR, " "), "pwd") {
			t.Errorf("recovery is worth %+v", claims)
		}
		essential := b.Get(h.AuthorizeURL(web, "prompt", "none", "claims", `{"id_token":{"acr":{"essential":true,"value":"urn:cardea:acr:multi"}}}`))
		if essential.Location().Query().Get("code") != "" {
			t.Error("an application that needs two proofs is given a code for one")
		}
	})
}

// Nobody learns how many customers there are.
func TestH079_NothingCounts(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, address := range []string{ann, bob, mallet} {
			signedUp(t, h, address)
		}
		in := enters(t, h, ann)
		for _, r := range routes(t, h) {
			got := in.submits(r.Method, targets(r, in.flow)[0], "")
			for _, name := range []string{"X-Total-Count", "Content-Range", "Link", "X-Count"} {
				if got.Header.Get(name) != "" {
					t.Errorf("%s counts: %s", r.Pattern, got.Header.Get(name))
				}
			}
			if !in.alive() {
				in.again()
			}
		}
		for _, path := range []string{"/sitemap.xml", "/robots.txt", "/account/1", "/customers", "/metrics", "/readyz", "/livez", "/debug/pprof/"} {
			if got := (probe{Target: path, Cookies: in.cookies}).send(t, h); got.Status != http.StatusNotFound {
				t.Errorf("%s: %v", path, got)
			}
		}
		tails := map[string]bool{}
		for _, address := range []string{ann, bob, mallet} {
			id := idOf(t, h, address)
			tails[string(id.Bytes()[9:12])] = true
		}
		if len(tails) != 3 {
			t.Error("ids follow on each other")
		}
	})
}

// Whoever signs out is out: in this browser, by its old cookie, by the back
// button; who signs in next is somebody else.
func TestH139_H158_WhoSignsOutIsOut(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, door := range []string{"/signout", "/account/signout"} {
			h.Clock.Advance(2 * time.Hour)
			b := signedUp(t, h, ann)
			before := cookiesOf(b, h)
			got := probe{Method: "POST", Target: door, Cookies: before, Form: url.Values{"action": {"continue"}}}.send(t, h)
			if got.Header.Get("Clear-Site-Data") == "" || !strings.Contains(strings.Join(got.Header.Values("Set-Cookie"), "\n"), "session=;") {
				t.Errorf("%s: %v", door, got.Header)
			}
			for _, r := range routes(t, h) {
				if r.Access != "session" || r.Method != http.MethodGet {
					continue
				}
				if again := (probe{Target: r.Path, Cookies: before}).send(t, h); again.Status == http.StatusOK || again.holds(ann) != "" {
					t.Errorf("%s with the old cookie: %v", r.Path, again)
				}
			}
			h.Clock.Advance(2 * time.Hour)
			next := servertest.NewBrowser(t)
			next.SetCookie(h.URL, &http.Cookie{Name: "session", Value: before["session"], Path: "/"})
			h.SignUp(next, bob)
			if set := next.Cookie(h.URL, "session"); strings.Contains(set, before["session"]) || !inside(h, next) {
				t.Errorf("the next one carries the former one's session: %s", set)
			}
		}
	})
}

// A session that somebody else named is not taken (fixation), and one's own is
// another one after every proof.
func TestH139_ASessionIsAlwaysANewOne(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		h.Clock.Advance(time.Hour)
		b := servertest.NewBrowser(t)
		planted := strings.Repeat("p", 64)
		b.SetCookie(h.URL, &http.Cookie{Name: "session", Value: planted, Path: "/"})
		h.SignUp(b, ann)
		first := b.Cookie(h.URL, "session")
		if strings.Contains(first, planted) {
			t.Error("a planted session was taken")
		}
		h.Clock.Advance(11 * time.Minute)
		p := b.Get(h.URL + "/account/close") // wants a fresh proof
		at(t, p.Submit("action", "resend").Submit("code", newest(t, h, ann, "/signin/link").Code), "/account/close")
		second := b.Cookie(h.URL, "session")
		if second == first || second == "" {
			t.Error("the token outlives the fresh proof")
		}
		if got := (probe{Target: "/account", Cookies: map[string]string{"session": first}}).send(t, h); got.Status == http.StatusOK {
			t.Error("the former token still opens")
		}
	})
}

// Sessions, addresses and applications of others are not there.
func TestH154_WhatIsSomebodyElsesIsNotThere(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		s := rob(t, h)
		signedUp(t, h, mallet)
		in := enters(t, h, mallet)
		for path, form := range map[string]url.Values{
			"/account/sessions/end":      {"session": {s.session}},
			"/account/addresses/remove":  {"address": {s.seal}},
			"/account/addresses/primary": {"address": {s.seal}},
			"/account/addresses/verify":  {"address": {s.seal}},
			"/account/addresses/change":  {"address": {s.seal}, "email": {"x@example.com"}},
		} {
			got := probe{Method: "POST", Target: path, Cookies: in.cookies, Form: form}.send(t, h)
			if got.Status != http.StatusNotFound || got.holds(ann, bob) != "" {
				t.Errorf("%s: %v", path, got)
			}
		}
		for _, path := range []string{"/account/addresses/remove?address=" + s.seal, "/account/addresses/change?address=" + s.seal} {
			if got := (probe{Target: path, Cookies: in.cookies}).send(t, h); got.Status != http.StatusNotFound || got.holds(ann, bob) != "" {
				t.Errorf("%s: %v", path, got)
			}
		}
		revoke := probe{Method: "POST", Target: "/account/applications/revoke", Cookies: in.cookies, Form: url.Values{"application": {s.app}}}
		revoke.send(t, h)
		s.stillWork(t, h)
		for _, path := range []string{"/account/security", "/account/applications", "/account/addresses"} {
			if got := (probe{Target: path, Cookies: in.cookies}).send(t, h); got.holds(ann, bob, s.session, "Fern web") != "" {
				t.Errorf("%s shows what is another's", path)
			}
		}
	})
}
