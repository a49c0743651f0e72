package web

import (
	"net/http"
	"strings"
)

// Guard refuses a request that did not come from a page of the configured
// origin (ui.md 54, H146). The rim asks it for every method that may change
// something, unless the route opted out with NoCSRF.
//
// An Origin header must equal the configured origin to the byte: "null", a
// sibling sub-domain and the http twin do not. Sec-Fetch-Site must be
// same-origin, or none, which is the person's own doing. A request without
// Sec-Fetch-Site needs the Origin header: programs that post forms send it.
func Guard(r *http.Request) error {
	origin, one := only(r.Header, "Origin")
	site, single := only(r.Header, "Sec-Fetch-Site")
	if !one || !single {
		return ErrCrossSite
	}
	if origin != "" && origin != Origin(r) {
		return ErrCrossSite
	}
	switch site {
	case "same-origin", "none":
		return nil
	case "":
		if origin != "" {
			return nil
		}
	}
	return ErrCrossSite
}

// CrossSite reports whether a request did not come from a page of this origin:
// a handler that opted out of the guard stores what such a POST brought and
// answers Redirect to a GET of its own (see the package's comment).
func CrossSite(r *http.Request) bool { return Guard(r) != nil }

const (
	corsHeaders = "Authorization, Content-Type, DPoP"
	corsExposed = "WWW-Authenticate, DPoP-Nonce, Retry-After, X-Request-Id"
)

// share lets the asking origin read the answer if the route allows it. No
// header ever allows credentials (H149).
func share(h http.Header, r *http.Request, rt *Route) {
	if !rt.CORS {
		return
	}
	if rt.everyone {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		return
	}
	h.Add("Vary", "Origin")
	origin, _ := only(r.Header, "Origin")
	if !Serialized(origin) || !rt.allow(r, origin) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", corsExposed)
}

// preflight answers what a browser asks before it sends a request that a form
// could not send (Fetch 4.8). The grant lasts ten minutes.
func (m *Mux) preflight(w http.ResponseWriter, r *http.Request) {
	method, _ := only(r.Header, "Access-Control-Request-Method")
	rt := m.find(r, method)
	if method == "" || rt == nil || !rt.CORS {
		return
	}
	h := w.Header()
	share(h, r, rt)
	h.Del("Access-Control-Expose-Headers")
	if h.Get("Access-Control-Allow-Origin") == "" {
		return
	}
	h.Set("Access-Control-Allow-Methods", rt.Method)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
}

// KeepOrigin takes back what CORS allowed unless the request's origin is among
// the given ones. A handler calls it as soon as it knows the client, with the
// origins that this client registered.
func KeepOrigin(w http.ResponseWriter, origins []string) {
	granted := w.Header().Get("Access-Control-Allow-Origin")
	for _, origin := range origins {
		if origin == granted {
			return
		}
	}
	w.Header().Del("Access-Control-Allow-Origin")
	w.Header().Del("Access-Control-Expose-Headers")
}

// Serialized reports a well-formed origin as browsers write it: http or https,
// a lower-case host, and a port only if it is not the scheme's own.
func Serialized(origin string) bool {
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok || scheme != "https" && scheme != "http" || rest != strings.ToLower(rest) {
		return false
	}
	if strings.HasSuffix(rest, map[string]string{"https": ":443", "http": ":80"}[scheme]) {
		return false
	}
	_, err := authority(&http.Request{Host: rest})
	return err == nil
}
