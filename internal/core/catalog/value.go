package catalog

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// defaultMax is the greatest length of a value where the field tells none.
const defaultMax = 200

// Check returns the one spelling of a value for a field. "" is never a value:
// clear the field instead. Faults, each At the field: field_unknown, too_long,
// bad_value, bad_email, bad_phone.
func (c *Catalog) Check(name, value string) (string, error) {
	f, ok := c.Field(name)
	if !ok {
		return "", ErrUnknownField.At(name)
	}
	canonical, err := f.Check(value)
	if err != nil {
		return "", fault.Of(err).At(name)
	}
	return canonical, nil
}

// Check is Catalog.Check for a field at hand.
func (f *Field) Check(value string) (string, error) {
	longest := f.Max
	if longest == 0 {
		longest = defaultMax
	}
	if len(value) > 4*4000 || !utf8.ValidString(value) {
		return "", ErrTooLong
	}
	value = norm.NFC.String(strings.TrimSpace(value))
	if f.Type == Address {
		return checkAddress(value)
	}
	if utf8.RuneCountInString(value) > longest {
		return "", ErrTooLong
	}
	if value == "" || !tenant.ShortText(value, longest) {
		return "", ErrBadValue
	}
	return f.spell(value)
}

func (f *Field) spell(value string) (string, error) {
	switch f.Type {
	case Text:
		return value, nil
	case Mail:
		return ParseEmail(value)
	case Phone:
		return ParsePhone(value, "")
	case Date:
		return checkDate(value)
	case Locale:
		tag, err := language.Parse(value)
		return valid(tag.String(), err == nil && tag != language.Und)
	case Zone:
		return valid(value, tenant.ValidZone(value))
	case URL:
		return valid(value, tenant.ValidURL(value, true) || plainHTTP(value))
	case Number:
		return checkNumber(value)
	case Bool:
		return valid(value, value == "true" || value == "false")
	case Choice:
		return valid(value, slices.Contains(f.Choices, value))
	}
	return "", ErrBadValue
}

func valid(value string, ok bool) (string, error) {
	if !ok {
		return "", ErrBadValue
	}
	return value, nil
}

// plainHTTP lets people name web sites without https.
func plainHTTP(s string) bool {
	rest, ok := strings.CutPrefix(s, "http://")
	return ok && tenant.ValidURL("https://"+rest, false)
}

// checkDate accepts a day, a year alone, and a day without its year.
func checkDate(s string) (string, error) {
	if len(s) == 4 && strings.Trim(s, "0123456789") == "" && s != "0000" {
		return s, nil
	}
	day := s
	if rest, ok := strings.CutPrefix(s, "0000-"); ok {
		day = "2000-" + rest // a leap year, so that 29 February is a day
	}
	parsed, err := time.Parse(time.DateOnly, day)
	return valid(s, err == nil && parsed.Format(time.DateOnly) == day)
}

func checkNumber(s string) (string, error) {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	digits := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	if !digits(whole) || dotted && !digits(fraction) || len(s) > 30 || len(whole) > 1 && whole[0] == '0' {
		return "", ErrBadValue
	}
	n, err := strconv.ParseFloat(s, 64)
	return valid(s, err == nil && (n != 0 || !strings.HasPrefix(s, "-")))
}

// PostalAddress is the address claim (OpenID Connect Core 5.1.1).
type PostalAddress struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// ParseAddress reads an address in its JSON spelling.
func ParseAddress(value string) (PostalAddress, error) {
	var a PostalAddress
	d := json.NewDecoder(bytes.NewReader([]byte(value)))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil || d.More() {
		return PostalAddress{}, ErrBadValue
	}
	return a, nil
}

// String is the JSON spelling of the address.
func (a PostalAddress) String() string {
	b, err := json.Marshal(a)
	if err != nil { // six strings marshal
		panic(err)
	}
	return string(b)
}

func checkAddress(value string) (string, error) {
	a, err := ParseAddress(value)
	if err != nil {
		return "", err
	}
	for _, part := range []*string{&a.Formatted, &a.StreetAddress, &a.Locality, &a.Region, &a.PostalCode, &a.Country} {
		*part = norm.NFC.String(strings.TrimSpace(strings.ReplaceAll(*part, "\r\n", "\n")))
		if !tenant.ShortText(strings.ReplaceAll(*part, "\n", " "), 300) {
			return "", ErrBadValue
		}
	}
	return valid(a.String(), a != PostalAddress{})
}
