package main

import (
	"fmt"
	"strings"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/server"
)

type policyCommands struct {
	Explain policyExplain `cmd:"" help:"Say which step comes next for a customer, and why. Changes nothing."`
}

type policyExplain struct {
	asJSON
	ofTenant
	Customer string `required:"" help:"An id, or an exact address, number or user name." placeholder:"WHO"`
	App      string `help:"The application that they sign in to, by client_id or name; the house's own pages if left out." placeholder:"APP"`
	Action   string `help:"signin, password, address, factor, close, recover or export." default:"signin"`
	Risk     string `help:"As if the sign-in looked like this: elevated or high, or the verdict step_up, delay or deny." placeholder:"RISK"`
}

// Run explains.
func (c *policyExplain) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		ask := server.Explaining{Customer: c.Customer, Action: c.Action, Risk: c.Risk}
		if c.App != "" {
			var a app.Application
			if a, err = b.App(t.ctx, home, c.App); err != nil {
				return err
			}
			ask.App = &a
		}
		e, err := b.Explain(t.ctx, home, ask)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(e)
		}
		return t.explained(e)
	})
}

// explained tells it in words.
func (t *terminal) explained(e server.Explained) error {
	need := e.Need
	if need == "" {
		need = "nothing beyond the first proof"
	}
	err := t.facts("customer", e.Customer, "application", e.Application, "action", e.Action, "risk", e.Risk,
		"needs", need, "would like", e.Wish, "proven within", e.Within, "sign-in no older than", e.Age, "used within", e.Rest,
		"may be put off until", day(e.GraceUntil), "has", holdings(e.Has))
	if err != nil {
		return err
	}
	for _, r := range e.Rules {
		t.line("  rule %d: %s", r.Rule, ruleWords(r))
	}
	t.line("Why:")
	for _, w := range e.Why {
		t.line("  - %s", w)
	}
	rows := [][]string{}
	for _, s := range e.After {
		rows = append(rows, []string{s.Proof, s.Worth, nextWords(s)})
	}
	return t.table([]string{"after a", "worth", "comes"}, rows)
}

func holdings(h server.ExplainHas) string {
	var out []string
	if h.Password {
		out = append(out, "a password")
	}
	for _, c := range []struct {
		n    int64
		name string
	}{{h.Passkeys, "passkeys"}, {h.TOTPs, "authenticator apps"}, {h.RecoveryCodes, "recovery codes left"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.name))
		}
	}
	for _, r := range h.Roles {
		out = append(out, "the role "+r)
	}
	if len(out) == 0 {
		return "nothing but an address"
	}
	return strings.Join(out, ", ")
}

// ruleWords spells a rule as a sentence.
func ruleWords(r server.ExplainRule) string {
	var when []string
	for _, c := range [][2]string{{"application", r.Application}, {"role", r.Role}, {"action", r.Action}, {"risk", r.Risk}} {
		if c[1] != "" {
			when = append(when, c[0]+" "+c[1])
		}
	}
	words := "needs " + r.Need
	if r.Within > 0 {
		words += " within " + r.Within.String()
	}
	if len(when) == 0 {
		return "always " + words
	}
	return "with " + strings.Join(when, ", ") + ": " + words
}

// nextWords spells the step.
func nextWords(s server.ExplainStep) string {
	switch s.Next {
	case "done":
		return "nothing: signed in"
	case "second":
		return "one more proof: " + strings.Join(s.Enough, " or ")
	case "enrol":
		words := "setting up: " + strings.Join(s.SetUp, " or ")
		if s.Skip {
			words += " (may be put off)"
		}
		return words
	case "refuse":
		return "refused: " + s.Reason
	}
	return s.Next
}
