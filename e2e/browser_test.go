package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// site is a small site whose pages provoke what the harness must notice.
func site(t *testing.T, csp string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", csp)
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>One</title><h1>One</h1><form method="post" action="/two"><input name="word"><button>Go on</button></form><script>document.title = 'Script'</script>`)
		case "/two":
			fmt.Fprintf(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Two</title><h1>%s %s</h1>`, r.PostFormValue("word"), r.Header.Get("Accept-Language"))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestAFormIsFilledInAndSentWithAndWithoutScripts(t *testing.T) {
	t.Parallel()
	s := site(t, "default-src 'self' 'unsafe-inline'; img-src data:")
	for _, off := range []bool{false, true} {
		tab := Open(t, View{NoScript: off, Lang: "ar"})
		tab.Goto(s.URL + "/")
		if got := tab.Title() == "Script"; got == off {
			t.Errorf("scripts off: %v, title %s", off, tab.Title())
		}
		tab.Fill("word", "fern")
		tab.Send("word")
		tab.Expect("fern ar")
	}
}

func TestAViolationOfThePolicyIsHeard(t *testing.T) {
	t.Parallel()
	s := site(t, "default-src 'none'; img-src data:")
	tab := Open(t, View{})
	tab.Goto(s.URL + "/")
	tab.Wait("the violation", "true")
	if said := tab.ears.told(); !strings.Contains(said, "Content Security Policy") {
		t.Errorf("nothing was heard of the violation: %q", said)
	}
	tab.Pardon("Content Security Policy")
}
