package words

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reporter is the part of a *testing.T that Check needs.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// Check tells everything that is wrong with the words of one package: a shipped
// locale that is missing, keys that one locale has and another has not, other
// arguments than in English, a missing plural class, markup, texts longer than
// allowed, and bad manners. Every package calls it from a test of its own.
func Check(t Reporter, files fs.FS, name string, prefixes ...string) {
	t.Helper()
	for _, fault := range faults(Set{Name: name, Files: files, Prefixes: prefixes}) {
		t.Errorf("%s", fault)
	}
}

func faults(s Set) []string {
	found, err := s.read()
	if err != nil {
		return []string{err.Error()}
	}
	var told []string
	for _, l := range Shipped() {
		if found[l] == nil {
			told = append(told, fmt.Sprintf("locales/%s.json of %s is missing", l, s.Name))
		}
	}
	for _, l := range slices.Sorted(maps.Keys(found)) {
		if !slices.Contains(Planned(), l) {
			told = append(told, fmt.Sprintf("%s is no locale of the house", l))
			continue
		}
		for _, f := range compare(found[Source], found[l], l) {
			told = append(told, fmt.Sprintf("%s: %s", l, f))
		}
	}
	return told
}

func compare(source, other map[string]Entry, l Locale) []string {
	var told []string
	for _, key := range slices.Sorted(maps.Keys(source)) {
		e, ok := other[key]
		if !ok {
			told = append(told, key+" is missing")
			continue
		}
		for _, f := range append(source[key].against(e, l), manners(key, e, l)...) {
			told = append(told, key+" "+f)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(other)) {
		if _, ok := source[key]; !ok {
			told = append(told, key+" is not in English")
		}
	}
	return told
}

// familiar are the words by which a language speaks to a friend. The house says
// Sie, vous and usted.
var familiar = map[Locale]*regexp.Regexp{
	"de": whole(`du|dir|dich|dein(?:e[mnrs]?)?`),
	"fr": whole(`tu|te|toi|ton|ta|tes`),
	"es": whole(`tú|te|ti|tu|tus|tuy[oa]s?|contigo`),
}

// whole finds words that stand alone, also between letters with accents.
func whole(list string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:^|[^\pL])(?:` + list + `)(?:[^\pL]|$)`)
}

// torn is French punctuation that may fall to the next line. A text message has
// plain spaces: its alphabet knows no others.
var torn = regexp.MustCompile(` [?!;:»]|« `)

// manners are what a translation owes to its readers beside its sense.
func manners(key string, e Entry, l Locale) []string {
	var told []string
	if f := familiar[l]; f != nil && f.MatchString(e.Message) {
		told = append(told, "speaks to the reader as to a friend")
	}
	if l == "fr" && !strings.HasSuffix(key, ".sms") && torn.MatchString(e.Message) {
		told = append(told, "has a plain space beside its punctuation")
	}
	return told
}

var markup = regexp.MustCompile(`<[a-zA-Z/!]|&(#|[a-zA-Z]+;)`)

// against compares a translation with its source.
func (e Entry) against(other Entry, l Locale) []string {
	want, err := parse(e.Message)
	if err != nil {
		return []string{err.Error()}
	}
	m, err := parse(other.Message)
	if err != nil {
		return []string{err.Error()}
	}
	var told []string
	if a, b := arguments(want), arguments(m); !slices.Equal(a, b) {
		told = append(told, fmt.Sprintf("has the arguments %v, English has %v", b, a))
	}
	if other.Message == "" {
		told = append(told, "is empty")
	}
	if markup.MatchString(other.Message) {
		told = append(told, "holds markup")
	}
	if longest := max(e.Max, other.Max); longest > 0 && utf8.RuneCountInString(other.Message) > longest {
		told = append(told, fmt.Sprintf("is longer than %d characters", longest))
	}
	return append(told, missing(m, l)...)
}

// missing names the plural classes of the locale for which a message has no form.
func missing(m message, l Locale) []string {
	var told []string
	for _, n := range m {
		c, ok := n.(choice)
		if !ok {
			continue
		}
		if c.plural {
			for _, class := range Classes(l) {
				if c.forms[class] == nil {
					told = append(told, fmt.Sprintf("has no form for %s of %s", class, c.name))
				}
			}
		}
		for _, form := range c.forms {
			told = append(told, missing(form, l)...)
		}
	}
	return told
}

// Classes lists the plural classes that whole numbers have in a locale.
func Classes(l Locale) []string {
	w, seen := &Words{tag: l.tag()}, map[string]bool{}
	for n := range 200 {
		seen[w.class(n)] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// arguments lists the names that a message uses, each once, in order.
func arguments(m message) []string {
	seen := map[string]bool{}
	collect(m, seen)
	return slices.Sorted(maps.Keys(seen))
}

func collect(m message, seen map[string]bool) {
	for _, n := range m {
		switch n := n.(type) {
		case argument:
			seen[string(n)] = true
		case number:
			seen[string(n)] = true
		case choice:
			seen[n.name] = true
			for _, form := range n.forms {
				collect(form, seen)
			}
			for _, form := range n.exact {
				collect(form, seen)
			}
		}
	}
}

// Shape describes a key for those who replace its text: the arguments it may use.
func (w *Words) Shape(key string) (names []string, ok bool) {
	m := w.find(key)
	return arguments(m), m != nil
}

// Under lists the keys that begin with a prefix, sorted.
func (w *Words) Under(prefix string) []string {
	seen := map[string]bool{}
	for ; w != nil; w = w.source {
		for key := range w.said {
			if strings.HasPrefix(key, prefix) {
				seen[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
