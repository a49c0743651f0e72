package outbound

import (
	"compress/gzip"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// outside is a server on loopback that counts the connections made to it.
type outside struct {
	*httptest.Server
	connections atomic.Int64
}

func serve(t *testing.T, secure bool, h http.HandlerFunc) *outside {
	t.Helper()
	o := &outside{Server: httptest.NewUnstartedServer(h)}
	o.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			o.connections.Add(1)
		}
	}
	o.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		o.EnableHTTP2 = true
		o.StartTLS()
	} else {
		o.Start()
	}
	t.Cleanup(o.Close)
	return o
}

func (o *outside) port() string {
	u, _ := url.Parse(o.URL)
	return u.Port()
}

func (o *outside) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(o.Certificate())
	return pool
}

// names resolves every name to the addresses.
func names(addrs ...string) func(context.Context, string, string) ([]netip.Addr, error) {
	var found []netip.Addr
	for _, a := range addrs {
		found = append(found, netip.MustParseAddr(a))
	}
	return func(context.Context, string, string) ([]netip.Addr, error) { return found, nil }
}

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path) }

func TestCallsReachWhatTheyMay(t *testing.T) {
	t.Parallel()
	secure, bare := serve(t, true, hello), serve(t, false, hello)
	c := New(Options{Allow: loopback, Lookup: names("127.0.0.1"), Roots: secure.roots()})
	for _, u := range []string{secure.URL, "https://example.com:" + secure.port(), bare.URL, "http://hook.test:" + bare.port()} {
		res, err := c.Get(t.Context(), u+"/in")
		if err != nil || res.Status != 200 || string(res.Body) != "GET /in" {
			t.Errorf("%s: %+v, %v", u, res, err)
		}
	}
}

func TestPostSendsBodyAndHeader(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s|%s|%s|%s|%s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("X-Sign"), r.UserAgent(), body)
	})
	res, err := New(Options{Allow: loopback}).Post(t.Context(), s.URL, "application/json", []byte(`{}`), http.Header{"x-sign": {"1"}})
	if err != nil || res.Status != http.StatusTeapot || res.Header.Get("X-Answer") != "yes" || string(res.Body) != "POST|application/json|1|Cardea|{}" {
		t.Fatalf("%+v, %v", res, err)
	}
}

// Law 10: without the operator's word no connection is even begun.
func TestH205_NothingInsideIsCalled(t *testing.T) {
	t.Parallel()
	secure, bare := serve(t, true, hello), serve(t, false, hello)
	port := secure.port()
	lookups := map[string][]string{
		"loop.test": {"127.0.0.1"}, "six.test": {"::1"}, "mapped.test": {"::ffff:127.0.0.1"}, "nat64.test": {"64:ff9b::7f00:1"}, "zero.test": {"0.0.0.0"},
		"localhost": {"127.0.0.1", "::1"}, "meta.test": {"169.254.169.254"}, "127.1": {"127.0.0.1"}, "0x7f000001": {"127.0.0.1"}, "2130706433": {"127.0.0.1"}, "0177.0.0.1": {"127.0.0.1"},
	}
	c := New(Options{Roots: secure.roots(), Lookup: func(ctx context.Context, _, host string) ([]netip.Addr, error) {
		found, _ := names(lookups[host]...)(ctx, "", "")
		return found, nil
	}})
	for name := range lookups {
		if _, err := c.Get(t.Context(), "https://"+name+":"+port+"/"); !errors.Is(err, ErrUnreachable) || !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "[64:ff9b::7f00:1]", "[fe80::1%25lo]", "[::1%25lo]"} {
		if _, err := c.Get(t.Context(), "https://"+host+":"+port+"/"); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, u := range []string{bare.URL, "http://hook.test:" + bare.port()} {
		if _, err := c.Get(t.Context(), u); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", u, err)
		}
	}
	if n := secure.connections.Load() + bare.connections.Load(); n != 0 {
		t.Fatalf("%d connections were made", n)
	}
}

