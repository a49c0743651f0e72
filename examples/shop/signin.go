package shop

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/cardea-id/cardea/examples/api"
)

// Config is what the issuer's operator gave the shop.
type Config struct {
	Issuer       string       // https://id.example.com
	ClientID     string       // from `cardea app create web`
	ClientSecret string       // shown once there
	BaseURL      string       // where this shop answers, without a slash at the end
	AccountURL   string       // the issuer's "My account" page
	Client       *http.Client // nil: http.DefaultClient

	// HookSecret is the secret (whsec_…) of the webhook at BaseURL/hooks/cardea;
	// "": the issuer tells the shop nothing.
	HookSecret string

	Tips     bool             // ask for the claim "garden" (cardea.yaml) and give tips for it
	Resource string           // the audience of the delivery API (examples/api); "": there is none
	API      string           // where it answers; "": in this process, at BaseURL/api
	Change   api.Need         // in this process: what it wants of who changes the address
	Now      func() time.Time // nil: time.Now
}

// client speaks OpenID Connect with the issuer. It reads the discovery
// document at first use, so that shop and issuer may start in any order.
type client struct {
	cfg      Config
	mu       sync.Mutex
	provider *oidc.Provider
	end      string // end_session_endpoint
}

func (c *client) http() *http.Client {
	if c.cfg.Client == nil {
		return http.DefaultClient
	}
	return c.cfg.Client
}

func (c *client) now() time.Time {
	if c.cfg.Now == nil {
		return time.Now()
	}
	return c.cfg.Now()
}

func (c *client) context(ctx context.Context) context.Context {
	if c.cfg.Client == nil {
		return ctx
	}
	return oidc.ClientContext(ctx, c.cfg.Client)
}

func (c *client) discover(ctx context.Context) (*oidc.Provider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider != nil {
		return c.provider, nil
	}
	// The provider keeps this context for fetching keys later: it must not end with the request.
	p, err := oidc.NewProvider(c.context(context.WithoutCancel(ctx)), c.cfg.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, err
	}
	c.provider, c.end = p, more.End
	return p, nil
}

func (c *client) oauth(p *oidc.Provider) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID, "email", "profile"}
	if c.cfg.API != "" {
		scopes = append(scopes, "orders:read", "orders:write")
	}
	if c.cfg.Tips {
		scopes = append(scopes, "garden")
	}
	return &oauth2.Config{
		ClientID: c.cfg.ClientID, ClientSecret: c.cfg.ClientSecret, Endpoint: p.Endpoint(),
		RedirectURL: c.cfg.BaseURL + "/callback", Scopes: scopes,
	}
}

// attempt is a sign-in under way, kept in the visitor's session.
type attempt struct{ state, nonce, verifier string }

// begin returns where to send the browser and what to remember meanwhile. What
// an API wants of the sign-in goes along as it said it.
func (c *client) begin(ctx context.Context, prompt string, want stepUp) (string, attempt, error) {
	p, err := c.discover(ctx)
	if err != nil {
		return "", attempt{}, err
	}
	a := attempt{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)}
	for name, value := range map[string]string{
		"prompt": prompt, "resource": c.cfg.Resource, "acr_values": want.acr, "max_age": want.maxAge,
	} {
		if value != "" {
			opts = append(opts, oauth2.SetAuthURLParam(name, value))
		}
	}
	return c.oauth(p).AuthCodeURL(a.state, opts...), a, nil
}

// person is who signed in.
type person struct {
	Sub, Sid, Email, Name, IDToken, Access string
	Verified                               bool
}

// finish turns the callback's parameters into a person. Anything that does
// not belong to this browser's attempt is refused.
func (c *client) finish(ctx context.Context, q url.Values, a attempt) (person, error) {
	if code := q.Get("error"); code != "" {
		return person{}, errors.New("the issuer answered: " + code)
	}
	if a.state == "" || q.Get("state") != a.state || q.Get("iss") != c.cfg.Issuer {
		return person{}, errors.New("this answer does not belong to your visit")
	}
	p, err := c.discover(ctx)
	if err != nil {
		return person{}, err
	}
	token, err := c.oauth(p).Exchange(c.context(ctx), q.Get("code"), oauth2.VerifierOption(a.verifier))
	if err != nil {
		return person{}, err
	}
	who, err := c.verify(ctx, p, token, a.nonce)
	if err != nil {
		return person{}, err
	}
	info, err := p.UserInfo(c.context(ctx), oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != who.Sub {
		return person{}, errors.Join(err, errors.New("userinfo did not match the ID token"))
	}
	who.Email, who.Verified = info.Email, info.EmailVerified
	return who, info.Claims(&struct{ Name *string }{&who.Name})
}

func (c *client) verify(ctx context.Context, p *oidc.Provider, token *oauth2.Token, nonce string) (person, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := p.VerifierContext(c.context(ctx), &oidc.Config{ClientID: c.cfg.ClientID, Now: c.now}).Verify(ctx, raw)
	if err != nil {
		return person{}, err
	}
	if id.Nonce != nonce {
		return person{}, errors.New("the ID token answers another sign-in")
	}
	who := person{Sub: id.Subject, IDToken: raw, Access: token.AccessToken}
	return who, id.Claims(&struct{ Sid *string }{&who.Sid})
}

// signOutURL is the issuer's RP-initiated logout page for this person.
func (c *client) signOutURL(who person, state string) string {
	q := url.Values{"id_token_hint": {who.IDToken}, "post_logout_redirect_uri": {c.cfg.BaseURL + "/signed-out"}, "state": {state}}
	return c.end + "?" + q.Encode()
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// ended reads a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6)
// and says which person or session it ends.
func (c *client) ended(ctx context.Context, raw string) (sub, sid string, err error) {
	p, err := c.discover(ctx)
	if err != nil {
		return "", "", err
	}
	token, err := p.VerifierContext(c.context(ctx), &oidc.Config{ClientID: c.cfg.ClientID, Now: c.now}).Verify(ctx, raw)
	if err != nil {
		return "", "", err
	}
	var claims struct {
		Sid    string
		Nonce  *string
		Events map[string]json.RawMessage
	}
	if err := token.Claims(&claims); err != nil {
		return "", "", err
	}
	if _, ok := claims.Events[logoutEvent]; !ok || claims.Nonce != nil || c.now().Sub(token.IssuedAt) > 10*time.Minute {
		return "", "", errors.New("not a logout token")
	}
	return token.Subject, claims.Sid, nil
}
