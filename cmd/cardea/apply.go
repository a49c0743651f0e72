package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type applyCommand struct {
	asJSON
	File   string `short:"f" required:"" help:"The file; - is standard input." placeholder:"FILE"`
	Prune  bool   `help:"Delete applications, fields and origins that the file does not name."`
	DryRun bool   `help:"Tell what would change, and change nothing."`
}

// Run applies the file.
func (c *applyCommand) Run(t *terminal) error {
	text, err := t.read(c.File)
	if err != nil {
		return err
	}
	return t.with(func(b *server.Base) error {
		changes, err := b.Apply(t.ctx, c.File, text, server.Applying{Prune: c.Prune, DryRun: c.DryRun})
		if c.JSON && err == nil {
			return t.json(changes)
		}
		for _, change := range changes {
			t.change(change)
		}
		if err == nil && len(changes) == 0 {
			t.line("Everything is as the file says.")
		} else if err == nil && c.DryRun {
			t.line("Nothing was changed: this was a dry run.")
		}
		return err
	})
}

// planCommand is apply as a dry run, under the name by which people look for it.
type planCommand struct {
	asJSON
	File  string `short:"f" required:"" help:"The file; - is standard input." placeholder:"FILE"`
	Prune bool   `help:"Count what the file does not name as to be deleted."`
}

// Run tells what apply would do.
func (c *planCommand) Run(t *terminal) error {
	return (&applyCommand{asJSON: c.asJSON, File: c.File, Prune: c.Prune, DryRun: true}).Run(t)
}

type diffCommand struct {
	asJSON
	File  string `short:"f" required:"" help:"The file; - is standard input." placeholder:"FILE"`
	Prune bool   `help:"Also what the file does not name and 'apply --prune' would delete."`
}

// Run tells value by value where the house differs from the file.
func (c *diffCommand) Run(t *terminal) error {
	text, err := t.read(c.File)
	if err != nil {
		return err
	}
	return t.with(func(b *server.Base) error {
		list, err := b.Diff(t.ctx, c.File, text, c.Prune)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		for _, d := range list {
			t.line("%s: %s", d.Tenant, d.Path)
			if d.House != nil {
				t.line("  - %s", d.Text(d.House))
			}
			if d.File != nil {
				t.line("  + %s", d.Text(d.File))
			}
		}
		if len(list) == 0 {
			t.line("Everything is as the file says.")
		}
		return nil
	})
}

func (t *terminal) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(t.in)
	}
	return os.ReadFile(name)
}

func (t *terminal) change(c server.Change) {
	marks := map[string]string{"created": "+", "changed": "~", "deleted": "-"}
	text := marks[c.Act] + " " + c.Tenant + ": " + c.What
	if c.Name != "" && c.What != "tenant" {
		text += " " + c.Name
	}
	if len(c.Members) > 0 {
		text += " (" + strings.Join(c.Members, ", ") + ")"
	}
	t.line("%s", text)
	if c.Search != nil {
		t.line("    %s", searched(*c.Search))
	}
	if c.Warning != "" {
		t.line("    %s", c.Warning)
	}
	if c.Asks != nil {
		words := asks(*c.Asks)
		if c.What == "purpose" {
			words = asksAgain(*c.Asks)
		}
		t.line("    %s", words)
	}
	if c.ClientID != "" {
		t.line("    client_id      %s", c.ClientID)
	}
	if c.Secret != "" {
		t.line("    client_secret  %s   (shown this once)", c.Secret)
	}
}

// searched tells what another way of searching a field means.
func searched(s server.Search) string {
	people := counted(int(s.Customers), "customer")
	switch {
	case s.Is == catalog.SearchOpen:
		return "keeps words of " + people + " readable, in the database, its log and its backups, so that staff find them by beginnings"
	case s.Was == catalog.SearchOpen && s.Is == catalog.SearchSealed:
		return "deletes the readable words of " + people + " and finds them by keyed digests of whole words; older backups keep the readable words"
	case s.Was == catalog.SearchOpen:
		return "deletes the readable words of " + people + ", who are not found by the field any more; older backups keep the readable words"
	case s.Is == catalog.SearchSealed:
		return "finds " + people + " by keyed digests of whole words"
	}
	return people + " are not found by the field any more"
}

// asks tells what a new version of a legal text means.
func asks(a server.Asks) string {
	text := fmt.Sprintf("asks %d customers", a.Customers)
	if a.Customers == 1 {
		text = "asks 1 customer"
	}
	if a.Again {
		text += " again"
	}
	text += " at the next sign-in"
	if !a.From.IsZero() {
		text += ", from " + day(a.From) + " UTC on"
	}
	return text
}

// asksAgain tells what a new version of a purpose means.
func asksAgain(a server.Asks) string {
	text := fmt.Sprintf("asks %d customers again: their consent to an earlier version ends", a.Customers)
	if a.Customers == 1 {
		text = "asks 1 customer again: the consent to an earlier version ends"
	}
	if !a.From.IsZero() {
		return text + " on " + day(a.From) + " UTC"
	}
	return text + " at once"
}

type exportCommand struct {
	Tenant string `help:"Only this tenant; all of customers if left out." placeholder:"SLUG"`
	File   string `short:"f" help:"Write there instead of standard output." placeholder:"FILE"`
}

// Run writes the file.
func (c *exportCommand) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		var list []*tenant.Tenant
		for _, x := range b.House.All() {
			if !x.BuiltIn && c.Tenant == "" {
				list = append(list, x)
			}
		}
		if c.Tenant != "" {
			one, err := b.Tenant(c.Tenant)
			if err != nil {
				return err
			}
			list = append(list, one)
		}
		text, err := b.Export(t.ctx, list...)
		if err != nil {
			return err
		}
		if c.File != "" && c.File != "-" {
			return os.WriteFile(c.File, text, 0o600)
		}
		_, err = t.out.Write(text)
		return err
	})
}
