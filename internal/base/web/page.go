package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// CSP says how a page's policy differs from the strictest one.
type CSP struct {
	// FormAction lists where the page's forms may end besides this origin, after
	// any redirects: redirect URIs or origins of the request's client. Entries
	// that FormTarget refuses are left out and noted on the record.
	FormAction []string
	// FrameAncestors lists the origins that may frame the page, or "'self'";
	// none if empty.
	FrameAncestors []string
	// Popup keeps the window's opener, for pages that applications open in a
	// popup: sign-in and consent. Portal and console leave it false.
	Popup bool
	// Worker lets the page start workers of this origin's own files.
	Worker bool
	// Foreign lists the origins whose frames, styles and answers the page takes
	// besides its own, "https://js.example" or "https://*.example": those of one
	// service that the operator chose. Entries that are neither are left out.
	// Such a page goes without trusted types, which the service's scripts do not
	// know; every other page has none of this.
	Foreign []string
	// ForeignScript is the one file that the service's scripts begin with, if it
	// lies elsewhere: "https://cdn.example/widget@1.0.0/site.min.js".
	ForeignScript string
}

const (
	trustedTypes = "; require-trusted-types-for 'script'; trusted-types app"
	permissions  = "publickey-credentials-get=(self), publickey-credentials-create=(self), accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)

// Page sets the headers of an HTML page (ui.md 18 and 50-53). Referrer-Policy is
// same-origin because under no-referrer Chromium sends "Origin: null" with the
// page's own forms, which Guard refuses.
func Page(w http.ResponseWriter, r *http.Request, csp CSP) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", csp.policy(r))
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if csp.Popup {
		h.Set("Cross-Origin-Opener-Policy", "unsafe-none")
	}
}

func (csp CSP) policy(r *http.Request) string {
	forms, frames := []string{"'self'"}, []string{}
	for _, uri := range csp.FormAction {
		if target, ok := FormTarget(uri); !ok {
			Record(r).Add("form_action", "refused")
		} else if !slices.Contains(forms, target) {
			forms = append(forms, target)
		}
	}
	for _, origin := range csp.FrameAncestors {
		if origin == "'self'" || Serialized(origin) {
			frames = append(frames, origin)
		}
	}
	if len(frames) == 0 {
		frames = append(frames, "'none'")
	}
	return csp.loads() + "; form-action " + strings.Join(forms, " ") + "; frame-ancestors " + strings.Join(frames, " ")
}

// loads is what the page may run and fetch.
func (csp CSP) loads() string {
	foreign, types := "", trustedTypes
	for _, origin := range csp.Foreign {
		if foreignSource(origin) {
			foreign, types = foreign+" "+origin, ""
		}
	}
	scripts := foreign
	if u, err := url.Parse(csp.ForeignScript); err == nil && foreign != "" && foreignSource("https://"+u.Host) && plainPath(u) {
		scripts += " https://" + u.Host + u.Path
	}
	p := "default-src 'none'; script-src 'self'" + scripts + "; style-src 'self'" + foreign + "; img-src 'self' data:; font-src 'self'; connect-src 'self'" + foreign
	if foreign != "" {
		p += "; frame-src" + foreign
	}
	if csp.Worker {
		p += "; worker-src 'self'"
	}
	return p + "; base-uri 'none'" + types
}

// plainPath reports a URL of nothing but an origin and a path that a policy can
// name as it is.
func plainPath(u *url.URL) bool {
	odd := func(c rune) bool {
		return !strings.ContainsRune("/.-_@", c) && (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9')
	}
	return u.Scheme == "https" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && len(u.Path) > 1 && !strings.ContainsFunc(u.Path, odd)
}

// foreignSource reports an https origin, or all those below one domain.
func foreignSource(origin string) bool {
	host, ok := strings.CutPrefix(origin, "https://")
	return ok && Serialized("https://"+strings.TrimPrefix(host, "*.")) && strings.Contains(strings.TrimPrefix(host, "*."), ".")
}

// FormTarget is the CSP source of the origin or custom scheme that a redirect
// URI or origin belongs to: "https://shop.example", "com.example.shop:". It
// refuses schemes that run scripts or read files, http except on loopback, and
// hosts that a CSP cannot name, such as IPv6 literals: a flow that ends there
// uses Leave.
func FormTarget(uri string) (source string, ok bool) {
	u, err := url.Parse(uri)
	if err != nil || !printable(uri) || u.User != nil || !schemeName(u.Scheme) {
		return "", false
	}
	scheme := strings.ToLower(u.Scheme)
	if scripted(scheme) {
		return "", false
	}
	if scheme != "http" && scheme != "https" {
		return scheme + ":", true
	}
	source = scheme + "://" + strings.ToLower(u.Host)
	if !Serialized(trimPort(source)) || strings.Contains(source, "[") || scheme == "http" && !Loopback(u.Hostname()) {
		return "", false
	}
	return trimPort(source), true
}

// trimPort removes the scheme's own port, which Serialized does not know.
func trimPort(origin string) string {
	if host, ok := strings.CutPrefix(origin, "https://"); ok {
		return "https://" + strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(origin, ":80")
}

// Loopback reports a host name that is this machine for every browser: an
// address of 127.0.0.0/8, ::1, localhost and names below it (RFC 6761 6.3).
func Loopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// schemeName reports the scheme of RFC 3986 3.1.
func schemeName(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (s[i] < '0' || s[i] > '9') && s[i] != '+' && s[i] != '-' && s[i] != '.') {
			return false
		}
	}
	return s != ""
}

// scripted reports schemes that run scripts, read files or show other schemes.
func scripted(scheme string) bool {
	switch scheme {
	case "javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source", "jar", "mhtml", "chrome", "resource", "livescript", "mocha", "ws", "wss", "ftp", "intent":
		return true
	}
	return false
}

// SignedOut asks the browser to forget what it kept of this origin, pages in
// memory among it, so that Back shows no data (H158). Cookies are dropped one by
// one with DropCookie: the directive for cookies would take those of sibling
// sub-domains too.
func SignedOut(w http.ResponseWriter) {
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// baseline is what every answer says until a handler says otherwise.
func baseline(h http.Header, s *scope) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Request-Id", s.rec.id)
	if strings.HasPrefix(s.origin, "https://") {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}
