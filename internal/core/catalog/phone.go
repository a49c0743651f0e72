package catalog

import (
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// longestPhone is a plus and fifteen digits.
const longestPhone = 16

// ParsePhone returns a phone number in E.164 form (norm version 1): one that
// the numbering plan of its country allows, of fifteen digits at most (ITU-T
// E.164, 6.2.1), without an extension. A number
// without a country code is read as one of the region ("DE"); if that is "",
// it is refused. Digits of other scripts are digits. It fails with ErrBadPhone.
func ParsePhone(raw, region string) (string, error) {
	s := strings.Trim(raw, " ")
	if len(s) > 64 {
		return "", ErrBadPhone
	}
	s, ok := plainPhone(s)
	if !ok {
		return "", ErrBadPhone
	}
	if rest, ok := strings.CutPrefix(s, "00"); ok && region == "" {
		s = "+" + rest
	}
	if region == "" && !strings.HasPrefix(s, "+") {
		return "", ErrBadPhone
	}
	n, err := phonenumbers.Parse(s, region)
	if err != nil || n.GetExtension() != "" || !phonenumbers.IsValidNumber(n) {
		return "", ErrBadPhone
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > longestPhone { // some national plans know longer ones, for dialling in
		return "", ErrBadPhone
	}
	return e164, nil
}

// plainPhone drops what people put between digits, and refuses everything else:
// letters, a second plus, words for extensions.
func plainPhone(s string) (string, bool) {
	var b strings.Builder
	for i, r := range s {
		switch {
		case digit(r) >= 0:
			b.WriteByte('0' + byte(digit(r)))
		case (r == '+' || r == '＋') && i == 0:
			b.WriteByte('+')
		case strings.ContainsRune(" \u00a0\u202f-‐‑–.()/", r):
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0
}

// digit is the value of a decimal digit in one of the scripts that keyboards of
// our locales write, or -1.
func digit(r rune) int {
	for _, zero := range [...]rune{'0', '\u0660', '\u06f0', '\u0966', '\uff10'} {
		if r >= zero && r <= zero+9 {
			return int(r - zero)
		}
	}
	return -1
}

// PhoneCountry is the country whose number it is in E.164 form, as an ISO 3166-1
// code ("DE"); "" for numbers of no country, such as satellite networks.
func PhoneCountry(e164 string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(n); len(region) == 2 && region != "ZZ" {
		return region
	}
	return "" // "001" is the whole world
}

// CallingCode is the country's code at the front of a number in E.164 form,
// without the plus.
func CallingCode(e164 string) string {
	n, err := phonenumbers.Parse(e164, "")
	if err != nil {
		return ""
	}
	return strconv.Itoa(int(n.GetCountryCode()))
}
