package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// BecauseInactive is the reason of a closing that nobody asked for: the account
// was not used for as long as the tenant's settings say.
const BecauseInactive = "inactive"

// InactivityWarned is told when a customer is warned that an account that they
// do not use closes.
type InactivityWarned struct {
	Warning int64     `json:"warning"` // which one, from 1
	SeenAt  time.Time `json:"seen_at"`
	CloseAt time.Time `json:"close_at"`
}

// EventName names the event.
func (InactivityWarned) EventName() string { return "account.inactivity_warned" }

// idleRow is a customer who was warned.
type idleRow struct {
	tenant   tenant.ID
	customer customer.ID
	seenAt   time.Time // the last use, as it was known at the first warning
	closeAt  time.Time
	warned   int64
	toldAt   time.Time
}

// Fields names the columns.
func (r *idleRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer}, {Column: "seen_at", Ptr: &r.seenAt},
		{Column: "close_at", Ptr: &r.closeAt}, {Column: "warned", Ptr: &r.warned}, {Column: "told_at", Ptr: &r.toldAt},
	}
}

// Idle finds out which of the customers, who are in the order of their ids, do
// not use their accounts. With act it also warns those who are due, each
// warning once, and begins to close accounts after the last one: in the
// transaction that notes it. Only active customers rest; staff never do. Who is
// seen again begins anew.
//
//	seen ──► warned 1 .. n ──► closing ──► erased
//	  ▲         │ any use         │ sign-in keeps it
//	  └─────────┴─────────────────┘
func (a Acts) Idle(tx *db.Tx, t *tenant.Tenant, list []customer.Customer, act bool) ([]privacy.Idle, error) {
	if len(list) == 0 || t.BuiltIn || t.Settings.Retention.InactiveAfter == 0 {
		return nil, nil
	}
	rest, err := restOf(tx, t, list)
	if err != nil {
		return nil, err
	}
	var out []privacy.Idle
	for _, c := range list {
		if c.State != customer.Active {
			continue
		}
		next, err := a.rest(tx, t, c, rest, act)
		if err != nil {
			return nil, err
		}
		out = append(out, next)
	}
	return out, nil
}

// rested is what is known of the use of a span of customers' accounts.
type rested struct {
	rows             map[customer.ID]idleRow
	sessions, grants map[customer.ID]time.Time
}

func restOf(tx *db.Tx, t *tenant.Tenant, list []customer.Customer) (r rested, err error) {
	span := customer.Span{After: before(list[0].ID), Last: [16]byte(list[len(list)-1].ID)}
	rows, err := db.All[idleRow](tx, `FROM inactivity WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3`,
		t.ID, span.After, span.Last)
	if err != nil {
		return r, err
	}
	r.rows = map[customer.ID]idleRow{}
	for _, row := range rows {
		r.rows[row.customer] = row
	}
	if r.sessions, err = session.LastIn(tx, t, span); err != nil {
		return r, err
	}
	r.grants, err = grant.LastIn(tx, t, span)
	return r, err
}

// before is the id just before another one.
func before(id customer.ID) [16]byte {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]--
		if id[i] != 0xff {
			break
		}
	}
	return id
}

// seen is when the account was last used in any way.
func (r rested) seen(c customer.Customer) time.Time {
	at := c.CreatedAt
	for _, t := range []time.Time{c.LastSeenAt, r.sessions[c.ID], r.grants[c.ID]} {
		if t.After(at) {
			at = t
		}
	}
	return at
}

// noticeable is how much later a use must be to be noted with the customer: what
// sessions and grants tell is forgotten with them.
const noticeable = 24 * time.Hour

