package customer

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The faults of the tenant's rules for new customers.
var (
	ErrDomain     = fault.New(fault.Denied, "domain_refused", "Addresses of this domain cannot be used here.")
	ErrDisposable = fault.New(fault.Denied, "disposable_refused", "Use an address that you keep, not a throw-away one.")
	ErrCountry    = fault.New(fault.Invalid, "country_refused", "Text messages are not sent to numbers of this country. Use an email address.")
	ErrAlias      = fault.New(fault.Denied, "alias_refused", "Use your address without the part behind the plus sign.")
)

// disposableText is our own short list of well-known throw-away mail services,
// one domain a line. A tenant adds others with block_domains.
//
//go:embed disposable.txt
var disposableText string

var disposable = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, line := range strings.Fields(disposableText) {
		m[line] = true
	}
	return m
})

// Admissible tells whether the tenant's rules let somebody register with a
// canonical e-mail address or phone number. Whether it is taken, and whether
// there is anything to register at all, is not looked at.
func Admissible(t *tenant.Tenant, kind, canonical string) error {
	rules := t.Settings.Registration
	if kind != Email {
		return nil
	}
	domain := catalog.EmailDomain(canonical)
	switch {
	case len(rules.AllowDomains) > 0 && !within(domain, rules.AllowDomains), within(domain, rules.BlockDomains):
		return ErrDomain.At(kind)
	case rules.BlockDisposable && throwAway(domain):
		return ErrDisposable.At(kind)
	case rules.BlockAlias && catalog.EmailTagged(canonical):
		return ErrAlias.At(kind)
	}
	return nil
}

// Reachable tells whether the tenant sends messages to a canonical identifier at
// all: text messages go to numbers of its countries alone. Whose it is, is not
// looked at.
func Reachable(t *tenant.Tenant, kind, canonical string) error {
	list := t.Settings.SMS.Countries
	if kind != Phone || len(list) == 0 || slices.Contains(list, catalog.PhoneCountry(canonical)) {
		return nil
	}
	return ErrCountry.At(kind)
}

// within reports whether a domain is one of the list or lies below one.
func within(domain string, list []string) bool {
	for _, d := range list {
		d = strings.ToLower(d)
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

// throwAway looks a domain and every domain above it up.
func throwAway(domain string) bool {
	for {
		if disposable()[domain] {
			return true
		}
		_, parent, ok := strings.Cut(domain, ".")
		if !ok {
			return false
		}
		domain = parent
	}
}
