package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// running is a Server under test, with the wish to stop it and what Serve said.
type running struct {
	address string
	stop    context.CancelFunc
	ended   chan error
}

func start(t *testing.T, s *Server) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	listeners, err := Listen(ctx, "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &running{address: listeners[0].Addr().String(), stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- s.Serve(ctx, listeners...) }()
	t.Cleanup(cancel)
	return r
}

func dial(t *testing.T, address, text string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c
}

// closed waits until the other side has hung up.
func closed(c net.Conn) bool {
	_, err := io.Copy(io.Discard, c)
	var late net.Error
	return !errors.As(err, &late) || !late.Timeout()
}

const request = "GET /a HTTP/1.1\r\nHost: id.example.test\r\n\r\n"

func TestLoopbackListensOnBothAddresses(t *testing.T) {
	t.Parallel()
	pair, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range pair {
		defer l.Close()
	}
	if len(pair) == 1 {
		t.Skip("this machine has no IPv6 loopback")
	}
	four, six := netip.MustParseAddrPort(pair[0].Addr().String()), netip.MustParseAddrPort(pair[1].Addr().String())
	if four.Port() != six.Port() || four.Addr().String() != "127.0.0.1" || six.Addr().String() != "::1" {
		t.Errorf("%v %v", four, six)
	}
	if _, err := Listen(context.Background(), pair[0].Addr().String()); err == nil {
		t.Error("a taken port was given twice")
	}
}

func TestADrainAnswersWhatIsInFlightAndTellsStreams(t *testing.T) {
	t.Parallel()
	entered, release, told := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b := newBench(nil)
	b.Handle("GET /a", nil, func(w http.ResponseWriter, _ *http.Request) error {
		close(entered)
		<-release
		_, err := io.WriteString(w, "whole")
		return err
	})
	b.Handle("GET /feed", nil, func(_ http.ResponseWriter, r *http.Request) error {
		entered <- struct{}{}
		<-Draining(r)
		close(told)
		return nil
	}, Streaming())
	srv := start(t, &Server{Handler: b, Grace: 3 * time.Second}) // less than Shutdown waits for silent connections
	dial(t, srv.address, strings.Replace(request, "/a", "/feed", 1))
	<-entered
	c := dial(t, srv.address, request)
	<-entered
	dial(t, srv.address, "") // a browser's connection ahead of need
	srv.stop()
	<-told
	if _, err := net.Dial("tcp", srv.address); err == nil {
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			if _, err = net.Dial("tcp", srv.address); err != nil {
				break
			}
		}
		if err == nil {
			t.Error("the server still accepts")
		}
	}
	close(release)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "whole" {
		t.Errorf("%q", body)
	}
	if err := <-srv.ended; err != nil {
		t.Error(err)
	}
}

func TestAtTheEndOfTheGraceTimeRequestsAreCut(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { close(entered); <-r.Context().Done() })
	srv := start(t, &Server{Handler: h, Grace: 50 * time.Millisecond})
	c := dial(t, srv.address, request)
	<-entered
	srv.stop()
	if err := <-srv.ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if !closed(c) {
		t.Error("the connection lives on")
	}
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	t.Parallel()
	pair, err := Listen(context.Background(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range pair {
		_ = l.Close()
	}
	if err := (&Server{Handler: newBench(nil)}).Serve(context.Background(), pair...); err == nil {
		t.Error("no error")
	}
}

func TestH214_SlowHeadersAndBodiesEnd(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, says("x"))
	b.Handle("POST /a", nil, func(_ http.ResponseWriter, r *http.Request) error {
		_, err := Body(r, 1000)
		return err
	}, NoCSRF("test"))
	srv := start(t, &Server{Handler: b, Header: 100 * time.Millisecond, Read: 300 * time.Millisecond, Idle: 100 * time.Millisecond})
	for name, text := range map[string]string{
		"nothing sent": "", "half a header": "GET /a HTTP/1.1\r\nHost: id.exam", "half a body": "POST /a HTTP/1.1\r\nHost: id.example.test\r\nContent-Length: 100\r\n\r\nabc",
		"idle after an answer": request, "an endless header": "GET /a HTTP/1.1\r\nHost: id.example.test\r\nX: " + strings.Repeat("x", headerBytes+8192),
	} {
		if !closed(dial(t, srv.address, text)) {
			t.Errorf("%s: still open", name)
		}
	}
}

func TestH214_WhenTheHouseIsFullTheLongestQuietMakeRoom(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	reasons := map[string]int{}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			entered <- struct{}{}
			<-release
		}
		_, _ = io.WriteString(w, "served")
	})
	srv := start(t, &Server{Handler: h, Connections: 8, Header: time.Minute, Dropped: func(reason string) { mu.Lock(); reasons[reason]++; mu.Unlock() }})
	slow := dial(t, srv.address, strings.Replace(request, "/a", "/slow", 1))
	<-entered
	var drips []net.Conn
	for range 40 {
		drips = append(drips, dial(t, srv.address, "GET /a HTTP/1.1\r\nHo"))
	}
	for range 20 {
		res, err := http.ReadResponse(bufio.NewReader(dial(t, srv.address, request)), nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatalf("an honest client was not served: %v", err)
		}
		_ = res.Body.Close()
	}
	for _, c := range drips {
		if !closed(c) {
			t.Fatal("a dripping connection outlived the honest ones")
		}
	}
	close(release)
	res, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil || res.StatusCode != 200 {
		t.Errorf("a busy connection made room: %v", err)
	}
	if res != nil {
		_ = res.Body.Close()
	}
	mu.Lock()
	defer mu.Unlock()
	if reasons["quiet"] < 50 || reasons["full"] != 0 {
		t.Errorf("%v", reasons)
	}
}

