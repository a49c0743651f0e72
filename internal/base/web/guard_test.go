package web

import (
	"net/http"
	"testing"
)

func TestH146_OnlyThisOriginsPagesMayPost(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		b.Handle(method+" /a", nil, says("done"))
	}
	b.Handle("POST /token", nil, says("done"), NoCSRF("client authentication"))
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{[]string{"Origin", testOrigin}, 200},
		{[]string{"Origin", testOrigin, "Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "none"}, 200},
		{nil, 403},
		{[]string{"Origin", ""}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", "null", "Sec-Fetch-Site", "same-origin"}, 403},
		{[]string{"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", "https://evil.test"}, 403},
		{[]string{"Origin", "https://evil.test", "Sec-Fetch-Site", "same-origin"}, 403},
		{[]string{"Origin", "https://evil.test", "Sec-Fetch-Site", "none"}, 403},
		{[]string{"Origin", "http://id.example.test"}, 403},
		{[]string{"Origin", "https://shop.example.test", "Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "https://sub.id.example.test"}, 403},
		{[]string{"Origin", "https://id.example.test.evil.test"}, 403},
		{[]string{"Origin", "https://id.example.test:8443"}, 403},
		{[]string{"Origin", "https://id.example.test/"}, 403},
		{[]string{"Origin", "https://ID.example.test"}, 403},
		{[]string{"Origin", testOrigin, "Origin", testOrigin}, 403},
		{[]string{"Origin", testOrigin, "Origin", "https://evil.test"}, 403},
		{[]string{"Origin", testOrigin, "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Origin", testOrigin, "Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", testOrigin, "Sec-Fetch-Site", "unheard-of"}, 403},
		{[]string{"Origin", testOrigin, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Referer", testOrigin + "/a"}, 403},
		{[]string{"Host", "id.example.test", "X-Forwarded-Host", "evil.test", "Origin", "https://evil.test"}, 403},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, kind := range []string{formType, "text/plain", "multipart/form-data; boundary=x"} {
				r := ask(method, "/a", "a=1", append(c.headers, "Content-Type", kind)...)
				if w := b.answer(r); w.Code != c.want {
					t.Errorf("%s %v: %d, want %d", method, c.headers, w.Code, c.want)
				}
				if r.Header.Get("Host") == "" && CrossSite(WithOrigin(r, testOrigin)) != (c.want == 403) {
					t.Errorf("CrossSite %v", c.headers)
				}
			}
		}
	}
	if w := b.answer(ask("POST", "/token", "", "Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site")); w.Code != 200 {
		t.Errorf("a route that opted out: %d", w.Code)
	}
}

func TestH149_OnlyRegisteredOriginsReadAnswersAndNeverWithCredentials(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("POST /token", nil, says("x"), CORS(func(_ *http.Request, o string) bool {
		return o == "https://app.example" || o == "https://other.example"
	}))
	b.Handle("POST /narrow", nil, func(w http.ResponseWriter, _ *http.Request) error {
		KeepOrigin(w, []string{"https://app.example"})
		return nil
	}, CORS(func(*http.Request, string) bool { return true }))
	b.Handle("GET /jwks", nil, says("x"), CORSEveryone())
	b.Handle("POST /account", nil, says("x"))
	b.Handle("POST /foolish", nil, says("x"), CORS(func(*http.Request, string) bool { return true }))
	for _, c := range []struct{ method, path, origin, want string }{
		{"POST", "/token", "https://app.example", "https://app.example"},
		{"POST", "/token", "https://app.example.evil", ""}, {"POST", "/token", "null", ""}, {"POST", "/token", "http://app.example", ""}, {"POST", "/token", "", ""},
		{"POST", "/narrow", "https://app.example", "https://app.example"}, {"POST", "/narrow", "https://other.example", ""},
		{"POST", "/foolish", "null", ""}, {"POST", "/foolish", "https://a.example, https://b.example", ""}, {"POST", "/foolish", "https://a.example/", ""}, {"POST", "/foolish", "https://A.example", ""}, {"POST", "/foolish", "https://a.example:443", ""}, {"POST", "/foolish", "file://", ""},
		{"GET", "/jwks", "https://anybody.example", "*"},
		{"POST", "/account", "https://app.example", ""},
	} {
		for _, preflight := range []bool{false, true} {
			if preflight && c.path == "/narrow" {
				continue
			}
			r := ask(c.method, c.path, "", "Origin", c.origin)
			if preflight {
				r = ask("OPTIONS", c.path, "", "Origin", c.origin, "Access-Control-Request-Method", c.method, "Access-Control-Request-Headers", "x-anything")
			}
			h := b.answer(r).Header()
			if got := h.Get("Access-Control-Allow-Origin"); got != c.want || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s %s from %q (preflight %v): %q", c.method, c.path, c.origin, preflight, got)
			}
			if granted := h.Get("Access-Control-Allow-Methods") != ""; granted != (preflight && c.want != "") {
				t.Errorf("%s %s from %q: methods %q", c.method, c.path, c.origin, h.Get("Access-Control-Allow-Methods"))
			}
			if c.path == "/token" && h.Get("Vary") != "Origin" {
				t.Errorf("%s is cached for all origins", c.path)
			}
		}
	}
	r := ask("OPTIONS", "/token", "", "Origin", "https://app.example", "Access-Control-Request-Method", "DELETE")
	if h := b.answer(r).Header(); h.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a method without a route was granted")
	}
	if w := b.answer(ask("POST", "/token", "", "Origin", "https://evil.test", "Cookie", "__Host-s=1")); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("reflected")
	}
}
