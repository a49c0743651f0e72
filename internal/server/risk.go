package server

import (
	"bytes"
	"context"
	"os"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Judged is a kept verdict in words for an operator. Nothing in it is personal
// beside the customer's id.
type Judged struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Customer string    `json:"customer,omitempty"`
	Action   string    `json:"action"`
	Verdict  string    `json:"verdict"`
	Score    int       `json:"score"`
	Enforced bool      `json:"enforced"`
	Reasons  []Because `json:"reasons,omitempty"`
}

// Because is one reason.
type Because struct {
	Code   string `json:"code"`
	Points int    `json:"points"`
	Words  string `json:"words"`
}

func judged(k risk.Kept, v risk.Verdict) Judged {
	j := Judged{
		ID: k.ID.String(), At: k.At, Customer: k.Customer.String(), Action: k.Attempt.Action,
		Verdict: string(v.Action), Score: v.Score, Enforced: v.Enforced,
	}
	for _, r := range v.Reasons {
		j.Reasons = append(j.Reasons, Because{r.Code, r.Points, r.Words()})
	}
	return j
}

func judgedAll(list []risk.Kept) []Judged {
	out := make([]Judged, 0, len(list))
	for _, k := range list {
		out = append(out, judged(k, k.Verdict))
	}
	return out
}

// shownVerdicts is how many verdicts a customer is shown with.
const shownVerdicts = 5

// ListVerdicts are the newest verdicts on one customer's attempts, newest first.
func (b *Base) ListVerdicts(ctx context.Context, t *tenant.Tenant, ref string, most int) ([]Judged, error) {
	var out []Judged
	err := b.DB.View(ctx, func(tx *db.Tx) error {
		cus, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		out, err = verdictsOf(tx, t, cus, most)
		return err
	})
	return out, err
}

func verdictsOf(tx *db.Tx, t *tenant.Tenant, cus customer.ID, most int) ([]Judged, error) {
	list, err := risk.Verdicts(tx, t, cus, most)
	return judgedAll(list), err
}

// Replayed is what another policy would have made of the attempts that are kept.
type Replayed struct {
	Since    time.Time      `json:"since"`
	Attempts int            `json:"attempts"`
	Before   map[string]int `json:"before"`  // attempts by verdict, as they were judged
	After    map[string]int `json:"after"`   // the same by the other policy
	Changes  int            `json:"changes"` // attempts that would have got another verdict
	Changed  []Rejudged     `json:"changed"` // the newest of them
}

// Rejudged is an attempt of which another policy thinks otherwise.
type Rejudged struct {
	Before Judged `json:"before"`
	After  Judged `json:"after"`
}

const replayPage = 500 // attempts are read at once

// ReplayRisk tries a policy on the attempts since an instant and tells what
// would have been different, with the most newest changes one by one. It changes
// nothing. Whether verdicts were acted on does not count: a verdict of the
// monitor is compared as if it had been.
func (b *Base) ReplayRisk(ctx context.Context, t *tenant.Tenant, since time.Time, p risk.Policy, most int) (Replayed, error) {
	out := Replayed{Since: since, Before: map[string]int{}, After: map[string]int{}}
	ctx = b.DB.Background(ctx)
	at, after := since.Add(-time.Microsecond), risk.VerdictID{}
	for {
		var page []risk.Kept
		err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
			page, err = risk.VerdictsAfter(tx, t, at, after, replayPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, k := range page {
			out.try(k, risk.Assess(k.Attempt, p), most)
		}
		last := page[len(page)-1]
		at, after = last.At, last.ID
	}
}

func (r *Replayed) try(k risk.Kept, v risk.Verdict, most int) {
	r.Attempts++
	r.Before[string(k.Verdict.Action)]++
	r.After[string(v.Action)]++
	if v.Action == k.Verdict.Action {
		return
	}
	r.Changes++
	if most == 0 {
		return
	}
	if len(r.Changed) == most { // older ones make room
		r.Changed = r.Changed[:copy(r.Changed, r.Changed[1:])]
	}
	r.Changed = append(r.Changed, Rejudged{judged(k, k.Verdict), judged(k, v)})
}

// ReadRiskPolicy reads a file that holds what stands under settings.risk of a
// cardea.yaml, checked as there. What it leaves out is as by default, not as the
// tenant has it now.
func ReadRiskPolicy(path string, t *tenant.Tenant) (risk.Policy, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return risk.Policy{}, failed("The policy cannot be read.", "Give --policy an existing file.", err)
	}
	s := t.Settings
	s.Risk = tenant.Risk{}
	if len(bytes.TrimSpace(text)) > 0 {
		err = yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&s.Risk)
	}
	if err == nil {
		err = s.Check(t.Loopback())
	}
	if err == nil {
		err = risk.CheckWeights(s.Risk)
	}
	if err != nil {
		return risk.Policy{}, failed("The policy "+path+" is not right.",
			"Write what stands under settings.risk of a cardea.yaml: weights, step_up, delay, deny. docs/guides/risk.md tells every signal.", err)
	}
	p := risk.NewPolicy(s.Risk)
	if p.Off() {
		p.Mode = risk.Monitor // what is tried is what it would think if it were on
	}
	return p, nil
}
