package app_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/app"
)

func TestRedirectURIsAtRegistration(t *testing.T) {
	t.Parallel()
	type allowed map[app.Kind]bool
	all := allowed{app.Web: true, app.SPA: true, app.Native: true}
	native := allowed{app.Native: true}
	for uri, want := range map[string]allowed{
		"https://app.example/cb":           all,
		"https://app.example":              all,
		"https://app.example:8443/cb?x=1":  all,
		"https://xn--bcher-kva.example/cb": all,
		"https://app.example/a%20b":        all,
		"http://127.0.0.1/cb":              native, // RFC 8252 section 7.3
		"http://127.0.0.1:8080/cb":         native,
		"http://[::1]/cb":                  native,
		"com.example.app:/cb":              native, // RFC 8252 section 7.1
		"com.example.app://cb/x":           native,

		"http://localhost/cb": nil, "http://localhost:1/cb": nil, "http://app.example/cb": nil,
		"http://127.0.0.2/cb": nil, "http://0.0.0.0/cb": nil, "http://127.1/cb": nil, "http://127.0.0.1.evil.test/cb": nil,
		"http://127.0.0.1:80@evil.test/cb": nil, "myapp:/cb": nil, "custom://x": nil, "com.example.app:cb": nil, ".a:/cb": nil,
		"": nil, "/cb": nil, "//app.example/cb": nil, "app.example/cb": nil, "https:app.example": nil, "https:///cb": nil,
		// H001
		"https://app.example@evil.test/cb": nil, "https://app.example%40evil.test/cb": nil, "https://a@b@evil.test/cb": nil,
		`https://app.example\@evil.test/cb`: nil, "https://app.example:443@evil.test": nil,
		// H002
		"https://app.example/cb/..;/x": nil, "https://app.example/cb/%2e%2e/x": nil, "https://app.example/cb//x": nil,
		"https://app.example/./cb": nil, "https://*.app.example/cb": nil, "https://app.example/cb/..": nil, "https://app.example/cb%00": nil,
		"https://app.example/cb;j=1": nil, "https://app.example/cb#f": nil, "https://app.example/cb%2fx": nil,
		"https://app.example/cb%5cx": nil, "https://app.example/cb%252e": nil, "https://app.example/%zz": nil, "https://app.example/cb%2": nil,
		// H005
		"javascript:alert(1)": nil, "JaVaScRiPt:alert(1)": nil, "data:text/html,x": nil, "vbscript:x": nil, "\tjavascript:x": nil,
		"java\nscript:x": nil, "javascript://app.example/%0aalert(1)": nil, "file:///etc/passwd": nil, "blob:https://app.example/x": nil,
		"java.script:alert(1)": nil,
		// H007
		"https://app.example/cb?code=x": nil, "https://app.example/cb?state=x": nil, "https://app.example/cb?response=x": nil,
		"https://app.example/cb?iss=x": nil, "https://app.example/cb?a=1&CODE=x": nil, "https://app.example/cb?%63ode=x": nil,
		"https://app.example/cb?error=x": nil, "https://app.example/cb?a=1;code=2": nil,
		// H011
		"https://app.example/cb\r\nX: y": nil, "https://app.example/c\x00b": nil, "https://app\uff0eexample/cb": nil,
		"https://app\u3002example/cb": nil, "https://\u0430pp.example/cb": nil, "https://APP.example/cb": nil, "HTTPS://app.example/cb": nil,
		"https://app.example./cb": nil, "https://app..example/cb": nil, "https://-app.example/cb": nil, "https://app.example:0/": nil,
		"https://app.example:65536/": nil, "https://app.example:/cb": nil, "https://app.example:08/cb": nil,
		"https://*.example/cb": nil, "https://app.example/*": nil, // nobody is to believe in a pattern
		"https://app.example/" + strings.Repeat("a", 2048): nil,
	} {
		for _, k := range []app.Kind{app.Web, app.SPA, app.Native} {
			err := app.ValidateRedirectURI(k, uri, false)
			if (err == nil) != want[k] {
				t.Errorf("%s %q: %v, want allowed %v", k, uri, err, want[k])
			}
		}
	}
	for _, k := range []app.Kind{app.Web, app.SPA, app.Native} {
		for uri, want := range map[string]bool{
			"http://localhost:8081/cb": true, "http://shop.localhost:8081/cb": true, "http://127.0.0.1:1/": true,
			"http://localhost.evil.test/cb": false, "http://app.example/cb": false,
		} {
			if err := app.ValidateRedirectURI(k, uri, true); (err == nil) != want {
				t.Errorf("%s %q in a loopback tenant: %v", k, uri, err)
			}
		}
	}
}

