package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The main job: a person nobody knows signs up on the way from an application,
// and the application learns who came.
func TestAStrangerSignsUpOnTheWayFromAnApplication(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		answer := h.Authorize(b, h.Apps["web"], "ada@example.com", "scope", "openid email offline_access")
		if answer.Get("state") != "st-1" || answer.Get("iss") != h.URL || answer.Get("code") == "" {
			t.Fatalf("the application was answered: %v", answer)
		}
		tokens := h.Redeem(h.Apps["web"], answer.Get("code"))
		if tokens.Status != 200 || tokens.IDToken == "" || tokens.RefreshToken == "" {
			t.Fatalf("tokens: %+v", tokens)
		}
		status, body := h.Bearer("/oauth2/userinfo", tokens.AccessToken)
		var who map[string]any
		if err := json.Unmarshal(body, &who); err != nil || status != 200 || who["email"] != "ada@example.com" || who["email_verified"] != true {
			t.Fatalf("userinfo: %d %s", status, body)
		}
		if again := h.Refresh(h.Apps["web"], tokens.RefreshToken); again.Status != 200 || again.RefreshToken == tokens.RefreshToken {
			t.Fatalf("refresh: %+v", again)
		}
	})
}

func TestASecondVisitIsAnsweredWithoutAPage(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		h.SignUp(b, "ada@example.com")
		p := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none"))
		if q := p.Location().Query(); q.Get("code") == "" {
			t.Fatalf("no code without a page: %v", q)
		}
	})
}

func TestMyAccountOpensAfterSigningUp(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := servertest.NewBrowser(t)
		p := h.SignUp(b, "ada@example.com")
		if p.URL.Path != "/account" || p.Status != 200 {
			t.Fatalf("after signing up: %d %s\n%s", p.Status, p.URL, p.Text())
		}
		for _, path := range []string{"/account/profile", "/account/security", "/account/applications", "/account/addresses", "/account/language", "/account/close"} {
			if p := b.Get(h.URL + path); p.Status != 200 || strings.HasPrefix(p.Title(), "There is") {
				t.Errorf("%s: %d %s", path, p.Status, p.Title())
			}
		}
	})
}
