package credential

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The bounds of a password. Lengths are in code points after normalisation (NIST
// SP 800-63B-4, section 3.1.1.2).
const (
	ShortestAlone  = 15 // if a password alone opens a session
	ShortestWith   = 8  // if something else must be proven as well
	LongestPoints  = 256
	LongestBytes   = 1024
	leastOwn       = 4 // characters that a password must have beyond known words
	shortestRunOff = 3 // a repeated unit up to this length is no secret
)

// What can be wrong with a password.
var (
	ErrShort  = fault.New(fault.Invalid, "short_password", "This password is too short.").At("password")
	ErrLong   = fault.New(fault.Invalid, "long_password", "This password is too long.").At("password")
	ErrBad    = fault.New(fault.Invalid, "bad_password", "This password holds characters that cannot be used.").At("password")
	ErrLeaked = fault.New(fault.Invalid, "leaked_password", "This password is well known to attackers. Choose another one.").At("password")
	ErrWeak   = fault.New(fault.Invalid, "weak_password", "This password is too easy to guess. Choose another one.").At("password")
	ErrOff    = fault.New(fault.Denied, "password_off", "Passwords are not used here.").At("password")
)

// PasswordContext is what is known of whoever chooses a password.
type PasswordContext struct {
	// Identifiers are the customer's own, as typed or canonical.
	Identifiers []string
	// Alone says that the password alone will open a session, whatever the
	// tenant's setting says.
	Alone bool
}

// Passwords is the policy. Its zero value knows the embedded list of common
// passwords; Breach adds the operator's file.
type Passwords struct{ Breach *Breach }

// CheckPassword is Passwords{}.Check.
func CheckPassword(t *tenant.Tenant, c PasswordContext, raw string) (string, Strength, error) {
	return Passwords{}.Check(t, c, raw)
}

// MinPassword is how many code points a password needs.
func MinPassword(t *tenant.Tenant, alone bool) int {
	if alone || t.Settings.Password.Alone {
		return ShortestAlone
	}
	return ShortestWith
}

// NormalizePassword brings what was typed into the form that is hashed: NFC and
// nothing else; spaces stay, nothing is cut. It is not ok for what no password
// can be: longer than 256 code points or 1,024 bytes, not UTF-8, or with NUL.
// Whoever verifies then burns the same time and refuses.
func NormalizePassword(raw string) (nfc string, ok bool) {
	if len(raw) > LongestBytes || !utf8.ValidString(raw) || strings.IndexByte(raw, 0) >= 0 {
		return "", false
	}
	nfc = norm.NFC.String(raw)
	return nfc, len(nfc) <= LongestBytes && utf8.RuneCountInString(nfc) <= LongestPoints
}

// Check tells whether a new password will do, and how strong it is. There are no
// composition rules. It is refused if it is too short or too long, is on a list
// of known passwords, or says nothing beyond the tenant's words, the customer's
// own identifiers and repetition. The answer's nfc is what is to be hashed.
func (p Passwords) Check(t *tenant.Tenant, c PasswordContext, raw string) (nfc string, s Strength, err error) {
	if t.Settings.Password.Off {
		return "", VeryWeak, ErrOff
	}
	if !utf8.ValidString(raw) || strings.IndexByte(raw, 0) >= 0 {
		return "", VeryWeak, ErrBad
	}
	nfc, ok := NormalizePassword(raw)
	if !ok {
		return "", VeryWeak, ErrLong
	}
	if utf8.RuneCountInString(nfc) < MinPassword(t, c.Alone) {
		return "", VeryWeak, ErrShort
	}
	if err := p.known(nfc); err != nil {
		return "", VeryWeak, err
	}
	words := contextWords(t, c)
	if beyond(fold(nfc), words) < leastOwn {
		return "", VeryWeak, ErrWeak
	}
	return nfc, estimate(nfc, words), nil
}

// StrengthOf estimates a password that is being typed, whether or not it would
// do.
func StrengthOf(t *tenant.Tenant, c PasswordContext, raw string) Strength {
	nfc, ok := NormalizePassword(raw)
	if !ok || (Passwords{}).known(nfc) != nil {
		return VeryWeak
	}
	return estimate(nfc, contextWords(t, c))
}

// Leaked tells whether a password that was right is one that attackers know: it
// is asked at every sign-in, since lists grow.
func (p Passwords) Leaked(nfc string) (bool, error) {
	err := p.known(nfc)
	if ErrLeaked.Is(err) {
		return true, nil
	}
	return false, err
}

// known looks the password up as it stands, in lower case, and, if it repeats
// itself, by what it repeats.
func (p Passwords) known(nfc string) error {
	forms := []string{nfc, strings.ToLower(nfc)}
	lower := []rune(forms[1])
	if unit := period(lower); unit < len(lower) {
		forms = append(forms, string(lower[:unit]))
	}
	for _, form := range forms {
		if common().has(form) {
			return ErrLeaked
		}
		if p.Breach == nil {
			continue
		}
		found, err := p.Breach.Contains(form)
		if err != nil {
			return err
		}
		if found {
			return ErrLeaked
		}
	}
	return nil
}

// contextWords are the words that anybody who knows the customer and the tenant
// tries first, folded: each part of the customer's identifiers, the tenant's name
// and host, and the tenant's own list.
func contextWords(t *tenant.Tenant, c PasswordContext) []string {
	sources := append([]string{t.Name, t.Slug, t.Host}, t.Settings.Password.Words...)
	sources = append(sources, c.Identifiers...)
	seen := map[string]bool{}
	var words []string
	add := func(w string) {
		if utf8.RuneCountInString(w) >= 3 && !seen[w] {
			seen[w] = true
			words = append(words, w)
		}
	}
	for _, s := range sources {
		lower := strings.ToLower(norm.NFC.String(s))
		add(fold(lower))
		for _, part := range strings.FieldsFunc(lower, notLetterOrDigit) {
			add(part)
			add(fold(part))
		}
	}
	return words
}
