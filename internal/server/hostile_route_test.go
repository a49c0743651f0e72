package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The tests of this file are made from the router's table: a route that is hung
// up tomorrow is attacked tomorrow.

// leastRoutes keeps a test from trying nothing.
const leastRoutes = 60

// insider is somebody who is signed in, as the holder of their cookies.
type insider struct {
	h       *servertest.House
	t       *testing.T
	address string
	flow    string // a journey of this browser
	cookies map[string]string
}

// enters opens a session past the pages, freshly proven, and a journey.
func enters(t *testing.T, h *servertest.House, address string) insider {
	t.Helper()
	in := insider{h: h, t: t, address: address, cookies: map[string]string{"browser": strings.Repeat("b", 43)}}
	in.again()
	return in
}

// opened is the token of a session that was opened past the pages.
func opened(h *servertest.House, t *tenant.Tenant, c customer.ID) (token string) {
	h.Update(func(tx *db.Tx) error {
		p, err := permit.May(tx, t, permit.Ask{Customer: c, Purpose: permit.ForSession})
		if err != nil {
			return err
		}
		token, _, err = session.Start(tx, t, p, session.New{Proofs: []session.Proof{{Method: session.OTPEmail, At: tx.Now}}})
		return err
	})
	return token
}

// again opens another session and journey, for a test that used them up.
func (in *insider) again() {
	in.t.Helper()
	in.cookies["session"] = opened(in.h, in.h.Tenant(), idOf(in.t, in.h, in.address))
	p := probe{Target: "/signin", Cookies: in.cookies}.send(in.t, in.h)
	in.flow = strings.TrimPrefix(p.Header.Get("Location"), "/signin/")
	var f signin.ID
	if err := f.UnmarshalText([]byte(in.flow)); err != nil || in.flow == "" {
		in.t.Fatalf("no journey began: %v", p)
	}
}

// alive reports whether the session still opens the account.
func (in *insider) alive() bool {
	return probe{Target: "/account", Cookies: in.cookies}.send(in.t, in.h).Status == http.StatusOK
}

// steps are the last words of a journey's forms.
var steps = []string{"choose", "identify", "code", "password", "recover", "reset", "reopen", "terms", "username", "profile", "consent", "refuse", "continue",
	"passkey", "second", "enrol", "offer", "age", "choices", "ask", "lost", "way"}

// targets are the addresses that a route answers: with the journey, with each
// word that may stand in its path.
func targets(r web.Route, flow string) (out []string) {
	fill := func(values ...string) string { return strings.NewReplacer(values...).Replace(r.Path) }
	switch {
	case strings.HasSuffix(r.Path, "/{step}"):
		words := steps
		if r.Method == http.MethodGet {
			words = []string{"identify", "help", "code"}
		}
		for _, s := range words {
			out = append(out, fill("{flow}", flow, "{step}", s))
		}
		return out
	case strings.HasSuffix(r.Path, "/{step}/options"):
		return []string{fill("{flow}", flow, "{step}", "passkey")}
	case strings.Contains(r.Path, "{kind}"):
		return []string{fill("{kind}", "terms"), fill("{kind}", "privacy")}
	}
	return []string{fill("{$}", "", "{flow}", flow, "{id}", "x", "{file}", "x.css", "{path...}", "x", "{tree}", "x", "{name...}", "x.js")}
}

// bodiless tells that a route reads no fields at all: it hands out options.
func bodiless(r web.Route) bool { return strings.HasSuffix(r.Path, "/options") }

// asksFirst tells that a route asks who comes before it reads.
func asksFirst(r web.Route) bool {
	return r.Path == "/oauth2/userinfo" || strings.HasPrefix(r.Path, "/v1/")
}

// routes are those that answer under a tenant's host.
func routes(t *testing.T, h *servertest.House) (out []web.Route) {
	t.Helper()
	for _, r := range h.Mux.Routes() {
		if !r.AnyHost {
			out = append(out, r)
		}
	}
	if len(out) < leastRoutes {
		t.Fatalf("only %d routes", len(out))
	}
	return out
}

