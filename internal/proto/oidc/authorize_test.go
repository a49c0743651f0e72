package oidc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// shown fails unless the answer is an error page that leads nowhere.
func shown(t *testing.T, what string, p *page) {
	t.Helper()
	if p.status != http.StatusBadRequest || !strings.HasPrefix(p.body, "SHOWN ") || p.header.Get("Location") != "" || strings.Contains(p.body, "evil") {
		t.Errorf("%s: %d %q %.80s", what, p.status, p.header.Get("Location"), p.body)
	}
}

func TestH001_H002_H011_RedirectURIsAreComparedByteForByte(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		for _, uri := range []string{
			"https://shop.example@evil.test/cb", "https://shop.example%40evil.test/cb", "https://a@b@evil.test/cb",
			`https://shop.example\@evil.test/cb`, "https://shop.example:443@evil.test", "https://shop.example:443/cb",
			"https://shop.example/cb/..;/x", "https://shop.example/cb/%2e%2e/x", "https://shop.example/cb//x", "https://shop.example/cb/",
			"https://shop.example/CB", "https://SHOP.example/cb", "https://shop.example/cb;j=1", "https://shop.example/cb?x=1",
			"https://shop.example/cb#f", "https://shop.example/cb?", "https://shop.example/cb#", "http://shop.example/cb", "https://shop.example.evil.test/cb",
			"https://shop.example/cb\r\nX: y", "https://shop.example/cb\t", " https://shop.example/cb", "https://shop．example/cb", "https://shop。example/cb",
			"https://xn--shp-hna.example/cb", "https://shоp.example/cb", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//shop.example/cb", "/cb", "",
		} {
			for _, mode := range []string{"", "form_post"} {
				shown(d.t, uri+" "+mode, b.get(authorizeURL(d.apps["web"], "redirect_uri", uri, "response_mode", mode)))
			}
		}
		for _, raw := range []string{"%00", "%C0%80", "%ED%A0%80"} { // H169
			p := b.get(strings.Replace(authorizeURL(d.apps["web"]), "shop.example%2Fcb", "shop.example%2Fcb"+raw, 1))
			if p.status != http.StatusBadRequest || p.header.Get("Location") != "" {
				d.t.Errorf("%s: %d", raw, p.status)
			}
		}
	})
}

func TestH004_TheLoopbackPortIsOpenToNativeApplicationsAlone(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"} {
			if p := b.get(authorizeURL(d.apps["native"], "redirect_uri", uri)); !strings.HasPrefix(p.header.Get("Location"), uri+"?code=") {
				d.t.Errorf("%s: %d %q", uri, p.status, p.header.Get("Location"))
			}
		}
		// No policy of a page can name an IPv6 address, so the browser leaves by a page.
		p := b.get(authorizeURL(d.apps["native"], "redirect_uri", "http://[::1]:4711/cb"))
		if p.status != http.StatusOK || !strings.Contains(p.body, "url=http://[::1]:4711/cb?code=") {
			d.t.Errorf("IPv6: %d %s", p.status, p.body)
		}
		if p := b.get(authorizeURL(d.apps["native"], "redirect_uri", "com.example.shop:/cb")); !strings.HasPrefix(p.header.Get("Location"), "com.example.shop:/cb?code=") {
			d.t.Errorf("own scheme: %d %q", p.status, p.header.Get("Location"))
		}
		for _, uri := range []string{
			"http://127.0.0.1.evil.test/cb", "http://127.0.0.1:80@evil.test/cb", "http://localhost:1/cb", "http://0.0.0.0/cb", "http://127.1/cb",
			"http://127.0.0.2/cb", "http://[::2]/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:70000/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:1/cb/", "https://127.0.0.1/cb",
		} {
			shown(d.t, uri, b.get(authorizeURL(d.apps["native"], "redirect_uri", uri)))
		}
		// The code is bound to the port that was asked for.
		code := b.code(d.apps["native"], "redirect_uri", "http://127.0.0.1:5000/cb")
		if a := d.redeem(d.apps["native"], code, "redirect_uri", "http://127.0.0.1:5001/cb"); a.text("error") != "invalid_grant" {
			d.t.Errorf("another port: %s", a.raw)
		}
	})
}

