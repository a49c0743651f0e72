package tenant

import (
	"net/netip"
	"strconv"
	"strings"
)

// ParseOrigin checks a web origin and returns its one spelling and its host
// (with the port, unless it is the scheme's own). Origins are ASCII and lower
// case; an internationalised host is written in its xn-- form. Plain http is
// for loopback hosts: localhost, names under .localhost, 127.0.0.0/8 and ::1.
// It fails with ErrBadOrigin.
func ParseOrigin(s string) (origin, host string, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || len(s) > 255 || (scheme != "https" && scheme != "http") {
		return "", "", ErrBadOrigin
	}
	name, port, err := splitHost(rest)
	if err != nil {
		return "", "", err
	}
	if scheme == "http" && !loopbackName(name) {
		return "", "", ErrBadOrigin
	}
	if port != "" && port != defaultPort(scheme) {
		name += ":" + port
	}
	return scheme + "://" + name, name, nil
}

func defaultPort(scheme string) string {
	if scheme == "https" {
		return "443"
	}
	return "80"
}

// splitHost takes "name" or "name:port" apart, strictly.
func splitHost(s string) (name, port string, err error) {
	name, port = s, ""
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		name, port = s[:i], s[i+1:]
		if !ValidPort(port) {
			return "", "", ErrBadOrigin
		}
	}
	if !ValidHost(name) {
		return "", "", ErrBadOrigin
	}
	return name, port, nil
}

// ValidPort reports whether s is a port as it is written in an address: 1 to
// 65535, without a sign or a leading zero.
func ValidPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && s[0] != '0' && s[0] != '+'
}

// ValidHost reports whether s is a host in its one spelling: a lower-case ASCII
// name of letters, digits and hyphens (RFC 1123), an IPv4 address of four
// decimal parts, or an IPv6 address in brackets as RFC 5952 writes it.
func ValidHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		a, err := netip.ParseAddr(inner)
		return ok && err == nil && a.Is6() && !a.Is4In6() && a.Zone() == "" && a.String() == inner
	}
	if s == "" || len(s) > 253 {
		return false
	}
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if !validLabel(l) {
			return false
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		// Browsers read "127.1" and "0x7f.1" as addresses (WHATWG URL 3.5).
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is4()
	}
	return true
}

func validLabel(l string) bool {
	if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		c := l[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// loopbackName reports whether a host without a port never leaves the machine.
func loopbackName(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && a.IsLoopback()
}

func loopbackOrigin(origin string) bool { return strings.HasPrefix(origin, "http://") }

// hostName is a host without its port and brackets.
func hostName(host string) string {
	if name, port, ok := strings.Cut(host, "]:"); ok && port != "" {
		return name + "]"
	}
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}
