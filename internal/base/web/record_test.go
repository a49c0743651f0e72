package web

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/cardea-id/cardea/internal/base/fault"
)

func TestARecordHoldsThePatternAndNothingPersonal(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	type person struct{ Email string }
	b.Handle("POST /customers/{id}", nil, func(w http.ResponseWriter, r *http.Request) error {
		Record(r).Add("flow", "signup")
		Record(r).Add("who", person{"mia@example.test"})
		_, err := io.WriteString(w, "12345")
		return err
	})
	r := ask("POST", "/customers/cus_77?email=mia@example.test", "password=tops3cret", "Origin", testOrigin, "Cookie", "s=c00kie", "Authorization", "Bearer t0ken", "User-Agent", "curl/mia")
	w := b.answer(r)
	line := b.lines(t)[0]
	if line["route"] != "POST /customers/{id}" || line["status"] != 200.0 || line["bytes"] != 5.0 || line["flow"] != "signup" || line["method"] != "POST" || line["id"] != w.Header().Get("X-Request-Id") {
		t.Fatalf("%v", line)
	}
	for _, secret := range []string{"mia", "cus_77", "tops3cret", "c00kie", "t0ken", "192.0.2.1"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("the record spills %q: %s", secret, b.log.String())
		}
	}
}

func TestH167_ARecordStaysOneHonestLine(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	hostile := "x\r\n{\"msg\":\"forged\"}\x1b[31m\u202eevil\u2028next\u200b\x00\xff"
	b.Handle("GET /a", nil, func(_ http.ResponseWriter, r *http.Request) error {
		Record(r).Add("client\nid", hostile)
		return errors.New(hostile)
	})
	b.answer(ask("GET", "/a", ""))
	if strings.Count(b.log.String(), "\n") != 1 {
		t.Fatalf("more than one line: %q", b.log.String())
	}
	line := b.lines(t)[0]
	for _, v := range []any{line[`client\uaid`], line["cause"]} {
		s, _ := v.(string)
		if s == "" || strings.ContainsAny(s, "\r\n\x1b\u202e\u2028\u200b\x00") || !strings.Contains(s, `\u202e`) || !strings.Contains(s, `\xff`) {
			t.Errorf("%q in %v", s, line)
		}
	}
}

func TestCleanCutsOnABorder(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"héllo": "h", "ab": "ab", "a\n": `a`, "\xff\xff": "", "日本": "", "": ""} {
		if got := Clean(in, 2); got != want {
			t.Errorf("Clean(%q, 2) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("x\r\n\u202e\xff", 10)
	f.Fuzz(func(t *testing.T, s string, n int) {
		if n < 0 || n > 1000 {
			return
		}
		got := Clean(s, n)
		if len(got) > n || strings.IndexFunc(got, hidden) >= 0 {
			t.Fatalf("Clean(%q, %d) = %q", s, n, got)
		}
	})
}

func TestAPanicIsAnInternalFaultWithItsStackOnTheRecord(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /boom", nil, func(http.ResponseWriter, *http.Request) error { panic("secret detail") })
	b.Handle("GET /fine", nil, says("fine"))
	srv := httptest.NewServer(b)
	defer srv.Close()
	for _, c := range []struct{ path, want string }{{"/boom", "internal"}, {"/fine", "fine"}} {
		req, _ := http.NewRequest("GET", srv.URL+c.path, nil)
		req.Host = "id.example.test"
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if string(body) != c.want || strings.Contains(string(body), "secret") {
			t.Errorf("%s: %d %q", c.path, res.StatusCode, body)
		}
	}
	line := b.lines(t)[0]
	if line["level"] != "ERROR" || line["status"] != 500.0 || !strings.Contains(line["stack"].(string), "record_test.go") || !strings.Contains(line["cause"].(string), "secret detail") {
		t.Fatalf("%v", line)
	}
}

func TestHalfAnAnswerIsCutAndNotTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /half", nil, func(w http.ResponseWriter, _ *http.Request) error {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		return errors.New("the disk is gone")
	})
	srv := httptest.NewServer(b)
	defer srv.Close()
	req, _ := http.NewRequest("GET", srv.URL+"/half", nil)
	req.Host = "id.example.test"
	res, err := srv.Client().Do(req)
	if err == nil {
		defer res.Body.Close()
		if _, err = io.ReadAll(res.Body); err == nil {
			t.Fatal("the client could not tell that the answer was cut")
		}
	}
	if line := b.lines(t)[0]; line["cut"] != true || line["level"] != "ERROR" {
		t.Fatalf("%v", line)
	}
}

func TestATellerThatPanicsStillLeavesAnAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(nil)
	b.Handle("GET /a", func(http.ResponseWriter, *http.Request, *fault.Error) { panic("template") }, fails(fault.New(fault.Denied, "no", "No.")))
	if w := b.answer(ask("GET", "/a", "")); w.Code != 403 || !strings.HasPrefix(w.Body.String(), "No.\nReference: ") {
		t.Fatalf("%d %q", w.Code, w.Body.String())
	}
}

func TestObserversGetLabelsOfBoundedNumber(t *testing.T) {
	t.Parallel()
	type seen struct {
		route, method string
		status        int
	}
	var all []seen
	b := newBench(func(c *Config) {
		c.Observe = func(route, method string, status int, _ time.Duration) {
			all = append(all, seen{route, method, status})
		}
	})
	b.Handle("GET /a/{id}", nil, says("x"))
	b.answer(ask("GET", "/a/1", ""))
	b.answer(ask("GET", "/nothing/2", ""))
	b.answer(ask("BREW", "/a/1", ""))
	want := []seen{{"GET /a/{id}", "GET", 200}, {"", "GET", 404}, {"", "other", 405}}
	for i := range want {
		if all[i] != want[i] {
			t.Errorf("%v, want %v", all[i], want[i])
		}
	}
}

func TestAStrangersTraceIsOnlyLinked(t *testing.T) {
	t.Parallel()
	spans := tracetest.NewSpanRecorder()
	tp := sdk.NewTracerProvider(sdk.WithSpanProcessor(spans))
	b := newBench(func(c *Config) { c.Tracer = tp.Tracer("web") })
	b.Handle("GET /a/{id}", nil, says("x"))
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	b.answer(ask("GET", "/a/1?q=1", "", "Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01"))
	span := spans.Ended()[0]
	if span.Parent().IsValid() || span.SpanContext().TraceID().String() == theirs || len(span.Links()) != 1 || span.Name() != "GET /a/{id}" {
		t.Fatalf("%v", span)
	}
	for _, a := range span.Attributes() {
		if a.Value.Type() == attribute.STRING && strings.Contains(a.Value.AsString(), "q=1") {
			t.Errorf("the span spills the query: %v", a)
		}
	}
	if b.lines(t)[0]["trace"] != span.SpanContext().TraceID().String() {
		t.Error("the record does not name the trace")
	}
}
