package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type passwordRow struct {
	tenant   tenant.ID
	customer customer.ID
	phc      string
	must     bool
	changed  time.Time
}

// Fields names the columns.
func (p *passwordRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &p.tenant}, {Column: "customer_id", Ptr: &p.customer},
		{Column: "phc", Ptr: &p.phc}, {Column: "must_change", Ptr: &p.must}, {Column: "changed_at", Ptr: &p.changed},
	}
}

// SetPassword keeps the hash of a new password, made by secret.Hasher outside of
// the transaction, in place of the old one.
func SetPassword(tx *db.Tx, t *tenant.Tenant, cus customer.ID, phc string) error {
	_, err := tx.Exec(`INSERT INTO password (tenant_id, customer_id, phc, must_change, changed_at)
		VALUES ($1, $2, $3, FALSE, $4)
		ON CONFLICT (tenant_id, customer_id)
		DO UPDATE SET phc = excluded.phc, must_change = FALSE, changed_at = excluded.changed_at`,
		t.ID, cus, phc, tx.Now)
	if err != nil {
		return err
	}
	return note(tx, t, cus, PasswordSet{})
}

// Password returns the hash of the customer's password, if there is one. Without
// one, verify against "" all the same: it takes as long.
func Password(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (phc string, found bool, err error) {
	row, found, err := db.Find[passwordRow](tx, `FROM password WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	return row.phc, found, err
}

// PasswordChanged returns when the password was set; zero: there is none.
func PasswordChanged(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (time.Time, error) {
	row, _, err := db.Find[passwordRow](tx, `FROM password WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	return row.changed, err
}

// Rehash replaces the hash by one of the same password with today's cost, unless
// the password was changed meanwhile.
func Rehash(tx *db.Tx, t *tenant.Tenant, cus customer.ID, old, phc string) (bool, error) {
	n, err := tx.Exec(`UPDATE password SET phc = $1 WHERE tenant_id = $2 AND customer_id = $3 AND phc = $4`,
		phc, t.ID, cus, old)
	return n == 1, err
}

// RemovePassword takes the password away and tells whether there was one.
func RemovePassword(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (bool, error) {
	n, err := tx.Exec(`DELETE FROM password WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	if err != nil || n == 0 {
		return false, err
	}
	return true, note(tx, t, cus, PasswordRemoved{})
}

// PasswordSet is told when a customer has a new password.
type PasswordSet struct{}

// EventName names the event.
func (PasswordSet) EventName() string { return "password.set" }

// PasswordRemoved is told when a customer has no password any more.
type PasswordRemoved struct{}

// EventName names the event.
func (PasswordRemoved) EventName() string { return "password.removed" }

// note appends an event about a customer. Who did it, if not the customer, is
// told by the event of the act.
func note(tx *db.Tx, t *tenant.Tenant, cus customer.ID, e journal.Event) error {
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: cus, Actor: journal.Actor{Kind: "customer", ID: cus}, Event: e, Class: journal.Security,
	})
}
