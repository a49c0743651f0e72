package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// Client assertions (RFC 7523, section 3; RFC 7521): a JWT signed with the
// application's own key, for this issuer alone, used once.
const (
	maxAssertion     = 8 << 10
	maxAssertionLife = 5 * time.Minute // an exp further away is refused, so that the memory of ids stays small (H034)
	clockSkew        = 30 * time.Second
)

var assertionAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.PS256, jose.EdDSA}

type assertionClaims struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	Audience json.RawMessage `json:"aud"`
	Expiry   *int64          `json:"exp"`
	NotYet   *int64          `json:"nbf"`
	IssuedAt *int64          `json:"iat"`
	ID       string          `json:"jti"`
}

// unverifiedIssuer reads who an assertion claims to be from, to find the keys
// to check it with. Nothing is believed because of it.
func unverifiedIssuer(raw string) string {
	jws, err := parseAssertion(raw)
	if err != nil {
		return ""
	}
	var c assertionClaims
	_ = json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &c) // an unreadable one names nobody
	return c.Issuer
}

func parseAssertion(raw string) (*jose.JSONWebSignature, error) {
	if len(raw) > maxAssertion || strings.Count(raw, ".") != 2 {
		return nil, errClient
	}
	return jose.ParseSignedCompact(raw, assertionAlgs)
}

func (p *Provider) checkAssertion(ctx context.Context, t tenantRef, a applicationRef, raw string) *fault.Error {
	payload, err := p.verifyAssertion(ctx, a, raw)
	if err != nil {
		return errClient.Because(err)
	}
	var c assertionClaims
	if err := errors.Join(web.CheckJSON(payload), json.Unmarshal(payload, &c)); err != nil {
		return errClient.Because(err)
	}
	if !c.holds(t.Issuer(), a.ID.String(), p.db.Now()) {
		return errClient
	}
	return p.useOnce(ctx, t, "client_assertion", a.ID.String()+" "+c.ID, time.Unix(*c.Expiry, 0))
}

// holds checks every claim; the audience is exactly the issuer as a string,
// never an endpoint and never a list (H032; draft-ietf-oauth-rfc7523bis).
func (c *assertionClaims) holds(issuer, clientID string, now time.Time) bool {
	var audience string
	if json.Unmarshal(c.Audience, &audience) != nil || audience != issuer {
		return false
	}
	if c.Issuer != clientID || c.Subject != clientID || c.ID == "" || len(c.ID) > 256 || c.Expiry == nil {
		return false
	}
	expiry := time.Unix(*c.Expiry, 0)
	if !now.Before(expiry.Add(clockSkew)) || expiry.After(now.Add(maxAssertionLife+clockSkew)) {
		return false
	}
	if c.IssuedAt != nil && expiry.After(time.Unix(*c.IssuedAt, 0).Add(maxAssertionLife)) {
		return false
	}
	early := func(at *int64) bool { return at != nil && time.Unix(*at, 0).After(now.Add(clockSkew)) }
	return !early(c.NotYet) && !early(c.IssuedAt)
}

// verifyAssertion tries the application's registered keys. Keys that the
// token itself brings (jwk, jku, x5u, x5c) are never looked at (law 7; H035).
func (p *Provider) verifyAssertion(ctx context.Context, a applicationRef, raw string) ([]byte, error) {
	jws, err := parseAssertion(raw)
	if err != nil {
		return nil, err
	}
	header := jws.Signatures[0].Protected
	if _, critical := header.ExtraHeaders["crit"]; critical {
		return nil, errClient
	}
	keys, err := p.clientKeys(ctx, a, header.KeyID)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if !usable(k, header) {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errClient
}

func usable(k jose.JSONWebKey, h jose.Header) bool {
	return k.IsPublic() && k.Valid() && (k.Use == "" || k.Use == "sig") &&
		(k.Algorithm == "" || k.Algorithm == h.Algorithm) && (h.KeyID == "" || k.KeyID == "" || k.KeyID == h.KeyID)
}

// clientKeys are the keys that the application registered, by value or by a
// jwks_uri that is fetched through the guarded client and kept for a while.
func (p *Provider) clientKeys(ctx context.Context, a applicationRef, kid string) ([]jose.JSONWebKey, error) {
	if len(a.Settings.JWKS) > 0 {
		set, err := a.Settings.Keys()
		return set.Keys, err
	}
	set, err := p.remote.keys(ctx, a.Settings.JWKSURI, p.db.Now())
	if err != nil || slices.ContainsFunc(set, func(k jose.JSONWebKey) bool { return kid == "" || k.KeyID == kid }) {
		return set, err
	}
	return p.remote.refresh(ctx, a.Settings.JWKSURI, p.db.Now())
}

// useOnce spends a name; a second use is refused (law 1).
func (p *Provider) useOnce(ctx context.Context, t tenantRef, purpose, name string, until time.Time) *fault.Error {
	var first bool
	err := p.db.Update(ctx, func(tx *db.Tx) (err error) {
		first, err = grant.Once(tx, t, purpose, name, until.Add(2*clockSkew))
		return err
	})
	if err != nil {
		return fault.Of(err)
	}
	if !first {
		return errClient
	}
	return nil
}
