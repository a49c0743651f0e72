package login

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// person is a customer as the customer knows them.
type person struct{ Name, Address string }

// personOf opens the name and the primary address of a customer, for their own
// eyes. Somebody who was erased meanwhile is nobody: ok is false.
func personOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (p person, ok bool, err error) {
	d, err := release.Disclose(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: release.Self, ID: c}, Purpose: release.SignIn,
		Fields: []string{"name", "given_name", "family_name", "email", "phone", "username"},
	})
	if fault.Is(err, fault.Gone) || fault.Is(err, fault.NotFound) {
		return person{}, false, nil
	}
	if err != nil {
		return person{}, false, err
	}
	text := func(field string) string { return d.Values[field].Text }
	full := strings.TrimSpace(text("given_name") + " " + text("family_name"))
	return person{first(text("name"), full), first(text("email"), text("phone"), text("username"))}, true, nil
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// primaryEmail is the verified address to which a customer's messages go.
func primaryEmail(tx *db.Tx, t *tenant.Tenant, c customer.ID) (string, error) {
	list, err := release.Identifiers(tx, t, release.Ask{Customer: c, Recipient: release.Recipient{Kind: release.Message}, Purpose: release.SignIn})
	for _, i := range list {
		if i.Kind == customer.Email && i.Primary && i.Verified() {
			return i.Value, err
		}
	}
	return "", err
}
