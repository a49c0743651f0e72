package ui

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
)

func funcs() template.FuncMap {
	return template.FuncMap{
		"icon": Icon, "link": Anchor, "ltr": Ltr, "bdi": Bdi, "strong": Strong,
		"initial": initial, "join": strings.Join,
		"add": func(a, b int) int { return a + b },
	}
}

// Anchor is a link inside a sentence, for the arguments of Shell.Rich. An
// address that is neither of this origin nor http(s), mailto or tel becomes
// plain text.
func Anchor(href, text string) template.HTML {
	if !linkable(href) {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return template.HTML(fmt.Sprintf(`<a href="%s"%s>%s</a>`, template.HTMLEscapeString(href), rel(href), template.HTMLEscapeString(text)))
}

// linkable reports an address that a page may link to.
func linkable(href string) bool {
	u, err := url.Parse(href)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "":
		return !strings.HasPrefix(href, "//") && !strings.HasPrefix(href, `/\`)
	case "http", "https", "mailto", "tel":
		return true
	}
	return false
}

func rel(href string) template.HTML {
	if strings.HasPrefix(href, "http") {
		return ` rel="noopener external"`
	}
	return ""
}

// Ltr is an address, code or URL, which is written from the left in every
// language.
func Ltr(s string) template.HTML {
	return template.HTML(`<bdi dir="ltr">` + template.HTMLEscapeString(s) + `</bdi>`)
}

// Bdi is a name, whose direction its own letters decide.
func Bdi(s string) template.HTML {
	return template.HTML(`<bdi>` + template.HTMLEscapeString(s) + `</bdi>`)
}

// Strong is a text that stands out.
func Strong(s string) template.HTML {
	return template.HTML(`<strong>` + template.HTMLEscapeString(s) + `</strong>`)
}

// initial is the first letter of a name, for a round picture of nobody.
func initial(names ...string) string {
	for _, name := range names {
		for _, r := range strings.TrimSpace(name) {
			return strings.ToUpper(string(r))
		}
	}
	return "•"
}