// names are the fields of every form and the parameters of every page.
var names = []string{
	"identifier", "code", "password", "new_password", "terms", "documents", "username", "remember", "action", "account", "forget",
	"t", "all", "done", "return", "login_hint", "recover", "locale", "theme", "session", "address", "kind", "email", "phone",
	"typed_address", "until", "application", "given_name", "family_name", "name", "nickname", "birthdate", "website", "zoneinfo",
	"gender", "picture", "flow", "client_id", "redirect_uri", "state", "nonce", "scope", "id_token_hint", "logout_hint", "confirm",
	"post_logout_redirect_uri", "token", "grant_type", "refresh_token", "to", "page", "case", "item", "words",
	"about", "address-country", "address-street_address", "agree-tips", "app", "country", "decision", "device", "entry", "file", "garden",
	"give-purpose-tips", "give-topic-letter-email", "label", "middle_name", "never", "newsletter", "often-letter", "on", "passkey", "passkeys",
	"pause", "pots", "profile", "purpose", "quiet_from", "quiet_until", "receipt", "recovery_code", "shown", "task", "topic", "trust", "version",
	"way", "work", "zone",
}

// A path that is spelt in another way is another path, and there is none.
func TestH145_NoTwinOfARouteOpensForAnybody(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in, tried := enters(t, h, ann), 0
		for _, r := range routes(t, h) {
			if r.Method != http.MethodGet || r.Path == "/{$}" {
				continue
			}
			path := targets(r, in.flow)[0]
			for _, twin := range twins(path) {
				tried++
				for _, cookies := range []map[string]string{nil, in.cookies} {
					got := probe{Target: twin, Cookies: cookies}.send(t, h)
					if !slices.Contains(closed(twin), got.Status) {
						t.Errorf("%s as %q: %v", r.Path, twin, got)
					}
					if w := got.holds(ann); w != "" {
						t.Errorf("%s as %q shows %s", r.Path, twin, w)
					}
				}
			}
		}
		if tried < 400 {
			t.Errorf("only %d twins", tried)
		}
	})
}

// closed are the answers that open nothing. Below /signin any word may be that of
// a journey, which is over or goes back to where it stands.
func closed(path string) []int {
	out := []int{http.StatusNotFound, http.StatusBadRequest}
	if strings.HasPrefix(path, "/signin/") {
		out = append(out, http.StatusForbidden, http.StatusGone, http.StatusSeeOther)
	}
	return out
}

