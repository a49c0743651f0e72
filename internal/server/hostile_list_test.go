package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// made tells fields whose names are made of what a tenant set up: topics,
// channels, purposes and fields of its catalogue. Only their first part counts.
var made = regexp.MustCompile(`[-.:/]`)

// What the hostile tests try is complete: every route can be addressed, and every
// field and every step of a journey that any page in any state posts stands in
// their lists. A form that is made tomorrow fails here until it is attacked too.
func TestTheHostileTestsKnowEveryRouteFieldAndStep(t *testing.T) {
	t.Parallel()
	h := servertest.Open(t, dbtest.Engines()[0]) // pages are the same on both
	for _, r := range h.Mux.Routes() {
		for _, target := range targets(r, "flo_x") {
			if strings.ContainsAny(target, "{}") || target == "" {
				t.Errorf("%s is tried as %q", r.Pattern, target)
			}
		}
		if strings.Contains(r.Path, "{") && !strings.HasPrefix(r.Path, "/signin/") && len(targets(r, "flo_x")) == 0 {
			t.Errorf("%s is not tried", r.Pattern)
		}
	}
	fields, words, pages := map[string]string{}, map[string]string{}, 0
	for _, at := range specimens(t, h) {
		pages++
		p := probe{Target: at}.send(t, h)
		if p.Status != http.StatusOK {
			t.Fatalf("%s: %v", at, p)
		}
		collect(t, p.Body, at, fields, words)
	}
	for name, at := range fields {
		known := func(listed string) bool { return listed == name || strings.HasPrefix(listed, name+"-") }
		if !slices.ContainsFunc(names, known) {
			t.Errorf("the field %q of %s stands in no list", name, at)
		}
	}
	for step, at := range words {
		if !slices.Contains(steps, step) {
			t.Errorf("the step %q of %s stands in no list", step, at)
		}
	}
	if pages < 100 || len(fields) < 30 || len(words) < 12 {
		t.Errorf("only %d pages, %d fields and %d steps", pages, len(fields), len(words))
	}
}

// specimens are the addresses of every page in every state.
func specimens(t *testing.T, h *servertest.House) (out []string) {
	t.Helper()
	p := probe{Target: "/dev/gallery?locale=en"}.send(t, h)
	walkHTML(t, p.Body, func(n *html.Node) {
		if href := attribute(n, "href"); n.Data == "a" && strings.HasPrefix(href, "/dev/gallery/page?") {
			out = append(out, href)
		}
	})
	return out
}

// collect reads the fields of the forms that are posted, and their steps.
func collect(t *testing.T, body, at string, fields, words map[string]string) {
	t.Helper()
	walkHTML(t, body, func(form *html.Node) {
		if form.Data != "form" || !strings.EqualFold(attribute(form, "method"), "post") {
			return
		}
		if u, err := url.Parse(attribute(form, "action")); err == nil && strings.HasPrefix(u.Path, "/signin/") {
			if parts := strings.Split(u.Path, "/"); len(parts) == 4 {
				words[parts[3]] = at
			}
		}
		each(form, func(n *html.Node) {
			name := attribute(n, "name")
			if name != "" && slices.Contains([]string{"input", "select", "textarea", "button"}, n.Data) {
				fields[made.Split(name, 2)[0]] = at
			}
		})
	})
}

func walkHTML(t *testing.T, body string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	each(root, visit)
}

func each(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}
