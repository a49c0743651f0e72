package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server"
)

type privacyCommands struct {
	BlastRadius       privacyBlastRadius `cmd:"" help:"Tell whose data a recipient saw, and which fields."`
	Explain           privacyExplain     `cmd:"" help:"Say field by field whether it would go to an application, and why not."`
	Certificate       privacyCertificate `cmd:"" help:"List the signed certificates of an erasure, or write one."`
	VerifyCertificate privacyVerify      `cmd:"" help:"Say whether an erasure certificate is real and unchanged, without the house."`
	ProveErasure      privacyProve       `cmd:"" help:"Show that nothing of an erased customer opens any more, in the house or in a copy of its database."`
	Hold              privacyHold        `cmd:"" help:"Oblige the house to keep a customer's data: an erasure that falls due waits."`
	ReleaseHold       privacyRelease     `cmd:"" help:"End a hold before its time."`
	Holds             privacyHolds       `cmd:"" help:"List the holds that stand."`
	Records           privacyRecords     `cmd:"" help:"Write the records of processing activities (GDPR Article 30), and tell what they lack."`
}

type privacyBlastRadius struct {
	asJSON
	ofTenant
	Recipient string `required:"" help:"An application by name or client id, a staff member by id, or a kind: application, staff, operator, export." placeholder:"WHO"`
	From      string `help:"First day, UTC; the first on record if left out." placeholder:"2006-01-02"`
	To        string `help:"Last day, UTC; today if left out." placeholder:"2006-01-02"`
	Purpose   string `help:"Only for this purpose." placeholder:"PURPOSE"`
	CSV       bool   `name:"csv" help:"Answer as comma-separated values, a customer a line."`
}

func (c *privacyBlastRadius) span() (s release.Span, err error) {
	s.Purpose = c.Purpose
	for _, d := range []struct {
		text string
		to   *time.Time
	}{{c.From, &s.From}, {c.To, &s.To}} {
		if d.text == "" {
			continue
		}
		if *d.to, err = time.Parse(time.DateOnly, d.text); err != nil {
			return s, &server.Advice{Text: d.text + " is not a day.", Do: "Write it as 2006-01-02.", Exit: server.ExitUsage}
		}
	}
	return s, nil
}

// Run tells.
func (c *privacyBlastRadius) Run(t *terminal) error {
	s, err := c.span()
	if err != nil {
		return err
	}
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		run := func(each func(server.Seen) error) (server.Blast, error) {
			return b.BlastRadius(t.ctx, home, c.Recipient, s, each)
		}
		switch {
		case c.CSV:
			return t.blastSheet(run)
		case c.JSON:
			return t.blastJSON(run)
		}
		return t.blastText(run)
	})
}

// blasting reads a blast radius and hands out each customer as it is read, so
// that a large one needs no memory.
type blasting func(each func(server.Seen) error) (server.Blast, error)

func (t *terminal) blastSheet(run blasting) error {
	sheet := ui.NewSheet(t.out, "customer", "recipient_kind", "recipient", "name", "purposes", "fields", "times", "first_at", "last_at")
	_, err := run(func(s server.Seen) error {
		sheet.Row(s.Customer, s.RecipientKind, s.Recipient, s.Name, words(s.Purposes), words(s.Fields), strconv.FormatInt(s.Times, 10),
			s.FirstAt.UTC().Format(time.RFC3339), s.LastAt.UTC().Format(time.RFC3339))
		return nil
	})
	if err != nil {
		return err
	}
	return sheet.End()
}

func (t *terminal) blastJSON(run blasting) error {
	fmt.Fprint(t.out, `{"customers":[`)
	between := "\n"
	sum, err := run(func(s server.Seen) error {
		line, err := json.Marshal(s)
		fmt.Fprintf(t.out, "%s%s", between, line)
		between = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	total, err := json.Marshal(sum)
	fmt.Fprintf(t.out, "\n],\n\"total\":%s}\n", total)
	return err
}

// shownSeen is how many customers the text shows; the totals are of all.
const shownSeen = 50

func (t *terminal) blastText(run blasting) error {
	var rows [][]string
	sum, err := run(func(s server.Seen) error {
		if len(rows) < shownSeen {
			rows = append(rows, []string{s.Customer, seenBy(s), words(s.Purposes), words(s.Fields), strconv.FormatInt(s.Times, 10), day(s.FirstAt), day(s.LastAt)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if sum.Lines == 0 {
		t.line("Nobody's data.")
		return nil
	}
	t.line("%s seen, %s. A crash of the server can lose a few seconds of repeats, never that something was seen.",
		counted(int(sum.Lines), "customer"), counted(int(sum.Times), "time"))
	t.line("")
	if err := t.parts("field", sum.Fields); err != nil {
		return err
	}
	t.line("")
	if err := t.parts("purpose", sum.Purposes); err != nil {
		return err
	}
	t.line("")
	if err := t.table([]string{"customer", "seen by", "for", "fields", "times", "first", "last"}, rows); err != nil {
		return err
	}
	if more := sum.Lines - int64(len(rows)); more > 0 {
		t.line("And %d more: --csv or --json gives all.", more)
	}
	return nil
}

func seenBy(s server.Seen) string {
	for _, name := range []string{s.Name, s.Recipient} {
		if name != "" {
			return name
		}
	}
	return s.RecipientKind
}

func (t *terminal) parts(what string, list map[string]server.Part) error {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(list)) {
		p := list[name]
		rows = append(rows, []string{name, strconv.FormatInt(p.Lines, 10), strconv.FormatInt(p.Times, 10)})
	}
	return t.table([]string{what, "customers", "times"}, rows)
}

func words(m map[string]int64) string { return strings.Join(slices.Sorted(maps.Keys(m)), " ") }
