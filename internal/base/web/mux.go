package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// HostFunc finds what is served under a host. host is the lower-case host[:port]
// of the request and has a valid form. origin is the configured origin, value
// what Tenant answers; ok is false for a host that nobody configured (421).
type HostFunc func(host string) (origin string, value any, ok bool)

// OneHost is the HostFunc of a server that has a single origin.
func OneHost(origin string, value any) HostFunc {
	_, own, _ := strings.Cut(origin, "://")
	return func(host string) (string, any, bool) { return origin, value, host == own }
}

// Config is what a Mux needs from the house. The zero value answers every
// request with 421.
type Config struct {
	Host    HostFunc
	Proxies []netip.Prefix   // peers whose X-Forwarded-For and X-Forwarded-Proto are believed; none by default (H143)
	Teller  Teller           // for what no route answers, when the host is known; Plain if nil
	Log     *slog.Logger     // where records go; nil: nowhere
	Clock   func() time.Time // stop-watch of the record; nil: durations are zero
	Timeout time.Duration    // of a handler; 30 s if zero
	Tracer  trace.Tracer     // one span per request; nil: none

	// Observe is told of every answered request, for metrics. route is a
	// pattern of the table or "" and method one of the known ones or "other",
	// so both are safe as labels.
	Observe func(route, method string, status int, took time.Duration)
}

// Mux routes requests over a ServeMux and is the rim round every handler. It is
// safe for concurrent use once all routes are registered.
type Mux struct {
	c      Config
	mux    *http.ServeMux
	routes []*Route
}

// NewMux returns a Mux without routes.
func NewMux(c Config) *Mux {
	if c.Host == nil {
		c.Host = func(string) (string, any, bool) { return "", nil, false }
	}
	if c.Teller == nil {
		c.Teller = Plain
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = func() time.Time { return time.Time{} }
	}
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	return &Mux{c: c, mux: http.NewServeMux()}
}

// Handle registers a handler under "METHOD /path" in ServeMux syntax, with the
// teller of its face (nil: Config.Teller). GET answers HEAD too. It panics on a
// pattern that is taken, names a host, or ends in a slash without {$}.
func (m *Mux) Handle(pattern string, teller Teller, h Handler, opts ...Option) {
	if teller == nil {
		teller = m.c.Teller
	}
	rt := newRoute(pattern, teller, h, opts)
	m.mux.Handle(pattern, rt)
	m.routes = append(m.routes, rt)
}

// Routes is the router table, sorted by path and method.
func (m *Mux) Routes() []Route {
	all := make([]Route, len(m.routes))
	for i, rt := range m.routes {
		all[i] = *rt
	}
	slices.SortFunc(all, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	return all
}

// ServeHTTP is the rim: it opens the record, serves, tells, and writes the
// record, whatever happens between.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := m.c.Clock()
	s := &scope{rec: newRec(), teller: Plain, spoiled: map[string]bool{}}
	s.peer, s.proto = m.forwarded(r)
	rw := &writer{ResponseWriter: w, scope: s}
	r, span := m.trace(with(r, s), s)
	err := m.guarded(rw, r, func() error { return m.serve(rw, r) })
	if err != nil {
		m.tell(rw, r, err)
	}
	rw.finish()
	took := m.c.Clock().Sub(began)
	m.close(rw, r, took, span)
	if s.abort {
		panic(http.ErrAbortHandler)
	}
}

// guarded runs fn and turns a panic into an Internal fault whose stack is in the
// record. http.ErrAbortHandler stays what it is: a request to cut the connection.
func (m *Mux) guarded(w *writer, r *http.Request, fn func() error) (err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			w.scope.abort = true
			return
		}
		w.scope.rec.stack = string(debug.Stack())
		err = errPanic.Because(fmt.Errorf("panic: %v", v))
	}()
	return fn()
}

