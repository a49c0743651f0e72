package mail

import (
	"bytes"
	"embed"
	"html/template"
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui/words"
)

//go:embed letter.html
var files embed.FS

var letter = template.Must(template.ParseFS(files, "letter.html"))

// Message is one letter. All members are plain text in the language of Locale;
// what is empty is left out.
type Message struct {
	Locale     words.Locale
	Words      Words
	Brand      Brand
	Preheader  string // what lists of mail show beside the subject
	Heading    string
	Paragraphs []string
	Code       string // shown large
	CodeLabel  string // under the code: how long it is good
	Button     *Button
	After      []string // below the button
	Facts      [][2]string
	Footer     []string
}

// Words are the layout's own texts.
type Words struct {
	Link string // before the button's address in the text part
}

// Brand is how the sender looks.
type Brand struct {
	Name    string
	Color   string // #rrggbb of buttons; the house's own if empty
	OnColor string // text on it
	LogoURL string // absolute; the name alone if empty
}

// Button leads to one absolute address.
type Button struct{ Text, Href string }

const (
	spruce = "#015e4a"
	paper  = "#fefdfb"
)

// Dir is the direction of the letter's language.
func (m Message) Dir() string { return m.Locale.Dir() }

// Start is the side at which the language's lines begin. Mail programs do not
// know logical properties.
func (m Message) Start() string {
	if m.Dir() == "rtl" {
		return "right"
	}
	return "left"
}

// Render draws the letter. What it is given cannot make it fail: a defect of
// the template is found by the first test.
func Render(m Message) (html, text string) {
	if !hex(m.Brand.Color) || !hex(m.Brand.OnColor) {
		m.Brand.Color, m.Brand.OnColor = spruce, paper
	}
	var b bytes.Buffer
	if err := letter.ExecuteTemplate(&b, "letter.html", m); err != nil {
		panic(err)
	}
	return b.String(), m.plain()
}

func hex(color string) bool {
	if len(color) != 7 || color[0] != '#' {
		return false
	}
	return strings.Trim(color[1:], "0123456789abcdefABCDEF") == ""
}

// plain is the letter as text: short paragraphs, the code and the address on
// lines of their own.
func (m Message) plain() string {
	var blocks []string
	add := func(s string) {
		if s != "" {
			blocks = append(blocks, s)
		}
	}
	add(m.Heading)
	for _, p := range m.Paragraphs {
		add(p)
	}
	add(m.Code)
	add(m.CodeLabel)
	if m.Button != nil {
		add(strings.TrimSpace(m.Words.Link + "\n" + m.Button.Text + ":\n" + m.Button.Href))
	}
	for _, p := range m.After {
		add(p)
	}
	var facts []string
	for _, f := range m.Facts {
		facts = append(facts, f[0]+": "+f[1])
	}
	add(strings.Join(facts, "\n"))
	if len(m.Footer) > 0 {
		add("-- \n" + m.Brand.Name + "\n" + strings.Join(m.Footer, "\n"))
	}
	return strings.Join(blocks, "\n\n") + "\n"
}
