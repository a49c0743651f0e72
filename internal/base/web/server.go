package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server runs a handler behind caps and timeouts that hold slow and greedy
// clients off the others (H214), and stops it without cutting answers short.
// Fields left zero take the values in brackets.
type Server struct {
	Handler http.Handler
	TLS     *tls.Config // nil: plain HTTP
	Log     *slog.Logger

	Header time.Duration // to send a request's header [5 s]
	Read   time.Duration // to send a whole request [30 s]
	Write  time.Duration // to take the answer, from the header's end [60 s]
	Idle   time.Duration // between requests [75 s]

	Connections int            // open at once [8192]
	PerNetwork  int            // open at once from one Network [512]; loopback and Proxies are not counted
	Proxies     []netip.Prefix // the trusted proxies, as in Config

	Linger time.Duration // between the wish to stop and the end of accepting, for load balancers to notice [0]
	Grace  time.Duration // for requests in flight at the end [20 s]

	// Dropped is told of each connection that a cap closed: "network", "full",
	// or "quiet" for one that was closed to make room.
	Dropped func(reason string)
}

type drainKey struct{}

const headerBytes = 64 << 10

// Serve answers on the listeners until ctx ends or one of them fails. Then it
// lingers, stops accepting, closes Draining, waits for the requests in flight
// up to Grace, and closes what is left. It is nil after a drain in which every
// request was answered.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	drain := make(chan struct{})
	g := newGate(s)
	srv := s.server(g, drain)
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- s.run(srv, &gated{Listener: l, gate: g}) }()
	}
	select {
	case err := <-ended:
		close(drain)
		return errors.Join(err, srv.Close())
	case <-ctx.Done():
	}
	time.Sleep(s.Linger)
	close(drain)
	return s.drain(srv, g)
}

func (s *Server) run(srv *http.Server, l net.Listener) error {
	if s.TLS != nil {
		return srv.ServeTLS(l, "", "")
	}
	return srv.Serve(l)
}

// drain waits for the requests in flight. Connections on which nothing was ever
// sent, which browsers open ahead of need, are closed at once: Shutdown alone
// would wait five seconds for them.
func (s *Server) drain(srv *http.Server, g *gate) error {
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(s.Grace, 20*time.Second))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- srv.Shutdown(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			g.closeSilent()
		case err := <-done:
			if err != nil {
				return errors.Join(fmt.Errorf("web: requests were cut at the end of the grace time: %w", err), srv.Close())
			}
			return nil
		}
	}
}

func (s *Server) server(g *gate, drain <-chan struct{}) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(s.TLS != nil)
	return &http.Server{
		Handler:                      g.watch(s.Handler),
		TLSConfig:                    s.TLS,
		ReadHeaderTimeout:            cmp.Or(s.Header, 5*time.Second),
		ReadTimeout:                  cmp.Or(s.Read, 30*time.Second),
		WriteTimeout:                 cmp.Or(s.Write, 60*time.Second),
		IdleTimeout:                  cmp.Or(s.Idle, 75*time.Second),
		MaxHeaderBytes:               headerBytes,
		DisableGeneralOptionsHandler: true,
		Protocols:                    protocols,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 100, MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 256 << 10,
			SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 30 * time.Second,
		},
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), drainKey{}, drain)
		},
		ConnContext: g.remember,
		ErrorLog:    slog.NewLogLogger(quiet{s.Log}, slog.LevelWarn),
	}
}

// quiet hands on what net/http complains about, without the addresses of
// clients that it puts there; a failed handshake is nobody's defect.
type quiet struct{ log *slog.Logger }

func (q quiet) Enabled(context.Context, slog.Level) bool { return q.log != nil }
func (q quiet) WithAttrs([]slog.Attr) slog.Handler       { return q }
func (q quiet) WithGroup(string) slog.Handler            { return q }
func (q quiet) Handle(ctx context.Context, rec slog.Record) error {
	text := rec.Message
	if strings.HasPrefix(text, "http: TLS handshake error") {
		return nil
	}
	if head, tail, ok := strings.Cut(text, "panic serving "); ok {
		_, tail, _ = strings.Cut(tail, ": ")
		text = head + "panic: " + tail
	}
	q.log.LogAttrs(ctx, slog.LevelWarn, "http", slog.String("text", Clean(text, causeBytes)))
	return nil
}

// Listen opens a TCP listener on host:port. For a loopback host it opens both
// 127.0.0.1 and ::1 under the same port, since "localhost" is either; a machine
// without IPv6 has only the first. Port 0 chooses a free one.
func Listen(ctx context.Context, address string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	if !Loopback(host) {
		l, err := lc.Listen(ctx, "tcp", address)
		return []net.Listener{l}, err
	}
	for try := 0; ; try++ {
		pair, err := listenPair(ctx, lc, port)
		if err == nil || port != "0" || try == 10 {
			return pair, err
		}
	}
}

func listenPair(ctx context.Context, lc net.ListenConfig, port string) ([]net.Listener, error) {
	four, err := lc.Listen(ctx, "tcp4", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	own := strconv.Itoa(four.Addr().(*net.TCPAddr).Port)
	six, err := lc.Listen(ctx, "tcp6", net.JoinHostPort("::1", own))
	switch {
	case err == nil:
		return []net.Listener{four, six}, nil
	case errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT):
		return []net.Listener{four}, nil
	}
	return nil, errors.Join(err, four.Close())
}
