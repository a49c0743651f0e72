package uitest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// page is a parsed page and what was found wrong with it.
type page struct {
	root *html.Node
	all  []*html.Node
	ids  map[string]*html.Node
	told []string
}

// Lint tells what is wrong with a whole HTML page by the points of ui.md that a
// DOM can show. The numbers are those of the checklist.
func Lint(source string) []string {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return []string{err.Error()}
	}
	p := &page{root: root, ids: map[string]*html.Node{}}
	p.collect(root)
	if strings.Contains(source, "⟦") {
		at := strings.Index(source, "⟦")
		p.tell("a word is missing: %s", source[at:min(len(source), at+60)])
	}
	if strings.Contains(source, "ZgotmplZ") {
		p.tell("a value was refused by its context (ZgotmplZ)")
	}
	for _, check := range []func(){
		p.frame, p.headings, p.inline, p.forms, p.controls, p.problems, p.references, p.links, p.pictures, p.tables, p.times, p.directions,
	} {
		check()
	}
	return p.told
}

func (p *page) tell(format string, args ...any) {
	p.told = append(p.told, fmt.Sprintf(format, args...))
}

func (p *page) collect(n *html.Node) {
	if n.Type == html.ElementNode {
		p.all = append(p.all, n)
		if id := attr(n, "id"); id != "" {
			if p.ids[id] != nil {
				p.tell("the id %q stands twice", id)
			}
			p.ids[id] = n
		}
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		p.collect(c)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func text(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(text(c))
	}
	return strings.TrimSpace(b.String())
}

func (p *page) named(tags ...string) []*html.Node {
	var found []*html.Node
	for _, n := range p.all {
		if slices.Contains(tags, n.Data) {
			found = append(found, n)
		}
	}
	return found
}

func inside(n *html.Node, tag string) *html.Node {
	for ; n != nil; n = n.Parent {
		if n.Type == html.ElementNode && n.Data == tag {
			return n
		}
	}
	return nil
}

// frame: 27 (lang, dir, landmarks, skip link), 24 (one status), 21 (title).
func (p *page) frame() {
	root := p.named("html")[0]
	if attr(root, "lang") == "" || attr(root, "dir") != "ltr" && attr(root, "dir") != "rtl" {
		p.tell("27: html has no lang or no dir")
	}
	if base, _, _ := strings.Cut(attr(root, "lang"), "-"); (base == "ar") != (attr(root, "dir") == "rtl") && attr(root, "lang") != "ar-XB" {
		p.tell("39: the direction %s does not fit the language %s", attr(root, "dir"), attr(root, "lang"))
	}
	if n := len(p.named("main")); n != 1 {
		p.tell("27: there are %d main elements", n)
	}
	if titles := p.named("title"); len(titles) == 0 || text(titles[0]) == "" || strings.HasPrefix(text(titles[0]), "–") {
		p.tell("27: the page has no title")
	}
	if first := p.named("a"); len(first) == 0 || attr(first[0], "href") != "#main" || p.ids["main"] == nil {
		p.tell("27: the first link does not skip to main")
	}
	if live := p.ids["live"]; live == nil || attr(live, "role") != "status" {
		p.tell("24: there is no status region")
	}
	for _, m := range p.named("meta") {
		if attr(m, "name") == "viewport" && regexp.MustCompile(`maximum-scale|user-scalable`).MatchString(attr(m, "content")) {
			p.tell("31: the page keeps people from zooming")
		}
	}
}

// headings: 27 (one h1, no level left out).
func (p *page) headings() {
	last, ones := 1, 0
	for _, n := range p.named("h1", "h2", "h3", "h4") {
		level := int(n.Data[1] - '0')
		if level == 1 {
			ones++
		}
		if text(n) == "" {
			p.tell("27: an empty %s", n.Data)
		}
		if level > last+1 {
			p.tell("27: %s follows h%d: %q", n.Data, last, text(n))
		}
		last = level
	}
	if ones != 1 {
		p.tell("27: there are %d h1", ones)
	}
}

// inline: 52 and 7 (nothing that the policy would stop, nothing against pasting).
func (p *page) inline() {
	for _, n := range p.all {
		switch {
		case n.Data == "script" && !has(n, "src"), n.Data == "style":
			p.tell("52: inline %s", n.Data)
		case n.Data == "script" && attr(n, "type") != "module":
			p.tell("52: a script that is no module")
		case n.Data == "base" || n.Data == "iframe" || n.Data == "object":
			p.tell("52: a %s element", n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				p.tell("52: attribute %s on %s", a.Key, n.Data)
			}
			if a.Key == "autocomplete" && a.Val == "off" && attr(n, "type") != "search" && attr(n, "aria-hidden") != "true" {
				p.tell("7: autocomplete=off on %s", attr(n, "name"))
			}
		}
	}
	for _, n := range p.named("link", "script", "img") {
		for _, key := range []string{"href", "src"} {
			if v := attr(n, key); strings.HasPrefix(v, "http") || strings.HasPrefix(v, "//") {
				p.tell("50: %s is loaded from elsewhere: %s", n.Data, v)
			}
		}
	}
}

// forms: 23, 54 (their own checks, methods, and nothing typed in addresses).
func (p *page) forms() {
	for _, f := range p.named("form") {
		method := strings.ToLower(attr(f, "method"))
		if method != "post" && method != "get" {
			p.tell("54: a form without a method")
		}
		if action := attr(f, "action"); action == "" || strings.HasPrefix(action, "http") {
			p.tell("54: a form sends to %q", action)
		}
		if f.Parent != nil && inside(f.Parent, "form") != nil {
			p.tell("a form inside a form")
		}
		typed, secret, submits := false, false, 0
		for _, n := range p.all {
			if inside(n, "form") != f && attr(n, "form") != attr(f, "id") || inside(n, "form") != f && attr(n, "form") == "" {
				continue
			}
			typed = typed || has(n, "required")
			secret = secret || attr(n, "type") == "password"
			if n.Data == "button" && attr(n, "type") != "button" {
				submits++
			}
		}
		if typed && !has(f, "novalidate") {
			p.tell("23: the form of %s is checked by the browser: novalidate is missing", attr(f, "action"))
		}
		if secret && method != "post" {
			p.tell("54: a password in a GET form")
		}
		if submits == 0 {
			p.tell("48: the form of %s has no submit button", attr(f, "action"))
		}
	}
}

// links: 28 (reachable, named).
func (p *page) links() {
	for _, a := range p.named("a") {
		if attr(a, "href") == "" {
			p.tell("28: a link without an address: %q", text(a))
		}
		if name(a) == "" {
			p.tell("28: a link without words to %s", attr(a, "href"))
		}
		if strings.HasPrefix(strings.ToLower(attr(a, "href")), "javascript:") {
			p.tell("52: a javascript: link")
		}
		if attr(a, "target") == "_blank" && !strings.Contains(attr(a, "rel"), "noopener") {
			p.tell("53: a new window without noopener")
		}
	}
}

// name is what a screen reader calls an element, near enough.
func name(n *html.Node) string {
	if label := attr(n, "aria-label"); label != "" {
		return label
	}
	if t := text(n); t != "" {
		return t
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			if alt := attr(c, "alt"); alt != "" {
				return alt
			}
		}
	}
	return ""
}

