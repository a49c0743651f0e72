package oidc

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
)

// held are the sessions of this browser that are alive.
func (p *Provider) held(r *http.Request) (list []session.Held, err error) {
	cookie := web.ReadCookie(r, session.Cookie)
	if cookie == "" {
		return nil, nil
	}
	err = p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		list, err = session.FindSet(tx, of(r), cookie)
		return err
	})
	return list, err
}

// tokenOf is the token by which the browser holds a session.
func tokenOf(held []session.Held, id session.ID) (string, bool) {
	i := slices.IndexFunc(held, func(h session.Held) bool { return h.ID == id })
	if i < 0 {
		return "", false
	}
	return held[i].Token, true
}

// issue answers the request with a code, if the gate permits it now.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, q *request, token string) error {
	var code string
	err := p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		code, err = p.grant(tx, q, token)
		return err
	})
	if err != nil {
		if f := fault.Of(err); f.Kind == fault.Denied || f.Kind == fault.Unauthenticated {
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
	assurance := session.Assure(proofs)
	if err := q.assured(assurance.ACR); err != nil {
		return "", err
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
		Offline: q.offline() && allowsGrant(q.app, "refresh_token"),
	})
	if err != nil {
		return "", err
	}
	return grant.NewCode(tx, q.tenant, g, grant.CodeParams{RedirectURI: q.RedirectURI, Challenge: q.Challenge})
}

var refuseLogin = fault.New(fault.Denied, "login_required", "The customer has to sign in.")

// errAssurance is told when an essential acr cannot be met (OpenID Connect
// Core Error Code unmet_authentication_requirements).
var errAssurance = fault.New(fault.Denied, "unmet_authentication_requirements", "The sign-in is not as strong as the application requires.")

// assured refuses an essential acr that the session does not meet. A level
// that is only wished for (acr_values) is answered by what it is.
func (q *request) assured(acr string) error {
	ask := q.Claims.IDToken["acr"]
	if ask == nil || !ask.Essential {
		return nil
	}
	wanted := ask.wanted()
	if len(wanted) == 0 || slices.ContainsFunc(wanted, func(level string) bool { return session.Meets(acr, level) }) {
		return nil
	}
	return errAssurance
}

func (q *request) claimsText() (string, error) {
	if len(q.Claims.IDToken)+len(q.Claims.UserInfo) == 0 {
		return "", nil
	}
	text, err := json.Marshal(q.Claims)
	return string(text), err
}

// BrowserCookie binds a flow to the browser that began it.
const BrowserCookie = "browser"

const browserLife = 365 * 24 * time.Hour

// browser is the digest of this browser's secret, which is made on the first visit.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) [32]byte {
	if d, ok := p.knownBrowser(r); ok {
		return d
	}
	token := secret.Token()
	web.SetCookie(w, r, web.Cookie{Name: BrowserCookie, Value: token, MaxAge: browserLife})
	return secret.Digest([]byte(token))
}

func (p *Provider) knownBrowser(r *http.Request) ([32]byte, bool) {
	token := web.ReadCookie(r, BrowserCookie)
	return secret.Digest([]byte(token)), len(token) == 43
}

// leave ends the sessions with all that hangs on them and keeps the browser's
// other ones.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, list []session.Held) error {
	var rest []session.Held
	err := p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		for _, h := range list {
			if err := p.acts.SignOut(tx, of(r), h.Session); err != nil {
				return err
			}
		}
		rest, err = session.FindSet(tx, of(r), web.ReadCookie(r, session.Cookie))
		return err
	})
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		web.DropCookie(w, r, session.Cookie)
		web.SignedOut(w)
		return nil
	}
	web.SetCookie(w, r, web.Cookie{Name: session.Cookie, Value: session.SetOf(rest), MaxAge: session.KeepFor(rest, p.db.Now())})
	return nil
}

func locales(text string) []string { return strings.Fields(text) }