func TestH205_FormOfTheURL(t *testing.T) {
	t.Parallel()
	s := serve(t, true, hello)
	c := New(Options{Allow: loopback, Roots: s.roots(), Lookup: names("127.0.0.1")})
	for _, u := range []string{
		"", "/path", "https:", "https://", "https:///x", "https:opaque", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com:70/", "unix:///run/x",
		"https://user@example.com/", "https://user:pw@example.com/", "https://@example.com/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:http/",
		"https://example.com:-1/", "//example.com/", "https://exa mple.com/", "https://a\r\nb/", "data:text/html,x", "https://%zz/",
	} {
		if res, err := c.Get(t.Context(), u); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v, %v", u, res, err)
		}
	}
	req, _ := http.NewRequest("GET", s.URL, nil)
	req.Host = "internal.example"
	if _, err := c.Do(t.Context(), req); !errors.Is(err, ErrAddress) {
		t.Errorf("another Host field: %v", err)
	}
}

func TestPublicAddressesAreCalledOnFewPortsAndWithTLS(t *testing.T) {
	t.Parallel()
	d := New(Options{}).dialer
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("8.8.8.8"), port) }
	for port, want := range map[uint16]bool{443: true, 1024: true, 8443: true, 65535: true, 0: false, 1: false, 22: false, 25: false, 80: false, 444: false, 1023: false} {
		if d.admits(at(port), webPorts) != want {
			t.Errorf("web port %d: %v", port, !want)
		}
		if d.admits(at(port), noPorts) {
			t.Errorf("http without TLS on port %d", port)
		}
	}
	for port, want := range map[uint16]bool{25: true, 465: true, 587: true, 2525: true, 0: false, 22: false, 443: false, 80: false, 1024: false} {
		if d.admits(at(port), mailPorts) != want {
			t.Errorf("mail port %d: %v", port, !want)
		}
	}
	// An operator's network opens http for itself and for nobody else.
	c := New(Options{Allow: loopback, Lookup: names("8.8.8.8")})
	if _, err := c.Get(t.Context(), "http://public.test:8080/"); !errors.Is(err, ErrUnreachable) || !errors.Is(err, errRefused) {
		t.Errorf("http to a public name: %v", err)
	}
	if _, err := c.Get(t.Context(), "http://8.8.8.8/"); !errors.Is(err, ErrAddress) {
		t.Errorf("http to a public address: %v", err)
	}
}

// The name is looked up once and the address that was judged is the one dialled.
func TestRebindingNameGainsNothing(t *testing.T) {
	t.Parallel()
	s := serve(t, true, hello)
	var asked atomic.Int64
	c := New(Options{Allow: loopback, Roots: s.roots(), Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		if asked.Add(1) > 1 {
			return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("127.0.0.1")}, nil
	}})
	if _, err := c.Get(t.Context(), "https://example.com:"+s.port()); err != nil || asked.Load() != 1 {
		t.Fatalf("%v after %d look-ups", err, asked.Load())
	}
	// A second connection asks again, and is judged again.
	c.secure.CloseIdleConnections()
	if _, err := c.Get(t.Context(), "https://example.com:"+s.port()); !errors.Is(err, errRefused) || asked.Load() != 2 {
		t.Fatalf("%v after %d look-ups", err, asked.Load())
	}
}

// Nobody may learn from the answer which names exist inside.
func TestNamesInsideLookLikeNoNames(t *testing.T) {
	t.Parallel()
	private := New(Options{Lookup: names("10.0.0.1")})
	none := New(Options{Lookup: func(context.Context, string, string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}})
	empty := New(Options{Lookup: names()})
	_, want := none.Get(t.Context(), "https://db.corp.example/")
	for _, c := range []*Client{private, empty} {
		_, err := c.Get(t.Context(), "https://db.corp.example/")
		a, b := fault.Of(err), fault.Of(want)
		if a.Kind != b.Kind || a.Code != b.Code || a.Text != b.Text || a.Field != b.Field || a.Retry != b.Retry {
			t.Fatalf("%+v and %+v differ", a, b)
		}
	}
}

func TestH208_RedirectIsFailure(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 304, 305, 307, 308, 399} {
		var followed atomic.Bool
		s := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/next" {
				followed.Store(true)
			}
			w.Header().Set("Location", "/next")
			w.WriteHeader(status)
		})
		c := New(Options{Allow: loopback, Roots: s.roots()})
		if res, err := c.Post(t.Context(), s.URL, "text/plain", nil, nil); !errors.Is(err, ErrRedirect) || res != nil || followed.Load() {
			t.Errorf("%d: %+v, %v, followed %v", status, res, err, followed.Load())
		}
	}
}

