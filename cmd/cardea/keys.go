package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

type keysCommands struct {
	Rotate  keysRotate  `cmd:"" help:"Move signing keys on, or draw a new wrapping key."`
	Destroy keysDestroy `cmd:"" help:"Destroy the retired wrapping keys whose time is over; what was erased before is then gone from every backup."`
	New     keysNew     `cmd:"" help:"Print a new keyring, for nodes that share one PostgreSQL."`
}

type keysNew struct {
	Out string `short:"o" help:"Write there (mode 0600) instead of standard output." placeholder:"FILE"`
}

// Run prints a keyring.
func (c *keysNew) Run(t *terminal) error {
	text := server.NewKeyring()
	if c.Out == "" {
		fmt.Fprint(t.out, text)
		fmt.Fprintln(t.err, "Keep this safe: give it to every node in CARDEA_KEYRING, and keep a copy apart from the backups.")
		return nil
	}
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Close()
}

type keysRotate struct {
	asJSON
	Tenant   string `help:"Only this tenant; every tenant if left out." placeholder:"SLUG"`
	Alg      string `help:"Only this algorithm (ES256, RS256, EdDSA); draws the first keys of one that the tenant has not." placeholder:"ALG"`
	Wrapping bool   `help:"Draw a new wrapping key, wrap every customer's data key anew, destroy retired keys whose time is over."`
}

// Run rotates.
func (c *keysRotate) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		if c.Wrapping {
			return c.wrapping(t, b)
		}
		list := b.House.All()
		if c.Tenant != "" {
			one, err := b.Tenant(c.Tenant)
			if err != nil {
				return err
			}
			list = []*tenant.Tenant{one}
		}
		changes := []server.SigningChange{}
		for _, x := range list {
			made, err := b.RotateSigning(t.ctx, x, c.Alg)
			changes = append(changes, made...)
			if err != nil {
				return err
			}
		}
		if c.JSON {
			return t.json(changes)
		}
		rows := [][]string{}
		for _, x := range changes {
			rows = append(rows, []string{x.Tenant, x.Alg, x.Current, x.Next})
		}
		return t.table([]string{"tenant", "alg", "signs", "next"}, rows)
	})
}

func (c *keysRotate) wrapping(t *terminal, b *server.Base) error {
	w, err := b.RotateWrapping(t.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(w)
	}
	if w.NextText != "" {
		fmt.Fprint(t.out, w.NextText)
		step := "This adds the next key, which only unwraps for now. Give it to every node in CARDEA_KEYRING, restart them, then run this command again: it makes the key the current one."
		if w.Active {
			step = "This makes the next key the current one. Give it to every node in CARDEA_KEYRING and restart them."
		}
		fmt.Fprintln(t.err, step)
		if len(w.Due) > 0 {
			fmt.Fprintln(t.err, "Due to be destroyed, when every node has this text: "+strings.Join(w.Due, ", ")+". Run 'cardea keys destroy' then.")
		}
		return nil
	}
	t.line("The current wrapping key is %s; %d data keys were wrapped anew.", w.Current, w.Moved)
	if len(w.Destroyed) > 0 {
		t.line("Destroyed for good: %s", strings.Join(w.Destroyed, ", "))
	}
	return nil
}

type keysDestroy struct{ asJSON }

// Run destroys what is due.
func (c *keysDestroy) Run(t *terminal) error {
	return t.with(func(b *server.Base) error {
		w, err := b.DestroyWrapping(t.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return t.json(w)
		}
		gone := strings.Join(w.Destroyed, ", ")
		if w.NextText == "" {
			t.line("Destroyed for good: %s", gone)
			return nil
		}
		fmt.Fprint(t.out, w.NextText)
		fmt.Fprintln(t.err, "This is the keyring without "+gone+". Give it to every node in CARDEA_KEYRING, restart them, and delete every copy of the former text: what was erased is gone from the backups when no copy is left.")
		return nil
	})
}
