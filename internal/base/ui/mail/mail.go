package mail

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/url"
	"regexp"
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui/brand"
	"github.com/cardea-id/cardea/internal/base/ui/words"
)

// Message is one letter. All members are plain text in the language of Locale;
// what is empty is left out.
type Message struct {
	Locale     words.Locale
	Words      Words
	Brand      Brand
	Preheader  string // what lists of mail show beside the subject; hidden in the mail
	Heading    string
	Paragraphs []string
	Code       string // shown large, from the left in every language
	CodeLabel  string // under the code: how long it is good
	Button     *Button
	After      []string // below the button
	Facts      [][2]string
	Footer     []string // the sender's own words; addresses in them may become links
}

// Words are the layout's own texts.
type Words struct {
	Link string // before the button's address: "Or open this link:"
}

// Brand is how the sender looks.
type Brand struct {
	Name    string
	Color   string // #rrggbb of buttons; the house's own if empty
	OnColor string // text on it
	LogoURL string // absolute; the name alone if empty
}

// Button leads to one absolute address. One that is neither http nor https is
// left out.
type Button struct{ Text, Href string }

//go:embed mail.html
var source string

var layout = template.Must(template.New("mail").Funcs(template.FuncMap{"inline": inline}).Parse(source))

// sheet is a message with what inline styles need: colours, and the sides of the
// lines, since mail programs do not know logical properties.
type sheet struct {
	Message
	Dir, Start, End     string
	Fill, On, Ink       string
	DarkFill, DarkOn    string
	DarkInk, FillBorder string
}

// house is the brand colour of the tokens.
const house = "#015e4a"

// Render draws a letter as HTML and as text. What it is given cannot make it
// fail: a defect of the template is found by the first test.
func Render(m Message) (html, text string) {
	if m.Button != nil && !absolute(m.Button.Href) {
		m.Button = nil
	}
	if !absolute(m.Brand.LogoURL) {
		m.Brand.LogoURL = ""
	}
	var b bytes.Buffer
	if err := layout.Execute(&b, dress(m)); err != nil {
		panic(err)
	}
	return b.String(), m.text()
}

func absolute(href string) bool {
	u, err := url.Parse(href)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func dress(m Message) sheet {
	p, err := brand.Derive(m.Brand.Color, "")
	if err != nil {
		p, _ = brand.Derive(house, "")
	}
	s := sheet{
		Message: m, Dir: m.Locale.Dir(), Start: "left", End: "right",
		Fill: p.Light.Brand.String(), On: p.Light.On.String(), Ink: p.Light.Ink.String(), FillBorder: p.Light.Line.String(),
		DarkFill: p.Dark.Brand.String(), DarkOn: p.Dark.On.String(), DarkInk: p.Dark.Ink.String(),
	}
	if s.Dir == "rtl" {
		s.Start, s.End = s.End, s.Start
	}
	return s
}

// domain is a word that mail programs would make a link of. An e-mail address is
// none: it is shown as it is.
var domain = regexp.MustCompile(`(?i)\S*(?:://|//|www\.|[a-z0-9-]\.[a-z]{2,})\S*`)

// inline keeps text that is not ours to link from becoming links in mail
// programs: a word joiner, which is not seen, ends the match.
func inline(s string) string {
	return domain.ReplaceAllStringFunc(s, func(word string) string {
		if strings.Contains(word, "@") && !strings.Contains(word, "/") {
			return word
		}
		return strings.NewReplacer(".", ".\u2060", ":", ":\u2060", "/", "/\u2060").Replace(word)
	})
}

// text is the plain part: the same in the same order, the code and the address
// on lines of their own.
func (m Message) text() string {
	var blocks []string
	add := func(texts ...string) {
		for _, s := range texts {
			if s != "" {
				blocks = append(blocks, s)
			}
		}
	}
	add(inline(oneLine(m.Heading)))
	for _, p := range m.Paragraphs {
		add(inline(p))
	}
	add(m.Code, m.CodeLabel)
	if m.Button != nil {
		lead := m.Words.Link
		if lead == "" {
			lead = m.Button.Text + ":"
		}
		add(lead + "\n" + m.Button.Href)
	}
	for _, p := range m.After {
		add(inline(p))
	}
	var facts []string
	for _, f := range m.Facts {
		facts = append(facts, oneLine(f[0])+": "+inline(oneLine(f[1])))
	}
	add(strings.Join(facts, "\n"))
	if len(m.Footer) > 0 {
		add("-- \n" + strings.Join(append([]string{oneLine(m.Brand.Name)}, m.Footer...), "\n"))
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

// oneLine keeps a value from adding lines of its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
