package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type suppressionCommands struct {
	List   suppressionList   `cmd:"" help:"Show what is suppressed: all of it by digest, or what stands against one address."`
	Add    suppressionAdd    `cmd:"" help:"Keep an address, or a file of them, from being written to."`
	Remove suppressionRemove `cmd:"" help:"Take a suppression back."`
}

type suppressionList struct {
	asJSON
	ofTenant
	Address string `arg:"" optional:"" help:"An e-mail address or phone number; - reads it from the input."`
}

// Run lists.
func (c *suppressionList) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list := []server.Stopped{}
		if c.Address != "" {
			address, err := t.address(c.Address)
			if err != nil {
				return err
			}
			if list, err = b.FindSuppressions(t.ctx, home, address); err != nil {
				return err
			}
		} else if !c.JSON {
			return t.suppressions(b, home)
		} else if err := b.ListSuppressions(t.ctx, home, func(s server.Stopped) error { list = append(list, s); return nil }); err != nil {
			return err
		}
		if c.JSON {
			return t.json(list)
		}
		if len(list) == 0 {
			t.line("Nothing stands against this address.")
		}
		for _, s := range list {
			t.stopped(s.Address, s)
		}
		return nil
	})
}

// suppressions prints all of them as they are read.
func (t *terminal) suppressions(b *server.Base, home *tenant.Tenant) error {
	n := 0
	err := b.ListSuppressions(t.ctx, home, func(s server.Stopped) error {
		n++
		t.stopped(s.Digest[:16], s)
		return nil
	})
	if err == nil {
		t.line("%d suppressions. The house knows the addresses by keyed digests alone.", n)
	}
	return err
}

func (t *terminal) stopped(who string, s server.Stopped) {
	t.line("%s  %s  %s  %s  %s", day(s.MadeAt), who, s.Reason, orAll(s.Topic, "every topic"), orAll(s.Channel, "every channel"))
}

func orAll(s, all string) string {
	if s == "" {
		return all
	}
	return s
}

// address is an argument, or a line of the input, which no list of processes
// and no shell history shows.
func (t *terminal) address(given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	line, err := bufio.NewReader(io.LimitReader(t.in, 1024)).ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSpace(line), err
}

type suppressionAdd struct {
	asJSON
	ofTenant
	Address string `arg:"" optional:"" help:"An e-mail address or phone number; - reads it from the input."`
	File    string `help:"A file of addresses, one a line; - is the input." placeholder:"FILE"`
	Reason  string `required:"" enum:"unsubscribed,opted_out,complained,bounced" help:"Why: unsubscribed, opted_out, complained or bounced."`
	Topic   string `help:"Only this topic." placeholder:"ID"`
	Channel string `help:"Only this channel." placeholder:"CHANNEL"`
}

// Run adds.
func (c *suppressionAdd) Run(t *terminal) error {
	if (c.Address == "") == (c.File == "") {
		return &server.Advice{Text: "Nothing is named.", Do: "Give an address, or - to read it from the input, or --file FILE with one a line."}
	}
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		about := server.Stopping{Topic: c.Topic, Channel: c.Channel, Reason: c.Reason}
		if c.File != "" {
			return c.file(t, b, home, about)
		}
		address, err := t.address(c.Address)
		if err != nil {
			return err
		}
		made, err := b.AddSuppression(t.ctx, home, address, about)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(made)
		}
		t.line("%s is not written to any more: %s, %s.", made.Address, orAll(c.Topic, "every topic"), orAll(c.Channel, "every channel"))
		return nil
	})
}

func (c *suppressionAdd) file(t *terminal, b *server.Base, home *tenant.Tenant, about server.Stopping) error {
	in := t.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	done, err := b.ImportSuppressions(t.ctx, home, in, about, func(so server.Imported) {
		fmt.Fprintf(t.err, "\r%d addresses kept", so.Kept)
	})
	fmt.Fprintln(t.err)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(done)
	}
	t.line("Kept %d of %d addresses from being written to.", done.Kept, done.Lines)
	if done.Bad > 0 {
		t.line("%d lines hold no address, the first of them: %v", done.Bad, done.Refused)
		return errFound
	}
	return nil
}

type suppressionRemove struct {
	asJSON
	ofTenant
	Address string `arg:"" help:"An e-mail address or phone number; - reads it from the input."`
	Topic   string `help:"The one about this topic; without it, the one about every topic." placeholder:"ID"`
	Channel string `help:"The one about this channel; without it, the one about every channel." placeholder:"CHANNEL"`
	Reason  string `required:"" help:"Why; it stands in the journal. Name no address in it." placeholder:"TEXT"`
}

// Run removes.
func (c *suppressionRemove) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		address, err := t.address(c.Address)
		if err != nil {
			return err
		}
		outline, there, err := b.RemoveSuppression(t.ctx, home, address, server.Stopping{Topic: c.Topic, Channel: c.Channel, Why: c.Reason})
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(map[string]any{"address": outline, "removed": there})
		}
		if !there {
			t.line("Nothing like that stands against %s. See 'cardea suppression list ADDRESS'.", outline)
			return errFound
		}
		t.line("%s may be written to again, where the customer wants it.", outline)
		return nil
	})
}
