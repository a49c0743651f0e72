package customer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// ErrBadUsername is told for what is no user name here.
var ErrBadUsername = fault.New(fault.Invalid, "bad_username", "A user name has 3 to 30 letters and digits of one script, also . _ - between them, and begins with a letter.")

// parseUsername is the canonical form of a user name (norm version 1): PRECIS
// UsernameCaseMapped (RFC 8265 section 3.3), further narrowed to letters and
// digits of one script with single separators, so that it can be mistaken for
// neither an address nor a phone number.
func parseUsername(raw string) (string, error) {
	s := strings.Trim(raw, " ")
	if len(s) > 4*30 || !utf8.ValidString(s) {
		return "", ErrBadUsername
	}
	s, err := precis.UsernameCaseMapped.String(s)
	if n := utf8.RuneCountInString(s); err != nil || n < 3 || n > 30 {
		return "", ErrBadUsername
	}
	if !wordShape(s) || !oneScript(s) {
		return "", ErrBadUsername
	}
	return s, nil
}

// wordShape: begins with a letter, ends with a letter or digit, and never has
// two separators in a row.
func wordShape(s string) bool {
	first, separated := true, false
	for _, r := range s {
		letter := unicode.IsLetter(r) || !first && unicode.IsMark(r)
		separator := r == '.' || r == '_' || r == '-'
		switch {
		case first && !letter, separator && separated, !letter && !separator && (r < '0' || r > '9'):
			return false
		}
		first, separated = false, separator
	}
	return !separated
}

// scripts that a user name may be written in; those that are written together
// share a number.
var scripts = []struct {
	table *unicode.RangeTable
	group int
}{
	{unicode.Latin, 1}, {unicode.Cyrillic, 2}, {unicode.Greek, 3}, {unicode.Arabic, 4}, {unicode.Hebrew, 5},
	{unicode.Devanagari, 6}, {unicode.Bengali, 7}, {unicode.Tamil, 8}, {unicode.Thai, 9}, {unicode.Georgian, 10},
	{unicode.Armenian, 11}, {unicode.Han, 12}, {unicode.Hiragana, 12}, {unicode.Katakana, 12}, {unicode.Hangul, 13},
}

// oneScript refuses mixtures (UTS 39 section 5.1), which serve look-alikes.
// Marks and letters that belong to every script mix with any.
func oneScript(s string) bool {
	group := 0
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) || unicode.In(r, unicode.Inherited, unicode.Common) {
			continue
		}
		g := scriptOf(r)
		if g == 0 || group != 0 && g != group {
			return false
		}
		group = g
	}
	return group != 0
}

func scriptOf(r rune) int {
	for _, s := range scripts {
		if unicode.Is(s.table, r) {
			return s.group
		}
	}
	return 0
}

// skeleton maps a canonical user name to what it looks like (in the manner of
// UTS 39 section 4): diacritics dropped, look-alike letters folded onto Latin, and
// pairs that read as one letter.
func skeleton(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch like, ok := lookalikes[r]; {
		case r >= 0x0300 && r <= 0x036f: // diacritics; vowel signs of other scripts stay
		case ok:
			b.WriteRune(like)
		default:
			b.WriteRune(r)
		}
	}
	return pairs.Replace(b.String())
}

var pairs = strings.NewReplacer("rn", "m", "vv", "w")

// lookalikes are lower-case letters and digits that are read as another.
var lookalikes = func() map[rune]rune {
	m := map[rune]rune{}
	for _, set := range []string{
		"a\u0430\u03b1\u0251\u237a", "b\u0184\u042c\u044c", "c\u0441\u03f2\u1d04", "d\u0501", "e\u0435\u04bd\u212e",
		"g\u0261\u0581", "h\u04bb\u0570", "i\u0456\u0131\u03b9\u0269", "j\u0458\u03f3", "k\u043a\u03ba",
		"l1\u01c0\u04cf\u0627", "m\u043c", "n\u0578\u043f", "o0\u043e\u03bf\u03c3\u0585\u0665\u06f5\u0d20", "p\u0440\u03c1\u03f1",
		"q\u051b\u0563", "r\u0433", "s\u0455\u01bd", "t\u0442\u03c4", "u\u03c5\u057d\u028b", "v\u03bd\u0475\u0474",
		"w\u0461\u051d\u03c9", "x\u0445\u03c7", "y\u0443\u03b3\u04af", "z\u1d22", "f\u03dd\u0584", "3\u0437\u04e1", "6\u0431",
	} {
		runes := []rune(set)
		for _, r := range runes[1:] {
			m[r] = runes[0]
		}
	}
	return m
}()
