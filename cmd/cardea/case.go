package main

import (
	"os"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server"
)

type caseCommands struct {
	List         caseList     `cmd:"" help:"List requests of customers about their data, those first that are due first."`
	Show         caseShow     `cmd:"" help:"Show one request with everything that was said in it."`
	Open         caseOpen     `cmd:"" help:"Open a request that came by letter, mail or word of mouth."`
	Identify     caseIdentify `cmd:"" help:"Say how it was checked who asks. Without it nothing is released or changed."`
	Note         caseNote     `cmd:"" help:"Write a note that the customer does not see, or with --to-customer an answer on the way."`
	Pause        casePause    `cmd:"" help:"Stop the clock: something is needed from the customer, who is told what."`
	Resume       caseResume   `cmd:"" help:"Let the clock run again; what waited is due later by as long."`
	Extend       caseExtend   `cmd:"" help:"Extend the time, once and before it is over, for a reason that the customer is told."`
	Decide       caseDecide   `cmd:"" help:"Answer a request, do what the answer says, and tell the customer."`
	Bundle       caseBundle   `cmd:"" help:"Write the evidence of a request as a signed ZIP file."`
	VerifyBundle caseVerify   `cmd:"" help:"Say whether such a file is real and unchanged."`
}

type caseList struct {
	asJSON
	ofTenant
	Due     bool   `help:"Only those that are due within a week, or overdue." xor:"when"`
	Overdue bool   `help:"Only those that are overdue." xor:"when"`
	Kind    string `help:"Only of this kind: access, portability, erasure, rectification, restriction, objection, complaint." placeholder:"KIND"`
	State   string `help:"Only in this state: open, waiting, closed." enum:",open,waiting,closed" default:"" placeholder:"STATE"`
	All     bool   `help:"Those that are closed, too."`
}

// Run lists.
func (c *caseList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		f := privacy.CaseFilter{State: privacy.CaseState(c.State), Closed: c.All}
		if c.Kind != "" {
			if f.Kind, err = privacy.ParseCaseKind(c.Kind); err != nil {
				return err
			}
		}
		list, err := b.Requests(t.ctx, home, f, c.within())
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("No requests.")
			return nil
		}
		rows := [][]string{}
		for _, r := range list {
			rows = append(rows, []string{r.ID, r.Kind, r.Item, r.Channel, standing(r), day(r.DueAt), r.Customer})
		}
		return t.table([]string{"id", "kind", "about", "by", "state", "due", "customer"}, rows)
	})
}

// within is how soon a case is due that is listed; negative: whenever.
func (c *caseList) within() time.Duration {
	switch {
	case c.Overdue:
		return 0
	case c.Due:
		return privacy.WarnBefore
	}
	return -1
}

// standing says in capitals what cannot wait.
func standing(r server.Request) string {
	switch {
	case r.Overdue:
		return "OVERDUE"
	case r.DueSoon:
		return "open, due soon"
	case r.Outcome != "":
		return r.Outcome
	}
	return r.State
}

// oneCase names a case.
type oneCase struct {
	asJSON
	ofTenant
	Case string `arg:"" help:"The id that 'cardea case list' shows."`
}

func (c *oneCase) do(t *terminal, words string, act server.RequestAct) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.OnRequest(t.ctx, home, c.Case, words, act)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		t.caseLine(r)
		return nil
	})
}

// caseLine tells in one line how a case stands.
func (t *terminal) caseLine(r server.Request) {
	switch r.State {
	case string(privacy.CaseClosed):
		t.line("%s is answered: %s.", r.ID, r.Outcome)
	case string(privacy.CaseWaiting):
		t.line("%s waits for the customer since %s.", r.ID, day(r.PausedAt))
	default:
		t.line("%s is open and due %s.", r.ID, day(r.DueAt))
	}
}

type caseShow struct {
	oneCase
	Reason string `required:"" help:"Why you look; it is kept."`
}

// Run shows.
func (c *caseShow) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.ShowRequest(t.ctx, home, c.Case, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		identity := r.Identity
		if r.Level != "" {
			identity += " (" + r.Level + ")"
		}
		err = t.facts("id", r.ID, "customer", r.Customer, "kind", r.Kind, "about", r.Item, "came by", r.Channel, "identity", identity,
			"state", standing(r), "opened", day(r.OpenedAt), "due", day(r.DueAt), "waits since", day(r.PausedAt), "extended", day(r.Extended), "answered", day(r.ClosedAt))
		for _, e := range r.History {
			secretly := ""
			if !e.Told {
				secretly = ", not told"
			}
			t.line("\n%s  %s by %s%s", day(e.At), e.Act, e.By, secretly)
			if e.Words != "" {
				t.line("  %s", strings.ReplaceAll(plainly(e.Words), "\n", "\n  "))
			}
		}
		return err
	})
}