func twins(path string) []string {
	head, last := path[:strings.LastIndex(path, "/")+1], path[strings.LastIndex(path, "/")+1:]
	return []string{
		head + "%2F" + last, head + "%2e/" + last, head + "./" + last, head + "x/../" + last, head + "/" + last, "/" + path,
		path + "/", path + "/.", path + ".", path + "%00", path + "%20", path + ";x", path + ";x=1/y", path + "%3b", path + "%23", path + "#x",
		path + "%3fx", path + `\`, path + "%5c", path + "%252F", head + "%" + fmt.Sprintf("%02x", last[0]) + last[1:], path + "/x.css", path + "x.js",
		head + strings.ToUpper(last[:1]) + last[1:],
	}
}

// Forms of other sites change nothing. The routes that let them in stand here by
// name: each proves every request by itself, or is allowed by its specification.
func TestH146_NoUnsafeRouteTakesAFormOfAnotherSite(t *testing.T) {
	open := []string{
		"POST /dev/clock", "POST /oauth2/authorize", "POST /oauth2/end-session", "POST /oauth2/introspect",
		"POST /oauth2/revoke", "POST /oauth2/token", "POST /oauth2/userinfo",
		"POST /unsubscribe", "POST /v1/contact-check", "POST /v1/preferences", "POST /v1/webhook-acknowledgements",
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		var letIn []string
		for _, r := range h.Mux.Routes() {
			if r.Method == http.MethodGet || r.Method == http.MethodHead {
				continue
			}
			if r.CrossSite != "" {
				letIn = append(letIn, r.Pattern)
				continue
			}
			for _, target := range targets(r, in.flow) {
				for what, p := range forgeries(h, target) {
					p.Method, p.Cookies = r.Method, in.cookies
					if got := p.send(t, h); got.Status != http.StatusForbidden {
						t.Errorf("%s with %s: %v", target, what, got)
					}
				}
			}
		}
		slices.Sort(letIn)
		if !slices.Equal(letIn, open) {
			t.Errorf("routes that forms of other sites reach: %v", letIn)
		}
		if !in.alive() {
			t.Error("the session ended")
		}
	})
}

func forgeries(h *servertest.House, target string) map[string]probe {
	host := strings.TrimPrefix(h.URL, "http://")
	with := func(pairs ...string) probe {
		p := probe{Target: target, Foreign: true, Form: url.Values{"action": {"continue"}, "all": {"1"}, "theme": {"dark"}, "locale": {"de"}}, Header: http.Header{}}
		for i := 0; i < len(pairs); i += 2 {
			p.Header.Add(pairs[i], pairs[i+1])
		}
		return p
	}
	return map[string]probe{
		"no origin":            with(),
		"origin null":          with("Origin", "null"),
		"another origin":       with("Origin", "https://evil.example"),
		"the https twin":       with("Origin", "https://"+host),
		"a sibling":            with("Origin", "http://shop."+host),
		"a longer host":        with("Origin", "http://"+host+".evil.example"),
		"another port":         with("Origin", "http://localhost"),
		"upper case":           with("Origin", strings.ToUpper(h.URL)),
		"two origins":          with("Origin", h.URL, "Origin", "https://evil.example"),
		"a referrer only":      with("Referer", h.URL+"/account"),
		"cross-site":           with("Origin", h.URL, "Sec-Fetch-Site", "cross-site"),
		"same-site":            with("Origin", h.URL, "Sec-Fetch-Site", "same-site"),
		"two fetch sites":      with("Origin", h.URL, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"),
		"text/plain":           with("Origin", "null", "Content-Type", "text/plain"),
		"multipart":            with("Origin", "https://evil.example", "Content-Type", "multipart/form-data; boundary=x"),
		"a method in a header": with("X-Http-Method-Override", "POST", "Origin", "https://evil.example"),
	}
}

// Nobody who is not signed in sees or does anything that wants a session: not
// without a cookie, and not with one that is garbage, cut, doubled, another's or
// of another key (H151).
func TestH151_ASpoiledCookieIsNobodyOnEveryRoute(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in, tried := enters(t, h, ann), 0
		real := in.cookies["session"]
		spoiled := map[string]string{
			"none": "", "garbage": "garbage", "cut": real[:len(real)-1], "longer": real + "A", "doubled": real + "; session=" + real,
			"dots": "....", "huge": strings.Repeat("A", 6000), "bytes": "\xff\xfe", "quoted": `"` + real + `"`, "another's": other(real),
		}
		for _, r := range routes(t, h) {
			if r.Access != "session" {
				continue
			}
			for what, cookie := range spoiled {
				tried++
				p := probe{Method: r.Method, Target: targets(r, in.flow)[0], Cookies: map[string]string{"session": cookie}}
				if r.Method == http.MethodPost {
					p.Form = url.Values{"theme": {"dark"}}
				}
				got := p.send(t, h)
				if to := got.Header.Get("Location"); got.Status != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?return=%2Faccount") {
					t.Errorf("%s with a cookie that is %s: %v", r.Pattern, what, got)
				}
				dropped := strings.Contains(strings.Join(got.Header.Values("Set-Cookie"), "\n"), "session=;")
				if (what == "doubled" || what == "bytes" || what == "quoted") && !dropped {
					t.Errorf("%s: a cookie that is %s is kept: %v", r.Pattern, what, got.Header.Values("Set-Cookie"))
				}
			}
		}
		if tried < 200 || !in.alive() {
			t.Errorf("%d tries, alive %v", tried, in.alive())
		}
	})
}

// other is another token that looks alike.
func other(token string) string {
	b := []byte(token)
	for i := len(b) - 10; i < len(b); i++ {
		b[i] = 'A' + (b[i]+7)%26
	}
	return string(b)
}

// An address below a page is no page, every page is nobody else's to keep, and
// no page is framed or runs what it did not bring (H148, H157).
func TestH148_H157_EveryPageIsNobodyElsesToKeepOrToFrame(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		for _, r := range routes(t, h) {
			if r.Path == "/_b/{file}" {
				continue // content-hashed
			}
			for _, target := range targets(r, in.flow) {
				in.guarded(r, target)
			}
		}
	})
}

func (in *insider) guarded(r web.Route, target string) {
	in.t.Helper()
	got := in.submits(r.Method, target, "")
	cache := got.Header.Get("Cache-Control")
	if public := r.CORS && r.Method == http.MethodGet && got.Status == http.StatusOK; !public && cache != "no-store" {
		in.t.Errorf("%s %s may be kept: %q", r.Method, target, cache)
	}
	if got.Header.Get("X-Content-Type-Options") != "nosniff" || !slices.Contains([]string{"no-referrer", "same-origin"}, got.Header.Get("Referrer-Policy")) {
		in.t.Errorf("%s %s: %v", r.Method, target, got.Header)
	}
	csp := got.Header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
		in.t.Errorf("%s %s has the policy %q", r.Method, target, csp)
	}
	html := strings.HasPrefix(got.Header.Get("Content-Type"), "text/html")
	if html && !strings.HasPrefix(r.Path, "/dev/") && !strings.Contains(csp, "frame-ancestors 'none'") {
		in.t.Errorf("%s %s may be framed: %q", r.Method, target, csp)
	}
	if origin := got.Header.Get("Access-Control-Allow-Origin"); origin != "" && !r.CORS {
		in.t.Errorf("%s %s is shared with %q", r.Method, target, origin)
	}
	if got.Header.Get("Access-Control-Allow-Credentials") != "" {
		in.t.Errorf("%s %s is shared with cookies", r.Method, target)
	}
}

// Other sites read nothing, however their origin is spelt, and never with cookies.
func TestH149_NoOriginOfAnotherSiteIsLetIn(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		origins := []string{
			"https://evil.example", "null", "https://spa.example.evil.example", "http://spa.example", "https://evil-spa.example",
			"https://spa.example:444", "https://SPA.example", "https://spa.example/", "https://shop.example", "https://spa.example, https://evil.example",
		}
		for _, r := range routes(t, h) {
			for i, origin := range origins {
				for _, method := range []string{r.Method, http.MethodOptions} {
					p := probe{Method: method, Target: targets(r, in.flow)[0], Cookies: in.cookies, Header: http.Header{
						"Origin": {origin}, "Access-Control-Request-Method": {r.Method}, "Access-Control-Request-Headers": {"authorization"},
					}}
					got := p.send(t, h)
					allowed := got.Header.Get("Access-Control-Allow-Origin")
					if allowed != "" && allowed != "*" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
						t.Errorf("%s %s is shared with %q (%d): %v", method, r.Path, origin, i, got.Header)
					}
				}
			}
		}
	})
}

// Hosts are names of tenants and nothing else.
func TestH142_NoRouteAnswersUnderAForeignHost(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		in := enters(t, h, ann)
		own := strings.TrimPrefix(h.URL, "http://")
		foreign := []string{
			"evil.example", "evil.example:" + own[strings.Index(own, ":")+1:], own + ":@evil.example", own + ".evil.example", "",
			"localhost.:1", "127.0.0.1", own + "\r\nHost: evil.example", "[::1]", "localhost:1",
		}
		for _, r := range routes(t, h) {
			for _, host := range foreign {
				got := probe{Method: r.Method, Target: targets(r, in.flow)[0], Host: host, Cookies: in.cookies}.send(t, h)
				if host == "" {
					continue // the default, which is our own
				}
				if got.Status != http.StatusMisdirectedRequest && got.Status != http.StatusBadRequest {
					t.Errorf("%s under %q: %v", r.Pattern, host, got)
				}
			}
		}
	})
}

// Headers that proxies speak through change no link, no redirect, no cookie and
// no mail.
func TestH142_H143_HeadersOfProxiesChangeNothing(t *testing.T) {
	lies := http.Header{
		"X-Forwarded-Host": {"evil.example"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Port": {"666"}, "Forwarded": {"host=evil.example;proto=https"},
		"X-Original-Host": {"evil.example"}, "X-Original-Url": {"/account/close"}, "X-Rewrite-Url": {"/account/close"}, "X-Host": {"evil.example"},
		"X-Webauth-User": {"ann@example.com"}, "X-Remote-User": {"ann@example.com"}, "Remote-User": {"ann@example.com"},
		"X-Forwarded-User": {"ann@example.com"}, "X-Forwarded-Email": {"ann@example.com"}, "X-Auth-Request-Email": {"ann@example.com"},
		"X-Http-Method-Override": {"DELETE"}, "X-Forwarded-Prefix": {"//evil.example"},
	}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		b := servertest.NewBrowser(t)
		b.Header = lies.Clone()
		if p := b.Get(h.URL + "/account"); !strings.HasPrefix(p.URL.Path, "/signin/") || strings.Contains(p.Body, "evil.example") {
			t.Fatalf("a header signs in: %d %s\n%s", p.Status, p.URL, p.Text())
		}
		h.Prove(b.Get(h.URL+"/signin"), bob)
		for _, to := range []string{ann, bob} {
			for _, m := range h.Inbox(to) {
				if strings.Contains(m.HTML+m.Text+m.Subject+m.Link, "evil.example") || m.Link != "" && !strings.HasPrefix(m.Link, h.URL+"/") {
					t.Errorf("a mail leads to %s", m.Link)
				}
			}
		}
		absolute := probe{Target: h.URL + "/signin", Host: "evil.example"}.send(t, h)
		if absolute.Status == http.StatusOK || absolute.holds("evil.example") != "" {
			t.Errorf("an absolute request line: %v", absolute)
		}
		cookies := strings.Join(probe{Target: "/signin", Header: lies}.send(t, h).Header.Values("Set-Cookie"), "\n")
		if strings.Contains(cookies, "Domain=") || !strings.Contains(cookies, "HttpOnly") {
			t.Errorf("cookies: %s", cookies)
		}
	})
}
