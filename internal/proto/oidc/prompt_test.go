package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// TestOIDC_3_1_2_1_Prompts: what each prompt does with nobody, one or two
// signed in.
func TestOIDC_3_1_2_1_Prompts(t *testing.T) {
	each(t, func(d *desk) {
		one := d.Customer()
		for _, row := range []struct {
			prompt string
			signed int
			app    string
			want   string // an error, "code" at once or "pages"
		}{
			{"", 0, "web", "pages"},
			{"", 1, "web", "code"},
			{"", 2, "web", "pages"},
			{"none", 0, "web", "login_required"},
			{"none", 1, "web", "code"},
			{"none", 2, "web", "account_selection_required"},
			{"none", 1, "partner", "consent_required"},
			{"login", 1, "web", "pages"},
			{"login consent", 1, "web", "pages"},
			{"consent", 1, "web", "pages"},
			{"select_account", 1, "web", "pages"},
			{"create", 1, "web", "pages"},
			{"create", 0, "web", "pages"},
			{"", 1, "partner", "pages"},
		} {
			b := d.browser()
			for i := range row.signed {
				who := one
				if i > 0 {
					who = d.Customer()
				}
				b.enter(who)
			}
			b.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			to := b.get(authorizeURL(d.apps[row.app], "prompt", row.prompt)).header.Get("Location")
			got := "pages"
			if u, err := url.Parse(to); err == nil && u.IsAbs() {
				got = u.Query().Get("error")
				if u.Query().Has("code") {
					got = "code"
				}
			} else if !strings.HasPrefix(to, oidc.PathSignIn+"flo_") {
				got = to
			}
			if got != row.want {
				d.t.Errorf("prompt %q with %d signed in, %s: %s, want %s", row.prompt, row.signed, row.app, got, row.want)
			}
		}
	})
}

func TestOIDC_PromptLoginSignsInAnew(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.get(authorizeURL(d.apps["web"]))
		first := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"])).text("id_token"))
		d.wait(time.Minute)
		second := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"], "prompt", "login")).text("id_token"))
		if first["sub"] != second["sub"] || first["auth_time"].(float64)+60 != second["auth_time"].(float64) || first["sid"] == second["sid"] {
			d.t.Errorf("%v\n%v", first, second)
		}
		third := d.claims(d.redeem(d.apps["web"], b.code(d.apps["web"], "prompt", "none")).text("id_token"))
		if third["sid"] != second["sid"] {
			d.t.Errorf("afterwards the newer session answers: %v", third)
		}
	})
}

func TestOIDC_MaxAge(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		b := d.browser()
		b.enter(d.Customer())
		d.wait(100 * time.Second)
		for _, row := range []struct{ age, want string }{{"100", ""}, {"101", ""}, {"99", "login_required"}, {"0", "login_required"}} {
			if got := b.get(authorizeURL(c, "max_age", row.age, "prompt", "none")).to().Get("error"); got != row.want {
				d.t.Errorf("max_age=%s: %q, want %q", row.age, got, row.want)
			}
		}
		// The pages give a fresh sign-in, even for max_age=0.
		old := d.Clock.Now().Unix()
		if at := d.claims(d.redeem(c, b.code(c, "max_age", "0")).text("id_token"))["auth_time"].(float64); int64(at) < old {
			d.t.Errorf("auth_time %v is older than the request", at)
		}
		d.change(c, func(a *app.Application) { a.Settings.DefaultMaxAge = 60e9 })
		d.wait(2 * time.Minute)
		if got := b.get(authorizeURL(c, "prompt", "none")).to().Get("error"); got != "login_required" {
			d.t.Errorf("the application's own max_age: %q", got)
		}
	})
}

func TestOIDC_IDTokenHintNamesWhoAnswers(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		one, two := d.Customer(), d.Customer()
		b := d.browser()
		b.enter(one)
		hint := d.redeem(c, b.code(c)).text("id_token")
		b.enter(two)
		p := b.get(authorizeURL(c, "prompt", "none", "id_token_hint", hint))
		got := d.claims(d.redeem(c, p.to().Get("code")).text("id_token"))
		if got["sub"] != d.claims(hint)["sub"] {
			d.t.Errorf("another one answers: %v", got)
		}
		d.wait(24 * time.Hour) // an expired hint still says who
		other := d.browser()
		other.enter(two)
		if e := other.get(authorizeURL(c, "prompt", "none", "id_token_hint", hint)).to().Get("error"); e != "login_required" {
			d.t.Errorf("somebody else is signed in: %q", e)
		}
		foreign := d.tokens(d.apps["spa"]).text("id_token")
		access := d.tokens(c).text("access_token")
		for what, bad := range map[string]string{"another application's": foreign, "an access token": access, "altered": altered(hint), "unsigned": unsigned(hint)} {
			if e := other.get(authorizeURL(c, "id_token_hint", bad)).to().Get("error"); e != "invalid_request" {
				d.t.Errorf("%s: %q", what, e)
			}
		}
	})
}

// altered is the token with another first letter of its signature.
func altered(token string) string {
	at := strings.LastIndexByte(token, '.') + 1
	letter := "A"
	if token[at] == 'A' {
		letter = "B"
	}
	return token[:at] + letter + token[at+1:]
}

// unsigned is the token with "alg":"none" and no signature (H041).
func unsigned(token string) string {
	return "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + strings.Split(token, ".")[1] + "."
}

func TestOIDC_LoginHintPicksAmongTheBrowsersAccounts(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		one := d.Customer()
		address := d.addressOf(one)
		b := d.browser()
		b.enter(one)
		b.enter(d.Customer())
		sub := func(extra ...string) any {
			code := b.get(authorizeURL(c, append(extra, "prompt", "none")...)).to().Get("code")
			if code == "" {
				return nil
			}
			return d.claims(d.redeem(c, code).text("id_token"))["sub"]
		}
		alone := d.browser()
		alone.enter(one)
		want := d.claims(d.redeem(c, alone.code(c)).text("id_token"))["sub"]
		if got := sub("login_hint", address); got != want {
			d.t.Errorf("the hint names one of the two: %v, want %v", got, want)
		}
		if got := sub("login_hint", "nobody@example.com"); got != nil {
			d.t.Errorf("a stranger's hint is answered: %v", got)
		}
	})
}
