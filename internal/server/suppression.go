package server

import (
	"bufio"
	"context"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Stopped is an address that is not written to. The house keeps its digest
// alone: Address is the outline of the one that was asked about.
type Stopped struct {
	Digest  string    `json:"digest"`
	Address string    `json:"address,omitempty"`
	Topic   string    `json:"topic,omitempty"`
	Channel string    `json:"channel,omitempty"`
	Reason  string    `json:"reason"`
	MadeAt  time.Time `json:"made_at"`
}

// Stopping says what an address is not written to about; empty is everything.
type Stopping struct {
	Topic   string
	Channel string
	Reason  string // of an addition: consent.Unsubscribed, Complained, Bounced or OptedOut
	Why     string // of a removal: words for the journal
}

const (
	stoppedPage = 1000
	stopBatch   = 200
	longestLine = 1024
)

// ListSuppressions tells of every suppression of a tenant, page by page.
func (b *Base) ListSuppressions(ctx context.Context, t *tenant.Tenant, each func(Stopped) error) error {
	ctx = b.DB.Background(ctx)
	var after consent.Suppression
	for {
		var page []consent.Suppression
		err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
			page, err = consent.AllSuppressions(tx, t, after, stoppedPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, s := range page {
			if err := each(stopped(s, "")); err != nil {
				return err
			}
		}
		after = page[len(page)-1]
	}
}

func stopped(s consent.Suppression, outline string) Stopped {
	return Stopped{hex.EncodeToString(s.Digest[:]), outline, s.Topic, string(s.Channel), s.Reason, s.MadeAt}
}

// FindSuppressions tells what stands against one address. Faults: bad_email,
// bad_phone.
func (b *Base) FindSuppressions(ctx context.Context, t *tenant.Tenant, raw string) ([]Stopped, error) {
	digest, outline, err := stopDigest(t, raw)
	if err != nil {
		return nil, err
	}
	out := []Stopped{}
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		list, err := consent.Suppressions(tx, t, digest)
		out = out[:0]
		for _, s := range list {
			out = append(out, stopped(s, outline))
		}
		return err
	})
	return out, err
}

func stopDigest(t *tenant.Tenant, raw string) (digest [32]byte, outline string, err error) {
	kind, canonical, err := consent.Address(t, strings.TrimSpace(raw))
	if err != nil {
		return digest, "", err
	}
	return customer.Digest(t, kind, canonical), mask(canonical), nil
}

// mask is the outline of an address: enough to recognise it, too little to write
// to it.
func mask(address string) string {
	name, domain, mail := strings.Cut(address, "@")
	if !mail {
		return "…" + address[max(0, len(address)-2):]
	}
	first, _ := cutRune(name)
	return first + "…@" + domain
}

func cutRune(s string) (first, rest string) {
	for i := range s {
		if i > 0 {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

func (s *Stopping) about(tx *db.Tx, t *tenant.Tenant) error {
	if s.Topic == "" && s.Channel == "" {
		return nil
	}
	list, err := consent.Topics(tx, t)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID == s.Topic {
			return nil
		}
	}
	if s.Topic != "" {
		return consent.ErrNoTopic
	}
	for _, c := range consent.Channels() {
		if string(c) == s.Channel {
			return nil
		}
	}
	return &Advice{Text: "There is no such channel.", Do: "Name one of email, sms, push, post, phone."}
}

// AddSuppression keeps an address from being written to, and gives its outline.
func (b *Base) AddSuppression(ctx context.Context, t *tenant.Tenant, raw string, s Stopping) (Stopped, error) {
	digest, outline, err := stopDigest(t, raw)
	if err != nil {
		return Stopped{}, err
	}
	var made Stopped
	err = b.DB.Update(journal.WithActor(ctx, atTheMachine), func(tx *db.Tx) error {
		made = stopped(consent.Suppression{Digest: digest, Topic: s.Topic, Channel: consent.Channel(s.Channel), Reason: s.Reason, MadeAt: tx.Now}, outline)
		if err := s.about(tx, t); err != nil {
			return err
		}
		return consent.Suppress(tx, t, digest, s.Topic, consent.Channel(s.Channel), s.Reason)
	})
	return made, err
}

// RemoveSuppression takes one back and reports whether it was there.
func (b *Base) RemoveSuppression(ctx context.Context, t *tenant.Tenant, raw string, s Stopping) (outline string, there bool, err error) {
	digest, outline, err := stopDigest(t, raw)
	if err != nil {
		return "", false, err
	}
	err = b.DB.Update(journal.WithActor(ctx, atTheMachine), func(tx *db.Tx) (err error) {
		there, err = consent.Unsuppress(tx, t, digest, s.Topic, consent.Channel(s.Channel), s.Why)
		return err
	})
	return outline, there, err
}

// Imported is how far an import of addresses has come.
type Imported struct {
	Lines   int   `json:"lines"` // read, without empty ones
	Kept    int   `json:"kept"`
	Refused []int `json:"refused,omitempty"` // numbers of the lines that hold no address, at most a hundred
	Bad     int   `json:"bad"`
}

// ImportSuppressions reads addresses, one a line, and keeps each from being
// written to. What was kept stays kept where it ends early: once more does no
// harm. told hears of the progress after every batch.
func (b *Base) ImportSuppressions(ctx context.Context, t *tenant.Tenant, in io.Reader, s Stopping, told func(Imported)) (out Imported, err error) {
	var batch [][32]byte
	flush := func() error {
		err := b.DB.Update(b.DB.Background(journal.WithActor(ctx, atTheMachine)), func(tx *db.Tx) error {
			if err := s.about(tx, t); err != nil {
				return err
			}
			for _, digest := range batch {
				if err := consent.Suppress(tx, t, digest, s.Topic, consent.Channel(s.Channel), s.Reason); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			out.Kept += len(batch)
			batch = batch[:0]
			told(out)
		}
		return err
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		out.Lines++
		digest, _, wrong := stopDigest(t, line)
		if wrong != nil {
			if out.Bad++; out.Bad <= 100 {
				out.Refused = append(out.Refused, number)
			}
			continue
		}
		if batch = append(batch, digest); len(batch) == stopBatch {
			if err := flush(); err != nil {
				return out, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return out, failed("The addresses cannot be read.", "Give one address a line, each of at most 1,000 bytes.", err)
	}
	return out, flush()
}
