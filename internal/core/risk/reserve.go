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
	// ErrStrangers is told to a browser and network that are not known for the
	// account while the tenant is under attack: a proof of work (Worked) or
	// another way in helps.
	ErrStrangers = fault.New(fault.Limited, "proof_of_work_needed", "Very many passwords are being tried just now. Wait a little, or sign in another way.")
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
	r := round{ctx, d, t, d.Now(), map[string]bool{}}
	for _, m := range meters {
		if err := r.reserve(m); err != nil {
			return err
		}
	}
	return nil
}

// round is one Reserve or Forgive, at one instant; it asks for no mark twice.
type round struct {
	ctx    context.Context
	d      *db.DB
	t      *tenant.Tenant
	now    time.Time
	stands map[string]bool
}

func (r round) reserve(m Meter) error {
	if m.attacked {
		if under, err := r.standing(attackMark); err != nil || !under {
			return err
		}
		if known, err := r.excused(m); err != nil || known {
			return err
		}
	}
	row, err := r.take(m)
	if err != nil {
		return err
	}
	if row.passed {
		return r.spread(m, row)
	}
	if known, err := r.excused(m); err != nil || known {
		return err
	}
	return m.refusal(max(row.arrives.Sub(r.latest(m)), time.Second))
}

// take counts one try at a meter, in one statement.
func (r round) take(m Meter) (meterRow, error) {
	row, _, err := db.Bumped[meterRow](r.ctx, r.d, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed)
		VALUES ($1, $2, $3, TRUE)
		ON CONFLICT (tenant_id, meter) DO UPDATE SET passed = throttle.arrives_at <= $4, arrives_at = CASE
			WHEN throttle.arrives_at > $4 THEN throttle.arrives_at
			WHEN throttle.arrives_at > $5 THEN throttle.arrives_at + $6
			ELSE $3 END`,
		r.t.ID, m.key(r.t), r.now.Add(m.Limit.Every), r.latest(m), r.now, m.Limit.Every)
	return row, err
}

// latest is until when a meter may be filled for one more try to pass.
func (r round) latest(m Meter) time.Time { return r.now.Add(m.Limit.span() - m.Limit.Every) }

func (m Meter) refusal(wait time.Duration) error {
	switch {
	case m.attacked:
		return ErrStrangers.In(wait)
	case m.Limit.message():
		return ErrMessages.In(wait)
	}
	return ErrTries.In(wait)
}

// excused tells whether a mark stands that lets a full meter pass.
func (r round) excused(m Meter) (bool, error) {
	for _, mark := range m.Unless {
		if stands, err := r.standing(mark); err != nil || stands {
			return stands, err
		}
	}
	return false, nil
}

func (r round) standing(mark string) (bool, error) {
	if stands, asked := r.stands[mark]; asked {
		return stands, nil
	}
	n, err := r.d.Bump(r.ctx, `UPDATE throttle SET passed = TRUE WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`,
		r.t.ID, markKey(r.t, mark), r.now)
	r.stands[mark] = n == 1
	return n == 1, err
}

// Forgive empties meters after a success: who proved to be the one does not pay
// for earlier slips, nor for the messages that were needed. Meters shared with
// strangers (those of networks, tenants and blocks of numbers) stay as they are.
func Forgive(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	r := round{ctx, d, t, d.Now(), map[string]bool{}}
	for _, m := range meters {
		if m.Limit == passwordDevice {
			if err := r.lower(m); err != nil {
				return err
			}
		}
		if !m.own() {
			continue
		}
		n, err := d.Bump(ctx, `DELETE FROM throttle WHERE tenant_id = $1 AND meter = $2`, t.ID, m.key(t))
		if err != nil {
			return err
		}
		if n == 1 {
			if err := r.giveBack(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// lower takes one try back from a meter that stays otherwise as it is: a browser
// that many share is not worn out by those who get in.
func (r round) lower(m Meter) error {
	_, err := r.d.Bump(r.ctx, `UPDATE throttle SET arrives_at = CASE WHEN arrives_at - $4 > $3 THEN arrives_at - $4 ELSE $3 END
		WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`, r.t.ID, m.key(r.t), r.now, m.Limit.Every)
	return err
}

// own tells whether the meter is that of one account, recipient or application,
// as opposed to one that strangers fill too.
func (m Meter) own() bool {
	switch m.Limit {
	case passwordHere, codeHere, secondHere, clientHere, mailHour, mailDay, smsHour, smsDay, smsSecondHour, smsSecondDay:
		return true
	}
	return false
}

// Remember notes that the account has signed in from the network (or with the
// browser, by DeviceKey), so that for the time of Known its account-wide meters
// do not shut it out from there. Only the keyed hash of the pair is stored.
func Remember(ctx context.Context, d *db.DB, t *tenant.Tenant, account, network string) error {
	// At most once a day: most sign-ins need no write.
	return mark(ctx, d, t, pair(account, network), Known, 24*time.Hour)
}

// mark lets a mark stand for a while. One that was made within the time of
// fresh is left as it is.
func mark(ctx context.Context, d *db.DB, t *tenant.Tenant, name string, while, fresh time.Duration) error {
	now := d.Now()
	_, err := d.Bump(ctx, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed)
		VALUES ($1, $2, $3, TRUE)
		ON CONFLICT (tenant_id, meter) DO UPDATE SET arrives_at = $3 WHERE throttle.arrives_at < $4`,
		t.ID, markKey(t, name), now.Add(while), now.Add(while-fresh))
	return err
}

// Sweep deletes up to limit meters of all tenants that have run empty, as many
// verdicts and as many habits that are too old, and tells how many rows went.
func Sweep(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM throttle WHERE (tenant_id, meter) IN
		(SELECT tenant_id, meter FROM throttle WHERE arrives_at < $1 ORDER BY arrives_at LIMIT $2)`, tx.Now, limit)
	if err != nil {
		return 0, err
	}
	more, err := sweepMemory(tx, limit)
	return int(n) + more, err
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