func (p *page) pictures() {
	for _, n := range p.named("img") {
		if !has(n, "alt") {
			p.tell("27: a picture without alt: %s", attr(n, "src"))
		}
	}
	for _, n := range p.named("svg") {
		if attr(n, "aria-hidden") != "true" && attr(n, "role") != "img" {
			p.tell("27: an svg is neither hidden nor named")
		}
	}
}

func (p *page) tables() {
	for _, t := range p.named("table") {
		caption, rows := false, 0
		for _, n := range p.all {
			if inside(n, "table") != t {
				continue
			}
			caption = caption || n.Data == "caption"
			if n.Data == "th" && attr(n, "scope") == "" {
				p.tell("a heading of a table without scope: %q", text(n))
			}
			if n.Data == "th" && attr(n, "scope") == "row" {
				rows++
			}
		}
		if !caption {
			p.tell("a table without caption")
		}
	}
}

// times: 42.
func (p *page) times() {
	for _, n := range p.named("time") {
		if attr(n, "datetime") == "" {
			p.tell("42: a time without datetime: %q", text(n))
		}
	}
}

var address = regexp.MustCompile(`^[^\s@]+@[^\s@]+\.[a-z]+$`)

// directions: 39 (addresses are islands written from the left).
func (p *page) directions() {
	if attr(p.named("html")[0], "dir") != "rtl" {
		return
	}
	var walk func(n *html.Node, ltr bool)
	walk = func(n *html.Node, ltr bool) {
		if n.Type == html.ElementNode && has(n, "dir") {
			ltr = attr(n, "dir") == "ltr"
		} else if n.Type == html.ElementNode && n.Data == "bdi" {
			ltr = true // its first letter decides, and that of an address is Latin
		}
		if t := strings.TrimSpace(n.Data); n.Type == html.TextNode && !ltr && address.MatchString(t) {
			p.tell("39: an address is not written from the left: %s", t)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, ltr)
		}
	}
	walk(p.named("body")[0], false)
}
