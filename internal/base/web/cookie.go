package web

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	cookieBytes = 4000
	cookieAge   = 400 * 24 * time.Hour // what browsers keep at most (RFC 6265bis 5.5)
)

// Cookie is one that the house sets: HttpOnly, for the whole host and no other.
type Cookie struct {
	Name, Value string
	MaxAge      time.Duration // 0: until the browser is closed
	Strict      bool          // SameSite=Strict in place of Lax
}

// SetCookie sets a cookie of the request's origin. On https its name gets the
// prefix __Host-, so no sibling domain can set or read it (H140); on http, which
// is loopback in development, the name stays plain and Secure is left out. A
// later one of the same name replaces the earlier. It panics on a name or value
// that RFC 6265 cannot carry, which is a defect of the caller.
func SetCookie(w http.ResponseWriter, r *http.Request, c Cookie) {
	if !cookieName(c.Name) || !cookieValue(c.Value) || c.MaxAge < 0 {
		panic("web: cookie " + c.Name + " cannot be written")
	}
	line := "; Path=/; HttpOnly; SameSite=Lax"
	if c.Strict {
		line = "; Path=/; HttpOnly; SameSite=Strict"
	}
	if c.MaxAge > 0 {
		line = "; Max-Age=" + seconds(max(time.Second, min(c.MaxAge, cookieAge))) + line
	}
	putCookie(w.Header(), r, c.Name, c.Value+line)
}

// DropCookie makes the browser forget a cookie of this origin.
func DropCookie(w http.ResponseWriter, r *http.Request, name string) {
	putCookie(w.Header(), r, name, "; Max-Age=0; Path=/; HttpOnly; SameSite=Lax")
}

// ReadCookie is the value of a cookie that the house set on this origin, "" if
// there is none. A cookie that came twice, too long or with bytes that the
// house never writes is no cookie: nobody can tell which one is ours. It is
// dropped with the answer (H151).
func ReadCookie(r *http.Request, name string) string {
	wire := wireName(r, name)
	found := cookiesNamed(r.Header, wire)
	if len(found) == 0 {
		return ""
	}
	if len(found) == 1 && cookieValue(found[0]) {
		return found[0]
	}
	if s := scopeOf(r); s != nil {
		s.spoiled[name] = true
		s.rec.Add("cookie", "refused")
	}
	return ""
}

func cookiesNamed(h http.Header, name string) (values []string) {
	for _, line := range h.Values("Cookie") {
		for _, pair := range strings.Split(line, ";") {
			key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && key == name {
				values = append(values, value)
			}
		}
	}
	return values
}

// wireName is the cookie's name as the browser knows it.
func wireName(r *http.Request, name string) string {
	if secureOrigin(r) {
		return "__Host-" + name
	}
	return name
}

func secureOrigin(r *http.Request) bool { return strings.HasPrefix(Origin(r), "https://") }

// putCookie writes a Set-Cookie line in place of any earlier one of its name.
func putCookie(h http.Header, r *http.Request, name, rest string) {
	putWire(h, wireName(r, name), rest, secureOrigin(r))
}

func putWire(h http.Header, wire, rest string, secure bool) {
	if secure {
		rest += "; Secure"
	}
	lines := slices.DeleteFunc(h.Values("Set-Cookie"), func(line string) bool { return strings.HasPrefix(line, wire+"=") })
	h["Set-Cookie"] = append(lines, wire+"="+rest)
}

// dropSpoiled makes the browser forget the cookies that ReadCookie refused,
// except those that the handler has set anew.
func dropSpoiled(h http.Header, s *scope) {
	secure := strings.HasPrefix(s.origin, "https://")
	for name := range s.spoiled {
		if secure {
			name = "__Host-" + name
		}
		if !slices.ContainsFunc(h.Values("Set-Cookie"), func(line string) bool { return strings.HasPrefix(line, name+"=") }) {
			putWire(h, name, "; Max-Age=0; Path=/; HttpOnly; SameSite=Lax", secure)
		}
	}
}

func cookieName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// cookieValue reports the cookie-octet of RFC 6265 4.1.1.
func cookieValue(s string) bool {
	return len(s) <= cookieBytes && printable(s) && !strings.ContainsAny(s, "\",;\\")
}
