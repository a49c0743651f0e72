package oidc

import (
	"context"
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/outbound"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type (
	tenantRef      = *tenant.Tenant
	applicationRef = *app.Application
)

// Deps are what the server hands in.
type Deps struct {
	DB       *db.DB
	Releases *release.Counter // counts repeats of routine releases
	Outbound *outbound.Client // fetches jwks_uri, delivers logout tokens
	Codes    credential.Codes // of the acts that the faces share with the protocol
	Tally    *journal.Tally   // counts token answers and introspections per minute; nil: nobody counts
	Pages    Pages
}

// Pages are what people see of the protocol; the server takes them from the faces.
type Pages struct {
	Error     web.Teller                                                                      // errors that may not be redirected
	SignOut   func(w http.ResponseWriter, r *http.Request, application, confirm string) error // asks; its form posts `confirm` and `action` to PathEndSession
	SignedOut func(w http.ResponseWriter, r *http.Request) error                              // says that it is done
	// Exit gives the words (Lang, Dir, Title, Button) of the page that takes a
	// browser back to the named application; nil: English ones.
	Exit func(r *http.Request, application string) web.Exit
}

// Provider answers the protocol's endpoints for every tenant.
type Provider struct {
	db     *db.DB
	apps   app.Book
	counts *release.Counter
	remote *remoteKeys
	out    *outbound.Client
	acts   account.Acts
	tally  *journal.Tally
	pages  Pages
	tokens *verified
}

// New returns a provider.
func New(d Deps) *Provider {
	p := &Provider{
		db: d.DB, counts: d.Releases, out: d.Outbound, tally: d.Tally, pages: d.Pages,
		remote: newRemoteKeys(d.Outbound), tokens: newVerified(),
	}
	p.acts = account.Acts{Codes: d.Codes, Logout: p.Ended}
	return p
}

// Acts are core's acts with the protocol's ear in them: a session that they
// end is told to the applications.
func (p *Provider) Acts() account.Acts { return p.acts }

// The paths of the endpoints, below the issuer.
const (
	PathAuthorize  = "/oauth2/authorize"
	PathResume     = "/oauth2/resume"
	PathToken      = "/oauth2/token"
	PathUserInfo   = "/oauth2/userinfo"
	PathIntrospect = "/oauth2/introspect"
	PathRevoke     = "/oauth2/revoke"
	PathEndSession = "/oauth2/end-session"
	PathJWKS       = "/oauth2/jwks"
	PathDiscovery  = "/.well-known/openid-configuration"
	PathMetadata   = "/.well-known/oauth-authorization-server"
)

// Routes hangs the endpoints on the router.
func (p *Provider) Routes(m *web.Mux) {
	m.Handle("GET "+PathDiscovery, p.tellJSON, p.discovery, web.Public(), web.CORSEveryone())
	m.Handle("GET "+PathMetadata, p.tellJSON, p.discovery, web.Public(), web.CORSEveryone())
	m.Handle("GET "+PathJWKS, p.tellJSON, p.jwks, web.Public(), web.CORSEveryone())
	m.Handle("GET "+PathAuthorize, p.pages.Error, acting(p.authorize), web.Public())
	m.Handle("POST "+PathAuthorize, p.pages.Error, p.authorize, web.Public(), web.NoCSRF("OpenID Connect Core 1.0, 3.1.2.1 allows the request as a cross-site POST"))
	m.Handle("GET "+PathResume, p.pages.Error, acting(p.resume), web.Public())
	m.Handle("POST "+PathToken, p.tellJSON, p.token, web.Public(), web.CORS(p.knownOrigin))
	m.Handle("GET "+PathUserInfo, p.tellBearer, p.userinfo, web.Public(), web.CORS(p.knownOrigin))
	m.Handle("POST "+PathUserInfo, p.tellBearer, p.userinfo, web.Public(), web.CORS(p.knownOrigin))
	m.Handle("POST "+PathIntrospect, p.tellJSON, p.introspect, web.Public(), web.NoCSRF("authenticated by the application's own credentials"))
	m.Handle("POST "+PathRevoke, p.tellJSON, p.revoke, web.Public(), web.CORS(p.knownOrigin))
	m.Handle("GET "+PathEndSession, p.pages.Error, acting(p.endSession), web.Public())
	m.Handle("POST "+PathEndSession, p.pages.Error, p.endSession, web.Public(), web.NoCSRF("RP-Initiated Logout 1.0, 2 allows the request as a cross-site POST"))
}

// acting refuses HEAD on a GET that acts: a link checker must not use up a
// journey, open one, or sign anybody out.
func acting(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodHead {
			w.Header().Set("Allow", "GET, POST")
			return web.ErrMethod
		}
		return h(w, r)
	}
}

// of is the tenant that the request's host names.
func of(r *http.Request) *tenant.Tenant { return web.Tenant(r).(*tenant.Tenant) }

// application finds a registered client: in the node's memory, else in the database.
func (p *Provider) application(ctx context.Context, t tenantRef, clientID string) (a applicationRef, ok bool, err error) {
	if a, ok = p.apps.Peek(t, clientID); ok {
		return a, true, nil
	}
	err = p.db.View(ctx, func(tx *db.Tx) (err error) {
		a, ok, err = p.apps.Find(tx, t, clientID)
		return err
	})
	return a, ok, err
}

// api finds the API that answers for a resource indicator.
func (p *Provider) api(ctx context.Context, t tenantRef, audience string) (a applicationRef, ok bool, err error) {
	if a, ok = p.apps.PeekAudience(t, audience); ok {
		return a, true, nil
	}
	err = p.db.View(ctx, func(tx *db.Tx) (err error) {
		a, ok, err = p.apps.ByAudience(tx, t, audience)
		return err
	})
	return a, ok, err
}

// fields is the tenant's catalogue.
func (p *Provider) fields(ctx context.Context, t tenantRef) (c *catalog.Catalog, err error) {
	err = p.db.View(ctx, func(tx *db.Tx) (err error) {
		c, err = catalog.For(tx, t)
		return err
	})
	return c, err
}

// knownOrigin lets a browser application's own origin read an answer; which
// application it is decides the handler once it knows it (KeepOrigin).
func (p *Provider) knownOrigin(r *http.Request, origin string) (known bool) {
	err := p.db.View(r.Context(), func(tx *db.Tx) (err error) {
		known, err = p.apps.AllowsOrigin(tx, of(r), origin)
		return err
	})
	return err == nil && known
}

// count adds one to what happens too often to be journaled one by one
// (client credentials, introspections). Reasons are words of the house.
func (p *Provider) count(t tenantRef, a applicationRef, name, reason string) {
	if p.tally == nil {
		return
	}
	h := journal.Happening{Tenant: t.ID, Name: name, Reason: reason}
	if a != nil {
		h.Application = a.ID
	}
	p.tally.Count(h)
}
