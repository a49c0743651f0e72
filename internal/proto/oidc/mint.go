package oidc

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/session"
)

// How long tokens live. An access token is short enough that what cannot hear
// of a revocation forgets it soon; an ID token says that a sign-in happened and
// is read at once.
const (
	accessLife = 5 * time.Minute
	idLife     = 10 * time.Minute
)

// The typ of each token: a token is good for one purpose (law 7).
const (
	typAccess = "at+jwt" // RFC 9068, 2.1
	typID     = "JWT"    // OpenID Connect Core 1.0 sets none; libraries expect this or nothing
	typLogout = "logout+jwt"
)

// accessClaims are a JWT access token's (RFC 9068, 2.2). No personal claim
// ever stands here: who reads the token reads a pseudonym.
type accessClaims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience audience `json:"aud"`
	Expiry   int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	ID       string   `json:"jti"`
	ClientID string   `json:"client_id"`
	Scope    string   `json:"scope,omitempty"`
	AuthTime int64    `json:"auth_time,omitempty"`
	ACR      string   `json:"acr,omitempty"`
	AMR      []string `json:"amr,omitempty"`
	Grant    string   `json:"gnt,omitempty"` // sealed pointer to the grant, for this issuer alone
}

// accessToken signs by the algorithm of who reads it: the API, or the house.
func (p *Provider) accessToken(x *exchange) (string, error) {
	alg := ""
	if x.api != nil {
		alg = x.api.Settings.SigningAlg
	}
	key, err := x.tenant.Signer(alg)
	if err != nil {
		return "", err
	}
	c := accessClaims{
		Issuer: x.tenant.Issuer(), Audience: x.audience(), Expiry: x.now.Add(accessLife).Unix(), IssuedAt: x.now.Unix(),
		ID: secret.Token(), ClientID: x.app.ID.String(), Scope: strings.Join(x.granted, " "),
	}
	if x.grant.ID.IsZero() {
		c.Subject = c.ClientID // RFC 9068, 2.2: no resource owner, so the application itself
	} else {
		c.Subject, c.Grant = x.subject, grant.Handle(x.tenant, x.grant)
		c.AuthTime, c.ACR, c.AMR = x.grant.AuthenticatedAt.Unix(), x.acr(), x.grant.Methods()
	}
	claims, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return key.Sign(typAccess, claims)
}

// audience is the one API that the token is for, and the issuer besides when
// `openid` is given, so that userinfo takes it; no API: the issuer alone
// (RFC 8707, 2.2; RFC 9068, 3).
func (x *exchange) audience() audience {
	issuer := x.tenant.Issuer()
	switch {
	case x.api == nil:
		return audience{issuer}
	case slices.Contains(x.granted, "openid"):
		return audience{x.api.Audience, issuer}
	}
	return audience{x.api.Audience}
}

// audience is the claim aud: one name is written as a string, more as a list
// (RFC 7519, 4.1.3).
type audience []string

// MarshalJSON writes it.
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// UnmarshalJSON reads it back; nothing but these two forms is an audience (H044).
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil && string(b) != "null" {
		*a = audience{one}
		return nil
	}
	var many []*string
	if err := json.Unmarshal(b, &many); err != nil || len(many) == 0 || slices.Contains(many, nil) {
		return errAudience
	}
	*a = nil
	for _, name := range many {
		*a = append(*a, *name)
	}
	return nil
}

var errAudience = errors.New("oidc: aud is neither a string nor a list of strings")

func (p *Provider) idToken(x *exchange, access string) (string, error) {
	key, err := x.tenant.Signer(x.app.Settings.SigningAlg)
	if err != nil {
		return "", err
	}
	c := make(map[string]any, len(x.claims)+12)
	maps.Copy(c, x.claims)
	c["iss"], c["sub"], c["aud"] = x.tenant.Issuer(), x.subject, x.app.ID.String()
	c["exp"], c["iat"], c["auth_time"] = x.now.Add(idLife).Unix(), x.now.Unix(), x.grant.AuthenticatedAt.Unix()
	c["acr"], c["amr"] = x.acr(), x.grant.Methods()
	c["at_hash"] = halfHash(key.Alg, access)
	if !x.grant.SessionID.IsZero() {
		c["sid"] = sid(x.tenant, x.app, x.grant.SessionID)
	}
	if x.grant.Nonce != "" && x.kind.name == "authorization_code" {
		c["nonce"] = x.grant.Nonce
	}
	claims, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return key.Sign(typID, claims)
}

// halfHash is at_hash (OpenID Connect Core 1.0, 3.1.3.6): the left half of the
// token's digest under the algorithm's hash. EdDSA names none; for Ed25519 the
// field takes SHA-512, the hash of its signature scheme (RFC 8032, 5.1).
func halfHash(alg, token string) string {
	if alg == "EdDSA" {
		sum := sha512.Sum512([]byte(token))
		return base64.RawURLEncoding.EncodeToString(sum[:32])
	}
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// sid names a session to one application; two applications cannot compare
// theirs (OpenID Connect Back-Channel Logout 1.0, 2.1).
func sid(t tenantRef, a applicationRef, s session.ID) string {
	mac := t.MAC("sid", []byte(a.ID.String()), s[:])
	return base64.RawURLEncoding.EncodeToString(mac[:16])
}
