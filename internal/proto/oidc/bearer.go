package oidc

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/grant"
)

const maxBearer = 8 << 10

// errToken answers every access token that is no good alike (RFC 6750, 3.1).
var errToken = fault.New(fault.Unauthenticated, "invalid_token", "The access token is expired, revoked or not one of ours.")

// errNoToken answers a request without a token; the answer says no more than
// that one is needed (RFC 6750, 3.1).
var errNoToken = fault.New(fault.Unauthenticated, "", "An access token is needed.")

// errTwoTokens: RFC 6750, 2, wants one way of sending a token.
var errTwoTokens = refuse("invalid_request", "The access token was sent twice.")

// bearer reads the token of a request from the header, or from the form of a
// POST (RFC 6750, 2.1 and 2.2). A token in the query is never looked at (H062).
func bearer(r *http.Request) (string, *fault.Error) {
	header, posted := r.Header.Values("Authorization"), postedTokens(r)
	switch {
	case len(header)+len(posted) > 1:
		return "", errTwoTokens
	case len(posted) == 1:
		return posted[0], nil
	case len(header) == 0:
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(header[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}

// postedTokens are the tokens in a form body. A body that is no form has none.
func postedTokens(r *http.Request) []string {
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return nil
	}
	values, err := web.Form(r, 0)
	if err != nil {
		return nil
	}
	return values["access_token"]
}

// verified remembers which tokens' signatures were found good, so that a token
// used again costs a digest. It says nothing about whether the token is still
// alive: that is asked of the database each time.
type verified struct {
	cache *otter.Cache[[32]byte, *accessClaims]
}

const keptTokens = 1 << 15

func newVerified() *verified {
	return &verified{otter.Must(&otter.Options[[32]byte, *accessClaims]{MaximumSize: keptTokens})}
}

// readAccess checks form, signature, type, issuer and expiry of an access
// token of this tenant. Whether its grant lives is aliveGrant's to say.
func (p *Provider) readAccess(t tenantRef, raw string, now time.Time) (*accessClaims, bool) {
	if len(raw) > maxBearer {
		return nil, false
	}
	// The configuration's version stands in the name: when keys are renewed
	// because one was stolen, what it signed is not remembered as good.
	name := secret.HMAC(t.ID[:], binary.BigEndian.AppendUint64(nil, uint64(t.Version)), []byte(raw))
	c, ok := p.tokens.cache.GetIfPresent(name)
	if !ok {
		if c, ok = parseAccess(t, raw); !ok {
			return nil, false
		}
		p.tokens.cache.Set(name, c)
	}
	return c, now.Before(time.Unix(c.Expiry, 0))
}

func parseAccess(t tenantRef, raw string) (*accessClaims, bool) {
	payload, err := t.Verify(typAccess, raw)
	if err != nil {
		return nil, false
	}
	var c accessClaims
	err = json.Unmarshal(payload, &c)
	return &c, err == nil && c.Issuer == t.Issuer() && c.ID != "" && c.Expiry != 0
}

// meantFor reports whether the token's audience holds the name.
func (c *accessClaims) meantFor(name string) bool { return slices.Contains(c.Audience, name) }

// alive reports whether the token is still good: not revoked itself, and its
// grant not ended (with the session it hangs on). An application's own token
// has no grant.
func (p *Provider) alive(tx *db.Tx, t tenantRef, c *accessClaims) (grant.Living, bool, error) {
	if gone, err := grant.Revoked(tx, t, c.ID); err != nil || gone {
		return grant.Living{}, false, err
	}
	if c.Grant == "" {
		return grant.Living{}, true, nil
	}
	customer, id, ok := grant.ReadHandle(t, c.Grant)
	if !ok {
		return grant.Living{}, false, nil
	}
	return grant.Alive(tx, t, customer, id)
}
