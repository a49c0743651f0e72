package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Seen is what one recipient saw of one customer: how often, never what.
type Seen struct {
	Customer      string           `json:"customer"`
	RecipientKind string           `json:"recipient_kind"`
	Recipient     string           `json:"recipient,omitempty"` // a client id, or a staff member's id
	Name          string           `json:"name,omitempty"`      // of the application
	Purposes      map[string]int64 `json:"purposes"`
	Fields        map[string]int64 `json:"fields"`
	Times         int64            `json:"times"`
	FirstAt       time.Time        `json:"first_at"`
	LastAt        time.Time        `json:"last_at"`
}

// Blast adds up what was seen.
type Blast struct {
	Lines    int64           `json:"lines"` // of customers, once for each recipient
	Times    int64           `json:"times"`
	Fields   map[string]Part `json:"fields"`
	Purposes map[string]Part `json:"purposes"`
}

// Part is a field's or a purpose's share of a Blast.
type Part struct {
	Lines int64 `json:"lines"`
	Times int64 `json:"times"`
}

func (b *Blast) add(s Seen) {
	b.Lines++
	b.Times += s.Times
	for _, m := range []struct {
		to   map[string]Part
		from map[string]int64
	}{{b.Fields, s.Fields}, {b.Purposes, s.Purposes}} {
		for name, n := range m.from {
			p := m.to[name]
			m.to[name] = Part{p.Lines + 1, p.Times + n}
		}
	}
}

// blastKinds are the kinds of recipients that are written down.
var blastKinds = []string{release.Application, release.Staff, release.Operator, release.Export}

// mostRecipients is how many recipients of a kind are read at once.
const mostRecipients = 100

// BlastRadius tells whose data a recipient saw in a span of days. who is an
// application by name or client id, a staff member by id, or a kind of
// recipient. Each customer is handed to each as soon as it is read; the answer
// adds them up. A customer who is found is named by id alone: nothing is opened,
// so this leaves no trace in the record itself.
func (b *Base) BlastRadius(ctx context.Context, t *tenant.Tenant, who string, s release.Span, each func(Seen) error) (Blast, error) {
	sum := Blast{Fields: map[string]Part{}, Purposes: map[string]Part{}}
	list, err := b.Apps(ctx, t)
	if err != nil {
		return sum, err
	}
	tell := func(r release.Reach) error {
		seen := seenOf(r, list)
		sum.add(seen)
		return each(seen)
	}
	if slices.Contains(blastKinds, who) {
		return sum, b.reachKind(ctx, t, who, s, tell)
	}
	r, err := b.recipient(ctx, t, who)
	if err != nil {
		return sum, err
	}
	return sum, b.reach(ctx, t, r, s, tell)
}

func (b *Base) recipient(ctx context.Context, t *tenant.Tenant, who string) (release.Recipient, error) {
	var staff customer.ID
	if staff.UnmarshalText([]byte(who)) == nil {
		return release.Recipient{Kind: release.Staff, ID: staff}, nil
	}
	var gone app.ID // a deleted application's releases stay on record
	if gone.UnmarshalText([]byte(who)) == nil {
		return release.Recipient{Kind: release.Application, ID: gone}, nil
	}
	a, err := b.App(ctx, t, who)
	if errors.Is(err, app.ErrNotFound) {
		err = failed(fmt.Sprintf("There is no recipient %q.", who),
			"Name an application (cardea app list), a staff member by id, or one of: application, staff, operator, export.", nil)
	}
	return release.Recipient{Kind: release.Application, ID: a.ID}, err
}

func (b *Base) reachKind(ctx context.Context, t *tenant.Tenant, kind string, s release.Span, tell func(release.Reach) error) error {
	var ids [][16]byte
	list := func(after []byte) error {
		return b.DB.View(ctx, func(tx *db.Tx) (err error) {
			ids, err = release.Recipients(tx, t, kind, after, mostRecipients)
			return err
		})
	}
	for err := list([]byte{}); ; err = list(ids[len(ids)-1][:]) {
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := b.reach(ctx, t, release.Recipient{Kind: kind, ID: id}, s, tell); err != nil {
				return err
			}
		}
	}
}

// reach reads one recipient's lines, each piece in a View of its own.
func (b *Base) reach(ctx context.Context, t *tenant.Tenant, r release.Recipient, s release.Span, tell func(release.Reach) error) error {
	var at release.Cursor
	for more := true; more; {
		var done []release.Reach
		var next release.Cursor
		err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
			done, next, more, err = release.Reached(tx, t, r, s, at)
			return err
		})
		if err != nil {
			return err
		}
		at = next
		for _, d := range done {
			if err := tell(d); err != nil {
				return err
			}
		}
	}
	return nil
}

func seenOf(r release.Reach, list []app.Application) Seen {
	s := Seen{
		Customer: r.Customer.String(), RecipientKind: r.Recipient.Kind, Purposes: r.Purposes, Fields: r.Fields,
		Times: r.Times, FirstAt: r.FirstAt, LastAt: r.LastAt,
	}
	switch r.Recipient.Kind {
	case release.Application:
		s.Recipient = app.ID(r.Recipient.ID).String()
		for _, a := range list {
			if a.ID == app.ID(r.Recipient.ID) {
				s.Recipient, s.Name = a.ClientID(), a.Name
			}
		}
	case release.Staff:
		s.Recipient = customer.ID(r.Recipient.ID).String()
	}
	return s
}
