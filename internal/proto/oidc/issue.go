package oidc

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// issue answers the request with a code, if the gate permits it now.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, q *request, token string) error {
	var code string
	var used session.Session
	err := p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		code, used, err = p.grant(tx, q, token)
		return err
	})
	if err != nil {
		f, ok := gate(err)
		if !ok {
			return err
		}
		if f.Code == errAssurance.Code && q.asks("none") {
			f = refusal(signin.InteractionNeeded) // a page could have asked for more
		}
		return p.respondError(w, r, q, f)
	}
	err = p.respond(w, r, q, [][2]string{{"code", code}})
	p.touch(r, used)
	return err
}

// touch notes after the answer that the session was used: one that answers an
// application does not rest.
func (p *Provider) touch(r *http.Request, s session.Session) {
	ctx, t := r.Context(), of(r)
	if err := errors.Join(session.Touch(ctx, p.db, t, s), customer.Touch(ctx, p.db, t, s.CustomerID, p.db.Now())); err != nil {
		web.Record(r).Add("touch", err)
	}
}

// grant makes the grant and its code in one transaction with the gate's answer.
func (p *Provider) grant(tx *db.Tx, q *request, token string) (code string, s session.Session, err error) {
	s, alive, err := session.Find(tx, q.tenant, token)
	if err != nil {
		return "", s, err
	}
	if !alive {
		return "", s, refuseLogin
	}
	if q.from.Signal { // Global Privacy Control counts where no page is shown, too
		ch := consent.Choice{Customer: s.CustomerID, Network: q.from.Network, Agent: q.from.Agent}
		if _, err := consent.Heed(tx, q.tenant, ch); err != nil {
			return "", s, err
		}
	}
	pass, err := permit.May(tx, q.tenant, permit.Ask{
		Purpose: permit.ForToken, Customer: s.CustomerID, Application: q.app, Organization: s.OrganizationID, Session: &s, Scopes: q.Scopes,
		Aged: q.Aged, MaxAge: q.patience(tx.Now), ACR: q.must(),
	})
	if err != nil {
		return "", s, err
	}
	claims, err := q.claimsText()
	if err != nil {
		return "", s, err
	}
	g, err := grant.Issue(tx, q.tenant, pass, grant.New{
		Scopes: q.Scopes, Resource: q.Resource, Claims: claims, Nonce: q.Nonce,
		Offline: q.offline(),
	})
	if err != nil {
		return "", s, err
	}
	code, err = grant.NewCode(tx, q.tenant, g, grant.CodeParams{RedirectURI: q.RedirectURI, Challenge: q.Challenge})
	return code, s, err
}

// patience is how old the latest proof may be by now: max_age counts from when
// the request came, and the customer may have taken a while at the pages.
func (q *request) patience(now time.Time) time.Duration {
	if q.since.IsZero() {
		return q.MaxAge + time.Second // max_age counts whole seconds
	}
	return q.MaxAge + now.Sub(q.since) + time.Second
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
	case errors.Is(f, permit.ErrAssurance):
		return errAssurance.Because(f), true
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
// are asked for, where. Values that the application named stay out but for those
// of acr: they may be personal, and nothing reads them again.
func (q *request) claimsText() (string, error) {
	if len(q.Claims.IDToken)+len(q.Claims.UserInfo)+len(q.ACRValues) == 0 {
		return "", nil
	}
	names := func(asked map[string]*claimAsk) map[string]*claimAsk {
		out := make(map[string]*claimAsk, len(asked))
		for name := range asked {
			out[name] = nil
		}
		return out
	}
	kept := claimsRequest{UserInfo: names(q.Claims.UserInfo), IDToken: names(q.Claims.IDToken)}
	if acr := q.keptLevels(); acr != nil {
		kept.IDToken["acr"] = acr
	}
	text, err := json.Marshal(kept)
	return string(text), err
}
