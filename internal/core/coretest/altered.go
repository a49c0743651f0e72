package coretest

import (
	"encoding/base64"
	"strings"
)

// Altered gives the spellings under which an opaque token must not be taken:
// every truncation, every changed byte, additions, other alphabets (H046).
func Altered(token string) []string {
	out := []string{
		"", token + "A", token + "=", " " + token, token + "\n", token + "\x00", token + token,
		strings.ToLower(token), strings.ToUpper(token), strings.Replace(token, "", "\n", 2),
	}
	for i := range token {
		out = append(out, token[:i])
		flipped := []byte(token)
		flipped[i] = 'A'
		if token[i] == 'A' {
			flipped[i] = 'B'
		}
		out = append(out, string(flipped))
	}
	if raw, err := base64.RawURLEncoding.DecodeString(token); err == nil {
		if std := base64.StdEncoding.EncodeToString(raw); std != token {
			out = append(out, std)
		}
	}
	return out
}
