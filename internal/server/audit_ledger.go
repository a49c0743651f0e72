package server

import (
	"context"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// mostMisfits is how many rows that do not fit a report names; it counts all.
const mostMisfits = 100

// LedgerReport is what the walk over the consent ledger found.
type LedgerReport struct {
	Entries  int64    `json:"entries"`
	States   int64    `json:"states"`
	Unproven int64    `json:"unproven"` // entries whose event does not hold their digest (any more)
	Gone     int64    `json:"gone"`     // customers who are erased or part of another account: entries, and no state
	Bad      int64    `json:"bad"`
	Misfits  []Misfit `json:"misfits,omitempty"` // the first hundred
}

// Misfit names a row that does not fit.
type Misfit struct {
	Flaw     string `json:"flaw"`
	Tenant   string `json:"tenant"`
	Customer string `json:"customer"`
	Entry    string `json:"entry,omitempty"`
	Purpose  string `json:"purpose,omitempty"`
	Item     string `json:"item,omitempty"`
	What     string `json:"what"`
	Text     string `json:"text"`
}

// auditLedger walks the consent ledger of the tenants, step by step beside a
// running house.
func (b *Base) auditLedger(ctx context.Context, tenants []*tenant.Tenant) (out LedgerReport, err error) {
	ctx = b.DB.Background(ctx)
	for _, t := range tenants {
		var after customer.ID
		for done := false; !done; {
			var a consent.Audited
			err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
				a, err = consent.Audit(tx, t, after)
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

func (r *LedgerReport) add(t *tenant.Tenant, a consent.Audited) {
	r.Entries, r.States = r.Entries+a.Entries, r.States+a.States
	r.Unproven, r.Gone, r.Bad = r.Unproven+a.Unproven, r.Gone+a.Gone, r.Bad+int64(len(a.Misfits))
	for _, m := range a.Misfits {
		if len(r.Misfits) == mostMisfits {
			return
		}
		r.Misfits = append(r.Misfits, Misfit{
			Flaw: m.Flaw, Tenant: t.ID.String(), Customer: m.Customer.String(), Entry: m.Entry.String(),
			Purpose: m.Purpose, Item: m.Item, What: m.What, Text: "tenant " + t.Slug + ", " + m.String(),
		})
	}
}