func TestH013_H016_BeforeTheRedirectIsProvenNothingIsSentAnywhere(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		evil := "https://evil.test/cb"
		unknown := "app_00000000000000000000000000"
		for what, address := range map[string]string{
			"unknown client":     authorizeURL(d.apps["web"], "client_id", unknown),
			"no client":          authorizeURL(d.apps["web"], "client_id", ""),
			"hostile client":     authorizeURL(d.apps["web"], "client_id", "x' OR 1=1 --"),
			"both":               authorizeURL(d.apps["web"], "client_id", unknown, "redirect_uri", evil),
			"bad redirect":       authorizeURL(d.apps["web"], "redirect_uri", evil),
			"bad and form_post":  authorizeURL(d.apps["web"], "redirect_uri", evil, "response_mode", "form_post"),
			"bad and none":       authorizeURL(d.apps["web"], "redirect_uri", evil, "prompt", "none"),
			"client twice":       authorizeURL(d.apps["web"]) + "&client_id=" + d.apps["spa"].id,
			"redirect twice":     authorizeURL(d.apps["web"]) + "&redirect_uri=" + url.QueryEscape(evil),
			"state twice":        authorizeURL(d.apps["web"]) + "&state=2",
			"empty beside full":  authorizeURL(d.apps["web"]) + "&scope=",
			"other app's URI":    authorizeURL(d.apps["web"], "redirect_uri", d.apps["spa"].redirect),
			"a service":          authorizeURL(d.apps["service"], "redirect_uri", "https://shop.example/cb"),
			"an error reflected": issuer + oidc.PathAuthorize + "?error=<svg/onload=evil>&error_description=evil",
		} {
			p := b.get(address)
			shown(d.t, what, p)
			if strings.Contains(p.body, "<svg") {
				d.t.Errorf("%s is reflected", what)
			}
		}
		d.change(d.apps["spa"], func(a *app.Application) { a.Enabled = false })
		shown(d.t, "disabled", b.get(authorizeURL(d.apps["spa"])))
	})
}

