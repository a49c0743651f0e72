package servertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
)

// House is the whole product in one process, at http://localhost:PORT.
type House struct {
	*server.Server
	TB     testing.TB
	URL    string // the issuer of the tenant "fern"
	Clock  *dbtest.Clock
	Apps   map[string]*Client // "web", "spa", "native", "service", "api", "partner" (third-party)
	APIURI string             // the audience of the API

	tenant tenant.ID
}

// Client is a registered application with its secret.
type Client struct {
	app.Application
	ClientID, Secret, Redirect string
}

// Options of a house.
type Options struct {
	Host     string                 // default "localhost"
	Settings func(*tenant.Settings) // of the tenant
	Twice    bool                   // every closure runs twice
	Fixed    bool                   // 424242 opens .test addresses, as in dev
	Hash     secret.Params          // zero: cheap
	Base     func(*server.Opening)
	Config   func(*server.Config)
}

// Each runs the test in a house on every engine, in parallel.
func Each(t *testing.T, test func(t *testing.T, h *House), options ...Options) {
	t.Helper()
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, engine, options...))
		})
	}
}

// Open sets a house up and lets it answer.
func Open(tb testing.TB, engine string, options ...Options) *House {
	tb.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	if o.Host == "" {
		o.Host = "localhost"
	}
	if o.Hash == (secret.Params{}) {
		o.Hash = secret.Cheap
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	h := &House{TB: tb, Clock: dbtest.NewClock(), URL: fmt.Sprintf("http://%s:%d", o.Host, port)}
	h.open(engine, port, o)
	h.seed(o)
	h.serve(listener)
	return h
}

func (h *House) open(engine string, port int, o Options) {
	dir := h.TB.TempDir()
	c := server.DevConfig(filepath.Join(dir, "data"), fmt.Sprintf("http://staff.localhost:%d", port), fmt.Sprintf("127.0.0.1:%d", port))
	how := server.Opening{Setup: true, Dev: true, Clock: h.Clock.Now, Hash: o.Hash, Log: Quiet, Tune: func(d *db.Options) { d.Twice = o.Twice }}
	url := dbtest.URL(h.TB, schema.Files, engine)
	if engine == "postgres" {
		c.Database = url
		c.KeyringText = secret.NewKeyringText(h.Clock.Now())
	} else {
		c.Data = filepath.Dir(strings.TrimPrefix(url, "sqlite:"))
	}
	if o.Base != nil {
		o.Base(&how)
	}
	if o.Config != nil {
		o.Config(&c)
	}
	base, err := server.Open(context.Background(), c, how)
	h.ok(err)
	h.TB.Cleanup(func() { h.ok(base.Close()) })
	codes := credential.Codes{}
	if o.Fixed {
		codes = server.DevCodes
	}
	h.Server, err = server.New(base, server.Options{Inbox: true, Dev: true, Alone: true, Codes: codes})
	h.ok(err)
}

func (h *House) seed(o Options) {
	h.Update(func(tx *db.Tx) (err error) {
		n := tenant.New{Slug: "fern", Name: "Fern & Field", Origin: h.URL}
		if o.Settings != nil {
			o.Settings(&n.Settings)
		}
		h.tenant, err = tenant.Create(tx, h.Ring, n)
		return err
	})
	h.ok(h.House.Load(context.Background()))
	h.APIURI = "https://api.fernfield.test"
	h.Apps = map[string]*Client{}
	h.register("api", app.New{Kind: app.API, FirstParty: true, Audience: h.APIURI, Settings: app.Settings{
		Scopes: []app.Scope{{Name: "orders:read"}, {Name: "orders:write"}}}})
	all := []string{"openid", "profile", "email", "phone", "address", "offline_access", "orders:read", "orders:write"}
	uses := []string{h.APIURI}
	h.register("web", app.New{Kind: app.Web, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://shop.example/cb"}, PostLogoutURIs: []string{"https://shop.example/bye"}, AllowedScopes: all, Resources: uses}})
	h.register("spa", app.New{Kind: app.SPA, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://spa.example/cb"}, Origins: []string{"https://spa.example"}, AllowedScopes: all, Resources: uses}})
	h.register("native", app.New{Kind: app.Native, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"http://127.0.0.1/cb"}, AllowedScopes: all, Resources: uses}})
	h.register("service", app.New{Kind: app.Service, FirstParty: true, Settings: app.Settings{AllowedScopes: []string{"orders:read"}, Resources: uses}})
	h.register("partner", app.New{Kind: app.Web, Settings: app.Settings{RedirectURIs: []string{"https://partner.example/cb"}, AllowedScopes: all, Resources: uses}})
}

func (h *House) register(name string, n app.New) {
	n.Name = "Fern " + name
	c := &Client{}
	h.Update(func(tx *db.Tx) (err error) {
		c.Application, c.Secret, err = app.Register(tx, h.Tenant(), n)
		return err
	})
	c.ClientID = c.Application.ClientID()
	if uris := n.Settings.RedirectURIs; len(uris) > 0 {
		c.Redirect = uris[0]
	}
	h.Apps[name] = c
}

// serve answers on the listener until the test ends. Background work runs
// only when the test calls Settle, so that a test sees what it caused.
func (h *House) serve(l net.Listener) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Listen(ctx, l) }()
	h.TB.Cleanup(func() {
		stop()
		h.ok(<-done)
	})
}

func (h *House) ok(err error) {
	h.TB.Helper()
	if err != nil {
		h.TB.Fatal(err)
	}
}

// Tenant is the tenant as it is now.
func (h *House) Tenant() *tenant.Tenant {
	h.TB.Helper()
	t, ok := h.House.ByID(h.tenant)
	if !ok {
		h.TB.Fatal("the tenant is gone")
	}
	return t
}

// Update runs a transaction.
func (h *House) Update(fn func(tx *db.Tx) error) {
	h.TB.Helper()
	h.ok(h.DB.Update(context.Background(), fn))
}

// View runs a reading transaction.
func (h *House) View(fn func(tx *db.Tx) error) {
	h.TB.Helper()
	h.ok(h.DB.View(context.Background(), fn))
}

// Configure changes the tenant's settings.
func (h *House) Configure(change func(*tenant.Settings)) {
	h.TB.Helper()
	s := h.Tenant().Settings
	change(&s)
	h.Update(func(tx *db.Tx) error { return tenant.SetSettings(tx, h.Tenant(), s) })
}

// Settle runs every job that is due.
func (h *House) Settle() {
	h.TB.Helper()
	h.ok(h.Loop.Drain(context.Background()))
}

// Advance turns the clock and runs what comes due.
func (h *House) Advance(d time.Duration) {
	h.TB.Helper()
	h.Clock.Advance(d)
	h.Settle()
}

// Inbox are the messages to an address, newest first; "" for all.
func (h *House) Inbox(to string) (list []notify.Kept) {
	h.TB.Helper()
	h.Settle()
	h.View(func(tx *db.Tx) (err error) {
		list, err = notify.Inbox(tx, h.Tenant(), to)
		return err
	})
	return list
}

// Code is the newest code that was sent to an address. Notices may have been
// sent since.
func (h *House) Code(to string) string {
	h.TB.Helper()
	list := h.Inbox(to)
	for _, m := range list {
		if m.Code != "" {
			return m.Code
		}
	}
	h.TB.Fatalf("no code was sent to %s (%d messages)", to, len(list))
	return ""
}

// SignUp registers (or signs in) an address through the pages and returns the
// page where the browser ends up.
func (h *House) SignUp(b *Browser, address string) *Page {
	h.TB.Helper()
	return h.Prove(b.Get(h.URL+"/signin"), address)
}

// Prove walks a sign-in journey from its first page by a code: it accepts what
// there is to accept and skips what may be skipped.
func (h *House) Prove(p *Page, address string) *Page {
	h.TB.Helper()
	if p.Has("identifier") {
		p = p.Submit("identifier", address)
	}
	if p.Has("code") {
		p = p.Submit("code", h.Code(address))
	}
	return h.Finish(p)
}

// Finish presses on through the pages that follow a proof.
func (h *House) Finish(p *Page) *Page {
	h.TB.Helper()
	for range 6 {
		switch {
		case p.Has("documents"):
			p = p.Submit("action", "continue")
		case p.Has("skip"):
			p = p.Submit("action", "skip")
		case p.Has("allow"):
			p = p.Submit("action", "allow")
		default:
			return p
		}
	}
	return p
}

// Tokens are the answer of the token endpoint.
type Tokens struct {
	Status       int    `json:"-"`
	Error        string `json:"error"`
	Description  string `json:"error_description"`
	AccessToken  string `json:"access_token"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	Scope        string `json:"scope"`
}

// Verifier is the PKCE verifier of every request that AuthorizeURL makes.
const Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

// Challenge is its S256 challenge (RFC 7636, appendix B).
const Challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

// AuthorizeURL is an authorization request; extra are pairs that add to it or,
// with "", take away.
func (h *House) AuthorizeURL(c *Client, extra ...string) string {
	q := url.Values{"client_id": {c.ClientID}, "redirect_uri": {c.Redirect}, "response_type": {"code"}, "scope": {"openid email profile"},
		"state": {"st-1"}, "nonce": {"no-1"}, "code_challenge": {Challenge}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(extra); i += 2 {
		q.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			q.Del(extra[i])
		}
	}
	return h.URL + "/oauth2/authorize?" + q.Encode()
}

// Authorize signs an address in to an application through the pages and
// returns the query of the answer.
func (h *House) Authorize(b *Browser, c *Client, address string, extra ...string) url.Values {
	h.TB.Helper()
	p := h.Prove(b.Get(h.AuthorizeURL(c, extra...)), address)
	return p.Location().Query()
}

// Redeem changes a code for tokens.
func (h *House) Redeem(c *Client, code string, extra ...string) Tokens {
	h.TB.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.Redirect}, "code_verifier": {Verifier}}
	for i := 0; i+1 < len(extra); i += 2 {
		form.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			form.Del(extra[i])
		}
	}
	return h.Token(c, form)
}

// Refresh changes a refresh token for tokens.
func (h *House) Refresh(c *Client, token string) Tokens {
	h.TB.Helper()
	return h.Token(c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// Token sends a form to the token endpoint as the application.
func (h *House) Token(c *Client, form url.Values) (out Tokens) {
	h.TB.Helper()
	status, body := h.Call(c, "/oauth2/token", form)
	h.ok(json.Unmarshal(body, &out))
	out.Status = status
	return out
}

// Call posts a form to an endpoint as the application: by its secret if it has
// one, else by its client_id.
func (h *House) Call(c *Client, path string, form url.Values) (int, []byte) {
	h.TB.Helper()
	if c.Secret == "" && !form.Has("client_id") {
		form.Set("client_id", c.ClientID)
	}
	r, err := http.NewRequest(http.MethodPost, h.URL+path, strings.NewReader(form.Encode()))
	h.ok(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.Secret != "" {
		r.SetBasicAuth(c.ClientID, c.Secret)
	}
	return h.Do(r)
}

// Bearer calls an endpoint with an access token.
func (h *House) Bearer(path, token string) (int, []byte) {
	h.TB.Helper()
	r, err := http.NewRequest(http.MethodGet, h.URL+path, nil)
	h.ok(err)
	r.Header.Set("Authorization", "Bearer "+token)
	return h.Do(r)
}

// Introspect asks about a token as the application.
func (h *House) Introspect(c *Client, token string) map[string]any {
	h.TB.Helper()
	status, body := h.Call(c, "/oauth2/introspect", url.Values{"token": {token}})
	var out map[string]any
	h.ok(json.Unmarshal(body, &out))
	out["status"] = status
	return out
}