func TestAnswersAreCapped(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 5001)
	cases := map[string]struct {
		h    http.HandlerFunc
		want error
	}{
		"announced": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5001")
			io.WriteString(w, big)
		}, ErrTooLarge},
		"streamed": {func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); io.WriteString(w, big) }, ErrTooLarge},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, big)
			}
		}, ErrTooLarge},
		"header": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 70<<10)) }, ErrAnswer},
		"fits":   {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, big[:5000]) }, nil},
		"lies": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "short")
		}, ErrAnswer},
		"breaks":   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ErrAnswer},
		"upgraded": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusSwitchingProtocols) }, ErrAnswer},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, tc.h)
			res, err := New(Options{Allow: loopback}).Limit(5000, 0).Get(t.Context(), s.URL)
			if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Fatalf("%+v, %v", res, err)
			}
		})
	}
}

func TestCompressedAnswerIsNotUnpacked(t *testing.T) {
	t.Parallel()
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Error("asks for compression")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(make([]byte, 1<<20))
		z.Close()
	})
	res, err := New(Options{Allow: loopback, MaxBody: 10 << 10}).Get(t.Context(), s.URL)
	if err != nil || len(res.Body) > 2000 {
		t.Fatalf("%v", err)
	}
}

func TestCallsEnd(t *testing.T) {
	t.Parallel()
	cases := map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow body": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, ".")
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		},
	}
	for name, h := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, false, h)
			c := New(Options{Allow: loopback, Time: 100 * time.Millisecond})
			if res, err := c.Get(t.Context(), s.URL); !errors.Is(err, ErrTimeout) {
				t.Errorf("%+v, %v", res, err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := c.Limit(0, time.Hour).Get(ctx, s.URL); !fault.Is(err, fault.Unavailable) || errors.Is(err, ErrTimeout) {
				t.Errorf("the caller's own end: %v", err)
			}
		})
	}
	hang := New(Options{Time: 50 * time.Millisecond, Lookup: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	if _, err := hang.Get(t.Context(), "https://slow.test/"); !errors.Is(err, ErrTimeout) {
		t.Errorf("a slow look-up: %v", err)
	}
}

func TestNoCookiesAndNoCredentialsTravel(t *testing.T) {
	t.Parallel()
	s := serve(t, true, func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) != 0 || r.Header.Get("Authorization") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("sent %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
	})
	c := New(Options{Allow: loopback, Roots: s.roots()})
	for range 2 {
		if _, err := c.Get(t.Context(), s.URL); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	t.Parallel()
	s := serve(t, true, hello)
	if _, err := New(Options{Allow: loopback}).Get(t.Context(), s.URL); !errors.Is(err, ErrCertificate) {
		t.Errorf("an unknown authority: %v", err)
	}
	c := New(Options{Allow: loopback, Roots: s.roots(), Lookup: names("127.0.0.1")})
	if _, err := c.Get(t.Context(), "https://other.test:"+s.port()); !errors.Is(err, ErrCertificate) {
		t.Errorf("another name: %v", err)
	}
	bare := serve(t, false, hello)
	if _, err := c.Get(t.Context(), "https://127.0.0.1:"+bare.port()); !errors.Is(err, ErrAnswer) {
		t.Errorf("no TLS at all: %v", err)
	}
}

// Not parallel: it sets the environment.
func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	proxy := serve(t, false, hello)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	s, bare := serve(t, true, hello), serve(t, false, hello)
	c := New(Options{Allow: loopback, Roots: s.roots(), Lookup: names("127.0.0.1")})
	for _, u := range []string{"https://example.com:" + s.port(), "http://hook.test:" + bare.port()} {
		if _, err := c.Get(t.Context(), u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	if proxy.connections.Load() != 0 {
		t.Fatal("the proxy was called")
	}
}

func FuzzAdmit(f *testing.F) {
	for _, u := range []string{"https://example.com/x", "https://a@b@c/", "http://[::1%25lo]:80/", "https://exa\u3002mple/", "https://h:70000"} {
		f.Add(u)
	}
	c := New(Options{Allow: loopback})
	f.Fuzz(func(t *testing.T, s string) {
		req, err := http.NewRequest("GET", s, nil)
		if err != nil || c.admit(req) != nil {
			return
		}
		u := req.URL
		if (u.Scheme != "https" && u.Scheme != "http") || u.User != nil || u.Hostname() == "" || u.Opaque != "" {
			t.Fatalf("%q is admitted", s)
		}
	})
}
