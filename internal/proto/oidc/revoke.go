package oidc

import (
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// errNotRevoked: a token that could not be revoked is never answered like one
// that was (RFC 7009, 2.2.1; H053).
var errNotRevoked = fault.New(fault.Unavailable, "temporarily_unavailable", "The token could not be revoked now and is still good. Try again.")

// revoke ends a token (RFC 7009): a refresh token, rotated or not, ends its
// whole grant, an access token itself. A token that is unknown or of another
// application is answered like a success and left alone (2.2).
func (p *Provider) revoke(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	values, ferr := form(r)
	if ferr != nil {
		return ferr
	}
	a, ferr := p.authenticate(r, t, values)
	if ferr != nil {
		return ferr
	}
	web.KeepOrigin(w, a.Settings.Origins)
	raw := values.Get("token")
	if raw == "" {
		return errNoTokenGiven
	}
	if err := p.end(r, t, a, raw); err != nil {
		return errNotRevoked.Because(err)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (p *Provider) end(r *http.Request, t tenantRef, a applicationRef, raw string) error {
	c, ok := p.readAccess(t, raw, p.db.Now())
	switch {
	case !ok:
		return p.endGrant(r, t, a, raw)
	case c.ClientID != a.ID.String():
		return nil
	}
	return p.db.Update(r.Context(), func(tx *db.Tx) error {
		return grant.RevokeAccess(tx, t, c.ID, time.Unix(c.Expiry, 0))
	})
}

// endGrant looks first and writes only if there is something to end: what is no
// token of ours costs no writing transaction.
func (p *Provider) endGrant(r *http.Request, t tenantRef, a applicationRef, raw string) error {
	var g grant.Grant
	var found bool
	err := p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		g, found, err = grant.OwnerOf(tx, t, raw, a)
		return err
	})
	if err != nil || !found {
		return err
	}
	return p.db.Update(r.Context(), func(tx *db.Tx) error {
		_, err := grant.End(tx, t, g.CustomerID, g.ID, "revoked")
		return err
	})
}
