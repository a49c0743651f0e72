package oidc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/outbound"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

const (
	issuer    = "https://id.fernfield.example"
	apiURI    = "https://api.fernfield.example"
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	newcomer  = "newcomer@example.com"
)

// client is a registered application with its secret.
type client struct {
	*app.Application
	id, secret, redirect string
}

// desk is the protocol before a house of core's rooms: everything is real but
// the hosted pages, which a hand of the test walks through (see pages).
type desk struct {
	*coretest.House
	t     *testing.T
	mux   *web.Mux
	p     *oidc.Provider
	tally *journal.Tally
	loop  *journal.Loop
	apps  map[string]*client

	address string // who signs in at the hosted pages
	deny    bool   // the hand presses cancel
}

// each runs the test before a hard house on every engine: closures run twice,
// and every seventh commit fails to serialize.
func each(t *testing.T, test func(d *desk)) {
	t.Helper()
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) { test(newDesk(t, h)) })
}

// race is each for what races.
func race(t *testing.T, test func(d *desk)) {
	t.Helper()
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) { test(newDesk(t, h)) })
}

func newDesk(t *testing.T, h *coretest.House) *desk {
	d := &desk{House: h, t: t, tally: journal.NewTally(h.Clock.Now), apps: map[string]*client{}, address: newcomer}
	out := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	codes := credential.Codes{Fixed: func(string) (string, bool) { return "424242", true }}
	d.p = oidc.New(oidc.Deps{DB: h.D, Releases: release.NewCounter(), Outbound: out, Codes: codes, Tally: d.tally, Pages: oidc.Pages{
		Error: func(w http.ResponseWriter, r *http.Request, err *fault.Error) {
			w.WriteHeader(web.Status(err))
			fmt.Fprintf(w, "SHOWN %s", err.Code)
		},
		SignOut: func(w http.ResponseWriter, _ *http.Request, name, confirm string) error {
			_, err := fmt.Fprintf(w, "ASK %s|%s", name, confirm)
			return err
		},
		SignedOut: func(w http.ResponseWriter, _ *http.Request) error {
			_, err := io.WriteString(w, "SIGNED OUT")
			return err
		},
	}})
	d.mux = web.NewMux(web.Config{Host: d.host})
	d.p.Routes(d.mux)
	d.mux.Handle("GET /signin/{flow}", nil, d.pages, web.Public())
	d.loop = journal.NewLoop(h.D, "test", []journal.Work{d.p.LogoutWork(h.House)}, nil, journal.Options{Alone: true})
	d.seed()
	return d
}

func (d *desk) host(host string) (string, any, bool) {
	t, ok := d.House.House.ByHost(host)
	if !ok || !t.Enabled {
		return "", nil, false
	}
	return t.Origin, t, true
}

