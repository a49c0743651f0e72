package words

import (
	"fmt"
	"html/template"
	"reflect"
	"strings"
	"unicode"

	"golang.org/x/text/feature/plural"
)

// out is one message on its way to being text or HTML.
type out struct {
	strings.Builder
	w    *Words
	args []any
	rich bool
}

func (m message) write(o *out) {
	for _, n := range m {
		n.write(o)
	}
}

func (l literal) write(o *out) {
	if o.rich {
		template.HTMLEscape(o, []byte(l))
		return
	}
	o.WriteString(string(l))
}

func (n number) write(o *out) { o.WriteString(o.w.Number(integer(o.arg(string(n))))) }

func (a argument) write(o *out) {
	v := o.arg(string(a))
	if html, ok := v.(template.HTML); ok && o.rich {
		o.WriteString(string(html))
		return
	}
	s := o.w.plain(v)
	switch {
	case o.rich && isText(v):
		o.WriteString("<bdi>" + template.HTMLEscapeString(s) + "</bdi>")
	case o.rich:
		o.WriteString(template.HTMLEscapeString(s))
	case isText(v) && o.w.Locale.Dir() == "rtl" && leftToRight(s):
		// Unicode isolates keep a Latin name from reordering the Arabic round it.
		o.WriteString("\u2068" + s + "\u2069")
	default:
		o.WriteString(s)
	}
}

func (c choice) write(o *out) {
	v := o.arg(c.name)
	if !c.plural {
		m, ok := c.forms[o.w.plain(v)]
		if !ok {
			m = c.forms["other"]
		}
		m.write(o)
		return
	}
	n := integer(v)
	if m, ok := c.exact[n]; ok {
		m.write(o)
		return
	}
	m, ok := c.forms[o.w.class(n)]
	if !ok {
		m = c.forms["other"]
	}
	m.write(o)
}

func (o *out) arg(name string) any {
	for i := 0; i+1 < len(o.args); i += 2 {
		if o.args[i] == name {
			return o.args[i+1]
		}
	}
	return Missing(name)
}

// Missing is how a word or an argument that nobody gave stands in a page: a
// test finds it by its brackets.
func Missing(name string) string { return "⟦" + name + "⟧" }

func isText(v any) bool {
	switch v.(type) {
	case plainText:
		return false
	case string, fmt.Stringer, template.HTML:
		return true
	}
	return reflect.ValueOf(v).Kind() == reflect.String
}

// plain is a value as text: numbers are written as the locale does.
func (w *Words) plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case plainText:
		return string(v)
	case template.HTML:
		return string(v)
	case fmt.Stringer:
		return v.String()
	}
	if r := reflect.ValueOf(v); r.CanInt() || r.CanUint() {
		return w.Number(integer(v))
	}
	return fmt.Sprint(v)
}

func integer(v any) int {
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return int(r.Int())
	case r.CanUint():
		return int(r.Uint())
	}
	return 0
}

func (w *Words) class(n int) string {
	if n < 0 {
		n = -n
	}
	return classNames[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]
}

// leftToRight reports whether the first letter of s is written from the left.
// Digits alone need no isolation, and a code must stay free of other characters.
func leftToRight(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) {
			return !unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana)
		}
	}
	return false
}
