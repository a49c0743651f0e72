package consent

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ErrOfAccount is told for the address of an account, which is forgotten with
// the account alone.
var ErrOfAccount = fault.New(fault.Conflict, "address_of_account", "This address belongs to an account. Sign in and erase the account.")

// LiteForgotten is told when an address without an account was forgotten. It
// names neither the address nor its digest.
type LiteForgotten struct {
	Never bool `json:"never"` // and it is never written to again
}

// EventName names the event.
func (LiteForgotten) EventName() string { return "preference.forgotten" }

// Forgettable tells whether the address of the link is a lite customer's, which
// Forget forgets; false: nothing is kept of it (any more). Faults:
// address_of_account, link_gone if somebody else has it now.
func Forgettable(tx *db.Tx, t *tenant.Tenant, l Link) (lite Lite, there bool, err error) {
	c, known, err := l.Holder(tx, t)
	if err != nil {
		return lite, false, err
	}
	if !known {
		_, others, err := holderOf(tx, t, l.Digest)
		if err == nil && others {
			err = ErrLink
		}
		return lite, false, err
	}
	lite, there, err = db.Find[Lite](tx, `FROM lite_customer WHERE tenant_id = $1 AND digest = $2 AND customer_id = $3`, t.ID, l.Digest, c)
	if err == nil && !there {
		err = ErrOfAccount
	}
	return lite, there, err
}

// Forget deletes everything that is kept of an address without an account but
// the ledger, which names it by a pseudonym that nothing leads to any more. What
// it said no to stays suppressed, by a keyed digest; with never, everything is.
// Of an address that nothing is kept of, never alone has an effect. Faults:
// address_of_account, link_gone.
func Forget(tx *db.Tx, t *tenant.Tenant, l Link, never bool) error {
	lite, there, err := Forgettable(tx, t, l)
	if err != nil {
		return err
	}
	if never {
		if err := Suppress(tx, t, l.Digest, "", "", Unsubscribed); err != nil {
			return err
		}
	}
	if !there {
		return nil
	}
	if err := DestroyPreferences(tx, t, lite.CustomerID); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM consent_state WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM ask WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(statement, t.ID, lite.CustomerID); err != nil {
			return err
		}
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: lite.CustomerID, Actor: journal.Actor{Kind: "customer", ID: lite.CustomerID},
		Class: journal.Consent, Event: LiteForgotten{never},
	})
}
