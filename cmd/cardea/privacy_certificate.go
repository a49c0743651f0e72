package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server"
)

type privacyCertificate struct {
	asJSON
	ofTenant
	Customer string `help:"Of the erasure of this customer." placeholder:"ID"`
	ID       string `name:"id" help:"This one." placeholder:"ID"`
	Out      string `short:"o" help:"Write the newest one there, as it was signed." placeholder:"FILE"`
}

func (c *privacyCertificate) which() (of customer.ID, one privacy.CertificateID, err error) {
	if (c.Customer == "") == (c.ID == "") {
		return of, one, &server.Advice{Text: "Name a customer or a certificate.", Do: "Give either --customer or --id.", Exit: server.ExitUsage}
	}
	if c.ID != "" {
		err = one.UnmarshalText([]byte(c.ID))
	} else {
		of, err = customer.ParseID(c.Customer)
	}
	if err != nil {
		err = &server.Advice{Text: "That is not an id.", Do: "A customer's begins with cus_, a certificate's with erc_.", Exit: server.ExitUsage}
	}
	return of, one, err
}

// Run lists, or writes.
func (c *privacyCertificate) Run(t *terminal) error {
	of, one, err := c.which()
	if err != nil {
		return err
	}
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		list, err := b.Certificates(t.ctx, home, of, one)
		if err != nil {
			return err
		}
		last := list[len(list)-1]
		switch {
		case c.Out != "":
			return os.WriteFile(c.Out, []byte(last.Signed+"\n"), 0o600)
		case c.JSON:
			type line struct {
				ID        string    `json:"id"`
				Statement string    `json:"statement"`
				IssuedAt  time.Time `json:"issued_at"`
				Signed    string    `json:"signed"`
			}
			out := []line{}
			for _, x := range list {
				out = append(out, line{x.ID.String(), x.Statement, x.IssuedAt, x.Signed})
			}
			return t.json(out)
		}
		rows := [][]string{}
		for _, x := range list {
			rows = append(rows, []string{x.ID.String(), x.Statement, day(x.IssuedAt)})
		}
		return t.table([]string{"certificate", "states", "signed"}, rows)
	})
}

type privacyVerify struct {
	asJSON
	File string `arg:"" help:"The certificate; - is standard input."`
	JWKS string `required:"" help:"The issuer's evidence keys (/.well-known/cardea-evidence.json)." placeholder:"FILE"`
}

// Run verifies, without a house.
func (c *privacyVerify) Run(t *terminal) error {
	token, err := t.read(c.File)
	if err != nil {
		return err
	}
	keys, err := os.ReadFile(c.JWKS)
	if err != nil {
		return err
	}
	x, err := server.VerifyCertificateWith(keys, string(token))
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(x)
	}
	t.line("The certificate is real: its issuer signed it, and nothing was changed.")
	refers := ""
	if x.RefersTo != nil {
		refers = x.RefersTo.ID
	}
	var told []string
	for _, r := range x.Recipients {
		told = append(told, r.Name+" ("+r.State+")")
	}
	tables, kept := 0, []string{}
	for _, e := range x.Emptied {
		tables += len(e.Tables)
	}
	for _, k := range x.Kept {
		kept = append(kept, k.Table)
	}
	return t.facts("certificate", x.ID, "states", x.Statement, "refers to", refers, "issuer", x.Issuer, "subject", x.Subject, "asked", day(x.AskedAt),
		"erased", day(x.ErasedAt), "final", day(x.FinalAt), "readable in older backups", strings.Join(x.Readable, ", "), "emptied", strconv.Itoa(tables)+" tables", "keeps", strings.Join(kept, ", "),
		"recipients", strings.Join(told, ", "), "journal", "bucket "+strconv.FormatInt(x.Journal.Bucket, 10)+", number "+strconv.FormatInt(x.Journal.Seq, 10))
}

type privacyProve struct {
	asJSON
	ofTenant
	Customer string `required:"" help:"The erased customer." placeholder:"ID"`
	Database string `help:"Look into this file, a copy or a backup of a SQLite database, instead of the house's own." placeholder:"FILE"`
	LookFor  string `help:"Look for each line of this file in the clear, in the files of the database; - is standard input." placeholder:"FILE"`
}

// Run proves; what still opens or is left is exit code 1.
func (c *privacyProve) Run(t *terminal) error {
	var words [][]byte
	if c.LookFor != "" {
		text, err := t.read(c.LookFor)
		if err != nil {
			return err
		}
		words = bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	}
	return t.with(func(b *server.Base) error {
		home, err := b.Tenant(c.Tenant)
		if err != nil {
			return err
		}
		p, err := b.ProveErasure(t.ctx, home, c.Customer, c.Database, words)
		if err != nil {
			return err
		}
		if c.JSON {
			err = t.json(p)
		} else {
			err = t.proof(p)
		}
		if err == nil && !p.Holds {
			err = errFound
		}
		return err
	})
}

func (t *terminal) proof(p server.ErasureProof) error {
	where := "The house's database"
	if p.Database != "live" {
		where = p.Database
	}
	switch {
	case p.Opens:
		t.line("%s still opens until %s: the wrapping key %s lives, and %d of %d sealed values opened.", where, day(p.Until), p.Under, p.Opened, p.Sealed)
		t.line("The customer was erased on %s. Destroy this copy, or wait for that day.", day(p.ErasedAt))
	case p.Holds:
		t.line("Nothing opens. Tried %d values with each of %d living wrapping keys.", p.Values, p.Keys)
	default:
		t.line("Nothing opens, but something is left that should be gone.")
	}
	if p.Readable > 0 {
		t.line("%s of the profile stand readable in it: their fields were searched open.", counted(p.Readable, "word"))
	}
	for _, at := range p.Plaintext {
		t.line("Found in the clear: %s", at)
	}
	rows := [][]string{}
	for _, l := range p.Left {
		why := l.Why
		if why == "" {
			why = "SHOULD BE EMPTY"
			if p.Database != "live" {
				why = "rows of before the erasure"
			}
		}
		rows = append(rows, []string{l.Table, strconv.Itoa(l.Rows), why})
	}
	return t.table([]string{"table", "rows", "why"}, rows)
}