// fromAfar is a connection that says it comes from an address.
type fromAfar struct {
	net.Conn
	peer string
}

func (f fromAfar) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.peer))
}
func (f fromAfar) Close() error { return nil }

func TestH214_OneNetworkHasItsShareAndNoMore(t *testing.T) {
	t.Parallel()
	g := newGate(&Server{PerNetwork: 2, Connections: 10, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	admit := func(peer string) *conn { return g.admit(fromAfar{peer: peer}) }
	first := admit("[2001:db8::1]:1")
	if first == nil || admit("[2001:db8::2]:1") == nil || admit("[2001:db8::3]:1") != nil {
		t.Error("a /64 is one network of two")
	}
	if admit("[2001:db8:0:1::1]:1") == nil {
		t.Error("another network is refused")
	}
	_ = first.Close()
	_ = first.Close()
	if admit("[2001:db8::3]:1") == nil || admit("[2001:db8::4]:1") != nil {
		t.Error("a closed connection frees one place")
	}
	for range 4 {
		if admit("10.1.1.1:1") == nil || admit("127.0.0.1:1") == nil || admit("[::ffff:127.0.0.1]:1") == nil {
			t.Error("a proxy or loopback is counted")
		}
	}
	if g.open > 10 {
		t.Errorf("%d open", g.open)
	}
}

func TestTheGateForgetsNothingAndKeepsNothing(t *testing.T) {
	t.Parallel()
	g := newGate(&Server{Connections: 50})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 100 {
				if c := g.admit(fromAfar{peer: "192.0.2.1:1"}); c != nil {
					g.turn(c, 1)
					if i%2 == 0 {
						_ = c.Close()
					}
					g.turn(c, -1)
					_ = c.Close()
				}
			}
		}()
	}
	wg.Wait()
	if g.open != 0 || g.quiet.Len() != 0 || len(g.network) != 0 {
		t.Errorf("%d open, %d quiet, %v", g.open, g.quiet.Len(), g.network)
	}
}

func startTLS(t *testing.T, h http.Handler) *running {
	t.Helper()
	ts := httptest.NewTLSServer(http.NotFoundHandler())
	cert := ts.TLS.Certificates[0]
	ts.Close()
	return start(t, &Server{Handler: h, TLS: &tls.Config{Certificates: []tls.Certificate{cert}}, Log: slog.New(slog.DiscardHandler)})
}

func TestH142_AnAuthorityThatIsNotTheHostIsRefusedOnHTTP2(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", nil, func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, r.Proto+" "+Origin(r))
		return err
	})
	srv := startTLS(t, b)
	for _, c := range []struct {
		authority, host, path, want string
	}{
		{"id.example.test", "", "/a", "200"}, {"", "id.example.test", "/a", "200"}, {"id.example.test", "id.example.test", "/a", "200"},
		{"id.example.test", "evil.test", "/a", "400"}, {"evil.test", "id.example.test", "/a", "400"}, {"evil.test", "", "/a", "421"}, {"id.example.test", "", "/%61", "404"}, {"id.example.test", "", "//a", "404"},
	} {
		if got := http2Status(t, srv.address, c.authority, c.host, c.path); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// http2Status sends one request frame by frame and answers its status.
func http2Status(t *testing.T, address, authority, host, path string) string {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":path", path}, {":authority", authority}, {"host", host}} {
		if f[1] != "" {
			_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
	}
	_, _ = io.WriteString(c, http2.ClientPreface)
	fr := http2.NewFramer(c, c)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = fr.WriteSettings()
	_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if h, ok := f.(*http2.MetaHeadersFrame); ok {
			return h.PseudoValue("status")
		}
		if f, ok := f.(*http2.RSTStreamFrame); ok {
			return f.ErrCode.String()
		}
	}
}

func TestComplaintsOfTheServerHoldNoAddressOfAClient(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	q := quiet{slog.New(slog.NewJSONHandler(&log, nil))}
	l := slog.NewLogLogger(q, slog.LevelWarn)
	l.Print("http: TLS handshake error from 192.0.2.9:44: EOF")
	l.Print("http: panic serving 192.0.2.9:44: boom\nstack")
	l.Print("http: superfluous response.WriteHeader call from x.go:9")
	if got := log.String(); strings.Contains(got, "192.0.2.9") || strings.Count(got, "\n") != 2 || !strings.Contains(got, "boom") || !strings.Contains(got, "x.go:9") {
		t.Error(got)
	}
	quiet{}.Enabled(context.Background(), slog.LevelError)
}
