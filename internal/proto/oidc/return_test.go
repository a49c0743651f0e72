package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

func TestH010_AJourneyComesBackOnceToItsOwnBrowserAndAddress(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		resumed := b.pause(authorizeURL(d.apps["web"], "state", "mine"))
		if resumed == "" {
			d.t.Fatal("the pages do not come back")
		}
		for what, other := range map[string]*browser{"no cookie": d.browser(), "another browser": func() *browser { o := d.browser(); o.get(authorizeURL(d.apps["spa"])); return o }()} {
			if p := other.get(resumed); p.header.Get("Location") != "" || p.status < 400 {
				d.t.Errorf("%s: %d %s", what, p.status, p.header.Get("Location"))
			}
		}
		p := b.get(resumed + "&redirect_uri=https://shop.example/other&state=evil&client_id=" + d.apps["spa"].id)
		if !strings.HasPrefix(p.header.Get("Location"), "https://shop.example/cb?code=") || p.to().Get("state") != "mine" {
			d.t.Errorf("what is added on the way back counts: %s", p.header.Get("Location"))
		}
		if p := b.get(resumed); p.status != http.StatusGone || p.header.Get("Location") != "" {
			d.t.Errorf("a second time: %d %s", p.status, p.header.Get("Location"))
		}
		for _, bad := range []string{"", "?flow=", "?flow=flo_00000000000000000000000000", "?flow=x"} {
			if p := b.get(issuer + oidc.PathResume + bad); p.status < 400 || p.status >= 500 {
				d.t.Errorf("%q: %d", bad, p.status)
			}
		}
	})
}

func TestAJourneyHearsWhatChangedMeanwhile(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		b := d.browser()
		to := b.pause(authorizeURL(c, "scope", "openid email"))
		d.change(c, func(a *app.Application) { a.Settings.AllowedScopes = []string{"openid"} })
		if a := d.redeem(c, b.get(to).to().Get("code")); a.text("scope") != "openid" {
			d.t.Errorf("a scope that was taken from the application: %s", a.raw)
		}
		d.change(c, func(a *app.Application) { a.Settings.AllowedScopes = []string{"openid", "email", "orders:read"} })
		b = d.browser()
		to = b.pause(authorizeURL(c, "scope", "openid orders:read", "resource", apiURI))
		d.change(d.apps["api"], func(a *app.Application) { a.Enabled = false })
		if q := b.get(to).to(); q.Get("error") != "invalid_target" || q.Has("code") {
			d.t.Errorf("an API that is gone: %v", q)
		}
		b = d.browser()
		to = b.pause(authorizeURL(c, "scope", "openid email"))
		d.change(c, func(a *app.Application) { a.Settings.RedirectURIs = []string{"https://shop.example/other"} })
		shown(d.t, "a redirect URI that is gone", b.get(to))
	})
}

// TestH067_ALockBetweenThePagesAndTheReturnHolds: see
// TestH052_H067_TheWorldIsAskedAgain for the moments after it.
func TestH067_ALockBetweenThePagesAndTheReturnHolds(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		to := b.pause(authorizeURL(d.apps["web"]))
		d.Update(func(tx *db.Tx) error {
			who, _, err := customer.ByIdentifier(tx, d.T(), customer.Email, newcomer)
			if err != nil {
				return err
			}
			return d.p.Acts().Lock(tx, d.T(), who.ID, account.Staff{Actor: journal.Actor{Kind: "operator"}, Reason: "test"})
		})
		if p := b.get(to); p.to().Get("error") != "login_required" || p.to().Has("code") {
			d.t.Errorf("%d %s", p.status, p.header.Get("Location"))
		}
		if p := b.get(authorizeURL(d.apps["web"])); p.to().Get("error") != "access_denied" {
			d.t.Errorf("and from the start: %d %s", p.status, p.header.Get("Location"))
		}
	})
}

func TestTheCustomerMayRefuse(t *testing.T) {
	each(t, func(d *desk) {
		d.deny = true
		p := d.browser().get(authorizeURL(d.apps["partner"]))
		if q := p.to(); q.Get("error") != "access_denied" || q.Get("iss") != issuer || q.Get("state") != "st-1" {
			d.t.Errorf("%d %s", p.status, p.header.Get("Location"))
		}
	})
}

// TestWhatWasAskedOfClaimsRestsWithoutValues: a claims request may name
// somebody's address; only names are kept with the grant.
func TestWhatWasAskedOfClaimsRestsWithoutValues(t *testing.T) {
	each(t, func(d *desk) {
		d.authorize(d.apps["web"], "claims", `{"id_token":{"email":{"value":"secret@example.com"}},"userinfo":{"name":{"essential":true}}}`)
		d.View(func(tx *db.Tx) error {
			text, _, err := db.Value[string](tx, `SELECT claims FROM app_grant`)
			var parsed map[string]map[string]any
			if json.Unmarshal([]byte(text), &parsed) != nil || strings.Contains(text, "secret") || len(parsed["id_token"]) != 1 {
				d.t.Errorf("kept: %s", text)
			}
			return err
		})
	})
}

func TestH151_AMalformedCookieIsNobody(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		good := b.cookie()
		for _, bad := range []string{"x", ".", good[:len(good)-1], good + "A", strings.Repeat("a", 3000), good[1:], strings.Repeat(".", 50)} {
			b.hold(bad)
			if e := b.get(authorizeURL(d.apps["web"], "prompt", "none")).to().Get("error"); e != "login_required" {
				d.t.Errorf("%.20q: %q", bad, e)
			}
		}
	})
}

// TestAJourneyToThePortalIsNotOurs: a plain sign-in that has ended is neither
// answered nor used up here.
func TestAJourneyToThePortalIsNotOurs(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		word := secret.Token()
		u, _ := url.Parse(issuer + "/")
		b.jar.SetCookies(u, []*http.Cookie{{Name: "__Host-" + oidc.BrowserCookie, Value: word, Path: "/", Secure: true}})
		binding := secret.Digest([]byte(word))
		var flow signin.Flow
		d.Update(func(tx *db.Tx) (err error) {
			flow, err = signin.Begin(tx, d.T(), signin.New{Browser: binding, Facts: signin.Facts{Kind: signin.SignIn}, Request: signin.Request{ReturnPath: "/account"}})
			if err != nil {
				return err
			}
			return signin.End(tx, d.T(), &flow, signin.Outcome{Reason: signin.AccessDenied})
		})
		if p := b.get(issuer + oidc.PathResume + "?flow=" + flow.ID.String()); p.status != http.StatusGone || p.header.Get("Location") != "" {
			d.t.Errorf("%d %s %s", p.status, p.header.Get("Location"), p.body)
		}
		d.View(func(tx *db.Tx) error {
			_, there, err := signin.Ended(tx, d.T(), flow.ID, binding)
			if !there {
				d.t.Error("the journey was used up")
			}
			return err
		})
	})
}
