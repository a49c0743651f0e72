package release

import (
	"strings"
	"unicode/utf8"

	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
)

const dots = "•••"

// Mask returns the outline of a value: enough for the customer to recognise it
// and for nobody else to know it. An address keeps its first letter and its
// domain (m•••@example.com), a number its country and the last two digits
// (+49 ••• 34), anything else the first letter of each of at most three words.
func Mask(kind, value string) string {
	switch kind {
	case customer.Email:
		at := strings.LastIndexByte(value, '@')
		if at < 1 {
			return dots
		}
		return first(value[:at]) + dots + value[at:]
	case customer.Phone:
		return maskPhone(value)
	}
	words := strings.Fields(value)
	for i, w := range words {
		words[i] = first(w) + dots
	}
	return strings.Join(words[:min(len(words), 3)], " ")
}

// first is the first letter, unless that is all there is.
func first(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError || size == len(s) {
		return ""
	}
	return s[:size]
}

func maskPhone(value string) string {
	if len(value) < 6 || value[0] != '+' {
		return dots
	}
	return "+" + catalog.CallingCode(value) + " " + dots + " " + value[len(value)-2:]
}

func kindOf(f catalog.Field) string {
	switch f.Type {
	case catalog.Mail:
		return customer.Email
	case catalog.Phone:
		return customer.Phone
	}
	return string(f.Type)
}
