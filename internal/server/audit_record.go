package server

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// RecordReport is what the walk over the record of disclosures found.
type RecordReport struct {
	Lines     int64        `json:"lines"`
	Forgotten int64        `json:"forgotten"` // lines that a rule of retention took, as the journal tells
	Unproven  int64        `json:"unproven"`  // lines whose event does not hold their digest (any more), or the reverse
	Gone      int64        `json:"gone"`      // customers who are erased, and their lines with them
	Bad       int64        `json:"bad"`
	Misfits   []LineMisfit `json:"misfits,omitempty"` // the first hundred
}

// LineMisfit names a line of the record that does not fit.
type LineMisfit struct {
	Flaw      string    `json:"flaw"`
	Tenant    string    `json:"tenant"`
	Customer  string    `json:"customer"`
	Kind      string    `json:"kind,omitempty"`
	Recipient string    `json:"recipient,omitempty"`
	Purpose   string    `json:"purpose,omitempty"`
	At        time.Time `json:"at"`
	What      string    `json:"what"`
	Text      string    `json:"text"`
}

// auditRecord walks the record of disclosures of the tenants, step by step
// beside a running house.
func (b *Base) auditRecord(ctx context.Context, tenants []*tenant.Tenant) (out RecordReport, err error) {
	ctx = b.DB.Background(ctx)
	for _, t := range tenants {
		var since time.Time
		err := b.DB.View(ctx, func(tx *db.Tx) (err error) { since, err = release.BoundSince(tx, t); return err })
		if err != nil {
			return out, err
		}
		var after customer.ID
		for done := false; !done; {
			var a release.Audited
			err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
				a, err = release.Audit(tx, t, after, since)
				return err
			})
			if err != nil {
				return out, err
			}
			out.add(t, a)
			after, done = a.Next, a.Done
		}
	}
	return out, nil
}

func (r *RecordReport) add(t *tenant.Tenant, a release.Audited) {
	r.Lines, r.Forgotten, r.Unproven = r.Lines+a.Lines, r.Forgotten+a.Forgotten, r.Unproven+a.Unproven
	r.Gone, r.Bad = r.Gone+a.Gone, r.Bad+int64(len(a.Misfits))
	for _, m := range a.Misfits {
		if len(r.Misfits) == mostMisfits {
			return
		}
		one := LineMisfit{
			Flaw: m.Flaw, Tenant: t.ID.String(), Customer: m.Customer.String(), Kind: m.Kind,
			Purpose: m.Purpose, At: m.At, What: m.What, Text: "tenant " + t.Slug + ", " + m.String(),
		}
		if m.Recipient != [16]byte{} {
			one.Recipient = hex.EncodeToString(m.Recipient[:])
		}
		r.Misfits = append(r.Misfits, one)
	}
}
