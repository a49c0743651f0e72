package privacy

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// dueCases are those whose clock is about to run out, or has, and of which
// nobody was told so yet.
const dueCases = `FROM privacy_case WHERE state = 'open' AND (due_at <= $1 AND overdue_at IS NULL OR due_at <= $2 AND warned_at IS NULL)
	ORDER BY due_at LIMIT $3`

// WarnCases warns of at most limit cases that are due within a week or overdue,
// each once for either: the journal is told and, if the settings name one, the
// data protection officer. It returns them, for the log.
func (w Wiring) WarnCases(tx *db.Tx, limit int) ([]Case, error) {
	list, err := db.All[Case](tx, dueCases, tx.Now, tx.Now.Add(WarnBefore), limit)
	if err != nil {
		return nil, err
	}
	var out []Case
	for _, c := range list {
		t, ok := w.House.ByID(c.TenantID)
		if !ok {
			continue
		}
		now, warned, err := c.warn(tx, t)
		if err != nil {
			return nil, err
		}
		if warned {
			out = append(out, now)
		}
	}
	return out, nil
}

func (c *Case) warn(tx *db.Tx, t *tenant.Tenant) (Case, bool, error) {
	l := line{act: ActDueSoon, actor: journal.Actor{Kind: "system"}}
	statement := `UPDATE privacy_case SET warned_at = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'open' AND due_at = $5 AND warned_at IS NULL`
	if c.Overdue(tx.Now) {
		l.act = ActOverdue
		statement = `UPDATE privacy_case SET overdue_at = $4, warned_at = $4
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'open' AND due_at = $5 AND overdue_at IS NULL`
	}
	now, done, err := db.Take[Case](tx, statement, t.ID, c.CustomerID, c.ID, tx.Now, c.DueAt)
	if err != nil || !done {
		return Case{}, false, err
	}
	if err := now.write(tx, t, l); err != nil {
		return Case{}, false, err
	}
	return now, true, now.warnOfficer(tx, t)
}
