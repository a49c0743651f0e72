package main

import (
	"fmt"

	"github.com/cardea-id/cardea/internal/server"
)

type devCommand struct {
	asJSON
	Listen     string `help:"Address of the sign-in pages; 127.0.0.1:8080, or the next free port." placeholder:"HOST:PORT"`
	ShopListen string `help:"Address of the demo shop; 127.0.0.1:8090, or the next free port." placeholder:"HOST:PORT"`
	NoOpen     bool   `help:"Do not open the browser."`
}

// Run serves until it is told to stop.
func (c *devCommand) Run(t *terminal) error {
	return server.Dev(t.ctx, server.DevOptions{
		Listen: c.Listen, ShopListen: c.ShopListen, Data: t.global.Data, NoOpen: c.NoOpen, JSON: c.JSON, Out: t.out,
	})
}

type serveCommand struct{}

// Run serves until it is told to stop.
func (c *serveCommand) Run(t *terminal) error {
	config, err := server.ReadServeConfig(t.global.Config, t.global.Data, t.environ)
	if err != nil {
		return err
	}
	return server.Serve(t.ctx, config, t.err)
}

type migrateCommand struct{}

// Run migrates.
func (c *migrateCommand) Run(t *terminal) error {
	config, err := server.ReadCommandConfig(t.global.Config, t.global.Data, t.environ)
	if err != nil {
		return err
	}
	m, err := server.Migrate(server.AtTheMachine(t.ctx), config, server.NewLog(t.err, "error"))
	if err != nil {
		return err
	}
	if m.Keyring != "" {
		t.line("A new keyring was made: %s. Without it nothing in the database can be read: keep a copy apart from the backups.", m.Keyring)
	}
	t.line("The schema is at version %d.", m.Schema)
	return nil
}

type bootstrapCommand struct {
	Again bool `help:"Make another operator though there was one; for when nobody can sign in."`
}

// Run prints a link.
func (c *bootstrapCommand) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		link, err := b.NewBootstrapLink(t.ctx, c.Again)
		if err == nil {
			t.line("%s", link)
		}
		return err
	})
}

type doctorCommand struct{ asJSON }

// Run looks at everything; a problem is exit code 1, warnings are none.
func (c *doctorCommand) Run(t *terminal) error {
	config, err := server.ReadCommandConfig(t.global.Config, t.global.Data, t.environ)
	if err != nil {
		return err
	}
	found := server.Doctor(t.ctx, config)
	if c.JSON {
		err = t.json(found)
	} else {
		t.findings(found)
	}
	for _, f := range found {
		if f.State == server.Problem {
			return errFound
		}
	}
	return err
}

func (t *terminal) findings(found []server.Finding) {
	marks := map[string]string{server.Fine: "ok  ", server.Warning: "warn", server.Problem: "FAIL"}
	for _, f := range found {
		t.line("%s  %-14s %s", marks[f.State], f.Name, f.Text)
		if f.Do != "" {
			t.line("%20s -> %s", "", f.Do)
		}
	}
}

type versionCommand struct{ asJSON }

// Run tells the version.
func (c *versionCommand) Run(t *terminal) error {
	v := server.Version()
	if c.JSON {
		return t.json(v)
	}
	text := "cardea " + v.Version
	if v.Revision != "" {
		text += fmt.Sprintf(" (%.12s", v.Revision)
		if v.Modified {
			text += ", modified"
		}
		text += ")"
	}
	t.line("%s %s %s", text, v.Go, v.Platform)
	return nil
}
