package db

import "strings"

// tokenKind sorts the pieces of a SQL text as far as this package must know.
type tokenKind uint8

const (
	tokenSpace   tokenKind = iota
	tokenComment           // -- to the end of the line, /* to */
	tokenString            // '...' with '' inside
	tokenQuoted            // "..."
	tokenWord              // identifiers, keywords, numbers
	tokenParam             // $1
	tokenSign              // any other single byte
)

type token struct {
	kind tokenKind
	text string
}

// lex cuts sql into pieces whose texts, joined, are sql again.
func lex(sql string) []token {
	var out []token
	for len(sql) > 0 {
		kind, n := piece(sql)
		out = append(out, token{kind, sql[:n]})
		sql = sql[n:]
	}
	return out
}

func piece(s string) (tokenKind, int) {
	switch c := s[0]; {
	case isSpace(c):
		return tokenSpace, span(s, isSpace)
	case strings.HasPrefix(s, "--"):
		return tokenComment, until(s, "\n", 0)
	case strings.HasPrefix(s, "/*"):
		return tokenComment, until(s, "*/", 2)
	case c == '\'':
		return tokenString, quoted(s, '\'')
	case c == '"':
		return tokenQuoted, quoted(s, '"')
	case c == '$' && len(s) > 1 && isDigit(s[1]):
		return tokenParam, 1 + span(s[1:], isDigit)
	case isWord(c):
		return tokenWord, span(s, isWord)
	}
	return tokenSign, 1
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func until(s, end string, from int) int {
	i := strings.Index(s[from:], end)
	if i < 0 {
		return len(s)
	}
	return from + i + len(end)
}

// quoted measures a quoted text in which the quote is doubled to stand for itself.
func quoted(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if i+1 < len(s) && s[i+1] == q {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}
