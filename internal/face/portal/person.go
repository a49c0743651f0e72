package portal

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// person is a customer as the customer knows them.
type person struct {
	Name    string // the whole name, "" if none is kept
	Given   string // by which a page greets
	Address string
	Locale  string
	Zone    string
}

// self is the customer as the recipient of what is theirs.
func self(c customer.ID) release.Recipient { return release.Recipient{Kind: release.Self, ID: c} }

// personOf opens what stands on every page, for the customer's own eyes.
func personOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (person, error) {
	d, err := release.Disclose(tx, t, release.Ask{
		Customer: c, Recipient: self(c), Purpose: release.SignIn,
		Fields: []string{"name", "given_name", "family_name", "nickname", "email", "phone", "username", "locale", "zoneinfo"},
	})
	if err != nil {
		return person{}, err
	}
	text := func(field string) string { return d.Values[field].Text }
	full := strings.TrimSpace(text("given_name") + " " + text("family_name"))
	return person{
		Name: first(text("name"), full, text("nickname")), Given: first(text("nickname"), text("given_name"), text("name")),
		Address: first(text("email"), text("phone"), text("username")), Locale: text("locale"), Zone: text("zoneinfo"),
	}, nil
}

func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
