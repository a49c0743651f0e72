package account

import (
	"strings"

	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Welcome reports whether the tenant's rules let somebody register with the
// canonical identifier. It is told only after the address was proven.
func Welcome(t *tenant.Tenant, kind, canonical string) bool {
	r := t.Settings.Registration
	if kind == customer.Phone {
		return true
	}
	if kind != customer.Email {
		return false
	}
	domain := catalog.EmailDomain(canonical)
	switch {
	case len(r.AllowDomains) > 0 && !under(domain, r.AllowDomains):
		return false
	case under(domain, r.BlockDomains):
		return false
	case r.BlockDisposable && under(domain, disposable):
		return false
	}
	return !r.BlockAlias || !catalog.EmailTagged(canonical)
}

func under(domain string, list []string) bool {
	for _, d := range list {
		d = strings.ToLower(d)
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	return false
}

// disposable are well-known services of throw-away addresses. A list like this
// is never complete: it keeps out who does not try.
var disposable = []string{
	"10minutemail.com", "10minutemail.net", "20minutemail.com", "33mail.com", "anonbox.net", "burnermail.io",
	"byom.de", "discard.email", "discardmail.com", "dispostable.com", "dropmail.me", "emailondeck.com",
	"fakeinbox.com", "fakemail.net", "getairmail.com", "getnada.com", "grr.la", "guerrillamail.biz",
	"guerrillamail.com", "guerrillamail.de", "guerrillamail.info", "guerrillamail.net", "guerrillamail.org",
	"guerrillamailblock.com", "harakirimail.com", "inboxbear.com", "inboxkitten.com", "incognitomail.org",
	"jetable.org", "mail-temp.com", "mail.tm", "mailcatch.com", "maildrop.cc", "mailinator.com", "mailinator.net",
	"mailnesia.com", "mailnull.com", "mailsac.com", "meltmail.com", "mintemail.com", "moakt.com", "mohmal.com",
	"mytemp.email", "mytrashmail.com", "nada.email", "owlymail.com", "pokemail.net", "sharklasers.com",
	"spam4.me", "spambog.com", "spambox.us", "spamgourmet.com", "temp-mail.io", "temp-mail.org", "tempail.com",
	"tempinbox.com", "tempmail.com", "tempmail.dev", "tempmail.plus", "tempmailo.com", "tempr.email",
	"throwawaymail.com", "trash-mail.com", "trashmail.com", "trashmail.de", "trashmail.me", "trashmail.net",
	"wegwerfmail.de", "wegwerfmail.net", "wegwerfmail.org", "yopmail.com", "yopmail.fr", "yopmail.net",
}
