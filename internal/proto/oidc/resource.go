package oidc

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// APIPath is where the house's own API lies, below the issuer. A token for it
// has issuer + APIPath as its audience.
const APIPath = "/v1"

// Caller tells which application calls the house's own API: by an access token
// of its own (RFC 6749, 4.4) for this API, with the scope, that was not revoked,
// in the Authorization header alone. A token that a customer granted is none.
// Faults: invalid_token, insufficient_scope (RFC 6750, 3.1), or without a code
// when there is no token.
func (p *Provider) Caller(r *http.Request, scope string) (*app.Application, error) {
	t := of(r)
	raw, ferr := headerToken(r)
	if ferr != nil {
		return nil, ferr
	}
	c, ok := p.readAccess(t, raw, p.db.Now())
	if !ok || c.Grant != "" || !c.meantFor(t.Issuer()+APIPath) {
		return nil, errToken
	}
	a, ok, err := p.application(r.Context(), t, c.ClientID)
	if err != nil {
		return nil, err
	}
	if !ok || !a.Enabled {
		return nil, errToken
	}
	gone := false
	err = p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		gone, err = grant.Revoked(tx, t, c.ID)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case gone:
		return nil, errToken
	case !slices.Contains(strings.Fields(c.Scope), scope):
		return nil, errAPIScope
	}
	return a, nil
}

var errAPIScope = fault.New(fault.Denied, "insufficient_scope", "The access token lacks the scope that this needs.")

// headerToken reads the token from the header (RFC 6750, 2.1).
func headerToken(r *http.Request) (string, *fault.Error) {
	header := r.Header.Values("Authorization")
	if len(header) > 1 {
		return "", errTwoTokens
	}
	if len(header) == 0 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}
