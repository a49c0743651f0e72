package web

import (
	"cmp"
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// gate counts open connections. A connection is busy while a handler runs on it
// and quiet otherwise: waiting between requests, or dripping a header. When the
// house is full the connection that has been quiet longest makes room, so slow
// headers push out each other and not those who are served.
type gate struct {
	most, each int
	exempt     []netip.Prefix
	dropped    func(string)

	mu      sync.Mutex
	open    int
	network map[string]int
	quiet   *list.List // of *conn, longest quiet first
}

// conn is an accepted connection with its place in the gate.
type conn struct {
	net.Conn
	gate    *gate
	network string // "" when it is not counted
	// guarded by gate.mu
	busy  int
	place *list.Element
	spoke bool
	left  bool
}

type connKey struct{}

func newGate(s *Server) *gate {
	g := &gate{most: cmp.Or(s.Connections, 8192), each: cmp.Or(s.PerNetwork, 512), exempt: s.Proxies, dropped: s.Dropped, network: map[string]int{}, quiet: list.New()}
	if g.dropped == nil {
		g.dropped = func(string) {}
	}
	return g
}

// gated is a listener behind the gate.
type gated struct {
	net.Listener
	gate *gate
}

func (l *gated) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if own := l.gate.admit(c); own != nil {
			return own, nil
		}
		_ = c.Close()
	}
}

// admit gives a connection its place, nil if there is none.
func (g *gate) admit(c net.Conn) *conn {
	own := &conn{Conn: c, gate: g, network: g.counted(c)}
	g.mu.Lock()
	if own.network != "" && g.network[own.network] >= g.each {
		g.mu.Unlock()
		g.dropped("network")
		return nil
	}
	var victim *conn
	if g.open >= g.most {
		first := g.quiet.Front()
		if first == nil {
			g.mu.Unlock()
			g.dropped("full")
			return nil
		}
		victim = first.Value.(*conn)
		g.forget(victim)
	}
	g.open++
	if own.network != "" {
		g.network[own.network]++
	}
	own.place = g.quiet.PushBack(own)
	g.mu.Unlock()
	if victim != nil {
		g.dropped("quiet")
		_ = victim.Conn.Close()
	}
	return own
}

func (g *gate) counted(c net.Conn) string {
	p, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return ""
	}
	a := fold(p.Addr())
	if a.IsLoopback() || within(g.exempt, a) {
		return ""
	}
	return Network(a)
}

// forget takes a connection off the counts, once.
func (g *gate) forget(c *conn) {
	if c.left {
		return
	}
	c.left = true
	g.open--
	if c.place != nil {
		g.quiet.Remove(c.place)
		c.place = nil
	}
	if c.network == "" {
		return
	}
	if g.network[c.network]--; g.network[c.network] == 0 {
		delete(g.network, c.network)
	}
}

// Close frees the connection's place.
func (c *conn) Close() error {
	c.gate.mu.Lock()
	c.gate.forget(c)
	c.gate.mu.Unlock()
	return c.Conn.Close()
}

// Read notes that the peer has said something.
func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.gate.mu.Lock()
		c.spoke = true
		c.gate.mu.Unlock()
	}
	return n, err
}

// remember is http.Server.ConnContext: it lets watch find the connection.
func (g *gate) remember(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// watch moves a request's connection out of the quiet ones while it is served.
func (g *gate) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			g.turn(c, +1)
			defer g.turn(c, -1)
		}
		h.ServeHTTP(w, r)
	})
}

func (g *gate) turn(c *conn, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.busy += by
	switch {
	case c.left:
	case c.busy == 0:
		c.place = g.quiet.PushBack(c)
	case c.place != nil:
		g.quiet.Remove(c.place)
		c.place = nil
	}
}

// closeSilent closes the connections on which nothing was ever sent.
func (g *gate) closeSilent() {
	var silent []*conn
	g.mu.Lock()
	for e := g.quiet.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*conn); !c.spoke {
			silent = append(silent, c)
		}
	}
	g.mu.Unlock()
	for _, c := range silent {
		_ = c.Close()
	}
}
