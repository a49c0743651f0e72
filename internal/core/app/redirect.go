package app

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

const maxURI = 2048

// answers are the parameters that the house adds to a redirect URI; one that
// stands there already could pass for ours.
var answers = []string{
	"access_token", "code", "error", "error_description", "error_uri", "expires_in", "id_token",
	"iss", "response", "scope", "session_state", "state", "token_type",
}

// ValidateRedirectURI tells whether an application of the kind may register the
// URI. loopback is tenant.Loopback: only then web and spa applications may use
// http, on loopback hosts. Everything else is https, but for native
// applications also http on a loopback IP address (RFC 8252 section 7.3) and a
// private-use scheme with a dot in it (section 7.1). The URI must be written in
// the one way that needs no interpretation: plain ASCII, lower-case host, no
// user name, fragment, dot segment, encoded separator or parameter of ours.
// It fails with ErrBadRedirect.
func ValidateRedirectURI(k Kind, uri string, loopback bool) error {
	if !plain(uri) {
		return ErrBadRedirect
	}
	scheme, rest, ok := strings.Cut(uri, ":")
	if !ok || !validScheme(scheme) {
		return ErrBadRedirect
	}
	path, query, _ := strings.Cut(rest, "?")
	if !plainQuery(query) {
		return ErrBadRedirect
	}
	if scheme == "https" || scheme == "http" {
		return validateWeb(k, scheme, path, loopback)
	}
	return validatePrivate(k, scheme, path)
}

// plain refuses what browsers, proxies and parsers disagree about, and the star
// that somebody may take for a wildcard: there is none.
func plain(uri string) bool {
	if uri == "" || len(uri) > maxURI {
		return false
	}
	for i := range len(uri) {
		if c := uri[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"#*<>@\\^`{|}", c) >= 0 {
			return false
		}
	}
	return plainEscapes(uri)
}

// plainEscapes allows %XX, but not for control characters, nor for characters
// that mean something to a path.
func plainEscapes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			continue
		}
		c, err := url.PathUnescape(s[i:min(i+3, len(s))])
		if err != nil || c[0] < ' ' || c[0] == 0x7f || strings.IndexByte("%./\\@:;#?", c[0]) >= 0 {
			return false
		}
		i += 2
	}
	return true
}

// validScheme is RFC 3986 section 3.1 in lower case.
func validScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

func plainQuery(query string) bool {
	if query == "" {
		return true
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	for name := range values {
		if slices.Contains(answers, strings.ToLower(name)) {
			return false
		}
	}
	return true
}

func validateWeb(k Kind, scheme, rest string, loopback bool) error {
	after, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return ErrBadRedirect
	}
	authority, path := after, ""
	if i := strings.IndexByte(after, '/'); i >= 0 {
		authority, path = after[:i], after[i:]
	}
	// ParseOrigin holds the rules of a host and lets http to loopback alone.
	_, host, err := tenant.ParseOrigin(scheme + "://" + authority)
	if err != nil || !plainPath(path) {
		return ErrBadRedirect
	}
	if scheme == "http" && !loopback && (k != Native || !loopbackIP(host)) {
		return ErrBadRedirect
	}
	return nil
}

// plainPath refuses segments that a parser may take away.
func plainPath(path string) bool {
	for i, segment := range strings.Split(path, "/") {
		if segment == "." || segment == ".." || strings.Contains(segment, ";") {
			return false
		}
		if segment == "" && i > 0 && i < strings.Count(path, "/") {
			return false // "//"
		}
	}
	return true
}

// loopbackIP reports whether a host with or without a port is 127.0.0.1 or
// [::1]. RFC 8252 section 8.3 advises against the name localhost.
func loopbackIP(host string) bool {
	return loopbackBase("http://"+host) != ""
}

// plainName refuses after "//" whatever is no plain name: a port, an escape or
// brackets, of which parsers make different things.
func plainName(rest string) bool {
	after, ok := strings.CutPrefix(rest, "//")
	if !ok {
		return true
	}
	name, _, _ := strings.Cut(after, "/")
	return strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// validatePrivate is for schemes like com.example.app (RFC 8252 section 7.1),
// which only native applications have; schemes without a dot belong to others.
func validatePrivate(k Kind, scheme, rest string) error {
	first, _, _ := strings.Cut(scheme, ".")
	if k != Native || !strings.Contains(scheme, ".") || first == "" || strings.HasSuffix(scheme, ".") ||
		!strings.HasPrefix(rest, "/") || !plainPath(strings.TrimPrefix(rest, "//")) || !plainName(rest) {
		return ErrBadRedirect
	}
	return nil
}

// AllowsRedirect reports whether the application registered exactly this
// redirect URI. For a native application the port of a registered loopback IP
// address is left open (RFC 8252 section 7.3); everything else is compared byte
// for byte.
func (a *Application) AllowsRedirect(uri string) bool {
	if uri == "" || len(uri) > maxURI {
		return false
	}
	if slices.Contains(a.Settings.RedirectURIs, uri) {
		return true
	}
	if a.Kind != Native {
		return false
	}
	base := loopbackBase(uri)
	if base == "" {
		return false
	}
	rest, ok := withoutPort(uri[len(base):])
	if !ok {
		return false
	}
	return slices.ContainsFunc(a.Settings.RedirectURIs, func(registered string) bool {
		if loopbackBase(registered) != base {
			return false
		}
		own, ok := withoutPort(registered[len(base):])
		return ok && own == rest
	})
}

// loopbackBase is the beginning of a loopback URI up to the end of the address.
func loopbackBase(uri string) string {
	for _, base := range []string{"http://127.0.0.1", "http://[::1]"} {
		if strings.HasPrefix(uri, base) {
			if rest := uri[len(base):]; rest == "" || strings.IndexByte(":/?", rest[0]) >= 0 {
				return base
			}
		}
	}
	return ""
}

// withoutPort takes ":8080" off the front of what follows a host.
func withoutPort(rest string) (string, bool) {
	if !strings.HasPrefix(rest, ":") {
		return rest, true
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	return rest[end:], tenant.ValidPort(rest[1:end])
}

// AllowsPostLogout reports whether the application registered exactly this URI
// to return to after a sign-out.
func (a *Application) AllowsPostLogout(uri string) bool {
	return uri != "" && slices.Contains(a.Settings.PostLogoutURIs, uri)
}

// AllowsOrigin reports whether the application registered exactly this web
// origin, as in the header "Origin:".
func (a *Application) AllowsOrigin(origin string) bool {
	return origin != "" && slices.Contains(a.Settings.Origins, origin)
}

// validateOrigin accepts an origin only in its one spelling.
func validateOrigin(origin string, loopback bool) error {
	parsed, _, err := tenant.ParseOrigin(origin)
	if err != nil || parsed != origin || strings.HasPrefix(origin, "http:") && !loopback {
		return ErrBadOrigin
	}
	return nil
}

// validAudience accepts an absolute URI without a fragment (RFC 8707 section
// 2): https://api.example.com/orders or urn:example:orders.
func validAudience(s string) bool {
	if !plain(s) || len(s) > 500 {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || !validScheme(u.Scheme) || u.User != nil {
		return false
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && a.IsUnspecified() {
		return false
	}
	switch u.Scheme {
	case "https", "http":
		return u.Host != ""
	case "urn":
		return u.Opaque != ""
	}
	return strings.Contains(u.Scheme, ".")
}
