package web

import (
	"net/http"
	"net/netip"
	"strings"
)

const hopsMost = 32

// Peer is the address of the client: of the connection, or, when that is a
// configured trusted proxy, the last address in X-Forwarded-For that is not one
// itself. Forwarded, X-Real-IP and their kin are never read. IPv4 in IPv6 is
// folded and zones are removed; an unreadable address is the zero Addr.
func Peer(r *http.Request) netip.Addr {
	if s := scopeOf(r); s != nil {
		return s.peer
	}
	return remote(r)
}

// Network is what throttles count a client by: an IPv4 address as it is, an
// IPv6 address by its /64, so that neither spelling nor rotation within one
// line makes two clients of one (H076). An unreadable address is "unknown".
func Network(a netip.Addr) string {
	a = fold(a)
	if !a.IsValid() {
		return "unknown"
	}
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

func fold(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func remote(r *http.Request) netip.Addr {
	p, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return fold(p.Addr())
}

func (m *Mux) trusted(a netip.Addr) bool { return within(m.c.Proxies, a) }

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if a.IsValid() && p.Contains(a) {
			return true
		}
	}
	return false
}

// forwarded reads the client's address and the scheme it used, from the
// connection and, behind a trusted proxy, from the two headers that count.
func (m *Mux) forwarded(r *http.Request) (netip.Addr, string) {
	peer := remote(r)
	if !m.trusted(peer) {
		return peer, ""
	}
	proto, _ := only(r.Header, "X-Forwarded-Proto")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && len(hops)-i <= hopsMost; i-- {
		hop := hopOf(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
		if !m.trusted(hop) {
			break
		}
	}
	return peer, strings.ToLower(proto)
}

// hopOf reads one element of X-Forwarded-For: an address, or one with a port.
func hopOf(s string) netip.Addr {
	if a, err := netip.ParseAddr(s); err == nil {
		return fold(a)
	}
	if p, err := netip.ParseAddrPort(s); err == nil {
		return fold(p.Addr())
	}
	return netip.Addr{}
}
