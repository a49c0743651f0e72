package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type riskCommands struct {
	List   riskList   `cmd:"" help:"Show what was thought of a customer's sign-ins, and why."`
	Replay riskReplay `cmd:"" help:"Try another policy on the sign-ins of the past. Changes nothing."`
}

type riskList struct {
	asJSON
	ofTenant
	Customer string `required:"" help:"An id, or an exact address, number or user name." placeholder:"WHO"`
	Most     int    `default:"20" help:"How many at most, the newest first."`
}

// Run lists.
func (c *riskList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.ListVerdicts(t.ctx, home, c.Customer, max(c.Most, 1))
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("Nothing was judged.")
			return nil
		}
		rows := [][]string{}
		for _, j := range list {
			rows = append(rows, []string{day(j.At), j.Action, judgement(j), strconv.Itoa(j.Score), inWords(j)})
		}
		return t.table([]string{"when", "what", "verdict", "score", "because"}, rows)
	})
}

// judgement is a verdict with a note if nothing came of it.
func judgement(j server.Judged) string {
	if !j.Enforced && j.Verdict != "allow" {
		return j.Verdict + " (only watched)"
	}
	return j.Verdict
}

func inWords(j server.Judged) string {
	var out []string
	for _, r := range j.Reasons {
		out = append(out, r.Words)
	}
	return strings.Join(out, " ")
}

func inCodes(j server.Judged) string {
	var out []string
	for _, r := range j.Reasons {
		out = append(out, r.Code+" "+strconv.Itoa(r.Points))
	}
	return strings.Join(out, ", ")
}

type riskReplay struct {
	asJSON
	ofTenant
	Since  tenant.Duration `default:"7d" help:"How far back, up to 90d."`
	Policy string          `required:"" type:"path" help:"A file with what stands under settings.risk of a cardea.yaml." placeholder:"FILE"`
	Most   int             `default:"50" help:"How many changed verdicts to show, the newest; the counts are of all."`
}

// Run replays.
func (c *riskReplay) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		p, err := server.ReadRiskPolicy(c.Policy, home)
		if err != nil {
			return err
		}
		r, err := b.ReplayRisk(t.ctx, home, b.DB.Now().Add(-time.Duration(c.Since)), p, max(c.Most, 0))
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		return t.replayed(r)
	})
}

func (t *terminal) replayed(r server.Replayed) error {
	t.line("%d attempts since %s; %d would have got another verdict.", r.Attempts, day(r.Since), r.Changes)
	rows := [][]string{}
	for _, level := range []string{"allow", "step_up", "delay", "deny"} {
		rows = append(rows, []string{level, strconv.Itoa(r.Before[level]), strconv.Itoa(r.After[level])})
	}
	if err := t.table([]string{"verdict", "before", "after"}, rows); err != nil || len(r.Changed) == 0 {
		return err
	}
	t.line("")
	rows = rows[:0]
	for i := range r.Changed {
		c := r.Changed[len(r.Changed)-1-i]
		rows = append(rows, []string{
			day(c.Before.At), c.Before.Customer, c.Before.Action,
			c.Before.Verdict + " " + strconv.Itoa(c.Before.Score), c.After.Verdict + " " + strconv.Itoa(c.After.Score), inCodes(c.After),
		})
	}
	return t.table([]string{"when", "customer", "what", "before", "after", "because"}, rows)
}
