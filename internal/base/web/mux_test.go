package web

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// raw sends bytes over a real connection and answers the status line and body.
func raw(t *testing.T, address, request string) (status int, body string, h http.Header) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header
}

// variants are spellings of a path that some server somewhere reads as path.
func variants(path string) []string {
	dir, last := path[:strings.LastIndex(path, "/")], path[strings.LastIndex(path, "/"):]
	hex := fmt.Sprintf("%%%02x", last[1])
	return []string{
		dir + "%2F" + last[1:], dir + "%2f" + last[1:], dir + "%252F" + last[1:], dir + "/" + hex + last[2:],
		path + ";x", dir + ";x=1" + last, path + ";", "/" + path, dir + "/" + last, path + "/", path + "//",
		dir + "/." + last, "/." + path, dir + "/x/.." + last, dir + "/%2e" + last, dir + "/%2e%2e" + path, dir + "/..;" + path,
		path + ".", path + "%2e", path + "%20", path + "%00", path + "\\", "\\" + path[1:], dir + "\\" + last[1:], path + "#", path + "#x",
		path + "%23", path + "%3F", path + "%3fx=1", path + "%5C", strings.ToUpper(path), path + "/.css", path + "/x.css", path + "%0a", path + "%c0%af",
		"/..;/" + path[1:], "/x/..;" + path, path + "/..", path + "/.", path + "…",
	}
}

func TestH145_NoEncodedTwinOfAPathReachesAHandler(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /{$}", nil, says("home"))
	b.Handle("GET /account/security", nil, says("secret"))
	b.Handle("GET /scim/users/{id}", nil, says("secret"))
	b.Handle("GET /files/{name...}", nil, says("secret"))
	srv := httptest.NewServer(b)
	defer srv.Close()
	address := srv.Listener.Addr().String()
	for _, path := range []string{"/account/security", "/scim/users/cus_1"} {
		if status, body, _ := raw(t, address, "GET "+path+" HTTP/1.1\r\nHost: id.example.test\r\nConnection: close\r\n\r\n"); status != 200 || body != "secret" {
			t.Fatalf("%s itself: %d %q", path, status, body)
		}
		for _, v := range variants(path) {
			status, body, h := raw(t, address, "GET "+v+" HTTP/1.1\r\nHost: id.example.test\r\nConnection: close\r\n\r\n")
			if status != 404 && status != 400 || strings.Contains(body, "secret") || h.Get("Location") != "" {
				t.Errorf("%s: %d %q %q", v, status, body, h.Get("Location"))
			}
		}
	}
	for _, v := range []string{"/files", "/files/", "/files/a//b", "/files/../account/security", "/files/a%2f..%2fb", "/files/a/."} {
		if w := b.answer(ask("GET", v, "")); w.Code != 404 {
			t.Errorf("%s: %d", v, w.Code)
		}
	}
}

func TestH157_AnAccountPageWithASuffixIsNotFound(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /account", nil, says("secret"))
	for _, v := range []string{"/account/x.css", "/account.css", "/.well-known/..;/account", "/account%2fx.js"} {
		if w := b.answer(ask("GET", v, "")); w.Code != 404 || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %q", v, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, v := range variants("/account/security") {
		f.Add(v)
	}
	b := newBench(nil)
	b.Handle("GET /account/security", nil, says("secret"))
	f.Fuzz(func(t *testing.T, target string) {
		path, _, _ := strings.Cut(target, "?")
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + target + " HTTP/1.1\r\nHost: id.example.test\r\n\r\n")))
		if err != nil {
			return
		}
		w := b.answer(r)
		if w.Code >= 500 || w.Code >= 300 && w.Code < 400 {
			t.Fatalf("%q: %d", target, w.Code)
		}
		if w.Body.String() == "secret" && r.RequestURI == target && path != "/account/security" {
			t.Fatalf("%q reached the handler", target)
		}
	})
}

