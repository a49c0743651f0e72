package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

// wantedFields are the catalogue fields that a grant's scopes carry, and those
// that its `claims` request names one by one for this place (userinfo or
// id_token). What of it may go is the gate's to say.
func wantedFields(c *catalog.Catalog, scopes []string, asked map[string]*claimAsk) []string {
	fields := namedFields(c, scopes, asked)
	for _, s := range scopes {
		for _, f := range c.ByScope(s) {
			fields = append(fields, f.Name)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// namedFields are the fields behind claims that were asked for by name. A
// scope that was not granted is not smuggled in by naming its claims.
func namedFields(c *catalog.Catalog, scopes []string, asked map[string]*claimAsk) []string {
	var fields []string
	for claim := range asked {
		for _, one := range []string{claim, claim + "_verified"} { // an address is of little use without
			if f, ok := c.ByClaim(one); ok && slices.Contains(scopes, f.Scope) {
				fields = append(fields, f.Name)
			}
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// idClaims takes the personal claims of the ID token through the gate: only
// those that the `claims` parameter asked for there. Scopes alone put nothing
// into it, since userinfo answers them (OpenID Connect Core 1.0, 5.4).
func (p *Provider) idClaims(tx *db.Tx, x *exchange) (err error) {
	x.claims = nil
	if x.subject, err = customer.Subject(tx, x.tenant, x.app, x.grant.CustomerID); err != nil {
		return err
	}
	asked, err := grantClaims(x.grant.Claims)
	if err != nil || len(asked.IDToken) == 0 {
		return err
	}
	c, err := catalog.For(tx, x.tenant)
	if err != nil {
		return err
	}
	x.claims, err = p.disclose(tx, x.tenant, release.Ask{
		Customer: x.grant.CustomerID, Recipient: release.Recipient{Kind: release.Application, ID: x.app.ID},
		Fields: namedFields(c, x.granted, asked.IDToken), Scopes: x.grant.Scopes(),
	})
	return err
}

// grantClaims reads the claims request that is kept with a grant.
func grantClaims(text string) (c claimsRequest, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &c)
	}
	return c, err
}

// disclose asks the gate for the fields on behalf of an application and spells what it gives as claims (OpenID Connect Core 1.0, 5.1).
func (p *Provider) disclose(tx *db.Tx, t tenantRef, ask release.Ask) (map[string]any, error) {
	if len(ask.Fields) == 0 {
		return map[string]any{}, nil
	}
	ask.Counter = p.counts
	d, err := release.Disclose(tx, t, ask)
	if err != nil {
		return nil, err
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	return spell(c, d), nil
}

func spell(c *catalog.Catalog, d release.Disclosure) map[string]any {
	out := map[string]any{}
	for name, v := range d.Values {
		f, ok := c.Field(name)
		if !ok || f.Claim == "" {
			continue
		}
		out[f.Claim] = claimValue(f, v.Text)
	}
	return out
}

func claimValue(f catalog.Field, text string) any {
	switch f.Type {
	case "bool":
		return text == "true"
	case "number":
		return json.Number(text)
	case "address":
		var object map[string]any
		if json.Unmarshal([]byte(text), &object) == nil {
			return object
		}
	}
	return text
}

// gated runs read in a View, and once more in an Update if the gate has to
// write down a release that it has not seen today.
func (p *Provider) gated(ctx context.Context, ahead func(time.Time) []db.Question, read func(*db.Tx) error) error {
	err := p.db.Glance(ctx, ahead, read)
	if errors.Is(err, release.ErrUnrecorded) {
		return p.db.Update(ctx, read)
	}
	return err
}
