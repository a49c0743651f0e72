package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/server/servertest"
)

// These go through the whole house: the server's own router, the hosted pages
// and messages. Everything that needs no page is proven at the desk.

func TestThroughTheHostedPages(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, name := range []string{"web", "spa", "partner"} {
			c, b := h.Apps[name], servertest.NewBrowser(t)
			address := name + "@example.com"
			q := h.Authorize(b, c, address, "scope", "openid email offline_access")
			if q.Get("code") == "" || q.Get("iss") != h.URL || q.Get("state") != "st-1" {
				t.Fatalf("%s: %v", name, q)
			}
			tokens := h.Redeem(c, q.Get("code"))
			status, body := h.Bearer("/oauth2/userinfo", tokens.AccessToken)
			var person map[string]any
			if json.Unmarshal(body, &person) != nil || status != http.StatusOK || person["email"] != address || person["email_verified"] != true {
				t.Errorf("%s: %d %s", name, status, body)
			}
			if again := h.Refresh(c, tokens.RefreshToken); again.Status != http.StatusOK || again.RefreshToken == tokens.RefreshToken {
				t.Errorf("%s: %+v", name, again)
			}
			// Single sign-on: the same browser is known now, and consent remembered.
			p := b.Get(h.AuthorizeURL(c, "scope", "openid email offline_access", "prompt", "none"))
			if got := p.Location().Query(); got.Get("code") == "" {
				t.Errorf("%s: silently: %v", name, got)
			}
		}
	})
}

func TestThePagesOfAnApplicationMayEndAtIt(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		p := servertest.NewBrowser(t).Get(h.AuthorizeURL(h.Apps["web"]))
		policy := p.Header.Get("Content-Security-Policy")
		if p.Status != http.StatusOK || !strings.Contains(policy, "form-action 'self' https://shop.example") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%d %s", p.Status, policy)
		}
	})
}

func TestRefusingConsentTellsTheApplication(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		h.SignUp(b, "ada@example.com")
		p := b.Get(h.AuthorizeURL(h.Apps["partner"]))
		for range 4 { // a chooser may stand before the question
			if p.Has("deny") {
				break
			}
			p = p.Submit()
		}
		q := p.Submit("action", "deny").Location().Query()
		if q.Get("error") != "access_denied" || q.Get("iss") != h.URL || q.Get("state") != "st-1" || q.Has("code") {
			t.Errorf("%v", q)
		}
	})
}

func TestErrorsBeforeTheRedirectAreOurOwnPage(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		for what, address := range map[string]string{
			"client":   h.AuthorizeURL(h.Apps["web"], "client_id", "app_x"),
			"redirect": h.AuthorizeURL(h.Apps["web"], "redirect_uri", "https://evil.test/cb"),
			"resume":   h.URL + "/oauth2/resume?flow=x",
			"logout":   h.URL + "/oauth2/end-session?id_token_hint=x",
		} {
			p := b.Get(address)
			if p.Status != http.StatusBadRequest && p.Status != http.StatusForbidden || p.Header.Get("Location") != "" || strings.Contains(p.Body, "//evil.test") || !strings.Contains(p.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s: %d %s", what, p.Status, p.Body)
			}
		}
	})
}

func TestH152_TheSignOutPageAsksAndSignsOut(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		c := h.Apps["web"]
		tokens := h.Redeem(c, h.Authorize(b, c, "ada@example.com").Get("code"))
		leave := h.URL + "/oauth2/end-session?" + url.Values{"client_id": {c.ClientID}, "post_logout_redirect_uri": {"https://shop.example/bye"}, "state": {"s"}}.Encode()
		p := b.Get(leave)
		if p.Status != http.StatusOK || !p.Has("confirm") || !strings.Contains(p.Text(), c.Name) {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		to := p.Submit("action", "continue").Location()
		if to.String() != "https://shop.example/bye?state=s" {
			t.Errorf("%s", to)
		}
		if status, _ := h.Bearer("/oauth2/userinfo", tokens.AccessToken); status != http.StatusUnauthorized {
			t.Errorf("the token outlives the session: %d", status)
		}
		if p := b.Get(h.AuthorizeURL(c, "prompt", "none")); p.Location().Query().Get("error") != "login_required" {
			t.Error("still signed in")
		}
	})
}

// TestH028_AnotherBrowsersJourneyIsNotMine: an attacker's finished journey,
// opened in the victim's browser, signs nobody in.
func TestH028_AnotherBrowsersJourneyIsNotMine(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		attacker, victim := servertest.NewBrowser(t), servertest.NewBrowser(t)
		p := attacker.Get(h.AuthorizeURL(h.Apps["web"]))
		flow := p.URL.Path[strings.LastIndex(p.URL.Path, "/")+1:]
		for range 2 { // once without, once with a browser secret of its own
			for _, path := range []string{"/signin/" + flow, "/oauth2/resume?flow=" + flow} {
				if got := victim.Get(h.URL + path); got.Status < 400 || got.Header.Get("Location") != "" {
					t.Errorf("%s: %d %s", path, got.Status, got.Text())
				}
			}
			victim.Get(h.AuthorizeURL(h.Apps["web"]))
		}
		if victim.Cookie(h.URL, "session") != "" {
			t.Error("the victim is signed in")
		}
	})
}

func TestH019_AcrossTheWireOneOfFiftyRedeems(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		c := h.Apps["web"]
		code := h.Authorize(servertest.NewBrowser(t), c, "ada@example.com").Get("code")
		won := make(chan bool, 50)
		for range 50 {
			go func() { won <- h.Redeem(c, code).Status == http.StatusOK }()
		}
		n := 0
		for range 50 {
			if <-won {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d of 50", n)
		}
	})
}

func TestAnAccessTokenIsKnownForFiveMinutes(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		c := h.Apps["web"]
		b := servertest.NewBrowser(t)
		tokens := h.Redeem(c, h.Authorize(b, c, "ada@example.com", "scope", "openid").Get("code"))
		if h.Introspect(c, tokens.AccessToken)["active"] != true {
			t.Fatal("not active")
		}
		h.Advance(4 * time.Minute)
		if h.Introspect(c, tokens.AccessToken)["active"] != true {
			t.Error("it ends too soon")
		}
		h.Advance(time.Minute)
		if h.Introspect(c, tokens.AccessToken)["active"] != false {
			t.Error("it lives on")
		}
	})
}
