package oidc

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/permit"
)

// exchange is one token request on its way through the pipeline.
type exchange struct {
	r        *http.Request
	ctx      context.Context
	tenant   tenantRef
	app      applicationRef
	form     url.Values
	kind     *grantType
	asked    []string // scopes asked for; none: what there is
	resource string   // asked for; "": the issuer's own, or what the grant holds
	now      time.Time

	// what the grant's own part fills in
	granted []string
	grant   grant.Grant    // zero for an application's own token
	subject string         // the customer's pseudonym for this application
	api     applicationRef // whom the access token is for; nil: the issuer alone
	refresh string
	claims  map[string]any // personal claims of the ID token, through the gate
	answer  tokenAnswer
}

// tokenAnswer is a successful token response (RFC 6749, 5.1).
type tokenAnswer struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	Scope        string `json:"scope,omitempty"`
}

// grantType is what a grant adds to the pipeline: its own part, and nothing else.
type grantType struct {
	name   string
	public bool // open to applications that cannot keep a secret
	redeem func(*Provider, *exchange) *fault.Error
}

var grantTypes = []grantType{
	{"authorization_code", true, (*Provider).redeemCode},
	{"refresh_token", true, (*Provider).redeemRefresh},
	{"client_credentials", false, (*Provider).ownToken},
}

// pipeline is every step of a token request, in order.
var pipeline = []func(*Provider, *exchange) *fault.Error{
	(*Provider).parseToken,
	(*Provider).findClient,
	(*Provider).grantAllowed,
	(*Provider).scopesAndResource,
	(*Provider).redeem,
	(*Provider).mint,
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) error {
	x := &exchange{r: r, ctx: r.Context(), tenant: of(r), now: p.db.Now()}
	for _, step := range pipeline {
		err := step(p, x)
		if x.app != nil {
			web.KeepOrigin(w, x.app.Settings.Origins)
		}
		if err != nil {
			p.count(x.tenant, x.app, "token.refused", code(err))
			return err
		}
	}
	p.count(x.tenant, x.app, "token.granted", x.kind.name)
	w.Header().Set("Pragma", "no-cache") // RFC 6749, 5.1
	return web.JSON(w, http.StatusOK, x.answer)
}

func (p *Provider) parseToken(x *exchange) *fault.Error {
	values, err := form(x.r)
	if err != nil {
		return err
	}
	x.form = values
	name := x.form.Get("grant_type")
	i := slices.IndexFunc(grantTypes, func(g grantType) bool { return g.name == name })
	switch {
	case name == "":
		return refuse("invalid_request", "grant_type is missing.")
	case i < 0:
		return refuse("unsupported_grant_type", "grant_type must be authorization_code, refresh_token or client_credentials.")
	}
	x.kind = &grantTypes[i]
	web.Record(x.r).Add("grant_type", x.kind.name)
	return nil
}

func (p *Provider) findClient(x *exchange) (err *fault.Error) {
	x.app, err = p.authenticate(x.r, x.tenant, x.form)
	return err
}

func (p *Provider) grantAllowed(x *exchange) *fault.Error {
	if !allowsGrant(x.app, x.kind.name) || !x.kind.public && !confidential(x.app) {
		return refuse("unauthorized_client", "This application may not use this grant.")
	}
	return nil
}

func (p *Provider) scopesAndResource(x *exchange) *fault.Error {
	asked, ok := scopes(x.form.Get("scope"))
	if !ok {
		return refuse("invalid_scope", "scope is not a list of at most 100 scope names.")
	}
	x.asked = asked
	var err *fault.Error
	x.resource, err = target(x.tenant, x.form)
	return err
}

func (p *Provider) redeem(x *exchange) *fault.Error { return x.kind.redeem(p, x) }

// errGrant answers everything that is wrong with a code or a refresh token
// alike (RFC 6749, 5.2).
var errGrant = refuse("invalid_grant", "The code or refresh token cannot be used. Start again with a new sign-in.")

// settle turns what core says about a grant into the wire's words: only a
// fault of the house itself is told apart.
func settle(err error) *fault.Error {
	switch f := fault.Of(err); {
	case f == nil:
		return nil
	case f.Kind == fault.Internal || f.Kind == fault.Unavailable || f.Kind == fault.Limited:
		return f
	case f.Code == "invalid_scope" || f.Code == "invalid_target":
		return f
	default:
		return errGrant.Because(f)
	}
}