// plainly takes out of somebody's words what a terminal would obey.
func plainly(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

type caseOpen struct {
	asJSON
	ofTenant
	Customer string `arg:"" help:"An id, or an exact address, number or user name."`
	Kind     string `required:"" help:"access, portability, erasure, rectification, restriction, objection or complaint." placeholder:"KIND"`
	About    string `help:"The field of a rectification, the purpose of an objection, or 'lift' to end a restriction." placeholder:"ITEM"`
	Channel  string `help:"mail or staff." enum:"mail,staff" default:"mail"`
	Words    string `help:"What the customer said." placeholder:"TEXT"`
	Identity string `help:"How you checked who asks. Without it nothing is released or changed." placeholder:"TEXT"`
	Reason   string `required:"" help:"Why you open it; it is kept."`
}

// Run opens.
func (c *caseOpen) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		kind, err := privacy.ParseCaseKind(c.Kind)
		if err != nil {
			return err
		}
		r, err := b.OpenRequest(t.ctx, home, c.Customer, privacy.CaseOpening{
			Kind: kind, Item: c.About, Channel: c.Channel, Words: c.Words, Identity: privacy.Identity{Words: c.Identity},
		}, c.Reason)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(r)
		}
		t.caseLine(r)
		return nil
	})
}

// whyCase is an act for a reason.
type whyCase struct {
	oneCase
	Reason string `required:"" help:"Why; it is kept in the history."`
}

// toldCase is an act for a reason that the customer is told.
type toldCase struct {
	oneCase
	Reason string `required:"" help:"The words that the customer is told."`
}

type caseIdentify struct{ whyCase }

// Run says how it was checked who asks.
func (c *caseIdentify) Run(t *terminal) error { return c.do(t, c.Reason, server.IdentifyRequest) }

type caseNote struct {
	whyCase
	ToCustomer bool `help:"Tell the customer: it stands on their page, and a mail says so."`
}

// Run notes.
func (c *caseNote) Run(t *terminal) error {
	return c.do(t, c.Reason, server.NoteRequest(c.ToCustomer))
}

type casePause struct{ toldCase }

// Run pauses.
func (c *casePause) Run(t *terminal) error { return c.do(t, c.Reason, server.PauseRequest) }

type caseResume struct{ toldCase }

// Run resumes.
func (c *caseResume) Run(t *terminal) error { return c.do(t, c.Reason, server.ResumeRequest) }

type caseExtend struct{ toldCase }

// Run extends.
func (c *caseExtend) Run(t *terminal) error { return c.do(t, c.Reason, server.ExtendRequest) }

type caseDecide struct {
	toldCase
	Outcome string `required:"" help:"done, partly or refused." enum:"done,partly,refused"`
	Value   string `help:"For the rectification of a field: what it is to hold." placeholder:"VALUE" xor:"value"`
	Clear   bool   `help:"For the rectification of a field: take its value away." xor:"value"`
}

// Run decides.
func (c *caseDecide) Run(t *terminal) error {
	return c.do(t, c.Reason, server.DecideRequest(privacy.Decision{Outcome: privacy.Outcome(c.Outcome), Value: c.Value, Clear: c.Clear}))
}

type caseBundle struct {
	ofTenant
	Case   string `arg:"" help:"The id that 'cardea case list' shows."`
	Out    string `short:"o" required:"" help:"Where to write the file." type:"path" placeholder:"FILE.zip"`
	Reason string `required:"" help:"Why; it is kept."`
}

// Run bundles.
func (c *caseBundle) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		file, err := b.BundleRequest(t.ctx, home, c.Case, c.Reason)
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Out, file, 0o600); err != nil {
			return err
		}
		t.line("The evidence of %s is in %s. It holds personal data: keep it where only those may read who must.", c.Case, c.Out)
		return nil
	})
}

type caseVerify struct {
	asJSON
	File string `arg:"" help:"The ZIP file." type:"existingfile"`
	JWKS string `required:"" help:"The issuer's evidence keys: its /.well-known/cardea-evidence.json." placeholder:"FILE" type:"existingfile"`
}

// Run verifies, with no house.
func (c *caseVerify) Run(t *terminal) error {
	bundle, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	keys, err := os.ReadFile(c.JWKS)
	if err != nil {
		return err
	}
	id, issuer, files, err := server.VerifyBundleWith(keys, bundle)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(map[string]any{"case": id, "issuer": issuer, "files": files})
	}
	t.line("The bundle is real: its issuer signed it, and none of its %d files was changed.", files)
	return t.facts("case", id, "issuer", issuer)
}
