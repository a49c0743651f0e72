package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const queryBytes = 16 << 10

// checkLine refuses request lines that a browser or an honest client never
// sends: an absolute URI (RFC 9112 3.2.2 lets it override Host), the asterisk,
// and a Host header beside the one that routing uses (HTTP/2 passes it through).
func checkLine(r *http.Request) error {
	if r.URL == nil || r.URL.IsAbs() || r.URL.Host != "" || r.URL.User != nil || r.URL.Opaque != "" {
		return ErrRequest
	}
	if line := requestURI(r); !strings.HasPrefix(line, "/") {
		return ErrRequest
	}
	for _, host := range r.Header.Values("Host") {
		if host != r.Host {
			return ErrRequest
		}
	}
	return checkQuery(r.URL.RawQuery)
}

func requestURI(r *http.Request) string {
	if r.RequestURI != "" {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// checkQuery refuses a query that no handler could read, so that those which
// look at only one parameter are as strict as the others (H169).
func checkQuery(raw string) error {
	if len(raw) > queryBytes {
		return ErrTooLarge
	}
	if !strings.ContainsAny(raw, "%") {
		return checkText(raw)
	}
	_, err := parseForm(raw)
	return err
}

// checkText refuses what neither engine nor page should meet: bytes that are
// not UTF-8, and NUL (H169).
func checkText(s string) error {
	if strings.IndexByte(s, 0) >= 0 || !utf8.ValidString(s) {
		return ErrText
	}
	return nil
}

// authority reads the request's host as a lower-case host[:port]. It refuses
// user information, anything but letters, digits, hyphens and dots, IP literals
// that do not parse, and ports that are none.
func authority(r *http.Request) (string, error) {
	host := strings.ToLower(r.Host)
	if len(host) > 260 {
		return "", ErrRequest
	}
	name, rest := host, ""
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", ErrRequest
		}
		ip, err := netip.ParseAddr(host[1:end])
		if err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", ErrRequest
		}
		rest = host[end+1:]
	} else {
		if i := strings.IndexByte(host, ':'); i >= 0 {
			name, rest = host[:i], host[i:]
		}
		if !hostName(name) {
			return "", ErrRequest
		}
	}
	if rest == "" {
		return host, nil
	}
	port, err := strconv.ParseUint(strings.TrimPrefix(rest, ":"), 10, 16)
	if err != nil || rest[0] != ':' || port == 0 || rest[1] == '0' {
		return "", ErrRequest
	}
	return host, nil
}

// hostName reports a lower-case DNS name or dotted IPv4 address in ASCII,
// without a dot at its end.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, label := range strings.Split(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	return true
}

// cleanPath reports a path that may be routed: the doc comment of the package
// says which, H145 says why. It looks at the bytes as they were sent.
func cleanPath(r *http.Request) bool {
	raw, _, _ := strings.Cut(requestURI(r), "?")
	if raw != r.URL.Path || r.URL.RawPath != "" || len(raw) > 2048 {
		return false
	}
	return raw == "/" || cleanSegments(raw)
}

func cleanSegments(path string) bool {
	for _, segment := range strings.Split(path[1:], "/") {
		if segment == "" || segment[len(segment)-1] == '.' {
			return false
		}
		for i := range len(segment) {
			if !pathByte(segment[i]) {
				return false
			}
		}
	}
	return true
}

// pathByte reports the pchar of RFC 3986 without percent-encoding and without
// the semicolon, which some servers cut paths at.
func pathByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,=:@", c) >= 0
}

// Local reports whether to is a path of this origin, with or without a query,
// that a redirect may go to: it cannot be read as another origin by any browser
// and holds nothing that routing would refuse.
func Local(to string) bool {
	u, err := url.Parse(to)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil || u.Fragment != "" || u.RawPath != "" {
		return false
	}
	path, query, _ := strings.Cut(to, "?")
	if path != u.Path || !strings.HasPrefix(path, "/") || strings.ContainsAny(to, "\\#") || !printable(to) {
		return false
	}
	return (path == "/" || cleanSegments(path)) && checkQuery(query) == nil
}

// printable reports ASCII without control characters and spaces.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
