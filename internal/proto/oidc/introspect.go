package oidc

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// introspection is the answer of RFC 7662, 2.2. Of a token that is not alive,
// or not this caller's to know about, it says `active: false` and nothing else.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expiry    int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  audience `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	ID        string   `json:"jti,omitempty"`
	ACR       string   `json:"acr,omitempty"`
	AMR       []string `json:"amr,omitempty"`
	AuthTime  int64    `json:"auth_time,omitempty"`
}

// introspect tells an API about a token that is for it, or an application
// about a token that it was given (RFC 7662, 2.1 and 4). Only who can keep a
// secret may ask.
func (p *Provider) introspect(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	values, ferr := form(r)
	if ferr != nil {
		return ferr
	}
	a, ferr := p.authenticate(r, t, values)
	if ferr != nil {
		return ferr
	}
	if !confidential(a) {
		return errClient
	}
	raw := values.Get("token")
	if raw == "" {
		return errNoTokenGiven
	}
	answer, err := p.lookUp(r, t, a, raw)
	if err != nil {
		return err
	}
	p.count(t, a, "token.introspected", map[bool]string{true: "active", false: "inactive"}[answer.Active])
	return web.JSON(w, http.StatusOK, answer)
}

var errNoTokenGiven = refuse("invalid_request", "token is missing.")

func (p *Provider) lookUp(r *http.Request, t tenantRef, a applicationRef, raw string) (introspection, error) {
	if strings.Count(raw, ".") == 2 {
		return p.lookUpAccess(r, t, a, raw)
	}
	return p.lookUpRefresh(r, t, a, raw)
}

func (p *Provider) lookUpAccess(r *http.Request, t tenantRef, a applicationRef, raw string) (answer introspection, err error) {
	c, ok := p.readAccess(t, raw, p.db.Now())
	mine := ok && (c.ClientID == a.ID.String() || a.Audience != "" && c.meantFor(a.Audience))
	if !mine {
		return introspection{}, nil
	}
	if issued, ok, err := p.application(r.Context(), t, c.ClientID); err != nil || !ok || !issued.Enabled {
		return introspection{}, err
	}
	ask := p.db.Look // of an application's own token only the revocation is asked for
	if c.Grant != "" {
		ask = func(ctx context.Context, fn func(*db.Tx) error) error {
			return p.db.Glance(ctx, func(time.Time) []db.Question { return lifeAsked(t, c) }, fn)
		}
	}
	err = ask(r.Context(), func(tx *db.Tx) error {
		_, alive, err := p.alive(tx, t, c)
		if answer = (introspection{}); alive {
			answer = c.told()
		}
		return err
	})
	return answer, err
}

// lifeAsked is what is asked to find out whether a customer's token is good.
func lifeAsked(t tenantRef, c *accessClaims) []db.Question {
	cus, id, ok := grant.ReadHandle(t, c.Grant)
	if !ok {
		return nil
	}
	return grant.Asking(t, c.ID, cus, id)
}

func (c *accessClaims) told() introspection {
	return introspection{
		Active: true, Scope: c.Scope, ClientID: c.ClientID, TokenType: "Bearer", Expiry: c.Expiry, IssuedAt: c.IssuedAt,
		Subject: c.Subject, Audience: c.Audience, Issuer: c.Issuer, ID: c.ID, ACR: c.ACR, AMR: c.AMR, AuthTime: c.AuthTime,
	}
}

// lookUpRefresh tells an application about a refresh token of its own. It has
// no token_type: that names how an access token is sent (RFC 7662, 2.2).
func (p *Provider) lookUpRefresh(r *http.Request, t tenantRef, a applicationRef, raw string) (answer introspection, err error) {
	err = p.db.View(r.Context(), func(tx *db.Tx) error {
		g, alive, err := grant.FindRefresh(tx, t, raw, a)
		if answer = (introspection{}); err != nil || !alive {
			return err
		}
		sub, _, err := customer.FindSubject(tx, t, a, g.CustomerID)
		answer = introspection{Active: true, Scope: g.Scope, ClientID: a.ID.String(), Issuer: t.Issuer(), Subject: sub}
		return err
	})
	return answer, err
}