// TestRFC6749_4_1_2_1_TheTableRedirectsItsErrors walks every row of the table:
// the error goes to the application, with `iss` and `state` (H026), and nobody
// signs in for it.
func TestRFC6749_4_1_2_1_TheTableRedirectsItsErrors(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		long := func(n int) string { return strings.Repeat("a", n) }
		web := d.apps["web"]
		for _, row := range []struct {
			want  string
			extra []string
		}{
			{"invalid_request", []string{"response_mode", "fragment"}},
			{"invalid_request", []string{"response_mode", "form_post.jwt"}},
			{"request_not_supported", []string{"request", "e30.e30."}},
			{"request_uri_not_supported", []string{"request_uri", "https://evil.test/r"}},
			{"registration_not_supported", []string{"registration", "{}"}},
			{"invalid_request", []string{"response_type", ""}},
			{"unsupported_response_type", []string{"response_type", "token"}},
			{"unsupported_response_type", []string{"response_type", "code id_token"}},
			{"invalid_request", []string{"code_challenge", ""}},
			{"invalid_request", []string{"code_challenge_method", ""}},
			{"invalid_request", []string{"code_challenge_method", "plain"}},
			{"invalid_request", []string{"code_challenge_method", "s256"}},
			{"invalid_request", []string{"code_challenge", long(42)}},
			{"invalid_request", []string{"code_challenge", long(44)}},
			{"invalid_request", []string{"code_challenge", strings.Repeat("~", 43)}},
			{"invalid_request", []string{"code_challenge", challenge[:42] + "N"}}, // bits left over
			{"invalid_scope", []string{"scope", ""}},
			{"invalid_scope", []string{"scope", "nobody:knows"}},
			{"invalid_scope", []string{"scope", "openid \"x"}},
			{"invalid_scope", []string{"scope", "openid\tprofile"}},
			{"invalid_scope", []string{"scope", long(4097)}},
			{"invalid_target", []string{"resource", "https://unknown.example"}},
			{"invalid_target", []string{"resource", "https://stock.fernfield.example"}},
			{"invalid_target", []string{"resource", apiURI + "/"}},
			{"invalid_target", []string{"resource", apiURI + "#f"}},
			{"invalid_target", []string{"resource", "orders"}},
			{"invalid_request", []string{"nonce", long(513)}},
			{"invalid_request", []string{"prompt", "sing"}},
			{"invalid_request", []string{"prompt", "none login"}},
			{"invalid_request", []string{"max_age", "-1"}},
			{"invalid_request", []string{"max_age", "1e3"}},
			{"invalid_request", []string{"max_age", "007"}},
			{"invalid_request", []string{"max_age", "99999999999999999999"}},
			{"invalid_request", []string{"acr_values", long(4097)}},
			{"invalid_request", []string{"claims", "{"}},
			{"invalid_request", []string{"claims", `[]`}},
			{"invalid_request", []string{"claims", `{"id_token":{"email":1}}`}},
			{"invalid_request", []string{"claims", `{"id_token":{},"ID_TOKEN":{}}`}},
			{"invalid_request", []string{"claims", `{"id_token":` + strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat("}", 41)}},
			{"invalid_request", []string{"claims", `{"id_token":{"` + long(8200) + `":null}}`}},
			{"unmet_authentication_requirements", []string{"claims", `{"id_token":{"acr":{"essential":true,"value":"urn:nobody"}}}`}},
			{"invalid_request", []string{"login_hint", long(321)}},
			{"invalid_request", []string{"id_token_hint", "e30.e30.e30"}},
			{"login_required", []string{"claims", `{"id_token":{"sub":{"value":"nobody"}}}`, "prompt", "none"}},
			{"login_required", []string{"claims", `{"id_token":{"sub":{"value":"nobody"}}}`}},
		} {
			p := b.get(authorizeURL(web, row.extra...))
			q := p.to()
			if p.status != http.StatusSeeOther || !strings.HasPrefix(p.header.Get("Location"), web.redirect+"?error=") || q.Get("error") != row.want ||
				q.Get("iss") != issuer || q.Get("state") != "st-1" || q.Get("code") != "" || q.Get("error_description") == "" {
				d.t.Errorf("%v: %d %s", row.extra, p.status, p.header.Get("Location"))
			}
			if p.header.Get("Cache-Control") != "no-store" || p.header.Get("Referrer-Policy") != "no-referrer" {
				d.t.Errorf("%v: kept or told: %v", row.extra, p.header)
			}
		}
		p := b.get(authorizeURL(web) + "&resource=" + apiURI + "&resource=https://stock.fernfield.example")
		if p.to().Get("error") != "invalid_target" {
			d.t.Errorf("two resources: %s", p.header.Get("Location"))
		}
		p = b.get(authorizeURL(web, "state", strings.Repeat("s", 4097)))
		if p.to().Get("error") != "invalid_request" || p.to().Has("state") {
			d.t.Errorf("endless state: %d", p.status)
		}
		p = b.get(authorizeURL(web, "request", "", "nonce", "", "max_age", "") + "&request=&prompt=&max_age=&response_mode=")
		if p.to().Get("code") == "" {
			d.t.Errorf("RFC 6749, 3.1: parameters without a value count as not sent: %s", p.header.Get("Location"))
		}
	})
}

func TestH020_NoApplicationDoesWithoutS256(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"web", "spa", "native", "partner"} {
			c := d.apps[name]
			b := d.browser()
			b.enter(d.Customer())
			if p := b.get(authorizeURL(c, "code_challenge", "", "code_challenge_method", "", "prompt", "none")); p.to().Get("error") != "invalid_request" {
				d.t.Errorf("%s: no challenge: %s", name, p.header.Get("Location"))
			}
		}
		c := d.apps["web"]
		for what, v := range map[string]string{
			"none": "", "42 characters": verifier[:42], "129 characters": strings.Repeat("a", 129), "a plus": verifier[:42] + "+",
			"the challenge": challenge, "another": strings.Repeat("w", 43), "a space": verifier + " ",
		} {
			code := d.authorize(c)
			if a := d.redeem(c, code, "code_verifier", v); a.status != http.StatusBadRequest || a.text("error") != "invalid_grant" {
				d.t.Errorf("verifier: %s: %d %s", what, a.status, a.raw)
			}
		}
	})
}