func TestH142_HostsThatAreNotConfiguredOrMalformedAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /reset", nil, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, Origin(r)+" "+Tenant(r).(string))
		return err
	})
	srv := httptest.NewUnstartedServer(b)
	srv.Config.DisableGeneralOptionsHandler = true // as Server does
	srv.Start()
	defer srv.Close()
	address := srv.Listener.Addr().String()
	for _, c := range []struct {
		head string
		want int
	}{
		{"GET /reset HTTP/1.1\r\nHost: id.example.test\r\n", 200},
		{"GET /reset HTTP/1.1\r\nHost: ID.Example.TEST\r\n", 200},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test\r\nX-Forwarded-Host: evil.test\r\nForwarded: host=evil.test\r\nX-Original-Host: evil.test\r\nX-Host: evil.test\r\n", 200},
		{"GET /reset HTTP/1.1\r\nHost: evil.test\r\n", 421},
		{"GET /reset HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: id.example.test\r\n", 421},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test.\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test:8443\r\n", 421},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test:@evil.test\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: evil@id.example.test\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test:0\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test:99999\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test/x\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: [::1\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost:\r\n", 400},
		{"GET /reset HTTP/1.1\r\n", 400},
		{"GET /reset HTTP/1.0\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test\r\nHost: evil.test\r\n", 400},
		{"GET /reset HTTP/1.1\r\nHost: id.example.test\r\nHost: id.example.test\r\n", 400},
		{"GET http://evil.test/reset HTTP/1.1\r\nHost: id.example.test\r\n", 400},
		{"GET http://id.example.test/reset HTTP/1.1\r\nHost: evil.test\r\n", 400},
		{"GET //evil.test/reset HTTP/1.1\r\nHost: id.example.test\r\n", 404},
		{"OPTIONS * HTTP/1.1\r\nHost: id.example.test\r\n", 400},
		{"CONNECT id.example.test:443 HTTP/1.1\r\nHost: id.example.test:443\r\n", 400},
	} {
		status, body, _ := raw(t, address, c.head+"Connection: close\r\n\r\n")
		if status != c.want || strings.Contains(body, "evil") || status == 200 && body != testOrigin+" tenant-1" {
			t.Errorf("%q: %d %q, want %d", c.head, status, body, c.want)
		}
	}
	r := ask("GET", "/reset", "")
	r.Header.Set("Host", "evil.test") // what HTTP/2 hands on beside :authority
	if w := b.answer(r); w.Code != 400 {
		t.Errorf("Host beside :authority: %d", w.Code)
	}
}

func TestMethodsAreAnsweredByTheTable(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, says("x"))
	b.Handle("POST /a", nil, says("x"))
	b.Handle("POST /b", nil, says("x"))
	for _, c := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/a", 200, ""}, {"HEAD", "/a", 200, ""}, {"OPTIONS", "/a", 204, "GET, HEAD, POST, OPTIONS"},
		{"PUT", "/a", 405, "GET, HEAD, POST, OPTIONS"}, {"GET", "/b", 405, "POST, OPTIONS"}, {"HEAD", "/b", 405, "POST, OPTIONS"},
		{"TRACE", "/a", 405, "GET, HEAD, POST, OPTIONS"}, {"get", "/a", 405, "GET, HEAD, POST, OPTIONS"}, {"OPTIONS", "/c", 404, ""}, {"GET", "/c", 404, ""},
	} {
		w := b.answer(ask(c.method, c.path, ""))
		if w.Code != c.want || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %q", c.method, c.path, w.Code, w.Header().Get("Allow"))
		}
	}
}

// A program that sends the wrong method to an address for programs is told in
// JSON, though pages are what the house answers to strangers.
func TestMethodsAreRefusedInTheWordsOfTheAddress(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	own := func(w http.ResponseWriter, _ *http.Request, f *fault.Error) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(Status(f))
	}
	b.Handle("POST /token", own, says("x"))
	b.Handle("GET /page", nil, says("x"))
	for path, want := range map[string]string{"/token": "application/problem+json", "/page": ""} {
		if w := b.answer(ask("DELETE", path, "")); w.Code != 405 || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: %d %q", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

func TestPatternsThatWouldRedirectAreRefusedAtStart(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"/a", "GET /a/", "GET example.com/a", "GET", "HEAD /a", "OPTIONS /a", "GET /a;b", "GET /a//b", "GET /a.", "FETCH /a", "GET /ä"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", pattern)
				}
			}()
			newBench(nil).Handle(pattern, nil, says(""))
		}()
	}
}

