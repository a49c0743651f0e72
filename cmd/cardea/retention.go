package main

import (
	"strconv"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type retentionCommands struct {
	Plan retentionPlan `cmd:"" help:"Tell what the rules of retention would take away now, and when they take the next. Changes nothing."`
	Run  retentionRun  `cmd:"" help:"Run the rules of retention now instead of in the night."`
	Runs retentionRuns `cmd:"" help:"List the runs of the rules, the latest first: what they took, why somebody ran them by hand, and what they fail at."`
}

type retentionPlan struct {
	asJSON
	ofTenant
}

// Run plans.
func (c *retentionPlan) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.PlanRetention(t.ctx, home)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		if len(r.Lines) == 0 {
			t.line("No rule takes anything, now or later. docs/guides/retention.md tells how to make some.")
			return nil
		}
		if err := t.retention(r); err != nil {
			return err
		}
		t.line("")
		t.line("Nothing was changed. Rules run each night; 'cardea retention run' runs them now. What is under a legal hold or restricted is not counted.")
		if !r.LastRun.IsZero() {
			t.line("The last run ended %s.", day(r.LastRun))
		}
		return nil
	})
}

// retention prints what rules take.
func (t *terminal) retention(r server.Retention) error {
	var rows [][]string
	for _, l := range r.Lines {
		rows = append(rows, []string{l.Rule, strconv.FormatInt(l.Values, 10), strconv.FormatInt(l.Customers, 10), day(l.Since), day(l.Next)})
	}
	return t.table([]string{"rule", "values", "customers", "since", "next"}, rows)
}

type retentionRun struct {
	asJSON
	ofTenant
	Reason string `required:"" help:"Why you do not wait for the night; it is kept."`
}

// Run runs.
func (c *retentionRun) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.RunRetention(t.ctx, home, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		if err := t.retention(r); err != nil {
			return err
		}
		t.line("")
		t.line("Done: run %s. Messages leave with the server.", r.Run)
		return nil
	})
}

type retentionRuns struct {
	asJSON
	ofTenant
	Limit int `default:"30" help:"How many at most." placeholder:"N"`
}

// Run lists.
func (c *retentionRuns) Run(t *terminal) error {
	return c.inTenant(t, func(b *server.Base, home *tenant.Tenant) error {
		list, err := b.RetentionRuns(t.ctx, home, min(max(c.Limit, 1), 1000))
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		var rows [][]string
		for _, r := range list {
			state := "ended " + day(r.EndedAt)
			switch {
			case r.Failures > 0:
				state = "failing: " + r.Failure
			case r.EndedAt.IsZero():
				state = "under way"
			}
			took := int64(0)
			for _, l := range r.Lines {
				took += l.Values
			}
			rows = append(rows, []string{r.ID, day(r.StartedAt), state, strconv.FormatInt(took, 10), r.By, r.Reason})
		}
		return t.table([]string{"run", "began", "state", "took", "by", "reason"}, rows)
	})
}