func TestH025_StateAndNonceComeBackUnchanged(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		b := d.browser()
		b.enter(d.Customer())
		const unit = `"<>&%+ é💥;'\`
		odd, nonces := strings.Repeat(unit, 70), 20*len(unit)
		p := b.get(authorizeURL(c, "state", odd, "nonce", odd[:nonces]))
		if p.to().Get("state") != odd {
			d.t.Errorf("state: %q", p.to().Get("state"))
		}
		if got := d.claims(d.redeem(c, p.to().Get("code")).text("id_token"))["nonce"]; got != odd[:nonces] {
			d.t.Errorf("nonce: %q", got)
		}
		p = b.get(authorizeURL(c, "state", "", "nonce", ""))
		if p.to().Has("state") {
			d.t.Error("a state that nobody sent")
		}
		if _, there := d.claims(d.redeem(c, p.to().Get("code")).text("id_token"))["nonce"]; there {
			d.t.Error("a nonce that nobody sent")
		}
	})
}

func TestH008_H026_FormPostIsEscapedAndGoesNowhereElse(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		hostile := `"><script>alert(1)</script>`
		for _, extra := range [][]string{nil, {"prompt", "sing"}} {
			p := b.get(authorizeURL(d.apps["web"], append(extra, "response_mode", "form_post", "state", hostile)...))
			policy := p.header.Get("Content-Security-Policy")
			if p.status != http.StatusOK || strings.Contains(p.body, "<script>alert") || !strings.Contains(policy, "default-src 'none'") ||
				!strings.Contains(policy, "form-action https://shop.example;") || !strings.Contains(p.body, `name="iss" value="`+issuer+`"`) ||
				!strings.Contains(p.body, `action="https://shop.example/cb"`) || p.header.Get("Cache-Control") != "no-store" {
				d.t.Errorf("%v: %d %s\n%s", extra, p.status, policy, p.body)
			}
		}
		p := b.get(authorizeURL(d.apps["native"], "redirect_uri", "com.example.shop:/cb", "response_mode", "form_post"))
		if !strings.HasPrefix(p.header.Get("Location"), "com.example.shop:/cb?error=invalid_request") {
			d.t.Errorf("a form to a scheme of its own: %d %s", p.status, p.header.Get("Location"))
		}
	})
}

func TestRFC6749_3_1_2_TheRedirectsOwnQueryIsKept(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		p := b.get(authorizeURL(d.apps["web"], "redirect_uri", "https://shop.example/q?a=1"))
		if !strings.HasPrefix(p.header.Get("Location"), "https://shop.example/q?a=1&code=") {
			d.t.Errorf("%s", p.header.Get("Location"))
		}
	})
}

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
		for what, bad := range map[string]string{"another application's": foreign, "an access token": access, "altered": hint[:len(hint)-2] + "AA", "unsigned": unsigned(hint)} {
			if e := other.get(authorizeURL(c, "id_token_hint", bad)).to().Get("error"); e != "invalid_request" {
				d.t.Errorf("%s: %q", what, e)
			}
		}
	})
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

func TestOIDC_5_5_1_1_AnEssentialLevelIsMetOrRefused(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		multi := `{"id_token":{"acr":{"essential":true,"values":["urn:cardea:acr:multi"]}}}`
		weak, strong := d.browser(), d.browser()
		weak.enter(d.Customer())
		strong.enter(d.Customer(), session.Password, session.TOTP)
		if e := weak.get(authorizeURL(c, "claims", multi, "prompt", "none")).to().Get("error"); e != "login_required" {
			d.t.Errorf("a weak session, silently: %q", e)
		}
		if e := weak.get(authorizeURL(c, "claims", multi)).to().Get("error"); e != "unmet_authentication_requirements" {
			d.t.Errorf("a weak session, and again at the pages: %q", e)
		}
		token := d.redeem(c, strong.code(c, "claims", multi)).text("id_token")
		if acr := d.claims(token)["acr"]; acr != "urn:cardea:acr:multi" {
			d.t.Errorf("acr %v", acr)
		}
		// A wish is answered by what it is.
		token = d.redeem(c, weak.code(c, "acr_values", "urn:cardea:acr:multi")).text("id_token")
		if acr := d.claims(token)["acr"]; acr != "urn:cardea:acr:single" {
			d.t.Errorf("acr %v", acr)
		}
	})
}

