package server

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// RetentionLine is what one rule would take, or took.
type RetentionLine struct {
	Rule string `json:"rule"`
	privacy.Due
}

// Retention is what the rules of a tenant would take now, or took.
type Retention struct {
	At      time.Time       `json:"at"`
	Run     string          `json:"run,omitempty"` // of a run; a plan has none
	Reason  string          `json:"reason,omitempty"`
	Lines   []RetentionLine `json:"rules"`
	LastRun time.Time       `json:"last_run,omitzero"` // when the last run before ended
}

func retentionLines(dues map[string]privacy.Due) []RetentionLine {
	out := []RetentionLine{}
	for _, rule := range slices.Sorted(maps.Keys(dues)) {
		out = append(out, RetentionLine{rule, dues[rule]})
	}
	return out
}

// PlanRetention tells what a run of the tenant's rules would take now, and when
// each rule takes the next. It changes nothing, looks at a page of customers in
// each of its transactions, and keeps nothing but the sums.
func (b *Base) PlanRetention(ctx context.Context, t *tenant.Tenant) (Retention, error) {
	w := privacy.Wiring{House: b.House, Idle: account.Acts{}.Idle}
	out := Retention{At: b.DB.Now()}
	var at, next privacy.Survey
	for more := true; more; at = next {
		err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
			next, more, err = w.Survey(tx, t, at)
			return err
		})
		if err != nil {
			return out, err
		}
	}
	err := b.DB.View(ctx, func(tx *db.Tx) error {
		last, _, err := privacy.LastRun(tx, t)
		out.LastRun = last.EndedAt
		return err
	})
	out.Lines = retentionLines(at.Dues)
	return out, err
}

// RunRetention runs the tenant's rules now, for a reason that is kept, or goes
// on with a run that is under way. What it sends leaves with the server.
func (b *Base) RunRetention(ctx context.Context, t *tenant.Tenant, reason string) (Retention, error) {
	if reason = strings.TrimSpace(reason); reason == "" {
		return Retention{}, account.ErrReason
	}
	s, err := New(b, Options{Inbox: b.dev})
	if err != nil {
		return Retention{}, err
	}
	var run privacy.Run
	err = b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		run, err = privacy.BeginRun(tx, t, atTheMachine, reason)
		return err
	})
	w, id := s.closings(), run.ID
	for err == nil && run.EndedAt.IsZero() {
		err = b.DB.Update(ctx, func(tx *db.Tx) (err error) {
			run, err = w.Continue(tx, t, id)
			return err
		})
	}
	return Retention{At: run.EndedAt, Run: run.ID.String(), Reason: run.Reason, Lines: retentionLines(run.Survey.Dues)}, err
}
