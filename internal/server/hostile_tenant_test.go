package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// moss is a second tenant of the same process, with a customer of its own.
type moss struct {
	*tenant.Tenant
	host    string
	cookies map[string]string
	mallet  customer.ID
}

func newMoss(t *testing.T, h *servertest.House) *moss {
	t.Helper()
	u, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	m := &moss{host: "moss.localhost:" + u.Port()}
	var id tenant.ID
	h.Update(func(tx *db.Tx) (err error) {
		id, err = tenant.Create(tx, h.Ring, tenant.New{Slug: "moss", Name: "Moss", Origin: "http://" + m.host})
		return err
	})
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.Tenant, _ = h.House.ByID(id)
	h.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, m.Tenant, customer.New{Source: "test", Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: mallet, Verified: true}}})
		m.mallet = c.ID
		return err
	})
	m.cookies = map[string]string{"session": opened(h, m.Tenant, m.mallet), "browser": strings.Repeat("m", 43)}
	return m
}

// spoils is everything of a customer of the first tenant that somebody could
// carry to the second one.
type spoils struct {
	cookies                       map[string]string
	flow, link, code, undo        string
	access, refresh, authorize    string
	id, session, grant, app, seal string
	confirm                       string
}

func rob(t *testing.T, h *servertest.House) (s spoils) {
	t.Helper()
	b := servertest.NewBrowser(t)
	p := b.Get(h.URL+"/signin").Submit("identifier", ann, "remember", "on")
	h.Finish(p.Submit("code", newest(t, h, ann, "/signin/link").Code))
	web := h.Apps["web"]
	redeemed := h.Redeem(web, b.Get(h.AuthorizeURL(web, "prompt", "none", "scope", "openid email offline_access")).Location().Query().Get("code"))
	s.access, s.refresh = redeemed.AccessToken, redeemed.RefreshToken
	s.authorize = b.Get(h.AuthorizeURL(web, "prompt", "none")).Location().Query().Get("code")
	p = b.Get(h.URL+"/account/addresses/add?kind=email").Submit("email", bob)
	p.Submit("code", newest(t, h, bob, "/signin/link").Code)
	s.undo = token(newest(t, h, ann, "/undo"))
	s.seal = regexp.MustCompile(`name="address" value="([^"]+)"`).FindStringSubmatch(b.Get(h.URL + "/account/addresses").Body)[1]
	p = named(h, b, ann, "continue")
	s.flow = strings.Split(p.URL.Path, "/")[2]
	sent := newest(t, h, ann, "/signin/link")
	s.code, s.link = sent.Code, token(sent)
	s.confirm = field(b.Get(h.URL+"/oauth2/end-session"), "confirm")
	s.id, s.app, s.cookies = idOf(t, h, ann).String(), web.Application.ID.String(), cookiesOf(b, h)
	s.session = sessionsOf(t, h, ann)[0].ID.String()
	h.View(func(tx *db.Tx) error {
		list, err := grant.List(tx, h.Tenant(), idOf(t, h, ann))
		s.grant = list[0].ID.String()
		return err
	})
	for what, v := range map[string]string{"access": s.access, "refresh": s.refresh, "code": s.authorize, "link": s.link, "undo": s.undo, "confirm": s.confirm, "known": s.cookies["known"]} {
		if v == "" {
			t.Fatalf("no %s to carry away", what)
		}
	}
	return s
}

func field(p *servertest.Page, name string) string {
	found := regexp.MustCompile(`name="` + name + `" value="([^"]+)"`).FindStringSubmatch(p.Body)
	if found == nil {
		return ""
	}
	return found[1]
}

func (s *spoils) values() []string {
	return []string{s.flow, s.link, s.code, s.undo, s.access, s.refresh, s.authorize, s.id, s.session, s.grant, s.app, s.seal, s.confirm, s.cookies["session"], ann}
}

// fields is every name of every form with what belongs there.
func (s *spoils) fields() url.Values {
	out := url.Values{}
	for _, name := range names {
		out.Set(name, s.id)
	}
	for name, v := range map[string]string{
		"t": s.link, "code": s.code, "session": s.session, "address": s.seal, "application": s.app, "token": s.access, "refresh_token": s.refresh,
		"flow": s.flow, "confirm": s.confirm, "action": "continue", "kind": "email", "email": "new@example.com", "client_id": s.app, "locale": "de", "theme": "dark",
	} {
		out.Set(name, v)
	}
	return out
}

