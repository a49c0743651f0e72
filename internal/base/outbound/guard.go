package outbound

import "net/netip"

// refused are the special-purpose networks inside the space that would
// otherwise be public (IANA IPv4 and IPv6 Special-Purpose Address Registries,
// RFC 6890), and public addresses that answer only a cloud's own machines.
var refused = prefixes(
	"0.0.0.0/8",       // this network; Linux connects 0.0.0.0 to itself
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // shared by carriers (CGNAT); metadata at Alibaba, peers at Tailscale
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local; metadata at most clouds
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // IETF protocol assignments; metadata at Oracle
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // 6to4 relays
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and broadcast

	"168.63.129.16/32", // Azure's platform address

	"2001::/23",     // IETF protocol assignments, Teredo among them
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4, which carries any IPv4 address
	"3fff::/20",     // documentation
)

var (
	global = netip.MustParsePrefix("2000::/3")     // all the IPv6 unicast space given out so far
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: the IPv4 address in its last 32 bits
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// Public tells whether an address is one that anybody on the Internet may
// call: not loopback, private, link-local, shared, multicast, documentation,
// metadata or otherwise special, nor an IPv6 address that stands for an IPv4
// address of these kinds (mapped, NAT64, 6to4, Teredo).
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = plain(a)
	if a.Is6() && !global.Contains(a) {
		return false
	}
	return !within(refused, a)
}

// plain is the address that will really be spoken to. NAT64 is looked through
// and not refused: in a network without IPv4 every IPv4 host looks like this.
func plain(a netip.Addr) netip.Addr {
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// normal returns the operator's networks in the form that addresses are
// compared in: IPv4 as IPv4.
func normal(networks []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range networks {
		if n.Addr().Is4In6() && n.Bits() >= 96 {
			n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
		}
		if n.IsValid() {
			out = append(out, n.Masked())
		}
	}
	return out
}
