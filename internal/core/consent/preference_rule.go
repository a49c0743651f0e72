package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Rule is when a customer is left in peace, whatever they chose.
type Rule struct {
	TenantID    tenant.ID
	CustomerID  customer.ID
	PausedUntil time.Time // zero: not paused
	QuietFrom   int64     // minute of the day, in Zone
	QuietUntil  int64     // the same as QuietFrom: no quiet hours
	Zone        string
	ChangedAt   time.Time
}

// Fields names the columns.
func (r *Rule) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.TenantID}, {Column: "customer_id", Ptr: &r.CustomerID}, {Column: "paused_until", Ptr: &r.PausedUntil},
		{Column: "quiet_from", Ptr: &r.QuietFrom}, {Column: "quiet_until", Ptr: &r.QuietUntil}, {Column: "zone", Ptr: &r.Zone},
		{Column: "changed_at", Ptr: &r.ChangedAt},
	}
}

// ErrBadRule is told for a pause of more than a year, and for quiet hours that
// are no times of a day in a known zone.
var ErrBadRule = fault.New(fault.Invalid, "bad_contact_rule", "A pause ends within a year. Quiet hours are two times of a day in a time zone.")

const (
	day       = 24 * 60
	longPause = 366 * 24 * time.Hour
)

// RuleOf is when the customer is left in peace; the zero rule: never.
func RuleOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Rule, error) {
	r, _, err := db.Find[Rule](tx, `FROM contact_rule WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return r, err
}

// RuleSet is told when a customer asks to be left in peace, or not any more.
type RuleSet struct {
	PausedUntil time.Time `json:"paused_until,omitzero"`
	Quiet       bool      `json:"quiet"`
}

// EventName names the event.
func (RuleSet) EventName() string { return "preference.rule_set" }

// SetRule keeps when the customer is left in peace. A pause that is over is
// none. The rule that is there already is left alone. It fails with ErrBadRule.
func SetRule(tx *db.Tx, t *tenant.Tenant, c customer.ID, r Rule) error {
	if !r.PausedUntil.After(tx.Now) {
		r.PausedUntil = time.Time{}
	}
	if err := r.wrong(tx.Now); err != nil {
		return err
	}
	was, err := RuleOf(tx, t, c)
	if err != nil || r.same(was) {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO contact_rule
		(tenant_id, customer_id, paused_until, quiet_from, quiet_until, zone, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (tenant_id, customer_id) DO UPDATE SET paused_until = excluded.paused_until, quiet_from = excluded.quiet_from,
		quiet_until = excluded.quiet_until, zone = excluded.zone, changed_at = excluded.changed_at`,
		t.ID, c, r.PausedUntil, r.QuietFrom, r.QuietUntil, r.Zone, tx.Now); err != nil {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c, Class: journal.Consent, Event: RuleSet{PausedUntil: r.PausedUntil, Quiet: r.Quiet()},
	})
}

func (r *Rule) same(as Rule) bool {
	return r.PausedUntil.Equal(as.PausedUntil) && r.QuietFrom == as.QuietFrom && r.QuietUntil == as.QuietUntil && r.Zone == as.Zone
}

func (r *Rule) wrong(now time.Time) error {
	if r.PausedUntil.Sub(now) > longPause || r.QuietFrom < 0 || r.QuietFrom >= day || r.QuietUntil < 0 || r.QuietUntil >= day {
		return ErrBadRule
	}
	if !r.Quiet() {
		return nil
	}
	if _, err := time.LoadLocation(r.Zone); r.Zone == "" || r.Zone == "Local" || err != nil {
		return ErrBadRule.At("zone")
	}
	return nil
}

// Quiet reports whether there are quiet hours.
func (r *Rule) Quiet() bool { return r.QuietFrom != r.QuietUntil }

// quietUntil is when the quiet hours end that an instant lies in, zero if it
// lies in none. Hours that begin in the evening end on the next morning.
func (r *Rule) quietUntil(now time.Time) time.Time {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil || !r.Quiet() {
		return time.Time{}
	}
	local := now.In(zone)
	minute := int64(local.Hour()*60 + local.Minute())
	ends := func(days int) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, int(r.QuietUntil), 0, 0, zone).UTC()
	}
	switch {
	case r.QuietFrom < r.QuietUntil && minute >= r.QuietFrom && minute < r.QuietUntil:
		return ends(0)
	case r.QuietFrom > r.QuietUntil && minute >= r.QuietFrom:
		return ends(1)
	case r.QuietFrom > r.QuietUntil && minute < r.QuietUntil:
		return ends(0)
	}
	return time.Time{}
}
