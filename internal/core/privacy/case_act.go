package privacy

import (
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// step is one way of the state machine: the conditional statement that goes it,
// what is written, and why it may not have been possible.
type step struct {
	statement string // UPDATE ... WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND ...
	args      []any  // from $4 on
	line      line
	refuse    []refusal
}

// refusal is why a step is not possible, in the order in which it is asked.
type refusal struct {
	holds func(c *Case) bool
	err   error
}

var (
	closed     = refusal{func(c *Case) bool { return c.State == CaseClosed }, ErrCaseClosed}
	waiting    = refusal{func(c *Case) bool { return c.State == CaseWaiting }, ErrCaseWaiting}
	running    = refusal{func(c *Case) bool { return c.State == CaseOpen }, ErrCaseRunning}
	extended   = refusal{func(c *Case) bool { return !c.ExtendedAt.IsZero() }, ErrCaseExtended}
	identified = refusal{func(c *Case) bool { return c.Identity != Unverified }, ErrCaseIdentified}
)

// take goes a step, exactly once, and writes it down. What was not possible is
// told by the first refusal that holds.
func (c Case) take(tx *db.Tx, t *tenant.Tenant, s step) (Case, error) {
	now, done, err := db.Take[Case](tx, s.statement, append([]any{t.ID, c.CustomerID, c.ID}, s.args...)...)
	if err != nil {
		return Case{}, err
	}
	if done {
		return now, now.write(tx, t, s.line)
	}
	if now, err = FindCase(tx, t, c.CustomerID, c.ID); err != nil {
		return Case{}, err
	}
	for _, r := range s.refuse {
		if r.holds(&now) {
			return Case{}, r.err
		}
	}
	return Case{}, ErrCaseClosed
}

// spoken checks words that a step needs.
func spoken(words string) (string, error) {
	words = strings.TrimSpace(words)
	if words == "" || !sayable(words) {
		return "", ErrCaseWords
	}
	return words, nil
}

// Note adds a line of staff to a case, closed or not: Told to the customer, who
// gets a mail, or not. Faults: case_words, case_long.
func Note(tx *db.Tx, t *tenant.Tenant, c Case, actor journal.Actor, words string, told bool) error {
	words, err := spoken(words)
	if err != nil {
		return err
	}
	if err := c.room(tx); err != nil {
		return err
	}
	l := line{act: ActNote, actor: actor, words: words}
	if told {
		l.act, l.told = ActAnswer, true
	}
	if err := c.write(tx, t, l); err != nil || !told {
		return err
	}
	return c.tell(tx, t, notify.CaseAnswered, "")
}

// Identify says how staff verified who asks. Faults: case_words,
// case_identified, case_closed.
func Identify(tx *db.Tx, t *tenant.Tenant, c Case, actor journal.Actor, words string) (Case, error) {
	words, err := spoken(words)
	if err != nil {
		return Case{}, err
	}
	return c.take(tx, t, step{
		statement: `UPDATE privacy_case SET identity = $4 WHERE tenant_id = $1 AND customer_id = $2 AND id = $3
			AND identity = 'unverified' AND state <> 'closed'`,
		args: []any{SeenByStaff}, line: line{act: ActIdentified, actor: actor, words: words}, refuse: []refusal{closed, identified},
	})
}

// Pause stops the clock because something is needed from the customer, who is
// told what. Faults: case_words, case_waiting, case_closed.
func Pause(tx *db.Tx, t *tenant.Tenant, c Case, actor journal.Actor, words string) (Case, error) {
	words, err := spoken(words)
	if err != nil {
		return Case{}, err
	}
	now, err := c.take(tx, t, step{
		statement: `UPDATE privacy_case SET state = 'waiting', paused_at = $4
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'open'`,
		args: []any{tx.Now}, line: line{act: ActPaused, actor: actor, told: true, words: words}, refuse: []refusal{closed, waiting},
	})
	if err != nil {
		return Case{}, err
	}
	return now, now.tell(tx, t, notify.CaseWaiting, words)
}

// Resume starts the clock again; the case is due later by as long as it waited.
// Faults: case_running, case_closed.
func Resume(tx *db.Tx, t *tenant.Tenant, c Case, actor journal.Actor, words string) (Case, error) {
	return c.take(tx, t, step{
		statement: `UPDATE privacy_case SET state = 'open', due_at = due_at + ($4 - paused_at), paused_at = NULL, warned_at = NULL, overdue_at = NULL
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'waiting'`,
		args: []any{tx.Now}, line: line{act: ActResumed, actor: actor, told: true, words: strings.TrimSpace(words)}, refuse: []refusal{closed, running},
	})
}

// Extend extends the time of a case, once and before it is over, for a reason
// that the customer is told (GDPR Art. 12(3)). Faults: case_words,
// case_extended, case_overdue, case_waiting, case_closed.
func Extend(tx *db.Tx, t *tenant.Tenant, c Case, actor journal.Actor, words string) (Case, error) {
	words, err := spoken(words)
	if err != nil {
		return Case{}, err
	}
	now, err := c.take(tx, t, step{
		statement: `UPDATE privacy_case SET due_at = $4, extended_at = $5, warned_at = NULL
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'open' AND extended_at IS NULL AND due_at = $6 AND due_at > $5`,
		args:   []any{extendedTo(t, c.DueAt), tx.Now, c.DueAt},
		line:   line{act: ActExtended, actor: actor, told: true, words: words},
		refuse: []refusal{closed, waiting, extended, {func(c *Case) bool { return !tx.Now.Before(c.DueAt) }, ErrCaseOverdue}},
	})
	if err != nil {
		return Case{}, err
	}
	return now, now.tell(tx, t, notify.CaseExtended, words)
}

// AddWords adds words of the customer to their case; one that waited for them
// goes on. Faults: case_not_found, case_words, case_closed, case_long.
func AddWords(tx *db.Tx, t *tenant.Tenant, c customer.ID, id CaseID, words string) (Case, error) {
	words, err := spoken(words)
	if err != nil {
		return Case{}, err
	}
	now, err := FindCase(tx, t, c, id)
	switch {
	case err != nil:
		return Case{}, err
	case now.State == CaseClosed:
		return Case{}, ErrCaseClosed
	}
	if err := now.room(tx); err != nil {
		return Case{}, err
	}
	if err := now.write(tx, t, line{act: ActWords, told: true, words: words}); err != nil {
		return Case{}, err
	}
	if now.State == CaseOpen {
		return now, nil
	}
	now, err = Resume(tx, t, now, journal.Actor{}, "")
	if fault.Is(err, fault.Conflict) { // staff resumed it at the same time
		return FindCase(tx, t, c, id)
	}
	return now, err
}

// WithdrawCase ends a case because its customer wants it no longer. One that the
// house opened ends with what it is about instead. Faults: case_not_found,
// case_closed, case_itself.
func WithdrawCase(tx *db.Tx, t *tenant.Tenant, c customer.ID, id CaseID) (Case, error) {
	now, err := FindCase(tx, t, c, id)
	if err == nil && now.ByItself {
		err = ErrCaseItself
	}
	if err != nil {
		return Case{}, err
	}
	return now.end(tx, t, Withdrawn, line{act: ActWithdrawn, told: true})
}

// end closes a case whatever it waits for.
func (c Case) end(tx *db.Tx, t *tenant.Tenant, o Outcome, l line) (Case, error) {
	return c.take(tx, t, step{
		statement: `UPDATE privacy_case SET state = 'closed', outcome = $4, closed_at = $5
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state IN ('open', 'waiting')`,
		args: []any{string(o), tx.Now}, line: l, refuse: []refusal{closed},
	})
}

// room keeps a case from growing without end.
func (c *Case) room(tx *db.Tx) error {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM case_entry WHERE tenant_id = $1 AND customer_id = $2 AND case_id = $3`,
		c.TenantID, c.CustomerID, c.ID)
	if err == nil && n >= mostEntries {
		err = ErrCaseLong
	}
	return err
}

// decidable are the outcomes that staff choose.
var decidable = []Outcome{Done, Partly, Refused}

// Decision is how staff answer a case.
type Decision struct {
	Outcome Outcome
	Reason  string // told to the customer (GDPR Art. 12(4))
	Value   string // rectification of a field: what it is to hold; "" clears it where Clear
	Clear   bool
	Actor   journal.Actor
}

// DecideCase answers a case, exactly once, does what the answer says, and tells
// the customer. An erasure is done by account.DecideCase, which closes the
// account, and is done or refused: nobody erases a part by erasing it all. Faults:
// case_outcome, case_words, case_closed, case_identity for
// anything but a refusal or a complaint where nobody checked who asks,
// case_value, and those of what is done.
func DecideCase(tx *db.Tx, t *tenant.Tenant, c Case, d Decision) (Case, error) {
	words, err := spoken(d.Reason)
	switch {
	case !slices.Contains(decidable, d.Outcome), c.Kind == Erasure && d.Outcome == Partly:
		return Case{}, ErrCaseOutcome
	case err != nil:
		return Case{}, err
	}
	now, err := c.take(tx, t, step{
		statement: `UPDATE privacy_case SET state = 'closed', outcome = $4, closed_at = $5
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state IN ('open', 'waiting')
			AND (identity <> 'unverified' OR $4 = 'refused' OR kind = 'complaint')`,
		args: []any{string(d.Outcome), tx.Now}, line: line{act: ActDecided, actor: d.Actor, told: true, words: words},
		refuse: []refusal{closed, {func(*Case) bool { return true }, ErrCaseIdentity}},
	})
	if err != nil {
		return Case{}, err
	}
	if d.Outcome != Refused {
		if err := now.effect(tx, t, d); err != nil {
			return Case{}, err
		}
	}
	return now, now.tell(tx, t, notify.CaseDecided, words)
}
