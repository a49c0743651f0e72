package web

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// writer notes what was answered and makes the last corrections before the
// header goes out. Unwrap lets http.ResponseController reach the connection.
type writer struct {
	http.ResponseWriter
	scope  *scope
	status int
	bytes  int64
}

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) WriteHeader(status int) {
	if status >= 200 && w.status == 0 {
		w.status = status
		dropSpoiled(w.Header(), w.scope)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *writer) Write(b []byte) (int, error) {
	if w.status == 0 {
		if w.Header().Get("Content-Type") == "" {
			// Never let net/http guess: a guess may be HTML.
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// FlushError is what http.ResponseController calls.
func (w *writer) FlushError() error {
	w.finish()
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// finish answers 200 for a handler that said nothing.
func (w *writer) finish() {
	if w.status == 0 && !w.scope.abort {
		w.WriteHeader(http.StatusOK)
	}
}

// fail puts a fault on the record.
func (rec *Rec) fail(f *fault.Error) {
	rec.add(slog.String("fault", Clean(f.Code, 64)), slog.String("kind", f.Kind.String()))
	if f.Field != "" {
		rec.Add("field", f.Field)
	}
	if f.Err != nil {
		rec.Add("cause", f.Err)
	}
}

// close writes the record, tells the observer and ends the span.
func (m *Mux) close(w *writer, r *http.Request, took time.Duration, span trace.Span) {
	method, pattern := "other", ""
	for _, known := range methods {
		if known == r.Method {
			method = known
		}
	}
	if w.scope.route != nil {
		pattern = w.scope.route.Pattern
	}
	m.write(w, r, method, pattern, took)
	if m.c.Observe != nil {
		m.c.Observe(pattern, method, w.status, took)
	}
	if span == nil {
		return
	}
	if pattern != "" {
		span.SetName(pattern)
	}
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", pattern), attribute.Int("http.response.status_code", w.status))
	if w.status >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

func (m *Mux) write(w *writer, r *http.Request, method, pattern string, took time.Duration) {
	rec := w.scope.rec
	level := slog.LevelInfo
	if w.status >= 500 || w.scope.abort {
		level = slog.LevelError
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	attrs := append([]slog.Attr{
		slog.String("id", rec.id), slog.String("method", method), slog.String("route", pattern),
		slog.Int("status", w.status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", w.bytes),
	}, rec.facts...)
	if w.scope.abort {
		attrs = append(attrs, slog.Bool("cut", true))
	}
	if rec.stack != "" {
		attrs = append(attrs, slog.String("stack", rec.stack))
	}
	m.c.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// trace opens the request's span. A traceparent of a trusted proxy is the
// parent; anybody else's is only linked, for correlation, since it would let a
// stranger choose what is sampled and under which trace it is filed.
func (m *Mux) trace(r *http.Request, s *scope) (*http.Request, trace.Span) {
	if m.c.Tracer == nil {
		return r, nil
	}
	parent := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	ctx, opts := r.Context(), []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer)}
	switch {
	case parent.IsValid() && m.trusted(remote(r)):
		ctx = trace.ContextWithRemoteSpanContext(ctx, parent)
	case parent.IsValid():
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: parent}))
	}
	ctx, span := m.c.Tracer.Start(ctx, "request", opts...)
	if own := span.SpanContext(); own.IsValid() {
		s.rec.Add("trace", own.TraceID().String())
	}
	return r.WithContext(ctx), span
}

// JSON answers v as JSON under a status. It marshals before it writes, so an
// error leaves the answer to the teller. The answer is not to be stored.
func JSON(w http.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(true)
	if err := enc.Encode(v); err != nil {
		return err
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
	return nil
}

// Redirect answers 303 to a path of this origin or an absolute address that the
// caller has checked. The answer is not stored and sends no referrer. It panics,
// and the rim answers 500, on an address that no check can have passed:
// one that holds control characters, spaces or non-ASCII, or begins with two
// slashes, or whose scheme runs scripts.
func Redirect(w http.ResponseWriter, _ *http.Request, to string) {
	if local, _, _ := strings.Cut(to, "#"); !leavable(to) && (!Local(local) || !printable(to)) {
		panic("web: redirect to an unchecked address")
	}
	h := w.Header()
	h.Set("Location", to)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(http.StatusSeeOther)
}

// leavable reports an absolute address that a browser may be sent to.
func leavable(to string) bool {
	scheme, rest, ok := strings.Cut(to, ":")
	return ok && rest != "" && printable(to) && schemeName(scheme) && !scripted(strings.ToLower(scheme))
}
