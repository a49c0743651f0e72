package servertest

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Browser is somebody's browser without JavaScript: it keeps cookies, follows
// redirects within hosts it may reach, and sends forms as browsers do, with
// Origin and Sec-Fetch-Site.
type Browser struct {
	t      testing.TB
	client *http.Client
	Agent  string
	Lang   string
	Header http.Header // sent with every request besides its own
	Trail  []string    // every address that it opened or was sent to
}

// Page is where a browser stands.
type Page struct {
	b      *Browser
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	root   *html.Node
}

// NewBrowser opens a browser that has never been anywhere.
func NewBrowser(t testing.TB) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, jar)
}

// Tab opens another tab of the browser: it has the same cookies, and may be used
// at the same time.
func (b *Browser) Tab() *Browser { return open(b.t, b.client.Jar) }

func open(t testing.TB, jar http.CookieJar) *Browser {
	b := &Browser{t: t, Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", Lang: "en"}
	b.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		b.Trail = append(b.Trail, r.URL.String())
		if len(via) > 10 || !loopback(r.URL.Hostname()) {
			return http.ErrUseLastResponse
		}
		r.Header.Del("Origin") // a browser follows a 303 by a plain GET
		return nil
	}}
	return b
}

func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
}

// Cookie returns the value of a cookie that the browser would send to the address.
func (b *Browser) Cookie(address, name string) string {
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie plants a cookie, as an attacker or an older version would.
func (b *Browser) SetCookie(address string, c *http.Cookie) {
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{c})
}

// Get opens an address.
func (b *Browser) Get(address string) *Page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "none")
	return b.do(r)
}

// Post sends a form to an address, as the page of that same origin would.
func (b *Browser) Post(address string, form url.Values) *Page {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post(u, form, "same-origin", u.Scheme+"://"+u.Host)
}

// PostFrom sends a form from a page of another origin.
func (b *Browser) PostFrom(origin, address string, form url.Values) *Page {
	b.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.post(u, form, "cross-site", origin)
}

func (b *Browser) post(u *url.URL, form url.Values, site, origin string) *Page {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", site)
	r.Header.Set("Origin", origin)
	return b.do(r)
}

func (b *Browser) do(r *http.Request) *Page {
	b.t.Helper()
	r.Header.Set("User-Agent", b.Agent)
	r.Header.Set("Accept-Language", b.Lang)
	r.Header.Set("Accept", "text/html")
	maps.Copy(r.Header, b.Header)
	b.Trail = append(b.Trail, r.URL.String())
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	root, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	p := &Page{b: b, URL: answer.Request.URL, Status: answer.StatusCode, Header: answer.Header, Body: string(body), root: root}
	if to := p.exit(); to != "" {
		return b.Get(to)
	}
	return p
}

// exit is where a page that only leaves for an application leads (a meta
// refresh), if that is on this machine.
func (p *Page) exit() string {
	n := find(p.root, func(n *html.Node) bool {
		return n.Data == "meta" && strings.EqualFold(attr(n, "http-equiv"), "refresh")
	})
	if n == nil {
		return ""
	}
	_, to, _ := strings.Cut(attr(n, "content"), "url=")
	u, err := p.URL.Parse(strings.Trim(to, `'"`))
	if err != nil || !loopback(u.Hostname()) {
		return ""
	}
	return u.String()
}

// Location is where the last answer wanted to redirect to, off this machine.
func (p *Page) Location() *url.URL {
	p.b.t.Helper()
	u, err := p.URL.Parse(p.Header.Get("Location"))
	if err != nil || p.Header.Get("Location") == "" {
		p.b.t.Fatalf("%d %s redirects nowhere:\n%s", p.Status, p.URL, p.Text())
	}
	return u
}

// Text is what a person reads on the page.
func (p *Page) Text() string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"script", "style", "head"}, n.Data) {
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"p", "h1", "h2", "li", "div", "label", "button", "a", "option"}, n.Data) {
			b.WriteByte('\n')
		}
	}
	walk(p.root)
	return strings.Join(strings.Fields(b.String()), " ")
}

