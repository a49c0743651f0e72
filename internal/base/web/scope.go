package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
)

// scope is what the rim knows about one request. It is the only thing that web
// puts into a context.
type scope struct {
	rec     *Rec
	origin  string
	tenant  any
	peer    netip.Addr
	proto   string // X-Forwarded-Proto of a trusted proxy, else ""
	route   *Route
	teller  Teller
	err     error
	abort   bool
	form    url.Values
	spoiled map[string]bool // cookies read and refused, to be dropped with the answer
}

type scopeKey struct{}

func scopeOf(r *http.Request) *scope {
	s, _ := r.Context().Value(scopeKey{}).(*scope)
	return s
}

func with(r *http.Request, s *scope) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), scopeKey{}, s))
}

// copied returns the request's scope as a copy that may be changed, or a fresh
// one for a request that did not come through a Mux.
func copied(r *http.Request) *scope {
	if s := scopeOf(r); s != nil {
		c := *s
		return &c
	}
	return &scope{rec: newRec(), peer: remote(r), spoiled: map[string]bool{}}
}

// Record is the request's record, to which anybody may add facts. For a request
// that did not come through a Mux it is one that nobody writes.
func Record(r *http.Request) *Rec {
	if s := scopeOf(r); s != nil {
		return s.rec
	}
	return newRec()
}

// Reference is the request's short id, as shown on error pages and found in the
// record; "" outside a Mux.
func Reference(r *http.Request) string {
	if s := scopeOf(r); s != nil {
		return s.rec.id
	}
	return ""
}

// Origin is the configured origin of the request's host, such as
// "https://id.example.com", without a slash at its end. It comes from
// HostFunc or WithOrigin, never from a header; "" when the route answers on any
// host.
func Origin(r *http.Request) string {
	if s := scopeOf(r); s != nil {
		return s.origin
	}
	return ""
}

// Tenant is the value that HostFunc gave for the request's host, nil when the
// route answers on any host. Faces wrap it in a typed reader of their own.
func Tenant(r *http.Request) any {
	if s := scopeOf(r); s != nil {
		return s.tenant
	}
	return nil
}

// WithOrigin returns the request with another configured origin: for tests, and
// for code that answers on behalf of a tenant found otherwise.
func WithOrigin(r *http.Request, origin string) *http.Request {
	s := copied(r)
	s.origin = origin
	return with(r, s)
}

// WithTenant returns the request with another tenant value; see WithOrigin.
func WithTenant(r *http.Request, tenant any) *http.Request {
	s := copied(r)
	s.tenant = tenant
	return with(r, s)
}

// Matched is the route that answers the request, nil before routing and outside
// a Mux.
func Matched(r *http.Request) *Route {
	if s := scopeOf(r); s != nil {
		return s.route
	}
	return nil
}

// Draining is closed when the server begins to stop; a handler that streams
// ends its stream then. It is nil, which never fires, without a Server.
func Draining(r *http.Request) <-chan struct{} {
	ch, _ := r.Context().Value(drainKey{}).(<-chan struct{})
	return ch
}

// UserAgent is the User-Agent header made fit for keeping and showing: valid
// UTF-8 without control or direction characters, at most 256 bytes.
func UserAgent(r *http.Request) string { return Clean(r.UserAgent(), 256) }
