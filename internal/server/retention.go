package server

import (
	"context"
	"fmt"
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
	return Retention{At: run.EndedAt, Run: run.ID.String(), Lines: retentionLines(run.Survey.Dues)}, err
}

// RetentionRun is a run as an operator sees it.
type RetentionRun struct {
	ID        string          `json:"id"`
	By        string          `json:"by"` // "system": the night; "operator": by hand
	Reason    string          `json:"reason,omitempty"`
	StartedAt time.Time       `json:"started_at"`
	EndedAt   time.Time       `json:"ended_at,omitzero"`
	Failures  int64           `json:"failures,omitempty"` // in a row, at the part that is next
	Failure   string          `json:"failure,omitempty"`  // code of the last one
	FailedAt  time.Time       `json:"failed_at,omitzero"`
	Lines     []RetentionLine `json:"rules"`
}

// RetentionRuns lists a tenant's runs, the latest first, with the reasons of
// those by hand.
func (b *Base) RetentionRuns(ctx context.Context, t *tenant.Tenant, limit int) (out []RetentionRun, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		list, err := privacy.Runs(tx, t, limit)
		out = []RetentionRun{}
		for _, r := range list {
			line := RetentionRun{
				ID: r.ID.String(), By: r.ActorKind, StartedAt: r.StartedAt, EndedAt: r.EndedAt, Failures: r.Failures, Failure: r.Failure,
				FailedAt: r.FailedAt, Lines: retentionLines(r.Survey.Dues),
			}
			if line.Reason, err = r.Reason(t); err != nil {
				return err
			}
			out = append(out, line)
		}
		return err
	})
	return out, err
}

// retention tells of a run that fails again and again.
func (d *doctor) retention(ctx context.Context, t *tenant.Tenant) {
	name := "tenant " + t.Slug + " retention"
	var r privacy.Run
	failing := false
	err := d.base.DB.View(ctx, func(tx *db.Tx) (err error) {
		r, failing, err = privacy.Stumbling(tx, t)
		return err
	})
	switch {
	case err != nil:
		d.told(name, "", err)
	case failing:
		d.note(name, Problem, fmt.Sprintf("the run that began %s has failed %d times at one part, last %s: %s",
			r.StartedAt.UTC().Format(time.RFC3339), r.Failures, r.FailedAt.UTC().Format(time.RFC3339), r.Failure),
			"Look for 'privacy.retention.run' in the server's log. Nothing more is taken away before that is mended; then it goes on by itself.")
	}
}
