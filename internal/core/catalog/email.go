package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	maxEmail = 254 // RFC 5321 section 4.5.3.1.3, less the angle brackets
	maxLocal = 64  // RFC 5321 section 4.5.3.1.1
)

var domains = idna.New(
	idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(true), idna.BidiRule(),
	idna.CheckJoiners(true), idna.CheckHyphens(true), idna.VerifyDNSLength(true),
)

// ParseEmail returns the one spelling of an e-mail address (norm version 1, see
// docs/decisions/0003-identifiers.md): the local part a dot-atom in ASCII
// (RFC 5322 section 3.4.1) in lower case, the domain as DNS knows it (UTS 46,
// A-labels, lower case) with at least two labels. No lists, comments, quoted
// local parts, address literals, or trailing dots. It is the only parser of
// addresses in the house, and mail goes only to what it returned. It fails with
// ErrBadEmail.
func ParseEmail(raw string) (string, error) {
	s := strings.Trim(raw, " ")
	local, domain, ok := strings.Cut(s, "@")
	if !ok || len(s) > 4*maxEmail || !dotAtom(local) || !visible(domain) {
		return "", ErrBadEmail
	}
	domain, err := domains.ToASCII(domain)
	if err != nil || !mailDomain(domain) {
		return "", ErrBadEmail
	}
	if s = strings.ToLower(local) + "@" + domain; len(s) > maxEmail {
		return "", ErrBadEmail
	}
	return s, nil
}

// dotAtom is RFC 5322 section 3.2.3, of ASCII alone.
func dotAtom(s string) bool {
	if len(s) > maxLocal {
		return false
	}
	for _, atom := range strings.Split(s, ".") {
		if atom == "" {
			return false
		}
		for i := range len(atom) {
			if !atext(atom[i]) {
				return false
			}
		}
	}
	return true
}

// visible refuses what UTS 46 would drop silently: a domain shows every
// character that it has. The joiners of some scripts are left to IDNA's rules.
func visible(domain string) bool {
	if !utf8.ValidString(domain) {
		return false
	}
	for _, r := range domain {
		joins := r == '\u200c' || r == '\u200d'
		if r >= utf8.RuneSelf && !joins && !unicode.In(r, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("\u3002\uff0e\uff61\u30fb\u00b7", r) {
			return false
		}
	}
	return true
}

func atext(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// mailDomain has two labels or more and is no address: a top level domain is
// never numeric (RFC 3696 section 2).
func mailDomain(s string) bool {
	i := strings.LastIndexByte(s, '.')
	return i > 0 && tenant.ValidHost(s) && (s[i+1] < '0' || s[i+1] > '9')
}

// EmailDomain is the part behind the @ of an address in its one spelling.
func EmailDomain(canonical string) string {
	return canonical[strings.LastIndexByte(canonical, '@')+1:]
}

// EmailTagged reports whether an address in its one spelling carries a tag
// ("name+tag@example.com").
func EmailTagged(canonical string) bool {
	local, _, _ := strings.Cut(canonical, "@")
	return strings.Contains(local, "+")
}
