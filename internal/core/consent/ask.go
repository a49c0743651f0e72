package consent

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// When a purpose or a topic is asked for by the house itself.
const (
	AtSignUp = "signup"
	AtSignIn = "signin"
)

// OfAge is the purpose under which the ledger keeps that a customer was old
// enough to make an account alone; the item is the country and the age there.
const OfAge = "age"

// LeftOut is something that a customer was asked for at a sign-in and left out.
type LeftOut struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	Item       string // FieldItem, PurposeItem or VisitsItem of what it is
	Times      int64  // in a row
	AskedAt    time.Time
	RestsUntil time.Time // it is not asked again before
}

// Fields names the columns.
func (l *LeftOut) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &l.TenantID}, {Column: "customer_id", Ptr: &l.CustomerID}, {Column: "item", Ptr: &l.Item},
		{Column: "times", Ptr: &l.Times}, {Column: "asked_at", Ptr: &l.AskedAt}, {Column: "rests_until", Ptr: &l.RestsUntil},
	}
}

// FieldItem names a field of the profile among what is asked for.
func FieldItem(name string) string { return "field/" + name }

// PurposeItem names a purpose among what is asked for.
func PurposeItem(id string) string { return "purpose/" + id }

// VisitsItem names the count of sign-ins at an application.
func VisitsItem(clientID string) string { return "visits/" + clientID }

// How often in a row something is left out before it rests for as long as
// LongRest.
const (
	tired    = 3
	LongRest = 365 * 24 * time.Hour
)

// AskedOf is what a customer left out, and how often they were seen, by item.
func AskedOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (map[string]LeftOut, error) {
	list, err := db.All[LeftOut](tx, `FROM ask WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	out := map[string]LeftOut{}
	for _, l := range list {
		out[l.Item] = l
	}
	return out, err
}

// LeaveOut notes that the customer left items out: they rest for rest, and what
// was left out three times in a row for a year.
func LeaveOut(tx *db.Tx, t *tenant.Tenant, c customer.ID, rest time.Duration, items ...string) error {
	for _, item := range items {
		_, err := tx.Exec(`INSERT INTO ask (tenant_id, customer_id, item, times, asked_at, rests_until)
			VALUES ($1, $2, $3, 1, $4, $5)
			ON CONFLICT (tenant_id, customer_id, item) DO UPDATE SET times = ask.times + 1, asked_at = excluded.asked_at,
			rests_until = CASE WHEN ask.times + 1 >= $6 THEN $7 ELSE excluded.rests_until END`,
			t.ID, c, item, tx.Now, tx.Now.Add(rest), int64(tired), tx.Now.Add(max(rest, LongRest)))
		if err != nil {
			return err
		}
	}
	return nil
}

// Answered forgets that items were left out: the customer gave them.
func Answered(tx *db.Tx, t *tenant.Tenant, c customer.ID, items ...string) error {
	for _, item := range items {
		if _, err := tx.Exec(`DELETE FROM ask WHERE tenant_id = $1 AND customer_id = $2 AND item = $3`, t.ID, c, item); err != nil {
			return err
		}
	}
	return nil
}

// Visit counts one more sign-in of the customer at an application. The first
// that is counted of somebody who was there before counts as their second.
func Visit(tx *db.Tx, t *tenant.Tenant, c customer.ID, clientID string, first bool) error {
	n := int64(2)
	if first {
		n = 1
	}
	_, err := tx.Exec(`INSERT INTO ask (tenant_id, customer_id, item, times, asked_at, rests_until)
		VALUES ($1, $2, $3, $4, $5, NULL)
		ON CONFLICT (tenant_id, customer_id, item) DO UPDATE SET times = ask.times + 1, asked_at = excluded.asked_at`,
		t.ID, c, VisitsItem(clientID), n, tx.Now)
	return err
}

// DestroyAsked takes away what is kept of what the customer was asked for.
func DestroyAsked(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	_, err := tx.Exec(`DELETE FROM ask WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}

// Offered lists the purposes and topics that the tenant wants to be offered to
// newcomers. Where the browser signals Global Privacy Control, sale and sharing
// are not among them.
func Offered(tx *db.Tx, t *tenant.Tenant, signal bool) ([]Purpose, []Topic, error) {
	purposes, err := asked(tx, t, AtSignUp, signal)
	if err != nil {
		return nil, nil, err
	}
	all, err := Topics(tx, t)
	var topics []Topic
	for _, d := range all {
		if slices.Contains(d.Ask, AtSignUp) {
			topics = append(topics, d)
		}
	}
	return purposes, topics, err
}

func asked(tx *db.Tx, t *tenant.Tenant, when string, signal bool) ([]Purpose, error) {
	list, err := Purposes(tx, t)
	var out []Purpose
	for _, p := range list {
		if slices.Contains(p.Ask, when) && !(signal && p.SaleOrShare) {
			out = append(out, p)
		}
	}
	return out, err
}

// Due lists the purposes that the customer is to be asked about at a sign-in:
// those without an answer, and those of which the consent ends soon or has
// ended by itself. Who said no is not asked again, and what was left out rests.
func Due(tx *db.Tx, t *tenant.Tenant, c customer.ID, signal bool) ([]Purpose, error) {
	list, err := asked(tx, t, AtSignIn, signal)
	if err != nil {
		return nil, err
	}
	var out []Purpose
	for _, p := range list {
		s, _, err := Holds(tx, t, c, p.ID, [16]byte{})
		if err != nil {
			return nil, err
		}
		if s.Why == WhyNever || s.Why == WhyExpired || s.Why == WhyOlder || p.Remind != 0 && p.Renewable(s, tx.Now) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	left, err := AskedOf(tx, t, c)
	return slices.DeleteFunc(out, func(p Purpose) bool { return tx.Now.Before(left[PurposeItem(p.ID)].RestsUntil) }), err
}
