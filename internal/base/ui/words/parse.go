package words

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
)

// node is a part of a message. It writes itself with the arguments at hand.
type node interface{ write(o *out) }

type (
	literal  string
	argument string
	number   string // # in a plural: the number of the argument of this name
	choice   struct {
		name   string
		plural bool
		exact  map[int]message    // =0
		forms  map[string]message // "one", or the words of a select
	}
	message []node
)

// parse reads one message; inside is the argument that # stands for.
func parse(s string) (message, error) {
	p := &parser{rest: s}
	m, err := p.message("", false)
	if err != nil {
		return nil, fmt.Errorf("%w in %q", err, s)
	}
	return m, nil
}

type parser struct {
	rest  string
	depth int
}

const deepest = 4

func (p *parser) message(inside string, nested bool) (message, error) {
	var m message
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			m = append(m, literal(text.String()))
			text.Reset()
		}
	}
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == '}':
			if !nested {
				return nil, fmt.Errorf("a } without its {")
			}
			flush()
			return m, nil
		case c == '{':
			flush()
			n, err := p.braces()
			if err != nil {
				return nil, err
			}
			m = append(m, n)
		case c == '#' && inside != "":
			flush()
			m, p.rest = append(m, number(inside)), p.rest[1:]
		case c == '\'' && len(p.rest) > 1 && strings.IndexByte("{}#'", p.rest[1]) >= 0:
			p.quoted(&text)
		default:
			text.WriteByte(c)
			p.rest = p.rest[1:]
		}
	}
	if nested {
		return nil, fmt.Errorf("a { without its }")
	}
	flush()
	return m, nil
}

// quoted reads ” or a span between quotes, as ICU does.
func (p *parser) quoted(text *strings.Builder) {
	if p.rest[1] == '\'' {
		text.WriteByte('\'')
		p.rest = p.rest[2:]
		return
	}
	span, rest, closed := strings.Cut(p.rest[1:], "'")
	if !closed {
		rest = ""
	}
	text.WriteString(span)
	p.rest = rest
}

func (p *parser) braces() (node, error) {
	if p.depth++; p.depth > deepest {
		return nil, fmt.Errorf("braces nested too deep")
	}
	defer func() { p.depth-- }()
	p.rest = p.rest[1:]
	name := p.word()
	if name == "" {
		return nil, fmt.Errorf("an argument without a name")
	}
	if p.take('}') {
		return argument(name), nil
	}
	if !p.take(',') {
		return nil, fmt.Errorf("argument %s is neither closed nor followed by a comma", name)
	}
	kind := p.word()
	if kind != "plural" && kind != "select" || !p.take(',') {
		return nil, fmt.Errorf("argument %s is of kind %q, which is not known", name, kind)
	}
	return p.choice(name, kind == "plural")
}

func (p *parser) choice(name string, isPlural bool) (node, error) {
	c := choice{name: name, plural: isPlural, exact: map[int]message{}, forms: map[string]message{}}
	inside := ""
	if isPlural {
		inside = name
	}
	for !p.take('}') {
		exact := isPlural && p.take('=')
		form := p.word()
		if form == "" || !p.take('{') {
			return nil, fmt.Errorf("the forms of %s cannot be read", name)
		}
		m, err := p.message(inside, true)
		if err != nil {
			return nil, err
		}
		p.rest = p.rest[1:]
		if err := c.put(form, exact, m); err != nil {
			return nil, err
		}
	}
	if c.forms["other"] == nil {
		return nil, fmt.Errorf("%s has no form for other", name)
	}
	return c, nil
}

func (c choice) put(form string, exact bool, m message) error {
	if exact {
		var n int
		if _, err := fmt.Sscanf(form, "%d", &n); err != nil {
			return fmt.Errorf("=%s is no number", form)
		}
		c.exact[n] = m
		return nil
	}
	if _, known := classes[form]; c.plural && !known {
		return fmt.Errorf("%s is no plural class", form)
	}
	if c.forms[form] != nil {
		return fmt.Errorf("%s has two forms for %s", c.name, form)
	}
	if m == nil {
		m = message{}
	}
	c.forms[form] = m
	return nil
}

// word reads a name, with the space round it.
func (p *parser) word() string {
	p.space()
	i := 0
	for i < len(p.rest) && (p.rest[i] == '_' || p.rest[i]|0x20 >= 'a' && p.rest[i]|0x20 <= 'z' || p.rest[i] >= '0' && p.rest[i] <= '9') {
		i++
	}
	w := p.rest[:i]
	p.rest = p.rest[i:]
	p.space()
	return w
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

func (p *parser) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

var classes = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two,
	"few": plural.Few, "many": plural.Many, "other": plural.Other,
}

var classNames = func() map[plural.Form]string {
	m := map[plural.Form]string{}
	for name, form := range classes {
		m[form] = name
	}
	return m
}()