// Title is the page's title.
func (p *Page) Title() string {
	if n := find(p.root, func(n *html.Node) bool { return n.Data == "title" }); n != nil && n.FirstChild != nil {
		return n.FirstChild.Data
	}
	return ""
}

// Has reports whether the page has a field, or a button with the value, of the name.
func (p *Page) Has(name string) bool {
	return find(p.root, func(n *html.Node) bool { return attr(n, "name") == name || attr(n, "value") == name }) != nil
}

// Link returns the address of the first link whose text or target holds the word.
func (p *Page) Link(word string) string {
	p.b.t.Helper()
	n := find(p.root, func(n *html.Node) bool {
		return n.Data == "a" && (strings.Contains(text(n), word) || strings.Contains(attr(n, "href"), word))
	})
	if n == nil {
		p.b.t.Fatalf("no link %q on %s:\n%s", word, p.URL, p.Text())
	}
	u, err := p.URL.Parse(attr(n, "href"))
	if err != nil {
		p.b.t.Fatal(err)
	}
	return u.String()
}

// Follow opens the first link whose text or target holds the word.
func (p *Page) Follow(word string) *Page {
	p.b.t.Helper()
	return p.b.Get(p.Link(word))
}

// Submit fills in the form that has the first of the named fields (or, if
// none is named, the first POST form) and sends it by its first button.
// fields are pairs of name and value; "action", value picks the button.
func (p *Page) Submit(fields ...string) *Page {
	p.b.t.Helper()
	form := p.form(fields)
	values := collect(form, fields)
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	to, err := p.URL.Parse(attr(form, "action"))
	if err != nil {
		p.b.t.Fatal(err)
	}
	if !strings.EqualFold(attr(form, "method"), "post") {
		to.RawQuery = values.Encode()
		return p.b.Get(to.String())
	}
	site := "same-origin"
	if to.Host != p.URL.Host {
		site = "cross-site"
	}
	return p.b.post(to, values, site, p.URL.Scheme+"://"+p.URL.Host)
}

func (p *Page) form(fields []string) *html.Node {
	p.b.t.Helper()
	form := find(p.root, func(n *html.Node) bool {
		if n.Data != "form" {
			return false
		}
		if len(fields) == 0 {
			return strings.EqualFold(attr(n, "method"), "post")
		}
		return find(n, func(c *html.Node) bool {
			named := attr(c, "name") == fields[0]
			return named && (c.Data != "button" || attr(c, "value") == fields[1])
		}) != nil
	})
	if form == nil {
		p.b.t.Fatalf("no form with %v on %d %s:\n%s", fields, p.Status, p.URL, p.Text())
	}
	return form
}

// collect is what a browser would send if nothing but the named fields was touched.
func collect(form *html.Node, fields []string) url.Values {
	values, button := url.Values{}, false
	each(form, func(n *html.Node) {
		name := attr(n, "name")
		if name == "" {
			return
		}
		switch n.Data {
		case "input":
			kind := attr(n, "type")
			if (kind == "checkbox" || kind == "radio") && !has(n, "checked") || kind == "submit" {
				return
			}
			values.Add(name, orOn(n, kind))
		case "textarea":
			values.Add(name, text(n))
		case "select":
			values.Add(name, selected(n))
		case "button":
			chosen := slices.Index(fields, name)
			if !button && chosen < 0 && attr(n, "type") != "button" {
				values.Set(name, attr(n, "value"))
			}
			button = true
		}
	})
	return values
}

func orOn(n *html.Node, kind string) string {
	if v := attr(n, "value"); v != "" || kind != "checkbox" {
		return v
	}
	return "on"
}

func selected(n *html.Node) string {
	o := find(n, func(c *html.Node) bool { return c.Data == "option" && has(c, "selected") })
	if o == nil {
		o = find(n, func(c *html.Node) bool { return c.Data == "option" })
	}
	if o == nil {
		return ""
	}
	if has(o, "value") {
		return attr(o, "value")
	}
	return text(o)
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

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(n *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(n)
	return strings.TrimSpace(b.String())
}
