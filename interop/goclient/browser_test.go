package goclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

// browser keeps cookies, follows redirects within the house, and sends forms as
// browsers do, without script.
type browser struct {
	t      *testing.T
	client *http.Client
}

type page struct {
	b    *browser
	url  *url.URL
	left *url.URL // where the browser was sent to, off the house
	root *html.Node
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(r *http.Request, via []*http.Request) error {
		if len(via) > 10 || r.URL.Host != via[0].URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &browser{t, &http.Client{Jar: jar, CheckRedirect: stay}}
}

func (b *browser) open(address string) *page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.send(r, "none")
}

func (b *browser) send(r *http.Request, site string) *page {
	b.t.Helper()
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", site)
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	root, err := html.Parse(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	p := &page{b: b, url: answer.Request.URL, root: root}
	if to := answer.Header.Get("Location"); to != "" {
		if p.left, err = p.url.Parse(to); err != nil {
			b.t.Fatal(err)
		}
	}
	return p
}

// signIn walks from a request back to the application, as a person would.
func (b *browser) signIn(request, address string) *url.URL {
	b.t.Helper()
	p := b.open(request)
	for range 8 {
		switch {
		case p.left != nil:
			return p.left
		case p.has("identifier"):
			p = p.submit("identifier", address)
		case p.has("code"):
			p = p.submit("code", code(b.t, address))
		case p.has("documents"):
			p = p.submit("action", "continue")
		case p.has("skip"):
			p = p.submit("action", "skip")
		default:
			b.t.Fatalf("no way on at %s: %s", p.url, words(p.root))
		}
	}
	b.t.Fatalf("the journey does not end: %s", p.url)
	return nil
}

// code waits for the newest message to an address.
func code(t *testing.T, address string) string {
	t.Helper()
	for range 100 {
		answer, err := http.Get(house.Inbox + ".json?to=" + url.QueryEscape(address))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		var list []struct{ Code string }
		if err == nil {
			err = json.Unmarshal(text, &list)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		if len(list) > 0 && list[0].Code != "" {
			return list[0].Code
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("no message came for %s", address)
	return ""
}

func (p *page) has(name string) bool {
	return find(p.root, func(n *html.Node) bool { return attr(n, "name") == name || attr(n, "value") == name }) != nil
}

// submit sends the form that has the field, with what its other fields hold.
func (p *page) submit(name, value string) *page {
	p.b.t.Helper()
	form := find(p.root, func(n *html.Node) bool {
		return n.Data == "form" && find(n, func(c *html.Node) bool {
			return attr(c, "name") == name && (c.Data != "button" || attr(c, "value") == value)
		}) != nil
	})
	if form == nil {
		p.b.t.Fatalf("no form with %s at %s: %s", name, p.url, words(p.root))
	}
	values := url.Values{}
	each(form, func(n *html.Node) {
		if n.Data == "input" && attr(n, "type") == "hidden" {
			values.Add(attr(n, "name"), attr(n, "value"))
		}
	})
	values.Set(name, value)
	to, err := p.url.Parse(attr(form, "action"))
	if err != nil {
		p.b.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, to.String(), strings.NewReader(values.Encode()))
	if err != nil {
		p.b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", p.url.Scheme+"://"+p.url.Host)
	return p.b.send(r, "same-origin")
}

func find(n *html.Node, ok func(*html.Node) bool) *html.Node {
	if n.Type == html.ElementNode && ok(n) {
		return n
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if f := find(c, ok); f != nil {
			return f
		}
	}
	return nil
}

func each(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func words(n *html.Node) string {
	var out []string
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			out = append(out, strings.Fields(n.Data)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.Join(out, " ")
}
