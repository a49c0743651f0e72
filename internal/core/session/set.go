package session

import (
	"slices"
	"strings"
)

// Cookie is the name of the cookie that holds a browser's set of sessions.
const Cookie = "session"

// setSize bounds a browser's set; the session used longest ago leaves first.
const setSize = 8

// ReadSet splits the cookie's value into tokens, the current session's first.
// What is not a token is found out by Find.
func ReadSet(value string) []string {
	if value == "" || len(value) > 4000 {
		return nil
	}
	tokens := strings.Split(value, ".")
	return tokens[:min(len(tokens), setSize)]
}

// WriteSet joins tokens to the cookie's value.
func WriteSet(tokens []string) string {
	return strings.Join(tokens[:min(len(tokens), setSize)], ".")
}

// PutFirst returns the set with the token first and the tokens that it
// replaces left out.
func PutFirst(set []string, token string, replaced ...string) []string {
	out := []string{token}
	for _, t := range set {
		if t != token && !slices.Contains(replaced, t) {
			out = append(out, t)
		}
	}
	return out
}
