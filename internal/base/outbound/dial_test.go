package outbound

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

func listen(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Write([]byte("220 ready\r\n"))
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestDialReachesWhatItMay(t *testing.T) {
	t.Parallel()
	addr := listen(t)
	_, port, _ := net.SplitHostPort(addr)
	c := New(Options{Allow: loopback, Lookup: names("127.0.0.1")})
	for _, a := range []string{addr, "mail.test:" + port, "[::ffff:127.0.0.1]:" + port} {
		conn, err := c.DialContext(t.Context(), "tcp", a)
		if err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		if buf := make([]byte, 3); true {
			if _, err := conn.Read(buf); err != nil || string(buf) != "220" {
				t.Errorf("%s: read %q, %v", a, buf, err)
			}
		}
		conn.Close()
	}
}

func TestDialRefuses(t *testing.T) {
	t.Parallel()
	addr := listen(t)
	_, port, _ := net.SplitHostPort(addr)
	inside, outside := New(Options{Lookup: names("127.0.0.1", "::1", "10.0.0.1")}), New(Options{Lookup: names("8.8.8.8")})
	cases := []struct {
		c             *Client
		network, addr string
		want          error
	}{
		{inside, "tcp", addr, ErrAddress},
		{inside, "tcp", "127.0.0.1:25", ErrAddress},
		{inside, "tcp", "[fe80::1%lo]:25", ErrAddress},
		{inside, "tcp", "mail.test:" + port, ErrUnreachable},
		{inside, "tcp", "mail.test:25", ErrUnreachable},
		{outside, "tcp", "mail.test:22", ErrUnreachable},
		{outside, "tcp", "8.8.8.8:443", ErrAddress},
		{outside, "udp", "8.8.8.8:25", ErrAddress},
		{outside, "unix", "/run/x:25", ErrAddress},
		{outside, "tcp", "8.8.8.8", ErrAddress},
		{outside, "tcp", "8.8.8.8:smtp", ErrAddress},
		{outside, "tcp", "8.8.8.8:65561", ErrAddress},
		{outside, "tcp", ":25", ErrAddress},
		{outside, "tcp", "", ErrAddress},
	}
	for _, tc := range cases {
		conn, err := tc.c.DialContext(t.Context(), tc.network, tc.addr)
		if !errors.Is(err, tc.want) || conn != nil {
			t.Errorf("%s %s: %v", tc.network, tc.addr, err)
		}
	}
}

func TestDialTriesTheNextAddress(t *testing.T) {
	t.Parallel()
	addr := listen(t)
	_, port, _ := net.SplitHostPort(addr)
	c := New(Options{Allow: loopback, Lookup: names("169.254.169.254", "127.0.0.2", "127.0.0.1")}) // nobody listens on .2
	conn, err := c.DialContext(t.Context(), "tcp", "mail.test:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if got := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(); got != netip.MustParseAddr("127.0.0.1") {
		t.Fatalf("reached %s", got)
	}
}

func TestDialEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	c := New(Options{Lookup: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.DialContext(ctx, "tcp", "mail.test:25"); !fault.Is(err, fault.Unavailable) {
		t.Fatalf("%v", err)
	}
}
