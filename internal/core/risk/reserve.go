package risk

import (
	"context"
	"slices"
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

// Reserve takes one try from every meter, in their order, before the work that
// the try is for is done. The first full meter refuses with ErrTries or
// ErrMessages; what narrower meters before it gave is not given back, so nobody
// gains by asking a full meter again and again.
//
// The narrowest meter is one statement of its own, and the wider ones are one
// together, after it let pass: however many ask at once, no more than each limit
// pass (law 1). What meters after the full one gave is given back.
func Reserve(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	return Marks(nil).Reserve(ctx, d, t, meters...)
}

// round is one Reserve or Forgive, at one instant; it asks for no mark twice.
type round struct {
	ctx    context.Context
	d      *db.DB
	t      *tenant.Tenant
	now    time.Time
	stands map[string]bool
}

func (r round) reserve(meters []Meter) error {
	for len(meters) > 0 && meters[0].attacked {
		if err := r.gate(meters[0]); err != nil {
			return err
		}
		meters = meters[1:]
	}
	if len(meters) == 0 {
		return nil
	}
	narrow, wide := meters[0], meters[1:]
	rows, err := r.take(narrow)
	if err != nil {
		return err
	}
	if err := r.judge(narrow, rows); err != nil {
		return err
	}
	besides, err := r.spread(narrow, rows)
	if err != nil {
		return err
	}
	return r.reserveWide(wide, besides)
}

// gate is a meter that counts only while the tenant is under attack.
func (r round) gate(m Meter) error {
	if under, err := r.standing(attackMark); err != nil || !under {
		return err
	}
	if known, err := r.excused(m); err != nil || known {
		return err
	}
	rows, err := r.take(m)
	if err != nil {
		return err
	}
	return r.judge(m, rows)
}

// reserveWide takes a try from each of the wider meters, and counts it besides
// at those that the narrow one spreads to, which refuse nothing.
func (r round) reserveWide(wide, besides []Meter) error {
	if len(wide)+len(besides) == 0 {
		return nil
	}
	rows, err := r.take(append(slices.Clone(wide), besides...)...)
	if err != nil {
		return err
	}
	for i, m := range wide {
		if err := r.judge(m, rows); err != nil {
			if failed := r.refund(wide[i+1:], rows); failed != nil {
				return failed
			}
			return err
		}
		many, err := r.spread(m, rows)
		if err == nil {
			err = r.alarm(many)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// judge refuses what did not pass, unless a mark excuses it.
func (r round) judge(m Meter, rows meterRows) error {
	row := rows[m.key(r.t)]
	if row.passed {
		return nil
	}
	if known, err := r.excused(m); err != nil || known {
		return err
	}
	return m.refusal(max(row.arrives.Sub(r.latest(m)), time.Second))
}

// refund gives back what meters took that come after the one that refused.
func (r round) refund(meters []Meter, rows meterRows) error {
	var list []drop
	for _, m := range meters {
		if rows[m.key(r.t)].passed {
			list = append(list, drop{m, m.Limit.Every})
		}
	}
	return r.lower(list)
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
	return Marks(nil).Forgive(ctx, d, t, meters...)
}

func (r round) forgive(meters []Meter) error {
	var own []Meter
	var shared []drop // a browser that many share is not worn out by those who get in
	for _, m := range meters {
		switch {
		case m.Limit == passwordDevice:
			shared = append(shared, drop{m, m.Limit.Every})
		case m.own():
			own = append(own, m)
		}
	}
	gone, err := r.empty(own)
	if err != nil {
		return err
	}
	for _, m := range own {
		if gone[m.key(r.t)] {
			gone[m.key(r.t)] = false // however often it is named
			if err := r.giveBack(m); err != nil {
				return err
			}
		}
	}
	return r.lower(shared)
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
	return Marks(nil).Remember(ctx, d, t, account, network)
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
