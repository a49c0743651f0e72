package tenant

import (
	"bytes"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// Brand is how a tenant looks. Only colours and choices, never CSS or HTML:
// everything shown is made by the house from these.
type Brand struct {
	Color  string `json:"color,omitempty" yaml:"color,omitempty"`   // "#1d4ed8": the one colour from which all others follow
	Accent string `json:"accent,omitempty" yaml:"accent,omitempty"` // "#rrggbb", for pictures and charts; derived if empty
	Radius string `json:"radius,omitempty" yaml:"radius,omitempty"` // "none", "small", "medium" (also if empty), "large"
	Font   string `json:"font,omitempty" yaml:"font,omitempty"`     // "house" (also if empty) or "system"
	// Logo and LogoDark are PNG pictures of at most 100 KiB, in base64.
	Logo     []byte `json:"logo,omitempty" yaml:"logo,omitempty"`
	LogoDark []byte `json:"logo_dark,omitempty" yaml:"logo_dark,omitempty"`
	// Words replaces single texts: locale, then key, then the text.
	Words map[string]map[string]string `json:"words,omitempty" yaml:"words,omitempty"`
}

// ErrBadBrand is told At the member of a brand that is wrong ("brand.color").
var ErrBadBrand = fault.New(fault.Invalid, "bad_brand", "This is not allowed in a brand: colours are #rrggbb, pictures are PNG up to 100 KiB.")

const (
	maxLogo  = 100 << 10
	maxWords = 500
)

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// LogoDigest is the SHA-256 of the logo, zero without one.
func (b *Brand) LogoDigest() [32]byte {
	if len(b.Logo) == 0 {
		return [32]byte{}
	}
	return secret.Digest(b.Logo)
}

// Check tells the first thing that is wrong with the brand.
func (b *Brand) Check() error {
	switch {
	case !validColor(b.Color):
		return ErrBadBrand.At("brand.color")
	case !validColor(b.Accent):
		return ErrBadBrand.At("brand.accent")
	case !oneOf(b.Radius, "", "none", "small", "medium", "large"):
		return ErrBadBrand.At("brand.radius")
	case !oneOf(b.Font, "", "house", "system"):
		return ErrBadBrand.At("brand.font")
	case !validLogo(b.Logo):
		return ErrBadBrand.At("brand.logo")
	case !validLogo(b.LogoDark):
		return ErrBadBrand.At("brand.logo_dark")
	}
	return b.checkWords()
}

func (b *Brand) checkWords() error {
	for locale, words := range b.Words {
		if !ValidLocale(locale) || len(words) > maxWords {
			return ErrBadBrand.At("brand.words")
		}
		for key, text := range words {
			if key == "" || len(key) > 100 || !ShortText(strings.ReplaceAll(text, "\n", " "), 2000) {
				return ErrBadBrand.At("brand.words")
			}
		}
	}
	return nil
}

func validColor(s string) bool {
	if s == "" {
		return true
	}
	if len(s) != 7 || s[0] != '#' {
		return false
	}
	return strings.Trim(s[1:], "0123456789abcdefABCDEF") == ""
}

func validLogo(b []byte) bool {
	return len(b) == 0 || len(b) <= maxLogo && bytes.HasPrefix(b, pngMagic)
}

func oneOf(s string, allowed ...string) bool {
	for _, a := range allowed {
		if s == a {
			return true
		}
	}
	return false
}
