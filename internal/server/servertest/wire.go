package servertest

import (
	"io"
	"log/slog"
	"net/http"
)

// Quiet drops every log line.
var Quiet = slog.New(slog.DiscardHandler)

// Do sends a request that is no browser's and reads the whole answer.
func (h *House) Do(r *http.Request) (int, []byte) {
	h.TB.Helper()
	answer, err := Plain.Do(r)
	h.ok(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	h.ok(err)
	return answer.StatusCode, body
}

// Plain follows no redirects and keeps no cookies.
var Plain = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
