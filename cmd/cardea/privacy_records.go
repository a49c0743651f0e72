package main

import (
	"io"
	"os"

	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server"
)

type privacyRecords struct {
	asJSON
	ofTenant
	HTML  string `name:"html" help:"Write the records as a page that prints well." placeholder:"FILE"`
	CSV   string `name:"csv" help:"Write the records as comma-separated values." placeholder:"FILE"`
	Check bool   `help:"Tell what is missing, and exit with 1 if there is a gap."`
}

// Run writes the records.
func (c *privacyRecords) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		r, err := b.Records(t.ctx, home)
		if err != nil {
			return err
		}
		if err := c.write(t, r); err != nil {
			return err
		}
		if c.Check && r.Gaps() > 0 {
			return errFound
		}
		return nil
	})
}

func (c *privacyRecords) write(t *terminal, r privacy.Records) error {
	for _, f := range []struct {
		path  string
		write func(io.Writer, privacy.Records) error
	}{{c.HTML, server.WriteRecordsPage}, {c.CSV, server.WriteRecordsSheet}} {
		if f.path == "" {
			continue
		}
		if err := into(f.path, func(w io.Writer) error { return f.write(w, r) }, t.out); err != nil {
			return err
		}
	}
	if c.JSON {
		return t.json(r)
	}
	if c.HTML == "-" || c.CSV == "-" {
		return nil
	}
	for _, f := range r.Findings {
		t.line("%s  %s: %s (%s)", f.Level, f.About, f.Text, f.Code)
	}
	t.line("%s, %s of the catalogue, %s, %s.", counted(len(r.Activities), "purpose"), counted(len(r.Data), "part"),
		counted(r.Gaps(), "gap"), counted(len(r.Findings)-r.Gaps(), "note"))
	return nil
}

// into writes a file; "-" is the terminal.
func into(path string, write func(io.Writer) error, screen io.Writer) error {
	if path == "-" {
		return write(screen)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return &server.Advice{Text: "The file cannot be written: " + path + ".", Do: "Name another file.", Err: err}
	}
	if err := write(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
