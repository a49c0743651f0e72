package oidc

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/app"
)

// errClient answers every failed client authentication alike (RFC 6749, 5.2).
var errClient = fault.New(fault.Unauthenticated, "invalid_client", "Client authentication failed.")

// credentials are what a request brought to prove which application it is
// from. Exactly one way may be used (RFC 6749, 2.3).
type credentials struct {
	method    string // as registered: client_secret_basic, client_secret_post, private_key_jwt, none
	id        string
	secret    string
	assertion string
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// presented reads the credentials of a request, without judging them.
func presented(r *http.Request, form url.Values) (credentials, *fault.Error) {
	var found []credentials
	if r.Header.Get("Authorization") != "" {
		c, ok := basic(r)
		if !ok {
			return credentials{}, errClient
		}
		found = append(found, c)
	}
	if form.Get("client_secret") != "" {
		found = append(found, credentials{method: app.MethodPost, id: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		if form.Get("client_assertion_type") != assertionType {
			return credentials{}, errClient
		}
		found = append(found, credentials{method: app.MethodJWT, id: form.Get("client_id"), assertion: form.Get("client_assertion")})
	}
	switch len(found) {
	case 0:
		return credentials{method: app.MethodNone, id: form.Get("client_id")}, nil
	case 1:
		return found[0], sameClient(found[0], form)
	}
	return credentials{}, refuse("invalid_request", "Use one way of client authentication.")
}

// sameClient refuses a body that names another application than the header.
func sameClient(c credentials, form url.Values) *fault.Error {
	if id := form.Get("client_id"); id != "" && id != c.id {
		return errClient
	}
	return nil
}

// basic reads HTTP Basic with its form-encoded halves (RFC 6749, 2.3.1).
func basic(r *http.Request) (credentials, bool) {
	if len(r.Header.Values("Authorization")) != 1 {
		return credentials{}, false
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		return credentials{}, false
	}
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	return credentials{method: app.MethodBasic, id: id, secret: secret}, err1 == nil && err2 == nil
}

// authenticate finds the application and proves that the request is from it,
// by the method it is registered with and no other (H037).
func (p *Provider) authenticate(r *http.Request, t tenantRef, form url.Values) (applicationRef, *fault.Error) {
	c, err := presented(r, form)
	if err != nil {
		return nil, err
	}
	if c.method == app.MethodJWT && c.id == "" {
		c.id = unverifiedIssuer(c.assertion)
	}
	a, ok, lost := p.application(r.Context(), t, c.id)
	if lost != nil {
		return nil, fault.Of(lost)
	}
	if !ok || !a.Enabled {
		return nil, errClient
	}
	web.Record(r).Add("application", a.ID.String())
	if method := a.Settings.AuthMethod; method != c.method && !(looseSecret(method) && looseSecret(c.method)) {
		return nil, errClient
	}
	switch c.method {
	case app.MethodNone:
		return a, nil
	case app.MethodJWT:
		return a, p.checkAssertion(r.Context(), t, a, c.assertion)
	}
	if !a.CheckSecret(c.secret, p.db.Now()) {
		return nil, errClient
	}
	return a, nil
}

// looseSecret says that a secret proves the same in the header and in the
// body: libraries differ in which they try, and neither is the stronger.
func looseSecret(method string) bool {
	return method == app.MethodBasic || method == app.MethodPost
}

// confidential says that the application keeps a secret or a key of its own.
func confidential(a applicationRef) bool { return !a.Public() }

func allowsGrant(a applicationRef, name string) bool {
	return slices.Contains(a.Settings.Grants, name)
}

func allowsScope(a applicationRef, name string) bool {
	return slices.Contains(a.Settings.AllowedScopes, name)
}

func allowsResource(a applicationRef, audience string) bool {
	return slices.Contains(a.Settings.Resources, audience)
}