// redeemCode is the authorization code's own part (RFC 6749, 4.1.3; RFC 7636, 4.6).
func (p *Provider) redeemCode(x *exchange) *fault.Error {
	if x.form.Get("code") == "" {
		return refuse("invalid_request", "code is missing.")
	}
	if x.form.Get("code_verifier") == "" {
		return errGrant
	}
	return settle(p.db.Update(x.ctx, func(tx *db.Tx) (err error) {
		g, err := grant.RedeemCode(tx, x.tenant, grant.Redemption{
			Code: x.form.Get("code"), Application: x.app, RedirectURI: x.form.Get("redirect_uri"), Verifier: x.form.Get("code_verifier"),
		})
		if err != nil {
			return err
		}
		if err := p.takeGrant(tx, x, g); err != nil {
			return err
		}
		if x.refresh = ""; g.Offline {
			x.refresh, err = grant.NewRefresh(tx, x.tenant, g, x.app)
		}
		return err
	}))
}

// redeemRefresh is the refresh token's own part (RFC 6749, 6; RFC 9700, 4.14.2).
// What is asked for wrongly is refused before the rotation counts.
func (p *Provider) redeemRefresh(x *exchange) *fault.Error {
	presented := x.form.Get("refresh_token")
	if presented == "" {
		return refuse("invalid_request", "refresh_token is missing.")
	}
	return settle(p.db.Redeem(x.ctx, func(tx *db.Tx) error {
		g, successor, err := grant.Rotate(tx, x.tenant, presented, x.app)
		if err != nil {
			return err
		}
		x.refresh = successor
		return p.takeGrant(tx, x, g)
	}))
}

// takeGrant takes over what the answer is about. The gate has been asked by
// core/grant, in this transaction. The closure round it may run again, so every
// member is written from scratch.
func (p *Provider) takeGrant(tx *db.Tx, x *exchange, g grant.Grant) (err error) {
	x.now, x.grant = tx.Now, g
	if x.granted, err = narrowed(x, g); err != nil {
		return err
	}
	if x.api, err = p.standingAPI(tx, x, g.Resource); err != nil {
		return err
	}
	return p.idClaims(tx, x)
}

// standingAPI is the API of the grant, if it is still there and the application
// may still call it.
func (p *Provider) standingAPI(tx *db.Tx, x *exchange, resource string) (applicationRef, error) {
	if resource == "" {
		return nil, nil
	}
	api, ok, err := p.apps.ByAudience(tx, x.tenant, resource)
	if err == nil && (!ok || !api.Enabled || !allowsResource(x.app, resource)) {
		err = errTarget
	}
	return api, err
}

// narrowed are the scopes of this one answer: those of the grant that are still
// open to the application, or fewer if fewer are asked for (RFC 6749, 6); the
// resource stays the grant's (RFC 8707, 2.2).
func narrowed(x *exchange, g grant.Grant) ([]string, error) {
	if x.resource != "" && x.resource != g.Resource {
		return nil, refuse("invalid_target", "The grant is for another resource.")
	}
	held := g.Scopes()
	for _, s := range x.asked {
		if !slices.Contains(held, s) {
			return nil, refuse("invalid_scope", "More scopes are asked for than were granted.")
		}
	}
	if len(x.asked) > 0 {
		held = x.asked
	}
	held = allowed(x.app, held, held)
	if len(held) == 0 {
		return nil, errGrant
	}
	return held, nil
}

// ownToken is the client credentials grant's own part (RFC 6749, 4.4): the
// application asks for itself, and only for what an API offers. Nothing is
// stored; happenings are counted.
func (p *Provider) ownToken(x *exchange) (err *fault.Error) {
	offered, err := p.apiScopes(x.ctx, x.tenant, x.app, x.resource)
	if err != nil {
		return err
	}
	asked := x.asked
	if len(asked) == 0 {
		asked = x.app.Settings.AllowedScopes
	}
	x.granted = allowed(x.app, asked, offered)
	if len(x.granted) < len(x.asked) {
		return refuse("invalid_scope", "A scope is not open to this application, or not without naming its resource.")
	}
	if x.resource != "" {
		x.api, _ = p.apps.PeekAudience(x.tenant, x.resource)
	}
	return p.permitted(x)
}

// permitted asks the gate for an application that acts for itself: one question,
// whether tenant and application are switched on.
func (p *Provider) permitted(x *exchange) *fault.Error {
	err := p.db.Look(x.ctx, func(tx *db.Tx) error {
		_, err := permit.May(tx, x.tenant, permit.Ask{Purpose: permit.ForClient, Application: x.app, Scopes: x.granted})
		return err
	})
	if f := fault.Of(err); f != nil && f.Kind == fault.Denied {
		return errClient.Because(f)
	}
	return fault.Of(err)
}

func (p *Provider) mint(x *exchange) *fault.Error {
	access, err := p.accessToken(x)
	if err != nil {
		return fault.Of(err)
	}
	x.answer = tokenAnswer{AccessToken: access, TokenType: "Bearer", ExpiresIn: int64(accessLife / time.Second), RefreshToken: x.refresh, Scope: strings.Join(x.granted, " ")}
	if !x.grant.ID.IsZero() && slices.Contains(x.granted, "openid") {
		x.answer.IDToken, err = p.idToken(x, access)
	}
	return fault.Of(err)
}