func (d *desk) seed() {
	all := []string{"openid", "profile", "email", "phone", "address", "offline_access", "orders:read", "orders:write"}
	uses := []string{apiURI}
	d.register("api", app.New{Kind: app.API, FirstParty: true, Audience: apiURI, Settings: app.Settings{Scopes: []app.Scope{{Name: "orders:read"}, {Name: "orders:write"}}}})
	d.register("stock", app.New{Kind: app.API, FirstParty: true, Audience: "https://stock.fernfield.example", Settings: app.Settings{Scopes: []app.Scope{{Name: "stock:read"}}}})
	d.register("web", app.New{Kind: app.Web, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://shop.example/cb", "https://shop.example/other", "https://shop.example/q?a=1"}, PostLogoutURIs: []string{"https://shop.example/bye"}, AllowedScopes: all, Resources: uses}})
	d.register("spa", app.New{Kind: app.SPA, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://spa.example/cb"}, Origins: []string{"https://spa.example"}, AllowedScopes: all, Resources: uses}})
	d.register("spa2", app.New{Kind: app.SPA, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://other.example/cb"}, Origins: []string{"https://other.example"}}})
	d.register("native", app.New{Kind: app.Native, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"http://127.0.0.1/cb", "http://[::1]/cb", "com.example.shop:/cb"}, AllowedScopes: all, Resources: uses}})
	d.register("service", app.New{Kind: app.Service, FirstParty: true, Settings: app.Settings{AllowedScopes: []string{"orders:read"}, Resources: uses}})
	d.register("partner", app.New{Kind: app.Web, Settings: app.Settings{RedirectURIs: []string{"https://partner.example/cb"}, AllowedScopes: all, Resources: uses}})
}

// register adds an application to the desk under a name.
func (d *desk) register(name string, n app.New) *client {
	d.t.Helper()
	n.Name = "Fern " + name
	c := &client{}
	d.Update(func(tx *db.Tx) error {
		a, secret, err := app.Register(tx, d.T(), n)
		c.Application, c.secret, c.id = &a, secret, a.ClientID()
		return err
	})
	if uris := n.Settings.RedirectURIs; len(uris) > 0 {
		c.redirect = uris[0]
	}
	d.apps[name] = c
	return c
}

// change alters a registered application.
func (d *desk) change(c *client, change func(*app.Application)) {
	d.t.Helper()
	d.Update(func(tx *db.Tx) error {
		a, err := app.Get(tx, d.T(), c.ID)
		if err != nil {
			return err
		}
		change(&a)
		_, err = app.Change(tx, d.T(), a)
		return err
	})
}

// pages stands for the hosted pages: it walks a journey as somebody would who
// reads their mail, accepts everything and presses the first button.
func (d *desk) pages(w http.ResponseWriter, r *http.Request) error {
	var id signin.ID
	if err := id.UnmarshalText([]byte(r.PathValue("flow"))); err != nil {
		return err
	}
	browser := secret.Digest([]byte(web.ReadCookie(r, oidc.BrowserCookie)))
	var cookie string
	err := d.D.Update(r.Context(), func(tx *db.Tx) error {
		f, err := signin.Load(tx, d.T(), id, browser)
		if err != nil {
			return err
		}
		cookie, err = d.walk(tx, r, &f)
		return err
	})
	if err != nil {
		return err
	}
	web.SetCookie(w, r, web.Cookie{Name: session.Cookie, Value: cookie})
	web.Redirect(w, r, oidc.PathResume+"?flow="+id.String())
	return nil
}

func (d *desk) walk(tx *db.Tx, r *http.Request, f *signin.Flow) (string, error) {
	held, err := session.FindSet(tx, d.T(), web.ReadCookie(r, session.Cookie))
	if err != nil {
		return "", err
	}
	policy := signin.PolicyOf(d.T())
	policy.Silent = true
	acts, all := d.p.Acts(), session.Distinct(held)
	if d.deny {
		f.Cancelled = true
	}
	for range 12 {
		step, err := account.Survey(tx, d.T(), f, policy, all)
		if err != nil {
			return "", err
		}
		switch step.Name {
		case signin.Choose:
			f.Picked(all[0].ID)
		case signin.Identify:
			err = account.Identify(tx, d.T(), f, customer.Email, d.address)
		case signin.Code:
			if err = acts.SendCode(tx, d.T(), f); err == nil {
				err = acts.ProveCode(tx, d.T(), f, "424242")
			}
		case signin.Register:
			_, err = acts.Register(tx, d.T(), f)
		case signin.Consent:
			err = account.Agree(tx, d.T(), f, account.Entrance{Held: all, Policy: policy})
		case signin.Refuse:
			return session.SetOf(held), account.Refuse(tx, d.T(), f, step.Reason)
		case signin.Done:
			opened, err := acts.SignIn(tx, d.T(), f, account.Entrance{Held: all, Policy: policy, Device: [16]byte{1}})
			if opened.Token == "" {
				return session.SetOf(held), err
			}
			return session.WriteSet(session.PutFirst(session.ReadSet(session.SetOf(held)), opened.Token)), err
		default:
			return "", fmt.Errorf("the hand knows no step %s", step.Name)
		}
		if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("the journey has no end")
}

// RoundTrip hands a request to the router as a server would.
func (d *desk) RoundTrip(r *http.Request) (*http.Response, error) {
	var body io.Reader
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), body)
	in.Host, in.Header = r.URL.Host, r.Header.Clone()
	w := httptest.NewRecorder()
	d.mux.ServeHTTP(w, in.WithContext(r.Context()))
	out := w.Result()
	out.Request = r
	return out, nil
}

// answer is what an endpoint for machines said.
type answer struct {
	status int
	header http.Header
	raw    string
	json   map[string]any
}

func (a *answer) text(name string) string { s, _ := a.json[name].(string); return s }

// send sends a request that is no browser's.
func (d *desk) send(r *http.Request) *answer {
	d.t.Helper()
	out, err := (&http.Client{Transport: d, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer out.Body.Close()
	raw, err := io.ReadAll(out.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	a := &answer{status: out.StatusCode, header: out.Header, raw: string(raw)}
	_ = json.Unmarshal(raw, &a.json) // some answers are no JSON
	return a
}

// form makes a POST of a form.
func (d *desk) form(path string, form url.Values, edit ...func(*http.Request)) *http.Request {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(r)
	}
	return r
}

// call posts a form as the application: by its secret if it has one, else by
// its client_id.
func (d *desk) call(c *client, path string, form url.Values) *answer {
	d.t.Helper()
	if c.secret == "" {
		form.Set("client_id", c.id)
	}
	return d.send(d.form(path, form, func(r *http.Request) {
		if c.secret != "" {
			r.SetBasicAuth(c.id, c.secret)
		}
	}))
}

// redemption is the token request for a code.
func redemption(c *client, code string, extra ...string) url.Values {
	return set(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {c.redirect}, "code_verifier": {verifier}}, extra...)
}

func (d *desk) redeem(c *client, code string, extra ...string) *answer {
	d.t.Helper()
	return d.call(c, oidc.PathToken, redemption(c, code, extra...))
}

func (d *desk) refresh(c *client, token string, extra ...string) *answer {
	d.t.Helper()
	return d.call(c, oidc.PathToken, set(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, extra...))
}

// tokens signs somebody in to the application and redeems the code.
func (d *desk) tokens(c *client, extra ...string) *answer {
	d.t.Helper()
	a := d.redeem(c, d.authorize(c, extra...))
	if a.status != http.StatusOK {
		d.t.Fatalf("no tokens: %d %s", a.status, a.raw)
	}
	return a
}

func (d *desk) introspect(c *client, token string) *answer {
	d.t.Helper()
	return d.call(c, oidc.PathIntrospect, url.Values{"token": {token}})
}

// active reports what the application itself is told about its token.
func (d *desk) active(c *client, token string) bool {
	d.t.Helper()
	a := d.introspect(c, token)
	if a.status != http.StatusOK {
		d.t.Fatalf("introspection: %d %s", a.status, a.raw)
	}
	return a.json["active"] == true
}

func (d *desk) userinfo(token string) *answer {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, issuer+oidc.PathUserInfo, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return d.send(r)
}

func (d *desk) get(path string) *answer {
	d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, issuer+path, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return d.send(r)
}

// claims reads a token of ours without a look at its signature.
func (d *desk) claims(token string) map[string]any {
	d.t.Helper()
	return d.part(token, 1)
}

func (d *desk) part(token string, i int) map[string]any {
	d.t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		d.t.Fatalf("%q is no JWS", token)
	}
	var out map[string]any
	if err := json.Unmarshal(unspoken(d.t, parts[i]), &out); err != nil {
		d.t.Fatal(err)
	}
	return out
}

// addressOf is a customer's first address.
func (d *desk) addressOf(who customer.ID) (address string) {
	d.View(func(tx *db.Tx) error {
		list, err := release.Identifiers(tx, d.T(), release.Ask{Customer: who, Recipient: release.Recipient{Kind: release.Self, ID: who}})
		if err == nil {
			address = list[0].Value
		}
		return err
	})
	return address
}

// draw gives the tenant keys of an algorithm.
func (d *desk) draw(alg string) {
	d.t.Helper()
	current, err := tenant.DrawKey(alg)
	if err != nil {
		d.t.Fatal(err)
	}
	next, err := tenant.DrawKey(alg)
	if err != nil {
		d.t.Fatal(err)
	}
	d.Update(func(tx *db.Tx) error { return tenant.AddKeys(tx, d.T(), current, next) })
}

func (d *desk) drain() {
	d.t.Helper()
	if err := d.loop.Drain(context.Background()); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) wait(span time.Duration) { d.Clock.Advance(span) }
