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
