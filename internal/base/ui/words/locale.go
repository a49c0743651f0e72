package words

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Locale is a language in which the house speaks, as a BCP 47 tag in its usual
// case: "de", "pt-BR", "zh-Hans".
type Locale string

// Pseudo-locales, made from English for tests and development.
const (
	Accented Locale = "en-XA" // accents and 40 % more letters
	Mirrored Locale = "ar-XB" // English, right to left
)

// Source is the locale in which the house writes first; every other one has the
// same keys.
const Source Locale = "en"

// Shipped lists the locales that every package has words for.
func Shipped() []Locale { return []Locale{"en", "de", "fr", "es", "ar"} }

// Planned lists all locales for which dates and numbers are known.
func Planned() []Locale {
	return []Locale{"en", "de", "fr", "es", "it", "nl", "pl", "pt-BR", "tr", "ja", "zh-Hans", "ar"}
}

// Dir is the direction of writing: "ltr" or "rtl".
func (l Locale) Dir() string {
	switch base, _, _ := strings.Cut(string(l), "-"); base {
	case "ar", "fa", "he", "ur", "ps", "yi", "dv", "ckb":
		return "rtl"
	}
	return "ltr"
}

// Name is the locale's name in its own language: "Deutsch".
func (l Locale) Name() string {
	switch l {
	case Accented:
		return "Þšéûðö"
	case Mirrored:
		return "Mirrored"
	}
	name := display.Self.Name(l.tag())
	if name == "" {
		return string(l)
	}
	// French and Spanish write their names in lower case; in a list of
	// languages each name stands for itself and begins with a capital.
	head := []rune(name)
	return strings.ToUpper(string(head[:1])) + string(head[1:])
}

// Country is the name of a country (ISO 3166-1) in this language: "Allemagne". What
// is no country stays as it is.
func (l Locale) Country(code string) string {
	names := display.Regions(l.tag())
	region, err := language.ParseRegion(code)
	if names == nil || err != nil {
		return code
	}
	return names.Name(region)
}

func (l Locale) tag() language.Tag {
	switch l {
	case Accented:
		return language.English
	case Mirrored:
		return language.English
	}
	return language.Make(string(l))
}

// Wish is what is known about the language that somebody wants.
type Wish struct {
	UILocales string // OpenID Connect ui_locales: tags in order, with spaces between
	Cookie    string // chosen on this browser
	Account   string // chosen in the account
	Accept    string // Accept-Language
	Default   Locale // the tenant's
}

// Negotiate chooses among the offered locales: ui_locales, then the cookie, then
// the account, then Accept-Language, then the default (ui.md 40). Outside text
// that is no list of tags is passed over. Without any offer it is Source.
func Negotiate(offered []Locale, w Wish) Locale {
	if len(offered) == 0 {
		return Source
	}
	for _, wanted := range []string{strings.Join(strings.Fields(w.UILocales), ","), w.Cookie, w.Account, w.Accept} {
		if l, ok := match(offered, wanted); ok {
			return l
		}
	}
	if slices.Contains(offered, w.Default) {
		return w.Default
	}
	return offered[0]
}

// longest is how much of a list of languages is read.
const longest = 400

func match(offered []Locale, wanted string) (Locale, bool) {
	if wanted == "" || len(wanted) > longest {
		return "", false
	}
	if i := slices.Index(offered, Locale(wanted)); i >= 0 {
		return offered[i], true
	}
	tags, _, err := language.ParseAcceptLanguage(readable(wanted))
	if err != nil || len(tags) == 0 {
		return "", false
	}
	_, i, sure := matcherOf(offered).Match(tags...)
	return offered[i], sure >= language.Low
}

// matchers are those of the lists that tenants offer: few, and dear to make.
var matchers sync.Map // the list, joined -> language.Matcher

// mostMatchers bounds them; a list beyond is matched by a matcher of its own.
const mostMatchers = 256

var matchersKept atomic.Int32

func matcherOf(offered []Locale) language.Matcher {
	var key strings.Builder
	for _, l := range offered {
		key.WriteString(string(l) + " ")
	}
	if m, ok := matchers.Load(key.String()); ok {
		return m.(language.Matcher)
	}
	tags := make([]language.Tag, len(offered))
	for i, l := range offered {
		tags[i] = language.Make(string(l))
	}
	m := language.NewMatcher(tags)
	if matchersKept.Add(1) <= mostMatchers {
		matchers.Store(key.String(), m)
	}
	return m
}

// readable leaves out the tags of a list that are of no known language, which
// would spoil the whole list.
func readable(list string) string {
	var kept []string
	for _, part := range strings.Split(list, ",") {
		if _, _, err := language.ParseAcceptLanguage(part); err == nil {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}
