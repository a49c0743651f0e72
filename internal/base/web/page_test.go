package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// directives takes a policy apart.
func directives(policy string) map[string]string {
	all := map[string]string{}
	for _, d := range strings.Split(policy, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(d), " ")
		all[name] = value
	}
	return all
}

func TestUI50_51_APageHasTheStrictPolicyAndItsClientAsFormTarget(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	r := WithOrigin(ask("GET", "/", ""), testOrigin)
	Page(w, r, CSP{FormAction: []string{"https://Shop.example:443/cb?x=1", "com.example.shop:/cb", "https://shop.example/other", "javascript:alert(1)", "https://evil.test;script-src *", "https://a@evil.test/"}})
	for name, want := range map[string]string{
		"default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self' data:", "font-src": "'self'", "connect-src": "'self'",
		"form-action": "'self' https://shop.example com.example.shop:", "base-uri": "'none'", "frame-ancestors": "'none'", "require-trusted-types-for": "'script'", "trusted-types": "app",
	} {
		if got := directives(w.Header().Get("Content-Security-Policy"))[name]; got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

func TestH148_APageIsFramedByNobodyOrByNamedOrigins(t *testing.T) {
	t.Parallel()
	for want, given := range map[string][]string{
		"'none'": nil, "'self'": {"'self'"}, "https://app.example": {"https://app.example", "*", "https:", "https://*.example", "https://a.example/x", "null"},
	} {
		w := httptest.NewRecorder()
		Page(w, ask("GET", "/", ""), CSP{FrameAncestors: given})
		if got := directives(w.Header().Get("Content-Security-Policy"))["frame-ancestors"]; got != want {
			t.Errorf("%v: %q", given, got)
		}
	}
}

func TestUI50_AWorkerAndAForeignServiceOpenNoMoreThanThey(t *testing.T) {
	t.Parallel()
	policy := func(csp CSP) map[string]string {
		w := httptest.NewRecorder()
		Page(w, ask("GET", "/", ""), csp)
		return directives(w.Header().Get("Content-Security-Policy"))
	}
	if got := policy(CSP{Worker: true}); got["worker-src"] != "'self'" || got["trusted-types"] != "app" || got["script-src"] != "'self'" {
		t.Errorf("with a worker: %v", got)
	}
	bad := []string{"*", "https:", "https://*", "https://*.example/x", "http://a.example", "https://a.example;x", "'unsafe-inline'", "https://*.com x", "data:", "https://*.*.example", "https://localhost"}
	if got := policy(CSP{Foreign: bad}); got["script-src"] != "'self'" || got["frame-src"] != "" || got["trusted-types"] != "app" {
		t.Errorf("with what is no service: %v", got)
	}
	got := policy(CSP{Foreign: append(bad, "https://js.example.com", "https://*.example.net")})
	for _, name := range []string{"script-src", "style-src", "connect-src"} {
		if got[name] != "'self' https://js.example.com https://*.example.net" {
			t.Errorf("%s %q", name, got[name])
		}
	}
	for script, want := range map[string]string{
		"https://cdn.example.org/npm/@a/sdk@1.0.2/site.min.js": "'self' https://js.example.com https://cdn.example.org/npm/@a/sdk@1.0.2/site.min.js",
		"https://cdn.example.org/a;b":                          "'self' https://js.example.com", "https://cdn.example.org/": "'self' https://js.example.com",
		"http://cdn.example.org/a": "'self' https://js.example.com", "https://cdn.example.org/a?b": "'self' https://js.example.com",
	} {
		if got := policy(CSP{Foreign: []string{"https://js.example.com"}, ForeignScript: script}); got["script-src"] != want {
			t.Errorf("%s: %q", script, got["script-src"])
		}
	}
	if got["frame-src"] != "https://js.example.com https://*.example.net" || got["img-src"] != "'self' data:" || got["default-src"] != "'none'" {
		t.Errorf("with a service: %v", got)
	}
}

func TestUI53_HeadersOfPagesAndOfAllElse(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /data", nil, says("x"))
	h := b.answer(ask("GET", "/data", "")).Header()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cross-Origin-Resource-Policy": "same-origin", "Content-Type": "text/plain; charset=utf-8",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for popup, want := range map[bool]string{true: "unsafe-none", false: "same-origin"} {
		w := httptest.NewRecorder()
		Page(w, ask("GET", "/", ""), CSP{Popup: popup})
		h := w.Header()
		if h.Get("Cross-Origin-Opener-Policy") != want || h.Get("Referrer-Policy") != "same-origin" || !strings.HasPrefix(h.Get("Permissions-Policy"), "publickey-credentials-get=(self), publickey-credentials-create=(self)") {
			t.Errorf("popup %v: %v", popup, h)
		}
	}
	plain := newBench(func(c *Config) { c.Host = OneHost("http://id.example.test", nil) })
	plain.Handle("GET /data", nil, says("x"))
	if h := plain.answer(ask("GET", "/data", "")).Header(); h.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over plain HTTP")
	}
}

func TestFormTargetsAreOriginsAndHarmlessSchemes(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"https://shop.example/cb": "https://shop.example", "https://shop.example:8443/cb": "https://shop.example:8443", "http://127.0.0.1:4711/cb": "http://127.0.0.1:4711", "http://localhost:3000/cb": "http://localhost:3000",
		"http://shop.localhost:80/": "http://shop.localhost", "com.example.app:/cb": "com.example.app:", "MyApp://cb": "myapp:",
		"http://shop.example/cb": "", "http://[::1]:4711/cb": "", "JaVaScRiPt:alert(1)": "", "data:text/html,x": "", "vbscript:x": "", "file:///etc": "", "blob:https://x": "", "\tjavascript:x": "", "java\nscript:x": "",
		"https://a@b.example/": "", "https://": "", "https://*.example/": "", "https://a b/": "", "https://ä.example/": "", "//shop.example": "", "/cb": "", "": "", "https://shop.example:99999/": "", "https://a;b/": "", "https://a,b/": "", "1app:/": "", "https://shop.example\\@evil.test/": "",
	} {
		if got, ok := FormTarget(uri); got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", uri, got, ok, want)
		}
	}
}

