package web

import (
	"net/http"
	"slices"
	"strings"
)

// Route is one line of the router table, as tests and documentation read it.
type Route struct {
	Method  string // "GET" answers HEAD too
	Path    string // ServeMux syntax: "/applications/{id}"
	Pattern string // Method, a space, Path: the name in records and metrics

	Access    string // who may come in, in the caller's words: "public", "session"; "" was not said
	CrossSite string // why the cross-site guard is off; "" when it is on
	AnyHost   bool   // answers without a tenant: health, metrics
	CORS      bool   // other origins may read the answer
	Streaming bool   // no deadline: the handler watches Draining
	MaxBody   int64  // bytes

	handler  Handler
	teller   Teller
	allow    func(r *http.Request, origin string) bool
	everyone bool
}

// Option says how a route differs from the strictest one.
type Option func(*Route)

// DefaultBody is the outer wall round a body for routes that do not say MaxBody.
// Forms have a lower wall of their own (Form).
const DefaultBody = 1 << 20

// Public marks a route that anybody may call. It changes nothing but the router
// table, from which tests are made.
func Public() Option { return Requires("public") }

// Requires marks who may call a route, in words that the tests of a face know
// ("session", "fresh session", "staff", "client"). The handler enforces it; the
// table lets a test call every route without it and expect a refusal.
func Requires(access string) Option { return func(rt *Route) { rt.Access = access } }

// NoCSRF turns the cross-site guard off, for routes that authenticate every
// request by themselves and use no cookie (client authentication, bearer
// tokens), or that a specification allows across sites. The reason stands in
// the router table.
func NoCSRF(reason string) Option {
	if reason == "" {
		panic("web: NoCSRF needs a reason")
	}
	return func(rt *Route) { rt.CrossSite = reason }
}

// AnyHost lets a route answer under every host, without origin and tenant.
func AnyHost() Option { return func(rt *Route) { rt.AnyHost = true } }

// MaxBody sets how many bytes a body may have.
func MaxBody(bytes int64) Option { return func(rt *Route) { rt.MaxBody = bytes } }

// Streaming takes the deadlines off a route that answers for long. Its handler
// ends when the request's context or Draining says so.
func Streaming() Option { return func(rt *Route) { rt.Streaming = true } }

// CORS lets scripts of the origins that allow accepts read the answer, never
// with credentials (H149). allow is asked for the preflight too, when the
// client is not known yet: it answers whether any application of the tenant
// registered the origin, and the handler narrows with KeepOrigin. It implies
// NoCSRF, since such a route must not act on cookies.
func CORS(allow func(r *http.Request, origin string) bool) Option {
	return func(rt *Route) {
		rt.CORS, rt.allow = true, allow
		if rt.CrossSite == "" {
			rt.CrossSite = "answers across origins without credentials"
		}
	}
}

// CORSEveryone lets scripts of every origin read the answer: for documents that
// are public and the same for all, such as discovery and JWKS.
func CORSEveryone() Option {
	return func(rt *Route) { rt.CORS, rt.everyone = true, true }
}

// newRoute reads a pattern and refuses, by panic at start, those which would
// make ServeMux redirect or answer more than they say.
func newRoute(pattern string, teller Teller, h Handler, opts []Option) *Route {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok || !slices.Contains(methods, method) || method == http.MethodOptions || !strings.HasPrefix(path, "/") {
		panic("web: pattern " + pattern + " is not METHOD /path")
	}
	if method == http.MethodHead {
		panic("web: HEAD is answered by GET")
	}
	for _, segment := range strings.Split(path[1:], "/") {
		if strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}") {
			continue
		}
		if !cleanSegments("/" + segment) {
			panic("web: pattern " + pattern + " holds a segment that no request reaches; end a directory with {$}")
		}
	}
	rt := &Route{Method: method, Path: path, Pattern: pattern, MaxBody: DefaultBody, handler: h, teller: teller}
	for _, o := range opts {
		o(rt)
	}
	return rt
}

// ServeHTTP runs the handler and leaves its error in the request's scope.
func (rt *Route) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scopeOf(r).err = rt.handler(w, r)
}

var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// safe reports the methods that change nothing (RFC 9110 9.2.1).
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
