package credential

import (
	"strings"
	"unicode"
)

const longestTyped = 64 // bytes; beyond that nobody meant a code

// CanonicalCode brings a code as typed or pasted into six ASCII digits: digits of
// any script count, spaces and hyphens of any kind between them do not. It comes
// before every check and every count, so that no spelling is a try of its own
// (H089).
func CanonicalCode(raw string) (digits string, ok bool) {
	if len(raw) > longestTyped {
		return "", false
	}
	var out strings.Builder
	for _, r := range raw {
		switch {
		case unicode.Is(unicode.Nd, r):
			out.WriteByte('0' + digitValue(r))
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), unicode.Is(unicode.Cf, r), r == '\u2212':
		default:
			return "", false
		}
	}
	return out.String(), out.Len() == codeLen
}

// digitValue counts from the zero of the digit's script: Unicode puts the ten
// decimal digits of every script side by side (stability policy, Nd).
func digitValue(r rune) byte {
	for _, rng := range unicode.Nd.R16 {
		if rune(rng.Lo) <= r && r <= rune(rng.Hi) {
			return byte((r - rune(rng.Lo)) % 10)
		}
	}
	for _, rng := range unicode.Nd.R32 {
		if rune(rng.Lo) <= r && r <= rune(rng.Hi) {
			return byte((r - rune(rng.Lo)) % 10)
		}
	}
	return 0
}
