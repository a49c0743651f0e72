package oidc_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// browser keeps cookies and follows redirects below the issuer.
type browser struct {
	d   *desk
	jar *cookiejar.Jar
	c   *http.Client
}

func (d *desk) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	b := &browser{d: d, jar: jar}
	b.c = &http.Client{Transport: d, Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Scheme+"://"+r.URL.Host != issuer {
			return http.ErrUseLastResponse
		}
		r.Header.Del("Origin")
		return nil
	}}
	return b
}

// page is where a browser ended up.
type page struct {
	status int
	header http.Header
	body   string
	at     *url.URL
}

// to is the query of the address that the answer leads to.
func (p *page) to() url.Values {
	u, err := url.Parse(p.header.Get("Location"))
	if err != nil {
		return nil
	}
	return u.Query()
}

func (b *browser) do(r *http.Request) *page {
	b.d.t.Helper()
	answer, err := b.c.Do(r)
	if err != nil {
		b.d.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return &page{answer.StatusCode, answer.Header, string(body), answer.Request.URL}
}

func (b *browser) get(address string) *page {
	b.d.t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		b.d.t.Fatal(err)
	}
	return b.do(r)
}

// pause walks a request through the pages and stops before the way back, whose
// address it returns.
func (b *browser) pause(address string) (resumed string) {
	b.d.t.Helper()
	follow := b.c.CheckRedirect
	defer func() { b.c.CheckRedirect = follow }()
	b.c.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Path == oidc.PathResume {
			resumed = r.URL.String()
			return http.ErrUseLastResponse
		}
		return follow(r, via)
	}
	b.get(address)
	return resumed
}

// post sends a form from a page of an origin.
func (b *browser) post(from, address string, form url.Values) *page {
	b.d.t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", from)
	if from != issuer {
		// SameSite=Lax: a foreign page's POST brings no cookies.
		bare := *b.c
		bare.Jar = nil
		bare.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		answer, err := bare.Do(r)
		if err != nil {
			b.d.t.Fatal(err)
		}
		if to := answer.Header.Get("Location"); strings.HasPrefix(to, "/") {
			return b.get(issuer + to)
		}
		body, _ := io.ReadAll(answer.Body)
		return &page{answer.StatusCode, answer.Header, string(body), answer.Request.URL}
	}
	return b.do(r)
}

// enter signs a customer in to this browser without any page.
func (b *browser) enter(who customer.ID, methods ...session.Method) session.Session {
	b.d.t.Helper()
	if len(methods) == 0 {
		methods = []session.Method{session.OTPEmail}
	}
	var token string
	var s session.Session
	b.d.Update(func(tx *db.Tx) error {
		p, err := permit.May(tx, b.d.T(), permit.Ask{Customer: who, Purpose: permit.ForSession})
		if err != nil {
			return err
		}
		var proofs []session.Proof
		for _, m := range methods {
			proofs = append(proofs, session.Proof{Method: m, At: tx.Now})
		}
		token, s, err = session.Start(tx, b.d.T(), p, session.New{Proofs: proofs, Device: [16]byte{1}})
		return err
	})
	b.hold(session.WriteSet(session.PutFirst(session.ReadSet(b.cookie()), token)))
	return s
}

func (b *browser) cookie() string {
	u, _ := url.Parse(issuer + "/")
	for _, c := range b.jar.Cookies(u) {
		if c.Name == "__Host-"+session.Cookie {
			return c.Value
		}
	}
	return ""
}

func (b *browser) hold(value string) { b.set(session.Cookie, value) }

// set plants a cookie.
func (b *browser) set(name, value string) {
	u, _ := url.Parse(issuer + "/")
	b.jar.SetCookies(u, []*http.Cookie{{Name: "__Host-" + name, Value: value, Path: "/", Secure: true}})
}

// authorizeURL is an authorization request; extra are pairs that add to it or,
// with "", take away.
func authorizeURL(c *client, extra ...string) string {
	q := url.Values{"client_id": {c.id}, "redirect_uri": {c.redirect}, "response_type": {"code"}, "scope": {"openid email profile"},
		"state": {"st-1"}, "nonce": {"no-1"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"}}
	return issuer + oidc.PathAuthorize + "?" + set(q, extra...).Encode()
}

func set(v url.Values, extra ...string) url.Values {
	for i := 0; i+1 < len(extra); i += 2 {
		v.Set(extra[i], extra[i+1])
		if extra[i+1] == "" {
			v.Del(extra[i])
		}
	}
	return v
}

// authorize signs a fresh customer in to the application and returns the code.
func (d *desk) authorize(c *client, extra ...string) (code string) {
	d.t.Helper()
	b := d.browser()
	b.enter(d.Customer())
	return b.code(c, extra...)
}

// code asks for a code in this browser.
func (b *browser) code(c *client, extra ...string) string {
	b.d.t.Helper()
	p := b.get(authorizeURL(c, extra...))
	code := p.to().Get("code")
	if code == "" {
		b.d.t.Fatalf("no code: %d %s %s", p.status, p.header.Get("Location"), p.body)
	}
	return code
}
