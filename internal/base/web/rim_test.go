package web

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/cardea-id/cardea/internal/base/fault"
)

const testOrigin = "https://id.example.test"

// bench is a Mux with a log that tests can read.
type bench struct {
	*Mux
	mu  sync.Mutex
	log bytes.Buffer
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

// lines are the records written so far.
func (b *bench) lines(t *testing.T) []map[string]any {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(b.log.String()), "\n") {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("record %q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}

func newBench(change func(*Config)) *bench {
	b := &bench{}
	c := Config{Host: OneHost(testOrigin, "tenant-1"), Log: slog.New(slog.NewJSONHandler(b, nil)), Teller: codeTeller}
	if change != nil {
		change(&c)
	}
	b.Mux = NewMux(c)
	return b
}

// codeTeller tells a fault by its code alone.
func codeTeller(w http.ResponseWriter, _ *http.Request, err *fault.Error) {
	w.WriteHeader(Status(err))
	_, _ = io.WriteString(w, err.Code)
}

// ask builds a request to the test origin. headers are pairs of name and value.
func ask(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	path, query, _ := strings.Cut(target, "?")
	r.RequestURI, r.URL.Path, r.URL.RawQuery = target, path, query
	r.Host = "id.example.test"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func (b *bench) answer(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

func says(text string) Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		_, err := io.WriteString(w, text)
		return err
	}
}

func fails(err error) Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}
