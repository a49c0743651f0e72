package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// enrolmentRow is what is known about one offer to one customer. An offer is a
// word of ours: "passkey", "second".
type enrolmentRow struct {
	tenant     tenant.ID
	customer   customer.ID
	offer      string
	restsUntil time.Time
	never      bool
	owedSince  time.Time
}

// Fields names the columns.
func (e *enrolmentRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.tenant}, {Column: "customer_id", Ptr: &e.customer}, {Column: "offer", Ptr: &e.offer},
		{Column: "rests_until", Ptr: &e.restsUntil}, {Column: "never", Ptr: &e.never}, {Column: "owed_since", Ptr: &e.owedSince},
	}
}

func enrolment(tx *db.Tx, t *tenant.Tenant, cus customer.ID, offer string) (enrolmentRow, error) {
	e, _, err := db.Find[enrolmentRow](tx, `FROM enrolment WHERE tenant_id = $1 AND customer_id = $2 AND offer = $3`,
		t.ID, cus, offer)
	return e, err
}

// Decline notes that the customer does not want what was offered: not before
// until, or never. Who once said never is not asked again because of a later
// "not now".
func Decline(tx *db.Tx, t *tenant.Tenant, cus customer.ID, offer string, until time.Time, never bool) error {
	_, err := tx.Exec(`INSERT INTO enrolment (tenant_id, customer_id, offer, rests_until, never, owed_since)
		VALUES ($1, $2, $3, $4, $5, NULL)
		ON CONFLICT (tenant_id, customer_id, offer)
		DO UPDATE SET rests_until = excluded.rests_until, never = enrolment.never OR excluded.never`,
		t.ID, cus, offer, until, never)
	return err
}

// Declined reports whether the offer rests, for now or for good.
func Declined(tx *db.Tx, t *tenant.Tenant, cus customer.ID, offer string) (bool, error) {
	e, err := enrolment(tx, t, cus, offer)
	return e.never || tx.Now.Before(e.restsUntil), err
}

// Owe notes that the customer owes what is offered, and returns since when: the
// first time counts for good, so that removing a factor and setting one up again
// gives no new grace.
func Owe(tx *db.Tx, t *tenant.Tenant, cus customer.ID, offer string) (since time.Time, err error) {
	_, err = tx.Exec(`INSERT INTO enrolment (tenant_id, customer_id, offer, rests_until, never, owed_since)
		VALUES ($1, $2, $3, NULL, FALSE, $4)
		ON CONFLICT (tenant_id, customer_id, offer)
		DO UPDATE SET owed_since = coalesce(enrolment.owed_since, excluded.owed_since)`, t.ID, cus, offer, tx.Now)
	if err != nil {
		return time.Time{}, err
	}
	return Owed(tx, t, cus, offer)
}

// Owed returns since when the customer owes what is offered; zero: they never
// did.
func Owed(tx *db.Tx, t *tenant.Tenant, cus customer.ID, offer string) (since time.Time, err error) {
	e, err := enrolment(tx, t, cus, offer)
	return e.owedSince, err
}