func FuzzFormTarget(f *testing.F) {
	f.Add("https://shop.example;x/'self'")
	f.Add("a+b:c")
	f.Fuzz(func(t *testing.T, uri string) {
		got, ok := FormTarget(uri)
		if ok && (got == "" || strings.ContainsAny(got, " ;,'\"*\r\n\t\\@") || !printable(got)) {
			t.Fatalf("%q: %q", uri, got)
		}
	})
}

func TestRedirectsGoWhereAHandlerMaySend(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]bool{
		"/": true, "/account": true, "/account?a=b%20c": true, "/account#sessions": true, "https://shop.example/cb?code=1": true, "com.example.app:/cb?code=1": true,
		"//evil.test": false, "/\\evil.test": false, "\\\\evil.test": false, "/a//b": false, "/..//evil.test": false, "": false, "evil": false, "?x": false, "/a\r\nSet-Cookie: x": false, "/ä": false, "javascript:alert(1)": false, "JAVASCRIPT:alert(1)": false, "/%2e%2e": false, "https://a\nb": false, ":x": false, "/;x": false, "/a?\x00": false, "/a?%00": false,
	} {
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if refused := recover() != nil; refused == want {
					t.Errorf("%q: refused %v", to, refused)
				}
			}()
			Redirect(w, ask("POST", "/", ""), to)
			if w.Code != 303 || w.Header().Get("Location") != to || w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%q: %d %v", to, w.Code, w.Header())
			}
		}()
		if Local(to) && !strings.HasPrefix(to, "/") {
			t.Errorf("%q is not local", to)
		}
	}
}

func FuzzLocal(f *testing.F) {
	f.Add("/a?b=c")
	f.Add("/\\evil")
	f.Fuzz(func(t *testing.T, to string) {
		if Local(to) && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t #")) {
			t.Fatalf("%q is not local", to)
		}
	})
}

func TestH008_AFormPostPageEscapesAndGoesToItsOriginAlone(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	hostile := `"><script>alert(1)</script>`
	FormPost(w, ask("GET", "/", ""), Exit{To: "https://shop.example/cb?a=1&b=2", Fields: [][2]string{{"state", hostile}, {hostile, "x"}}, Lang: hostile, Dir: hostile, Title: hostile, Button: hostile})
	body, policy := w.Body.String(), directives(w.Header().Get("Content-Security-Policy"))
	if strings.Contains(body, "<script>alert") || strings.Count(body, "<script>") != 1 || !strings.Contains(body, `action="https://shop.example/cb?a=1&amp;b=2"`) {
		t.Errorf("%s", body)
	}
	_, rest, _ := strings.Cut(body, "<script>")
	script, _, _ := strings.Cut(rest, "</script>")
	sum := sha256.Sum256([]byte(script))
	want := map[string]string{"default-src": "'none'", "form-action": "https://shop.example", "script-src": "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'", "base-uri": "'none'", "frame-ancestors": "'none'"}
	for name, value := range want {
		if policy[name] != value {
			t.Errorf("%s %q, want %q", name, policy[name], value)
		}
	}
	if len(policy) != len(want) {
		t.Errorf("%v", policy)
	}
}

func TestLeavingNeverRunsAScript(t *testing.T) {
	t.Parallel()
	for _, to := range []string{"javascript:alert(1)", "data:text/html,x", "/local", "", "https://a\"b c"} {
		for name, leave := range map[string]func(){
			"leave": func() { Leave(httptest.NewRecorder(), ask("GET", "/", ""), Exit{To: to}) },
			"post":  func() { FormPost(httptest.NewRecorder(), ask("GET", "/", ""), Exit{To: to}) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s to %q", name, to)
					}
				}()
				leave()
			}()
		}
	}
	w := httptest.NewRecorder()
	Leave(w, ask("GET", "/", ""), Exit{To: `http://[::1]:4711/cb?code=1&state="><script>`, Title: "Back", Button: "Continue", Dir: "rtl"})
	if body := w.Body.String(); strings.Contains(body, "<script") || !strings.Contains(body, `content="0;url=http://[::1]:4711/cb?code=1&amp;state=&#34;&gt;&lt;script&gt;"`) || !strings.Contains(body, `dir="rtl"`) {
		t.Errorf("%s", body)
	}
}

func TestH158_SigningOutClearsWhatTheBrowserKept(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	SignedOut(w)
	if got := w.Header().Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Error(got)
	}
}

func TestJSONIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /good", nil, func(w http.ResponseWriter, _ *http.Request) error {
		return JSON(w, 201, map[string]string{"a": "</script>"})
	})
	b.Handle("GET /bad", nil, func(w http.ResponseWriter, _ *http.Request) error { return JSON(w, 200, make(chan int)) })
	if w := b.answer(ask("GET", "/good", "")); w.Code != 201 || w.Header().Get("Content-Type") != "application/json" || strings.Contains(w.Body.String(), "<") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := b.answer(ask("GET", "/bad", "")); w.Code != 500 || w.Body.String() != "internal" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
