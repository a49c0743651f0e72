package server

import (
	"context"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Claim is what the gate thinks of a field for an application.
type Claim struct {
	Field   string `json:"field"`
	Claim   string `json:"claim"`
	Scope   string `json:"scope,omitempty"`
	Purpose string `json:"purpose,omitempty"` // under which it would go
	Why     string `json:"why,omitempty"`     // it would not
}

// ExplainClaims tells field by field whether it would go to an application now,
// if these scopes were granted. Nothing is opened and nothing is written down;
// whether there is a value is not told.
func (b *Base) ExplainClaims(ctx context.Context, t *tenant.Tenant, ref, application string, scopes []string) ([]Claim, error) {
	a, err := b.App(ctx, t, application)
	if err != nil {
		return nil, err
	}
	var out []Claim
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		c, err := catalog.For(tx, t)
		if err != nil {
			return err
		}
		ask := release.Ask{Customer: id, Recipient: release.Recipient{Kind: release.Application, ID: a.ID}, Scopes: scopes}
		for _, f := range c.Fields() {
			ask.Fields = append(ask.Fields, f.Name)
		}
		goes, withheld, err := release.Explain(tx, t, ask)
		if err != nil {
			return err
		}
		out = nil
		for _, f := range c.Fields() {
			out = append(out, Claim{Field: f.Name, Claim: f.Claim, Scope: f.Scope, Purpose: goes[f.Name], Why: withheld[f.Name]})
		}
		return nil
	})
	return out, err
}