// rest does what is next for one customer.
func (a Acts) rest(tx *db.Tx, t *tenant.Tenant, c customer.Customer, r rested, act bool) (privacy.Idle, error) {
	seen := r.seen(c)
	if act && seen.Sub(c.LastSeenAt) >= noticeable && seen.After(c.CreatedAt) {
		if err := customer.Seen(tx, t, c.ID, seen); err != nil {
			return privacy.Idle{}, err
		}
	}
	row := r.rows[c.ID]
	if row.warned > 0 && seen.After(row.seenAt) {
		if err := a.awake(tx, t, c.ID, act); err != nil {
			return privacy.Idle{}, err
		}
		row = idleRow{}
	}
	next, step := nextRest(t, row, seen, tx.Now)
	next.Customer = c.ID
	if !act || next.At.After(tx.Now) {
		return next, nil
	}
	if next.Rule == privacy.RuleClose {
		return next, a.closeIdle(tx, t, c.ID)
	}
	step.tenant, step.customer, step.toldAt = t.ID, c.ID, tx.Now
	return next, warnIdle(tx, t, step)
}

// nextRest is the next step and when it is due, with the row that it leaves. The
// closing is never nearer than the warning that is sent promises: who is warned
// late has as long as who is warned in time.
func nextRest(t *tenant.Tenant, row idleRow, seen, now time.Time) (privacy.Idle, idleRow) {
	warnings := t.Settings.Retention.Warnings()
	if row.warned == 0 {
		row.seenAt, row.closeAt = seen, seen.Add(time.Duration(t.Settings.Retention.InactiveAfter))
	} else if row.warned >= int64(len(warnings)) {
		return privacy.Idle{Rule: privacy.RuleClose, At: row.closeAt}, row
	}
	due := row.closeAt.Add(-warnings[row.warned])
	last := row.warned
	if row.warned > 0 { // of those that passed while nobody looked, the last one tells enough
		for n := last + 1; n < int64(len(warnings)) && !row.closeAt.Add(-warnings[n]).After(now); n++ {
			last = n
		}
	}
	if promised := now.Add(warnings[last]); promised.After(row.closeAt) {
		row.closeAt = promised
	}
	row.warned = last + 1
	return privacy.Idle{Rule: privacy.RuleWarn, At: due}, row
}

// awake forgets that a customer was warned, who uses the account again.
func (a Acts) awake(tx *db.Tx, t *tenant.Tenant, c customer.ID, act bool) error {
	if !act {
		return nil
	}
	_, err := tx.Exec(`DELETE FROM inactivity WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	return err
}

// warnIdle notes a warning and drafts it, to every verified address.
func warnIdle(tx *db.Tx, t *tenant.Tenant, r idleRow) error {
	n, err := tx.Exec(`INSERT INTO inactivity (tenant_id, customer_id, seen_at, close_at, warned, told_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (tenant_id, customer_id) DO UPDATE SET close_at = excluded.close_at, warned = excluded.warned, told_at = excluded.told_at
		WHERE inactivity.warned < excluded.warned`, t.ID, r.customer, r.seenAt, r.closeAt, r.warned, r.toldAt)
	if err != nil || n == 0 {
		return err
	}
	e := InactivityWarned{r.warned, r.seenAt.UTC(), r.closeAt.UTC()}
	if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: r.customer, Class: journal.Privacy, Event: e}); err != nil {
		return err
	}
	d := signInNotice(t, notify.InactiveWarning, SignInPath)
	d.Values["date"] = r.closeAt.Format(time.RFC3339)
	return tell(tx, t, r.customer, d)
}

// closeIdle begins the end of an account that nobody uses: the ordinary closing,
// with its time to change one's mind.
func (a Acts) closeIdle(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if err := a.awake(tx, t, c, true); err != nil {
		return err
	}
	now, err := customer.SetState(tx, t, c, []customer.State{customer.Active}, customer.Closing, BecauseInactive)
	if err != nil {
		return err
	}
	if err := a.shut(tx, t, c, session.ID{}, "closing"); err != nil {
		return err
	}
	if err := privacy.Schedule(tx, t, c, now.CloseAt); err != nil {
		return err
	}
	d := signInNotice(t, notify.InactiveClosing, SignInPath)
	d.Values["date"] = now.CloseAt.Format(time.RFC3339)
	return tell(tx, t, c, d)
}
