package oidc

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/release"
)

var errScope = fault.New(fault.Denied, "insufficient_scope", "The access token was not granted the scope openid.")

// userinfo answers what the customer allowed the application to know
// (OpenID Connect Core 1.0, 5.3). Each answer asks the gate anew, so a consent
// that was withdrawn meanwhile is felt at once.
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	raw, ferr := bearer(r)
	if ferr != nil {
		return ferr
	}
	c, ok := p.readAccess(t, raw, p.db.Now())
	if !ok || !c.meantFor(t.Issuer()) || c.Grant == "" {
		return errToken
	}
	a, ok, err := p.application(r.Context(), t, c.ClientID)
	if err != nil {
		return err
	}
	if !ok || !a.Enabled {
		return errToken
	}
	web.KeepOrigin(w, a.Settings.Origins)
	if !slices.Contains(strings.Fields(c.Scope), "openid") {
		return errScope
	}
	var answer map[string]any
	ahead := func(now time.Time) []db.Question { return briefly(t, a, c, now) }
	err = p.gated(r.Context(), ahead, func(tx *db.Tx) (err error) {
		answer, err = p.person(tx, t, a, c)
		return err
	})
	if err != nil {
		return refusedToken(err)
	}
	answer["sub"] = c.Subject
	return web.JSON(w, http.StatusOK, answer)
}

// person is what the gate gives for the scopes of this token, which may be
// fewer than those of its grant.
func (p *Provider) person(tx *db.Tx, t tenantRef, a applicationRef, c *accessClaims) (map[string]any, error) {
	fields, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	if tx.Foresees() {
		if err := tx.Foresee(personAsked(t, a, c, storesAny(fields, c), tx.Now)...); err != nil {
			return nil, err
		}
	}
	g, alive, err := p.alive(tx, t, c)
	if err != nil {
		return nil, err
	}
	if !alive {
		return nil, errToken
	}
	// Offline, since p.alive has just looked after the session in this very
	// transaction, where the grant needs one.
	ask := permit.Ask{Customer: g.CustomerID, Application: a, Organization: g.OrganizationID, Purpose: permit.ForRefresh, Scopes: strings.Fields(g.Scope), Offline: true}
	if _, err := permit.May(tx, t, ask); err != nil {
		return nil, err
	}
	asked, err := grantClaims(g.Claims)
	if err != nil {
		return nil, err
	}
	scopes := strings.Fields(c.Scope)
	return p.disclose(tx, t, release.Ask{
		Customer: g.CustomerID, Recipient: release.Recipient{Kind: release.Application, ID: a.ID},
		Fields: wantedFields(fields, scopes, asked.UserInfo), Scopes: scopes,
	})
}

// personAsked is what the checks and the gate ask of this token's customer one
// by one. Whether any of it is used is theirs to say. stored: the values of the
// profile are among it.
func personAsked(t tenantRef, a applicationRef, c *accessClaims, stored bool, now time.Time) []db.Question {
	cus, id, ok := grant.ReadHandle(t, c.Grant)
	if !ok {
		return nil
	}
	list := append(grant.Asking(t, c.ID, cus, id), permit.Asking(t, cus, a)...)
	list = append(list, customer.AskingPrimaries(t, cus), customer.AskingKey(t, cus), release.Asking(t, cus, a, now))
	if stored {
		list = append(list, customer.AskingProfile(t, cus))
	}
	return list
}

// briefly is what is asked for an application that gets addresses and names
// alone and needs no consent; of others there is more than a glance tells.
func briefly(t tenantRef, a applicationRef, c *accessClaims, now time.Time) []db.Question {
	if fields, known := catalog.Peek(t); !known || !a.FirstParty || storesAny(fields, c) {
		return nil
	}
	return personAsked(t, a, c, false, now)
}

// storesAny tells whether the token's scopes carry a field that is stored as such.
func storesAny(fields *catalog.Catalog, c *accessClaims) bool {
	return slices.ContainsFunc(strings.Fields(c.Scope), func(s string) bool {
		return slices.ContainsFunc(fields.ByScope(s), func(f catalog.Field) bool { return f.Stored() })
	})
}

// refusedToken hides why the gate refused: to the application the token is
// simply no good any more.
func refusedToken(err error) error {
	switch f := fault.Of(err); f.Kind {
	case fault.Denied, fault.Unauthenticated, fault.NotFound, fault.Gone:
		return errToken.Because(f)
	}
	return err
}
