package words

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/language"
)

//go:embed locales/*.json
var own embed.FS

// Set is the words of one package: Files holds locales/<locale>.json, whose keys
// begin with Name and a dot, or with one of the other Prefixes.
type Set struct {
	Name     string
	Files    fs.FS
	Prefixes []string
}

// Book holds the words of all packages in all locales. It does not change.
type Book struct {
	pages   map[Locale]*Words
	locales []Locale
}

// Words is a book opened at one locale.
type Words struct {
	Locale Locale
	tag    language.Tag
	said   map[string]message
	source *Words // where a missing key is looked up
}

// NewBook parses all messages. It offers those locales that every set has.
func NewBook(sets ...Set) (*Book, error) {
	sets = append([]Set{{Name: "words", Files: own}}, sets...)
	b := &Book{pages: map[Locale]*Words{}}
	count := map[Locale]int{}
	var errs []error
	for _, set := range sets {
		found, err := set.read()
		errs = append(errs, err)
		for locale, entries := range found {
			count[locale]++
			errs = append(errs, b.page(locale).learn(entries))
		}
	}
	for _, l := range Planned() {
		if count[l] == len(sets) {
			b.locales = append(b.locales, l)
		}
	}
	if !slices.Contains(b.locales, Source) {
		errs = append(errs, fmt.Errorf("words: a set has no %s", Source))
	}
	b.finish()
	return b, errors.Join(errs...)
}

func (b *Book) page(l Locale) *Words {
	if b.pages[l] == nil {
		b.pages[l] = &Words{Locale: l, tag: l.tag(), said: map[string]message{}}
	}
	return b.pages[l]
}

func (b *Book) finish() {
	source := b.page(Source)
	for _, l := range []Locale{Accented, Mirrored} {
		p := b.page(l)
		for key, m := range source.said {
			if strings.HasPrefix(key, "words.number.") {
				p.said[key] = m
			} else {
				p.said[key] = pseudo(m, l)
			}
		}
	}
	for _, p := range b.pages {
		if p != source {
			p.source = source
		}
	}
}

// Locales lists what the book offers, English first; pseudo-locales are left out.
func (b *Book) Locales() []Locale { return slices.Clone(b.locales) }

// In opens the book at a locale, or at Source if it has no such words.
func (b *Book) In(l Locale) *Words {
	if w := b.pages[l]; w != nil && (slices.Contains(b.locales, l) || l == Accented || l == Mirrored) {
		return w
	}
	return b.pages[Source]
}

// Entry is one message as it stands in a file.
type Entry struct {
	Message string `json:"m"`
	Note    string `json:"d,omitempty"`
	Max     int    `json:"max,omitempty"`
}

// UnmarshalJSON reads a text or an object.
func (e *Entry) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &e.Message)
	}
	type plain Entry
	return json.Unmarshal(raw, (*plain)(e))
}

func (s Set) read() (map[Locale]map[string]Entry, error) {
	names, err := fs.Glob(s.Files, "locales/*.json")
	if err != nil {
		return nil, err
	}
	found := map[Locale]map[string]Entry{}
	for _, name := range names {
		raw, err := fs.ReadFile(s.Files, name)
		if err != nil {
			return nil, err
		}
		entries, err := s.entries(raw)
		if err != nil {
			return nil, fmt.Errorf("words: %s of %s: %w", name, s.Name, err)
		}
		found[Locale(strings.TrimSuffix(path.Base(name), ".json"))] = entries
	}
	return found, nil
}

func (s Set) entries(raw []byte) (map[string]Entry, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "reviewed")
	entries := make(map[string]Entry, len(members))
	for key, member := range members {
		if !s.owns(key) {
			return nil, fmt.Errorf("key %q does not begin with %q", key, s.Name+".")
		}
		var e Entry
		if err := json.Unmarshal(member, &e); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		entries[key] = e
	}
	return entries, nil
}

func (s Set) owns(key string) bool {
	for _, p := range append([]string{s.Name}, s.Prefixes...) {
		if strings.HasPrefix(key, p+".") {
			return true
		}
	}
	return false
}

func (w *Words) learn(entries map[string]Entry) error {
	var errs []error
	for key, e := range entries {
		if w.said[key] != nil {
			errs = append(errs, fmt.Errorf("words: %s is said twice in %s", key, w.Locale))
		}
		m, err := parse(e.Message)
		if err != nil {
			errs = append(errs, fmt.Errorf("words: %s in %s: %w", key, w.Locale, err))
		}
		w.said[key] = m
	}
	return errors.Join(errs...)
}

// With returns these words with single texts replaced, as a tenant may. A text
// that does not parse, has arguments that the original has not, or belongs to
// an unknown key is left out and told in the errors.
func (w *Words) With(texts map[string]string) (*Words, []error) {
	if len(texts) == 0 {
		return w, nil
	}
	var errs []error
	c := &Words{Locale: w.Locale, tag: w.tag, said: map[string]message{}, source: w}
	for key, text := range texts {
		m, err := w.replacement(key, text)
		if err != nil {
			errs = append(errs, fmt.Errorf("words: %s: %w", key, err))
			continue
		}
		c.said[key] = m
	}
	return c, errs
}

func (w *Words) replacement(key, text string) (message, error) {
	original := w.find(key)
	if original == nil {
		return nil, errors.New("there is no such key")
	}
	m, err := parse(text)
	if err != nil {
		return nil, err
	}
	known := arguments(original)
	for _, name := range arguments(m) {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("{%s} is not known here", name)
		}
	}
	return m, nil
}

func (w *Words) find(key string) message {
	for ; w != nil; w = w.source {
		if m, ok := w.said[key]; ok {
			return m
		}
	}
	return nil
}

// Has reports whether there is such a key.
func (w *Words) Has(key string) bool { return w.find(key) != nil }

// T is the text of a key. Arguments are pairs of a name and a value; numbers are
// written as the locale does. What is missing is told by Missing.
func (w *Words) T(key string, args ...any) string { return w.say(key, false, args) }

// Rich is the text of a key as HTML: the message and every plain argument are
// escaped, texts stand in <bdi>, and arguments of type template.HTML keep their
// markup.
func (w *Words) Rich(key string, args ...any) template.HTML {
	return template.HTML(w.say(key, true, args))
}

func (w *Words) say(key string, rich bool, args []any) string {
	m := w.find(key)
	if m == nil {
		return Missing(key)
	}
	if len(m) == 1 && !rich {
		if l, ok := m[0].(literal); ok {
			return string(l)
		}
	}
	o := &out{w: w, args: args, rich: rich}
	m.write(o)
	return o.String()
}
