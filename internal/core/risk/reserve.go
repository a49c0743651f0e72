package risk

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What a full meter answers; Retry says honestly when the next try would pass.
var (
	ErrTries    = fault.New(fault.Limited, "too_many_tries", "There were too many tries. Wait a little and try again.")
	ErrMessages = fault.New(fault.Limited, "too_many_messages", "Too many messages were asked for. Wait a little and try again.")
)

// Known is how long a network counts as one from which a customer comes.
const Known = 30 * 24 * time.Hour

// meterRow is when a meter will have run empty, and whether the try passed.
type meterRow struct {
	arrives time.Time
	passed  bool
}

// Fields names the columns.
func (m *meterRow) Fields() []db.Field {
	return []db.Field{{Column: "arrives_at", Ptr: &m.arrives}, {Column: "passed", Ptr: &m.passed}}
}

// Reserve takes one try from every meter, in their order, before the work that
// the try is for is done. The first full meter refuses with ErrTries or
// ErrMessages; what narrower meters before it gave is not given back, so nobody
// gains by asking a full meter again and again.
//
// Each meter is one statement of its own: however many ask at once, no more
// than the limit pass (law 1).
func Reserve(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	for _, m := range meters {
		if err := reserve(ctx, d, t, m); err != nil {
			return err
		}
	}
	return nil
}

func reserve(ctx context.Context, d *db.DB, t *tenant.Tenant, m Meter) error {
	now := d.Now()
	latest := now.Add(m.Limit.span() - m.Limit.Every)
	row, _, err := db.Bumped[meterRow](ctx, d, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed)
		VALUES ($1, $2, $3, TRUE)
		ON CONFLICT (tenant_id, meter) DO UPDATE SET passed = throttle.arrives_at <= $4, arrives_at = CASE
			WHEN throttle.arrives_at > $4 THEN throttle.arrives_at
			WHEN throttle.arrives_at > $5 THEN throttle.arrives_at + $6
			ELSE $3 END`,
		t.ID, m.key(t), now.Add(m.Limit.Every), latest, now, m.Limit.Every)
	if err != nil || row.passed {
		return err
	}
	known, err := m.excused(ctx, d, t, now)
	if err != nil || known {
		return err
	}
	wait := max(row.arrives.Sub(latest), time.Second)
	if m.Limit.message() {
		return ErrMessages.In(wait)
	}
	return ErrTries.In(wait)
}

// excused tells whether the mark stands that lets a full meter pass.
func (m Meter) excused(ctx context.Context, d *db.DB, t *tenant.Tenant, now time.Time) (bool, error) {
	if m.Unless == "" {
		return false, nil
	}
	n, err := d.Bump(ctx, `UPDATE throttle SET passed = TRUE WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`,
		t.ID, markKey(t, m.Unless), now)
	return n == 1, err
}

// Forgive empties meters after a success: who proved to be the one does not pay
// for earlier slips, nor for the messages that were needed. Meters shared with
// strangers (those of networks, tenants and blocks of numbers) stay as they are.
func Forgive(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	for _, m := range meters {
		if !m.own() {
			continue
		}
		if _, err := d.Bump(ctx, `DELETE FROM throttle WHERE tenant_id = $1 AND meter = $2`, t.ID, m.key(t)); err != nil {
			return err
		}
	}
	return nil
}

// own tells whether the meter is that of one account, recipient or application,
// as opposed to one that strangers fill too.
func (m Meter) own() bool {
	switch m.Limit {
	case passwordHere, codeHere, clientHere, mailHour, mailDay, smsHour, smsDay:
		return true
	}
	return false
}

// Remember notes that the account has signed in from the network, so that for
// the time of Known its account-wide meters do not shut it out from there. Only
// the keyed hash of the pair is stored.
func Remember(ctx context.Context, d *db.DB, t *tenant.Tenant, account, network string) error {
	now := d.Now()
	// At most once a day: most sign-ins need no write.
	_, err := d.Bump(ctx, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed)
		VALUES ($1, $2, $3, TRUE)
		ON CONFLICT (tenant_id, meter) DO UPDATE SET arrives_at = $3 WHERE throttle.arrives_at < $4`,
		t.ID, markKey(t, pair(account, network)), now.Add(Known), now.Add(Known-24*time.Hour))
	return err
}

// Sweep deletes up to limit meters of all tenants that have run empty, and
// tells how many.
func Sweep(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM throttle WHERE (tenant_id, meter) IN
		(SELECT tenant_id, meter FROM throttle WHERE arrives_at < $1 ORDER BY arrives_at LIMIT $2)`, tx.Now, limit)
	return int(n), err
}

// Destroy deletes everything of a customer in this room, for erasure.
func Destroy(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if _, err := tx.Exec(`DELETE FROM habit WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM verdict WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}

func (m Meter) key(t *tenant.Tenant) [32]byte { return t.Index("risk/meter", m.Limit.Name, m.Key) }

func markKey(t *tenant.Tenant, mark string) [32]byte { return t.Index("risk/known", mark) }
