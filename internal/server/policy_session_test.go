package server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// limitApp changes the limits of a registered application.
func limitApp(h *servertest.House, c *servertest.Client, change func(*app.Settings)) {
	h.TB.Helper()
	h.Update(func(tx *db.Tx) error {
		a, err := app.Get(tx, h.Tenant(), c.ID)
		if err == nil {
			change(&a.Settings)
			_, err = app.Change(tx, h.Tenant(), a)
		}
		return err
	})
}

// TestH155_AShorterRuleIsFeltByWhoIsSignedIn: a remembered session, the refresh
// token that hangs on it, and an application's own limits, each shortened while
// they stand.
func TestH155_AShorterRuleIsFeltByWhoIsSignedIn(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		web, spa := h.Apps["web"], h.Apps["spa"]
		b := servertest.NewBrowser(t)
		p := b.Get(h.AuthorizeURL(web, "scope", "openid offline_access")).Submit("identifier", ann, "remember", "on")
		p = h.Finish(p.Submit("code", h.Code(ann)))
		tokens := h.Redeem(web, p.Location().Query().Get("code"))
		if tokens.RefreshToken == "" {
			t.Fatalf("%+v", tokens)
		}
		silent := func(c *servertest.Client) string {
			return b.Get(h.AuthorizeURL(c, "prompt", "none")).Location().Query().Get("error")
		}
		h.Advance(26 * time.Hour)
		if e := silent(web); e != "" {
			t.Fatalf("a remembered session after a day: %q", e)
		}
		limitApp(h, web, func(s *app.Settings) { s.SessionAbsolute = tenant.Duration(12 * time.Hour) })
		if e, o := silent(web), silent(spa); e != "login_required" || o != "" {
			t.Errorf("the application's limit: %q, another application %q", e, o)
		}
		if again := h.Refresh(web, tokens.RefreshToken); again.Error != "invalid_grant" {
			t.Errorf("the refresh token outlives the application's limit: %+v", again)
		}
		h.Configure(func(s *tenant.Settings) {
			s.Session.RememberIdle, s.Session.RememberAbsolute = tenant.Duration(time.Hour), tenant.Duration(2*time.Hour)
		})
		if inside(h, b) || silent(spa) != "login_required" {
			t.Error("a remembered session outlives the tenant's rule")
		}
	})
}

// TestH139_AProofForAnApplicationChangesTheToken: what a browser held before a
// step-up opens nothing more than it did; and the former session of the same
// customer in this browser does not stay behind under it.
func TestH139_AProofForAnApplicationChangesTheToken(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		before := b.Cookie(h.URL, session.Cookie)
		h.Advance(20 * time.Minute)
		p := proven(h, b.Get(h.AuthorizeURL(h.Apps["web"], "max_age", "60")), ann)
		if p.Location().Query().Get("code") == "" {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		after := b.Cookie(h.URL, session.Cookie)
		if first, _, _ := strings.Cut(after, "."); after == before || strings.HasPrefix(before, first) && first != "" {
			t.Errorf("the same token before and after: %s, %s", before, after)
		}
		for _, max := range []string{"60", "0"} {
			old := servertest.NewBrowser(t)
			old.SetCookie(h.URL, &http.Cookie{Name: session.Cookie, Value: before, Path: "/"})
			if e := old.Get(h.AuthorizeURL(h.Apps["web"], "max_age", max, "prompt", "none")).Location().Query().Get("error"); e != "login_required" {
				t.Errorf("the former token passes for the fresh one with max_age=%s: %q", max, e)
			}
		}
	})
}

// TestH140_EveryCookieIsForThisHostAlone walks in, through an application and
// out again: no cookie of the house names a domain, is readable by scripts, or
// goes along with other sites' posts.
func TestH140_EveryCookieIsForThisHostAlone(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		b := signedUp(t, h, ann)
		cookies := cookiesOf(b, h)
		seen := 0
		for _, r := range []probe{
			{Target: "/signin"}, {Target: "/signin", Cookies: cookies}, {Target: "/account", Cookies: cookies},
			{Target: strings.TrimPrefix(h.AuthorizeURL(h.Apps["web"]), h.URL)},
			{Method: "POST", Target: "/signout", Cookies: cookies, Form: map[string][]string{"action": {"continue"}}},
		} {
			for _, line := range r.send(t, h).Header.Values("Set-Cookie") {
				seen++
				low := strings.ToLower(line)
				if strings.Contains(low, "domain=") || !strings.Contains(low, "httponly") || !strings.Contains(low, "samesite=") || strings.Contains(low, "samesite=none") || !strings.Contains(low, "path=/") {
					t.Errorf("%s sets %s", r.Target, line)
				}
			}
		}
		if seen < 3 {
			t.Errorf("only %d cookies were seen", seen)
		}
	})
}
