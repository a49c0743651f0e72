package e2e

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// ears hear what a tab's console says and which documents it loads.
type ears struct {
	mu      sync.Mutex
	said    []string
	pardon  []*regexp.Regexp
	answers []Answer
}

// Answer is one document that the tab has loaded.
type Answer struct {
	URL    string
	Status int64
	Header map[string]string
}

// call makes a protocol command a step.
func call[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	})
}

// A page with a problem answers 4xx, which the browser notes as a failed load.
// Assets have to be there.
var refusedPage = regexp.MustCompile(`^Failed to load resource: the server responded with a status of 4\d\d`)

func (e *ears) hear(event any) {
	switch v := event.(type) {
	case *log.EventEntryAdded:
		page := refusedPage.MatchString(v.Entry.Text) && !strings.Contains(v.Entry.URL, "/_")
		if (v.Entry.Level == log.EntryLevelError || v.Entry.Source == log.EntrySourceSecurity) && !page {
			e.note(fmt.Sprintf("%s: %s (%s)", v.Entry.Source, v.Entry.Text, v.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		e.note("exception: " + exception(v.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if v.Type == runtime.ConsoleAPICalledTypeError || v.Type == runtime.ConsoleAPICalledTypeWarning {
			e.note(fmt.Sprintf("console.%s: %s", v.Type, arguments(v.Args)))
		}
	case *network.EventResponseReceived:
		if v.Type == network.ResourceTypeDocument {
			e.answer(v.Response)
		}
	}
}

func exception(d *runtime.ExceptionDetails) string {
	if d.Exception != nil && d.Exception.Description != "" {
		return d.Exception.Description
	}
	return d.Text
}

func arguments(list []*runtime.RemoteObject) string {
	var out []string
	for _, a := range list {
		out = append(out, string(a.Value)+a.Description)
	}
	return strings.Join(out, " ")
}

func (e *ears) note(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, line)
}

func (e *ears) answer(r *network.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := Answer{URL: r.URL, Status: r.Status, Header: map[string]string{}}
	for name, value := range r.Headers {
		a.Header[strings.ToLower(name)] = fmt.Sprint(value)
	}
	e.answers = append(e.answers, a)
}

func (e *ears) told() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.said) == 0 {
		return ""
	}
	return "\nthe console said:\n" + strings.Join(e.said, "\n")
}

// Pardon lets the console say what matches, where a test provokes it.
func (t *Tab) Pardon(pattern string) {
	t.ears.mu.Lock()
	defer t.ears.mu.Unlock()
	t.ears.pardon = append(t.ears.pardon, regexp.MustCompile(pattern))
}

// Quiet fails the test if the console has said anything that nobody pardoned.
func (t *Tab) Quiet() {
	t.ears.mu.Lock()
	defer t.ears.mu.Unlock()
	for _, line := range t.ears.said {
		if !t.ears.pardoned(line) {
			t.TB.Errorf("the console said: %s", line)
		}
	}
	t.ears.said = nil
}

func (e *ears) pardoned(line string) bool {
	for _, p := range e.pardon {
		if p.MatchString(line) {
			return true
		}
	}
	return false
}

// Last is the document that the tab loaded last.
func (t *Tab) Last() Answer {
	t.TB.Helper()
	t.ears.mu.Lock()
	defer t.ears.mu.Unlock()
	if len(t.ears.answers) == 0 {
		t.TB.Fatal("the tab has loaded nothing")
	}
	return t.ears.answers[len(t.ears.answers)-1]
}