// What one tenant gave out is nothing at another: no cookie, no id, no token, no
// link, on no route. (GV-12)
func TestNothingOfOneTenantIsWorthAnythingAtAnother(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		s := rob(t, h)
		m := newMoss(t, h)
		before := guardedRows(t, h)
		tried := 0
		for _, r := range routes(t, h) {
			if r.Path == "/dev/clock" {
				continue
			}
			for _, target := range targets(r, s.flow) {
				forms := []url.Values{s.fields()}
				for i, v := range s.values() {
					form := url.Values{"action": {"continue"}}
					for n, name := range names {
						if n%3 == i%3 {
							form.Set(name, v)
						}
					}
					forms = append(forms, form)
				}
				for i, form := range forms {
					tried++
					own := m.cookies
					if i%2 == 0 {
						own = s.cookies
					}
					p := insider{h: h, t: t, cookies: own}
					m.refuses(t, h, &s, r.Pattern+" "+target, p.carries(r.Method, target, m.host, form))
				}
			}
			if r.Access == "session" || strings.HasPrefix(r.Path, "/sign") {
				m.cookies["session"] = opened(h, m.Tenant, m.mallet)
			}
		}
		if tried < 1000 {
			t.Errorf("only %d tries", tried)
		}
		m.tokensAreNothing(t, h, &s)
		if after := guardedRows(t, h); after != before {
			for _, line := range strings.Split(after, "\n") {
				if !strings.Contains(before, line) {
					t.Error("was written: " + line)
				}
			}
		}
		s.stillWork(t, h)
	})
}

// carries sends a form to another host, as the pages of that host would.
func (in *insider) carries(method, target, host string, form url.Values) reply {
	in.t.Helper()
	p := probe{Method: method, Target: target, Host: host, Cookies: in.cookies}
	if method == http.MethodGet {
		p.Target += "?" + form.Encode()
	} else {
		p.Form = form
	}
	return p.send(in.t, in.h)
}

func (m *moss) refuses(t *testing.T, h *servertest.House, s *spoils, what string, got reply) {
	t.Helper()
	if got.Status == 0 || got.Status >= 500 {
		t.Errorf("%s: %v", what, got)
	}
	if w := got.holds("Fern web", "Fern &amp; Field", h.URL); w != "" && !strings.Contains(what, "/dev/gallery") {
		t.Errorf("%s tells %q: %v", what, w, got)
	}
	if strings.Contains(got.Header.Get("Location"), "code=") {
		t.Errorf("%s gives a code: %s", what, got.Header.Get("Location"))
	}
	if strings.Contains(strings.Join(got.Header.Values("Set-Cookie"), "\n"), s.cookies["session"]) {
		t.Errorf("%s takes the session over", what)
	}
}

// tokensAreNothing shows the tokens where tokens are looked at.
func (m *moss) tokensAreNothing(t *testing.T, h *servertest.House, s *spoils) {
	t.Helper()
	web := h.Apps["web"]
	head := http.Header{"Authorization": {"Bearer " + s.access}}
	if got := (probe{Target: "/oauth2/userinfo", Host: m.host, Header: head}).send(t, h); got.Status != http.StatusUnauthorized {
		t.Errorf("an access token of another tenant: %v", got)
	}
	for _, form := range []url.Values{
		{"grant_type": {"refresh_token"}, "refresh_token": {s.refresh}},
		{"grant_type": {"authorization_code"}, "code": {s.authorize}, "redirect_uri": {web.Redirect}, "code_verifier": {servertest.Verifier}},
		{"token": {s.access}},
	} {
		for _, path := range []string{"/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"} {
			form.Set("client_id", web.ClientID)
			form.Set("client_secret", web.Secret)
			got := probe{Method: "POST", Target: path, Host: m.host, Form: form}.send(t, h)
			if got.Status != http.StatusUnauthorized && got.Status != http.StatusBadRequest {
				t.Errorf("%s with the other tenant's application: %v", path, got)
			}
		}
	}
	got := probe{Target: "/oauth2/authorize?" + strings.SplitN(h.AuthorizeURL(web), "?", 2)[1], Host: m.host, Cookies: s.cookies}.send(t, h)
	if got.Status != http.StatusBadRequest || got.Header.Get("Location") != "" {
		t.Errorf("the other tenant's application begins: %v", got)
	}
}

// stillWork finds everything at home as it was.
func (s *spoils) stillWork(t *testing.T, h *servertest.House) {
	t.Helper()
	h.View(func(tx *db.Tx) error {
		if _, err := credential.PeekLink(tx, h.Tenant(), s.link); err != nil {
			t.Errorf("the link: %v", err)
		}
		if _, ok, err := account.PeekUndo(tx, h.Tenant(), s.undo); !ok || err != nil {
			t.Errorf("the way back: %v", err)
		}
		return nil
	})
	if got := (probe{Target: "/account", Cookies: s.cookies}).send(t, h); got.Status != http.StatusOK {
		t.Errorf("the session: %v", got)
	}
	if got := h.Refresh(h.Apps["web"], s.refresh); got.Status != http.StatusOK {
		t.Errorf("the refresh token: %+v", got)
	}
	if got := h.Redeem(h.Apps["web"], s.authorize); got.Status != http.StatusOK {
		t.Errorf("the code: %+v", got)
	}
	if n := len(sessionsOf(t, h, ann)); n != 1 {
		t.Errorf("%d sessions", n)
	}
	p := probe{Method: "POST", Target: "/signin/" + s.flow + "/code", Cookies: s.cookies, Form: url.Values{"code": {s.code}, "action": {"continue"}}}
	if got := p.send(t, h); got.Status != http.StatusSeeOther || got.Header.Get("Location") != "/account" {
		t.Errorf("the one-time code: %v", got)
	}
}
