package main

import (
	"fmt"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type auditCommands struct {
	Verify auditVerify `cmd:"" help:"Walk the digest chains, the signed checkpoints, the consent ledger and the record of disclosures, and name what does not fit."`
}

type auditVerify struct {
	asJSON
	Tenant string `help:"Only this tenant; every tenant if left out." placeholder:"SLUG"`
}

// Run verifies; a bad record is exit code 1.
func (c *auditVerify) Run(t *terminal) error {
	b, err := t.open(server.Opening{Anyway: true})
	if err != nil {
		return err
	}
	defer b.Close()
	var only *tenant.Tenant
	if c.Tenant != "" {
		if only, err = b.Tenant(c.Tenant); err != nil {
			return err
		}
	}
	r, err := b.Audit(t.ctx, only)
	if err != nil {
		return err
	}
	if c.JSON {
		err = t.json(r)
	} else {
		t.report(r)
	}
	if !r.Holds {
		return errFound
	}
	return err
}

func (t *terminal) report(r server.AuditReport) {
	t.line("Looked at %d events of %d tenants and %d checkpoints; %d events have no payload any more, %d wait for their link.",
		r.Events, r.Tenants, r.Checkpoints, r.Pruned, r.Unchained)
	t.line("Held %d entries of the consent ledger and %d states against them; of %d entries the event has no digest any more, %d customers are gone.",
		r.Ledger.Entries, r.Ledger.States, r.Ledger.Unproven, r.Ledger.Gone)
	t.line("Held %d lines of the record of disclosures; %d more were forgotten in time, of %d no digest is kept.",
		r.Record.Lines, r.Record.Forgotten, r.Record.Unproven)
	if r.Holds {
		t.line("Everything holds.")
		return
	}
	if r.Bad != nil {
		t.line("The first bad record: %s", r.Bad.Text)
	}
	if bad := r.Ledger.Bad + r.Record.Bad; bad > 0 {
		t.line("%d rows do not fit:", bad)
	}
	for _, m := range r.Ledger.Misfits {
		t.line("  %s", m.Text)
	}
	for _, m := range r.Record.Misfits {
		t.line("  %s", m.Text)
	}
	fmt.Fprintln(t.err, "cardea: the journal, the consent ledger or the record of disclosures was changed or is damaged.\n  Keep a copy of the database as it is, and compare it with the newest backup and the checkpoint file.")
}

type backupCommand struct {
	asJSON
	Dir string `arg:"" type:"path" help:"A directory that does not exist yet."`
}

// Run backs up.
func (c *backupCommand) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		m, err := b.Backup(t.ctx, c.Dir)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(m)
		}
		t.line("Backed up %d bytes with %d events to %s, and verified them.", m.Size, m.Events, c.Dir)
		t.line("The keyring (%s) is not in it: keep a copy of it elsewhere.", b.Config.Keyring)
		return nil
	})
}

type restoreCommand struct {
	asJSON
	Dir     string `arg:"" optional:"" type:"path" help:"What 'cardea backup' made; left out, the database as it stands is taken for restored."`
	Replace bool   `help:"Move a database that is there aside."`
}

// Run restores.
func (c *restoreCommand) Run(t *terminal) error {
	config, err := server.ReadCommandConfig(t.global.Config, t.global.Data, t.environ)
	if err != nil {
		return err
	}
	r, err := server.Restore{Dir: c.Dir, Replace: c.Replace, Log: server.NewLog(t.err, "error")}.Run(t.ctx, config)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(r)
	}
	if r.From != "" {
		t.line("Restored %s, made on %s.", r.From, day(r.MadeAt))
	}
	t.line("Ended %d sessions and %d grants; everybody signs in anew. Erased again: %d customers.", r.Sessions, r.Grants, r.Erased)
	if r.Messages > 0 {
		t.line("Dropped %d messages that waited to be sent.", r.Messages)
	}
	if r.Aside != "" {
		t.line("The former database is at %s: delete it when it is of no more use.", r.Aside)
	}
	t.line("Client secrets, roles and settings are as they were when the backup was made.")
	return nil
}

type mailCommands struct {
	Test mailTest `cmd:"" help:"Send one message through the tenant's relay, now."`
}

type mailTest struct {
	ofTenant
	To string `required:"" help:"Where to." placeholder:"ADDRESS"`
}

// Run sends.
func (c *mailTest) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		if err := b.TestMail(t.ctx, home, c.To); err != nil {
			return err
		}
		t.line("The relay %s took the message.", home.Settings.Mail.Host)
		return nil
	})
}

type breachCommands struct {
	Build breachBuild `cmd:"" help:"Make the file for breach_file from the ordered download of Pwned Passwords."`
}

type breachBuild struct {
	In      string `arg:"" help:"The download, lines of SHA1:COUNT; - is standard input."`
	Out     string `arg:"" type:"path" help:"The file to make."`
	MinSeen int    `default:"1" help:"Leave out passwords that were seen less often."`
}

// Run builds.
func (c *breachBuild) Run(t *terminal) error {
	r, err := server.BuildBreach(c.In, c.Out, c.MinSeen)
	if err == nil {
		t.line("Read %d lines, kept %d passwords in %d bytes. Name the file with CARDEA_BREACH_FILE.", r.Read, r.Kept, r.Bytes)
	}
	return err
}