func TestH001_H002_RedirectsAreComparedByteForByte(t *testing.T) {
	t.Parallel()
	a := app.Application{Kind: app.Web, Settings: app.Settings{RedirectURIs: []string{"https://app.example/cb"}}}
	if !a.AllowsRedirect("https://app.example/cb") {
		t.Fatal("the registered URI is refused")
	}
	for _, uri := range []string{
		"", "https://app.example/cb/..;/x", "https://app.example/cb/%2e%2e/x", "https://app.example/cb//x", "https://app.example/cb/",
		"https://app.example/CB", "https://app.example/cb%00", "https://app.example/cb;j=1", "https://app.example/cb?x=1",
		"https://app.example/cb#f", "https://app.example:443/cb", "https://APP.example/cb", "http://app.example/cb",
		"https://app.example@evil.test/cb", "https://app.example\uff0e/cb", " https://app.example/cb", "https://app.example/cb\n",
	} {
		if a.AllowsRedirect(uri) {
			t.Errorf("%q is allowed", uri)
		}
	}
}

func TestH004_OnlyThePortOfALoopbackAddressIsLeftOpen(t *testing.T) {
	t.Parallel()
	for _, registered := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:7777/cb"} {
		a := app.Application{Kind: app.Native, Settings: app.Settings{RedirectURIs: []string{registered}}}
		for _, uri := range []string{"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb"} {
			if !a.AllowsRedirect(uri) {
				t.Errorf("%q is refused for %q", uri, registered)
			}
		}
		for _, uri := range []string{
			"http://127.0.0.1.evil.test/cb", "http://127.0.0.1:80@evil.test/cb", "http://localhost:1/cb", "http://[::1]:1/cb",
			"http://0.0.0.0/cb", "http://127.1/cb", "https://127.0.0.1:1/cb", "http://127.0.0.1:1/cb/", "http://127.0.0.1:1/cb?x",
			"http://127.0.0.1:/cb", "http://127.0.0.1:0/cb", "http://127.0.0.1:65536/cb", "http://127.0.0.1:08/cb", "http://127.0.0.1:1",
			"http://127.0.0.1:+1/cb", "http://127.0.0.1:1:2/cb", "http://127.0.0.1#/cb", "http://127.0.0.1\\cb",
		} {
			if a.AllowsRedirect(uri) {
				t.Errorf("%q is allowed for %q", uri, registered)
			}
		}
		a.Kind = app.Web
		if a.AllowsRedirect("http://127.0.0.1:9/cb") {
			t.Error("a web application's port is left open")
		}
	}
	six := app.Application{Kind: app.Native, Settings: app.Settings{RedirectURIs: []string{"http://[::1]/cb", "http://localhost:5/cb"}}}
	if !six.AllowsRedirect("http://[::1]:9/cb") || six.AllowsRedirect("http://127.0.0.1:9/cb") || six.AllowsRedirect("http://localhost:6/cb") {
		t.Error("the loopback rule is for the registered address alone, and never for a name")
	}
}

// What is registered means the same to every parser: to Go's, and read naively.
func FuzzValidateRedirectURI(f *testing.F) {
	for _, s := range []string{
		"https://app.example/cb", "http://127.0.0.1:1/cb?x=y", "com.example.app:/cb", "https://a@b/c", "https://a/%2e%2e/",
		"javascript:alert(1)", "https://app.example/..;/", "https://[::1]/x", "https://a/?code=1", "com.example.app://cb?a=b", "com.example.app://cb:a", "com.example.app://%41/",
	} {
		f.Add(s, byte(0))
	}
	kinds := []app.Kind{app.Web, app.SPA, app.Native}
	f.Fuzz(func(t *testing.T, uri string, k byte) {
		kind := kinds[int(k)%3]
		if app.ValidateRedirectURI(kind, uri, false) != nil {
			return
		}
		u, err := url.Parse(uri)
		if err != nil {
			t.Fatalf("%q does not parse: %v", uri, err)
		}
		if u.User != nil || u.Fragment != "" || u.String() != uri && u.Path != "" && !strings.Contains(uri, "?") && !strings.Contains(uri, "%") {
			t.Fatalf("%q is written in another way as %q", uri, u)
		}
		if strings.ContainsAny(uri, "\\@#\r\n\t \x00<>\"") {
			t.Fatalf("%q holds what parsers disagree about", uri)
		}
		if u.Scheme == "https" || u.Scheme == "http" {
			rest := strings.TrimPrefix(uri, u.Scheme+"://")
			if !strings.HasPrefix(rest, u.Host) || u.Host == "" {
				t.Fatalf("%q: the host is %q", uri, u.Host)
			}
		}
		if u.Scheme == "http" && (kind != app.Native || u.Hostname() != "127.0.0.1" && u.Hostname() != "::1") {
			t.Fatalf("%q is plain http", uri)
		}
		if kind != app.Native && u.Scheme != "https" {
			t.Fatalf("%q for %s", uri, kind)
		}
		for name := range u.Query() {
			if strings.EqualFold(name, "code") || strings.EqualFold(name, "state") || strings.EqualFold(name, "iss") {
				t.Fatalf("%q carries %s", uri, name)
			}
		}
		a := app.Application{Kind: kind, Settings: app.Settings{RedirectURIs: []string{uri}}}
		if !a.AllowsRedirect(uri) || a.AllowsRedirect(uri+"x") && u.Scheme == "https" {
			t.Fatalf("%q is not matched exactly", uri)
		}
	})
}