func TestOIDC_3_1_2_1_TheRequestMayBeAForeignPOST(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		b := d.browser()
		b.enter(d.Customer())
		u, _ := url.Parse(authorizeURL(c, "prompt", "none"))
		for _, from := range []string{"https://shop.example", "https://evil.test", "null", issuer} {
			p := b.post(from, issuer+oidc.PathAuthorize, u.Query())
			if p.to().Get("code") == "" || p.to().Get("state") != "st-1" {
				d.t.Errorf("from %s: %d %s %s", from, p.status, p.header.Get("Location"), p.body)
			}
		}
		// What is parked can be neither altered nor kept nor used elsewhere.
		bare := d.send(d.form(oidc.PathAuthorize, u.Query(), func(r *http.Request) { r.Header.Set("Origin", "https://shop.example") }))
		to := bare.header.Get("Location")
		if bare.status != http.StatusSeeOther || !strings.HasPrefix(to, oidc.PathAuthorize+"?parked=") || strings.Contains(to, "shop") {
			d.t.Fatalf("%d %s", bare.status, to)
		}
		last := "A"
		if strings.HasSuffix(to, "A") {
			last = "Q"
		}
		for what, address := range map[string]string{"altered": to[:len(to)-1] + last, "cut": to[:len(to)-8], "elsewhere": strings.Replace(to, oidc.PathAuthorize, oidc.PathEndSession, 1)} {
			if p := b.get(issuer + address); p.status != http.StatusGone {
				d.t.Errorf("%s: %d %s", what, p.status, p.body)
			}
		}
		d.wait(10 * time.Minute)
		if p := b.get(issuer + to); p.status != http.StatusGone {
			d.t.Errorf("ten minutes later: %d", p.status)
		}
		huge := u.Query()
		huge.Set("claims", strings.Repeat("x", 20_000))
		if p := b.post("https://shop.example", issuer+oidc.PathAuthorize, huge); p.status != http.StatusRequestEntityTooLarge {
			d.t.Errorf("too much to park: %d", p.status)
		}
		// GET reads the query alone and POST the body alone.
		if p := b.post(issuer, authorizeURL(c), url.Values{"client_id": {c.id}}); p.status != http.StatusBadRequest {
			d.t.Errorf("a query beside the body: %d %s", p.status, p.header.Get("Location"))
		}
	})
}

func TestALinkCheckerUsesNothingUp(t *testing.T) {
	each(t, func(d *desk) {
		for _, path := range []string{oidc.PathAuthorize, oidc.PathResume, oidc.PathEndSession} {
			r, _ := http.NewRequest(http.MethodHead, issuer+path, nil)
			if a := d.send(r); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") == "" {
				d.t.Errorf("HEAD %s: %d", path, a.status)
			}
		}
		for _, path := range []string{oidc.PathToken, oidc.PathIntrospect, oidc.PathRevoke} {
			if a := d.get(path); a.status != http.StatusMethodNotAllowed {
				d.t.Errorf("GET %s: %d", path, a.status)
			}
		}
	})
}

func TestH010_AJourneyComesBackOnceToItsOwnBrowserAndAddress(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		var resumed string
		follow := b.c.CheckRedirect
		b.c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
			if r.URL.Path == oidc.PathResume {
				resumed = r.URL.String()
				return http.ErrUseLastResponse
			}
			return follow(r, via)
		}
		b.get(authorizeURL(d.apps["web"], "state", "mine"))
		b.c.CheckRedirect = follow
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
		pause := func(b *browser) (resumed string) {
			follow := b.c.CheckRedirect
			b.c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
				if r.URL.Path == oidc.PathResume {
					resumed = r.URL.String()
					return http.ErrUseLastResponse
				}
				return follow(r, via)
			}
			b.get(authorizeURL(c, "scope", "openid email"))
			b.c.CheckRedirect = follow
			return resumed
		}
		b := d.browser()
		to := pause(b)
		d.change(c, func(a *app.Application) { a.Settings.AllowedScopes = []string{"openid"} })
		if a := d.redeem(c, b.get(to).to().Get("code")); a.text("scope") != "openid" {
			d.t.Errorf("a scope that was taken from the application: %s", a.raw)
		}
		b = d.browser()
		to = pause(b)
		d.change(c, func(a *app.Application) { a.Settings.RedirectURIs = []string{"https://shop.example/other"} })
		shown(d.t, "a redirect URI that is gone", b.get(to))
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