func TestRoutesListWhatTestsNeed(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("POST /token", nil, says(""), Requires("client"), NoCSRF("client authentication"), MaxBody(10))
	b.Handle("GET /livez", nil, says("ok"), Public(), AnyHost())
	rts := b.Routes()
	if len(rts) != 2 || rts[0].Pattern != "GET /livez" || !rts[0].AnyHost || rts[1].Access != "client" || rts[1].CrossSite != "client authentication" || rts[1].MaxBody != 10 {
		t.Fatalf("%+v", rts)
	}
	r := ask("GET", "/livez", "")
	r.Host = "10.0.0.7:9000"
	if w := b.answer(r); w.Code != 200 {
		t.Errorf("health on any host: %d", w.Code)
	}
	if w := b.answer(ask("POST", "/token", "12345678901")); w.Code != 413 {
		t.Errorf("body over the route's wall: %d", w.Code)
	}
}

func TestABodyThatOutgrowsItsRouteIsTheClientsDoing(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("POST /a", nil, func(_ http.ResponseWriter, r *http.Request) error {
		if _, err := io.ReadAll(r.Body); err != nil {
			return fmt.Errorf("reading: %w", err)
		}
		return nil
	}, MaxBody(10), NoCSRF("test"))
	for size, want := range map[int64]int{10: 200, 11: 413, 1 << 30: 413} {
		r := ask("POST", "/a", "")
		r.Body, r.ContentLength = io.NopCloser(endless(size)), -1 // chunked
		if w := b.answer(r); w.Code != want {
			t.Errorf("%d bytes: %d, want %d", size, w.Code, want)
		}
	}
}

func TestAFaultIsToldByItsKind(t *testing.T) {
	t.Parallel()
	kinds := map[fault.Kind]int{fault.Invalid: 400, fault.Unauthenticated: 401, fault.Denied: 403, fault.NotFound: 404, fault.Conflict: 409, fault.Gone: 410, fault.Limited: 429, fault.Unavailable: 503, fault.Internal: 500, 0: 500, 99: 500}
	for kind, want := range kinds {
		if got := Status(fault.New(kind, "x", "")); got != want {
			t.Errorf("kind %v: %d, want %d", kind, got, want)
		}
	}
	if Status(ErrHost.Because(errors.New("x"))) != 421 || Status(ErrTooLarge.At("f")) != 413 {
		t.Error("copies of the rim's faults lost their status")
	}
}

func TestAnErrorTakesBackWhatTheHandlerSaid(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Location", "https://evil.test")
		h.Set("Cache-Control", "public")
		h.Set("Content-Type", "text/html")
		h.Set("Content-Length", "999")
		return fmt.Errorf("sending: %w", fault.New(fault.Limited, "slow_down", "Wait.").In(1500*time.Millisecond))
	})
	w := b.answer(ask("GET", "/a", ""))
	h := w.Header()
	if w.Code != 429 || w.Body.String() != "slow_down" || h.Get("Retry-After") != "2" || h.Get("Location") != "" || h.Get("Cache-Control") != "no-store" || strings.Contains(h.Get("Content-Type"), "html") {
		t.Fatalf("%d %v", w.Code, h)
	}
}

func TestAHandlerHasADeadlineUnlessItStreams(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	seen := map[string]bool{}
	note := func(w http.ResponseWriter, r *http.Request) error {
		_, seen[r.Pattern] = r.Context().Deadline()
		return nil
	}
	b.Handle("GET /a", nil, note)
	b.Handle("GET /feed", nil, note, Streaming())
	b.answer(ask("GET", "/a", ""))
	b.answer(ask("GET", "/feed", ""))
	if !seen["GET /a"] || seen["GET /feed"] {
		t.Fatalf("%v", seen)
	}
}

// BenchmarkRim is what the rim costs a handler that does nothing.
func BenchmarkRim(b *testing.B) {
	m := newBench(func(c *Config) { c.Log = nil })
	m.Handle("GET /a/{id}", nil, func(http.ResponseWriter, *http.Request) error { return nil })
	r := ask("GET", "/a/1", "")
	b.ReportAllocs()
	for b.Loop() {
		m.ServeHTTP(httptest.NewRecorder(), r)
	}
}
