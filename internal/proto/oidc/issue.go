package oidc

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
)

// issue answers the request with a code, if the gate permits it now.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, q *request, token string) error {
	var code string
	err := p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		code, err = p.grant(tx, q, token)
		return err
	})
	if err != nil {
		if f, ok := gate(err); ok {
			return p.respondError(w, r, q, f)
		}
		return err
	}
	return p.respond(w, r, q, [][2]string{{"code", code}})
}

// grant makes the grant and its code in one transaction with the gate's answer.
func (p *Provider) grant(tx *db.Tx, q *request, token string) (string, error) {
	s, alive, err := session.Find(tx, q.tenant, token)
	if err != nil {
		return "", err
	}
	if !alive {
		return "", refuseLogin
	}
	proofs, err := session.Proofs(tx, s)
	if err != nil {
		return "", err
	}
	if !q.meets(session.Assure(proofs).ACR) {
		return "", errAssurance
	}
	pass, err := permit.May(tx, q.tenant, permit.Ask{
		Purpose: permit.ForToken, Customer: s.CustomerID, Application: q.app, Organization: s.OrganizationID, Session: &s, Scopes: q.Scopes,
	})
	if err != nil {
		return "", err
	}
	claims, err := q.claimsText()
	if err != nil {
		return "", err
	}
	g, err := grant.Issue(tx, q.tenant, pass, grant.New{
		Scopes: q.Scopes, Resource: q.Resource, Claims: claims, Nonce: q.Nonce,
		Offline: q.offline(),
	})
	if err != nil {
		return "", err
	}
	return grant.NewCode(tx, q.tenant, g, grant.CodeParams{RedirectURI: q.RedirectURI, Challenge: q.Challenge})
}

var refuseLogin = fault.New(fault.Denied, "login_required", "The customer has to sign in.")

// errAssurance is told when an essential acr is not met (OpenID Connect Core
// Error Code unmet_authentication_requirements 1.0).
var errAssurance = fault.New(fault.Denied, "unmet_authentication_requirements", "The sign-in is not as strong as the application requires.")

// gate turns a refusal of the gate into what an application may hear of it
// (OpenID Connect Core 1.0, 3.1.2.6): what to do, not what is the matter with
// the customer. ok is false for everything that is no such refusal.
func gate(err error) (f *fault.Error, ok bool) {
	switch f = fault.Of(err); {
	case wire[f.Code]:
		return f, true
	case errors.Is(f, permit.ErrConsent):
		return refuse("consent_required", "The customer has not agreed to this.").Because(f), true
	case f.Kind == fault.Unauthenticated:
		return refuseLogin.Because(f), true
	case f.Kind == fault.Denied:
		return errDenied.Because(f), true
	}
	return nil, false
}

// claimsText is what of the claims request is kept with the grant: which claims
// are asked for, where. Values that the application named stay out: they may be
// personal, and nothing reads them again.
func (q *request) claimsText() (string, error) {
	if len(q.Claims.IDToken)+len(q.Claims.UserInfo) == 0 {
		return "", nil
	}
	names := func(asked map[string]*claimAsk) map[string]*claimAsk {
		out := make(map[string]*claimAsk, len(asked))
		for name := range asked {
			out[name] = nil
		}
		return out
	}
	text, err := json.Marshal(claimsRequest{UserInfo: names(q.Claims.UserInfo), IDToken: names(q.Claims.IDToken)})
	return string(text), err
}
