package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/server"
)

type receiptCommands struct {
	Verify receiptVerify `cmd:"" help:"Say whether a consent receipt is real and unchanged, and what it says."`
}

type receiptVerify struct {
	asJSON
	File string `arg:"" help:"The receipt; - is standard input."`
	JWKS string `help:"Verify with this key set alone, without the house." placeholder:"FILE"`
}

// Run verifies.
func (c *receiptVerify) Run(t *terminal) error {
	token, err := t.read(c.File)
	if err != nil {
		return err
	}
	r, err := c.verify(t, string(token))
	if err != nil {
		return err
	}
	if c.JSON {
		return t.json(r)
	}
	return t.receipt(r)
}

func (c *receiptVerify) verify(t *terminal, token string) (r consent.Receipt, err error) {
	if c.JWKS != "" {
		keys, err := os.ReadFile(c.JWKS)
		if err != nil {
			return r, err
		}
		return server.VerifyReceiptWith(keys, token)
	}
	err = t.with(func(b *server.Base) error {
		r, err = b.VerifyReceipt(token)
		return err
	})
	return r, err
}

// receipt tells it in words.
func (t *terminal) receipt(r consent.Receipt) error {
	var data, who []string
	for _, d := range r.Processing.Data {
		data = append(data, d.Name)
	}
	for _, p := range r.Processing.Recipients {
		who = append(who, p.Name)
	}
	version := ""
	if n := r.Processing.Purpose.Version; n > 0 {
		version = strconv.FormatInt(n, 10)
	}
	t.line("The receipt is real: its issuer signed it, and nothing was changed.")
	e := r.Decision()
	return t.facts("receipt", r.Identifier, "issuer", r.Issuer, "decision", e.Type, "at", e.At, "purpose", r.Processing.Purpose.ID,
		"title", r.Processing.Purpose.Title, "version", version, "basis", r.Processing.Basis, "data", strings.Join(data, ", "),
		"recipients", strings.Join(who, ", "), "text SHA-256", r.Processing.Notice.Digest())
}
