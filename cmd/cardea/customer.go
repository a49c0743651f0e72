package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-id/cardea/internal/server"
)

type customerCommands struct {
	Find    customerFind    `cmd:"" help:"Find customers by address, number, name or id."`
	Show    customerShow    `cmd:"" help:"Show all that there is of one customer, in outlines or revealed."`
	Lock    customerLock    `cmd:"" help:"Shut an account and sign it out everywhere."`
	Unlock  customerUnlock  `cmd:"" help:"Open a locked account again."`
	Recover customerRecover `cmd:"" help:"Secure an account that may be in the wrong hands: signed out everywhere, back in only by a verified address."`
	Alarms  customerAlarms  `cmd:"" help:"List the alarms of the last two weeks: \"this was not me\"."`
}

type customerFind struct {
	asJSON
	ofTenant
	Query  string `arg:"" help:"An exact address, number or user name, @domain, the last four digits of a number, words of a name, or an id."`
	Reason string `required:"" help:"Why you look; it is kept."`
	forPurpose
}

// forPurpose says what a look is for.
type forPurpose struct {
	Purpose string `default:"support" help:"What for: a purpose in force, which the fields name."`
}

// Run finds.
func (c *customerFind) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.FindCustomers(t.ctx, home, c.Query, server.Looking{Purpose: c.Purpose, Reason: c.Reason})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("Nobody fits.")
			return nil
		}
		rows := [][]string{}
		for _, p := range list {
			rows = append(rows, []string{p.ID, p.State, addresses(p), day(p.CreatedAt), day(p.LastSeenAt)})
		}
		return t.table([]string{"id", "state", "addresses", "since", "last seen"}, rows)
	})
}

func addresses(p server.Person) string {
	var out []string
	for _, a := range p.Identifiers {
		out = append(out, a.Value)
	}
	return strings.Join(out, " ")
}

// oneCustomer names a customer and why.
type oneCustomer struct {
	asJSON
	ofTenant
	Customer string `arg:"" help:"An id, or an exact address, number or user name."`
	Reason   string `required:"" help:"Why; it is kept."`
}

type customerShow struct {
	oneCustomer
	forPurpose
	Reveal bool `help:"Show values in place of outlines."`
}

// Run shows.
func (c *customerShow) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		p, err := b.ShowCustomer(t.ctx, home, c.Customer, server.Looking{Purpose: c.Purpose, Reveal: c.Reveal, Reason: c.Reason})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(p)
		}
		return t.person(p)
	})
}

func (t *terminal) person(p server.Person) error {
	pairs := []string{"id", p.ID, "state", p.State, "because", p.StateReason, "since", day(p.CreatedAt), "last seen", day(p.LastSeenAt), "closes", day(p.CloseAt)}
	for _, a := range p.Identifiers {
		note := " (not verified)"
		if !a.VerifiedAt.IsZero() {
			note = ""
		}
		if a.Primary {
			note += " (primary)"
		}
		pairs = append(pairs, a.Kind, a.Value+note)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Fields)) {
		pairs = append(pairs, name, p.Fields[name])
	}
	for _, name := range slices.Sorted(maps.Keys(p.Withheld)) {
		pairs = append(pairs, name, "(not shown: "+p.Withheld[name]+")")
	}
	pairs = append(pairs, "sessions", strconv.Itoa(p.Sessions), "trusted", strconv.Itoa(p.Trusted))
	if p.Wait != nil {
		pairs = append(pairs, "recovery", "waits since "+day(p.Wait.Since)+", can be ended with from "+day(p.Wait.Ready)+" on")
	}
	for _, a := range p.Alarms {
		pairs = append(pairs, "alarm", day(a.At)+" about "+a.Cause)
	}
	for _, j := range p.Verdicts {
		pairs = append(pairs, "judged", strings.TrimSpace(day(j.At)+" "+j.Action+": "+judgement(j)+". "+inWords(j)))
	}
	return t.facts(pairs...)
}

// do does one act and tells how the account stands.
func (c *oneCustomer) do(t *terminal, act server.CustomerAct) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		p, err := b.OnCustomer(t.ctx, home, c.Customer, c.Reason, act)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(p)
		}
		t.line("%s is %s.", p.ID, p.State)
		if p.Ended != nil {
			t.ended(p.Ended)
		}
		return nil
	})
}

type customerLock struct{ oneCustomer }

// Run locks.
func (c *customerLock) Run(t *terminal) error { return c.do(t, server.LockCustomer) }

type customerUnlock struct{ oneCustomer }

// Run unlocks.
func (c *customerUnlock) Run(t *terminal) error { return c.do(t, server.UnlockCustomer) }

type customerRecover struct{ oneCustomer }

// Run starts a recovery.
func (c *customerRecover) Run(t *terminal) error {
	if err := c.do(t, server.RecoverCustomer); err != nil || c.JSON {
		return err
	}
	t.line("Every verified address is told. Who proves one of them gets back in and chooses the new password; nobody else can.")
	return nil
}

// ended tells what an act put an end to.
func (t *terminal) ended(a *server.Access) {
	var out []string
	if a.Sessions > 0 {
		out = append(out, counted(a.Sessions, "session"))
	}
	if a.Trusted > 0 {
		out = append(out, counted(a.Trusted, "trusted device"))
	}
	if a.Wait != nil {
		out = append(out, "a recovery that waited")
	}
	if len(out) > 0 {
		t.line("Ended: %s, with every code and link on its way.", strings.Join(out, ", "))
	}
}

func counted(n int, word string) string {
	if n != 1 {
		word += "s"
	}
	return strconv.Itoa(n) + " " + word
}

type customerAlarms struct {
	asJSON
	ofTenant
}

// Run lists alarms.
func (c *customerAlarms) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.Alarms(t.ctx, home)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("No alarms.")
			return nil
		}
		rows := [][]string{}
		for _, a := range list {
			rows = append(rows, []string{day(a.At), a.Customer, a.Cause})
		}
		return t.table([]string{"raised", "customer", "about"}, rows)
	})
}