// serve takes the steps of the drawing in doc.go up to the handler.
func (m *Mux) serve(w *writer, r *http.Request) error {
	s := w.scope
	if err := checkLine(r); err != nil {
		baseline(w.Header(), s)
		return err
	}
	host, err := authority(r)
	if err != nil {
		baseline(w.Header(), s)
		return err
	}
	s.route = m.find(r, r.Method)
	if s.route == nil || !s.route.AnyHost {
		origin, tenant, ok := m.c.Host(host)
		if !ok {
			baseline(w.Header(), s)
			return ErrHost
		}
		s.origin, s.tenant, s.teller = origin, tenant, m.c.Teller
	}
	baseline(w.Header(), s)
	if s.proto == "http" && strings.HasPrefix(s.origin, "https:") {
		return m.upgrade(w, r)
	}
	if s.route == nil {
		return m.unrouted(w, r)
	}
	s.teller = s.route.teller
	return m.enter(w, r, s.route)
}

// find is the route of a request under a method, nil if there is none. ServeMux
// answers with handlers of its own where it would redirect: those are none.
func (m *Mux) find(r *http.Request, method string) *Route {
	if !slices.Contains(methods, method) || !cleanPath(r) {
		return nil
	}
	if method != r.Method {
		c := *r
		c.Method = method
		r = &c
	}
	h, _ := m.mux.Handler(r)
	rt, _ := h.(*Route)
	return rt
}

// unrouted answers OPTIONS, and tells 405 from 404. Who sent another method than
// the address answers is told in the words of the address: a program in JSON.
func (m *Mux) unrouted(w *writer, r *http.Request) error {
	var allowed []string
	for _, method := range methods {
		if rt := m.find(r, method); rt != nil {
			allowed, w.scope.teller = append(allowed, method), rt.teller
		}
	}
	if len(allowed) == 0 {
		return ErrPath
	}
	w.Header().Set("Allow", strings.Join(append(allowed, http.MethodOptions), ", "))
	if r.Method != http.MethodOptions {
		return ErrMethod
	}
	m.preflight(w, r)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// upgrade sends a browser that came over plain HTTP through a trusted proxy to
// the configured origin. What carries credentials or a body is refused instead:
// it has leaked already, and a redirect would hide that.
func (m *Mux) upgrade(w *writer, r *http.Request) error {
	if !safe(r.Method) || r.Header.Get("Authorization") != "" || !cleanPath(r) {
		return ErrPlainHTTP
	}
	w.Header().Set("Location", w.scope.origin+r.URL.RequestURI())
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// enter runs the route's handler behind its walls.
func (m *Mux) enter(w *writer, r *http.Request, rt *Route) error {
	share(w.Header(), r, rt)
	if r.ContentLength > rt.MaxBody {
		return ErrTooLarge
	}
	if rt.CrossSite == "" && !safe(r.Method) {
		if err := Guard(r); err != nil {
			return err
		}
	}
	if r.Body != nil {
		// The outer writer, since MaxBytesReader asks it to close the connection.
		r.Body = http.MaxBytesReader(w.ResponseWriter, r.Body, rt.MaxBody)
	}
	if rt.Streaming {
		c := http.NewResponseController(w)
		_, _ = c.SetReadDeadline(time.Time{}), c.SetWriteDeadline(time.Time{})
	} else {
		ctx, cancel := context.WithTimeout(r.Context(), m.c.Timeout)
		defer cancel()
		r = r.WithContext(ctx)
	}
	m.mux.ServeHTTP(w, r)
	return w.scope.err
}

// tell renders an error, unless the handler has begun to answer: then the
// connection is cut, so that nobody takes half an answer for a whole one.
func (m *Mux) tell(w *writer, r *http.Request, err error) {
	f := faultOf(err)
	w.scope.rec.fail(f)
	if w.status != 0 {
		w.scope.abort = true
		return
	}
	prepare(w.Header(), f)
	again := m.guarded(w, r, func() error {
		w.scope.teller(w, r, f)
		return nil
	})
	if again == nil {
		return
	}
	w.scope.rec.Add("teller", again)
	if w.status != 0 {
		w.scope.abort = true
		return
	}
	prepare(w.Header(), f)
	Plain(w, r, f)
}
