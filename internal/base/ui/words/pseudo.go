package words

import "strings"

const (
	letters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	accented = "áƀçðéƒĝĥíĵķļɱñóþɋŕšţúṽŵẋýžÁƁÇÐÉƑĜĤÍĴĶĻṀÑÓÞɊŔŠŢÚṼŴẊÝŽ"
)

var accents = func() map[rune]rune {
	m, to := map[rune]rune{}, []rune(accented)
	for i, r := range []rune(letters) {
		m[r] = to[i]
	}
	return m
}()

// pseudo makes the message of a pseudo-locale from the English one, leaving the
// arguments alone.
func pseudo(m message, l Locale) message {
	made := make(message, len(m))
	for i, n := range m {
		switch n := n.(type) {
		case literal:
			made[i] = literal(disguise(string(n), l))
		case choice:
			c := choice{name: n.name, plural: n.plural, exact: map[int]message{}, forms: map[string]message{}}
			for k, v := range n.exact {
				c.exact[k] = pseudo(v, l)
			}
			for k, v := range n.forms {
				c.forms[k] = pseudo(v, l)
			}
			made[i] = c
		default:
			made[i] = n
		}
	}
	return made
}

func disguise(s string, l Locale) string {
	if strings.TrimSpace(s) == "" {
		return s
	}
	if l == Mirrored {
		return "\u202e" + s + "\u202c"
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if a, ok := accents[r]; ok {
			r, n = a, n+1
		}
		b.WriteRune(r)
		// Two letters more for every five, inside the words, so that lines
		// break as those of a longer language would.
		if n == 5 {
			b.WriteRune(r)
			b.WriteRune(r)
			n = 0
		}
	}
	return b.String()
}
