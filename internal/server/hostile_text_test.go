package server_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// payloads run, load or break out wherever text is taken for markup.
var payloads = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg/onload=alert(1)>`, `</title><script>alert(1)</script>`,
	`</textarea><a href=//evil.example>click</a>`, `javascript:alert(1)`, `{{.Secret}}${7*7}#{7*7}<%=7*7%>`, `<!--`, `]]><script>`,
	`&lt;script&gt;alert(1)&lt;/script&gt;`, `" autofocus onfocus=alert(1) x="`, "`onmouseover=alert(1)", `<a href="https://evil.example/">Win</a>`,
	`<style>*{background:url(//evil.example)}</style>`, `<meta http-equiv=refresh content=0;url=//evil.example>`, `<base href=//evil.example/>`,
}

// What applications, tenants and people are called, and what their browsers say
// they are, is text on every page and in every mail.
func TestH160_H136_NamesAreTextOnEveryPageAndInEveryMail(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for i, payload := range payloads {
			h.Update(func(tx *db.Tx) error {
				if err := tenant.SetName(tx, h.Tenant(), payload); err != nil {
					return err
				}
				a := h.Apps["partner"].Application
				a.Name = payload
				a, err := app.Change(tx, h.Tenant(), a)
				h.Apps["partner"].Application = a
				return err
			})
			if err := h.House.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			walk := newReading(t, h, payload)
			walk.door(string(rune('a'+i)) + "nn@example.com")
			if !walk.shown {
				t.Errorf("%q was shown nowhere: the test reads the wrong pages", payload)
			}
		}
	})
}

// reading is somebody who looks at every page with a payload in it.
type reading struct {
	t       *testing.T
	h       *servertest.House
	b       *servertest.Browser
	payload string
	shown   bool
}

func newReading(t *testing.T, h *servertest.House, payload string) *reading {
	b := servertest.NewBrowser(t)
	b.Agent = "Mozilla/5.0 " + payload + " Firefox/128.0"
	return &reading{t: t, h: h, b: b, payload: payload}
}

func (r *reading) page(p *servertest.Page) *servertest.Page {
	r.t.Helper()
	r.inert(p.URL.Path, p.Body)
	return p
}

func (r *reading) inert(where, body string) {
	r.t.Helper()
	for _, wrong := range alive(body) {
		r.t.Errorf("%s with %q writes %s", where, r.payload, wrong)
	}
	r.shown = r.shown || strings.Contains(body, html.EscapeString(r.payload)) || strings.Contains(html.UnescapeString(body), r.payload)
}

// door walks in from an application of others, through consent, to the account.
func (r *reading) door(address string) {
	h := r.h
	h.Clock.Advance(time.Minute)
	p := r.page(r.b.Get(h.AuthorizeURL(h.Apps["partner"], "login_hint", r.payload)))
	p = r.page(p.Submit("identifier", address))
	r.page(p.Submit("code", "000000"))
	m := newest(r.t, h, address, "/signin/link")
	r.mail(m.HTML)
	r.page(r.b.Get(m.Link))
	p = r.page(p.Submit("code", m.Code))
	r.page(p) // consent, which names who asks
	h.Finish(p)
	for _, path := range []string{"/account/profile"} {
		r.page(r.page(r.b.Get(h.URL+path)).Submit("given_name", r.payload, "family_name", r.payload, "nickname", r.payload))
	}
	for _, path := range []string{"/account", "/account/profile", "/account/security", "/account/applications", "/account/addresses", "/account/language",
		"/account/close", "/account/password", "/signout", "/signout?all=1", "/help", "/language", "/legal/terms", "/legal/privacy", "/signin", "/nothing-here",
		"/signin/link?t=" + url.QueryEscape(r.payload), "/undo?t=" + url.QueryEscape(r.payload), "/account?done=" + url.QueryEscape(r.payload),
		"/language?return=" + url.QueryEscape(r.payload), "/oauth2/authorize?error=" + url.QueryEscape(r.payload), "/oauth2/end-session?state=" + url.QueryEscape(r.payload)} {
		r.page(r.b.Get(h.URL + path))
	}
	for _, m := range h.Inbox(address) {
		r.mail(m.HTML)
	}
}

// mail lists what a mail would load or lead to beyond the tenant's own pages.
func (r *reading) mail(body string) {
	r.t.Helper()
	z := html.NewTokenizer(strings.NewReader(body))
	for z.Next() != html.ErrorToken {
		t := z.Token()
		if t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken {
			continue
		}
		if t.Data == "script" || t.Data == "iframe" || t.Data == "base" || t.Data == "form" {
			r.t.Errorf("a mail with %q holds <%s>", r.payload, t.Data)
		}
		for _, a := range t.Attr {
			leads := a.Key == "href" || a.Key == "src" || a.Key == "background"
			if strings.HasPrefix(a.Key, "on") || leads && !strings.HasPrefix(a.Val, r.h.URL+"/") && !strings.HasPrefix(a.Val, "data:") {
				r.t.Errorf("a mail with %q holds <%s %s=%q>", r.payload, t.Data, a.Key, a.Val)
			}
		}
	}
}

// A log line is one line of JSON, whatever a stranger sends: nobody writes a
// second line into it or turns a terminal round.
func TestH167_NobodyWritesLinesIntoTheLog(t *testing.T) {
	logged := &tape{}
	o := servertest.Options{Base: func(o *server.Opening) {
		o.Log = slog.New(slog.NewJSONHandler(logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}}
	forged := []string{"a\u2028b", "a\u202eb", "\x1b[31mred", "a\u0085b", "{\"level\":\"ERROR\",\"msg\":\"forged\"}", "a\tb", "\u2066x", strings.Repeat("A", 9000)}
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		for _, text := range forged {
			q := url.QueryEscape(text + "\r\n{\"msg\":\"forged\"}")
			for _, p := range []probe{
				{Target: "/signin?login_hint=" + q, Header: http.Header{"User-Agent": {text}, "Referer": {text}, "X-Request-Id": {text}, "Traceparent": {text}}},
				{Target: "/oauth2/authorize?client_id=" + q + "&redirect_uri=" + q},
				{Target: "/" + q}, {Target: "/oauth2/userinfo", Header: http.Header{"Authorization": {"Bearer " + text}}},
				{Method: "POST", Target: "/oauth2/token", Form: url.Values{"grant_type": {text}, "client_id": {text}, "client_secret": {text}}},
				{Method: "F" + strings.ToUpper("orged"), Target: "/signin"},
			} {
				p.send(t, h)
			}
		}
	}, o)
	t.Cleanup(func() {
		lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
		if len(lines) < 30 {
			t.Errorf("only %d lines", len(lines))
		}
		for _, line := range lines {
			if !json.Valid([]byte(line)) || strings.Contains(line, "forged") && strings.Contains(line, `"msg":"forged"`) {
				t.Errorf("a line of the log: %q", line)
			}
			for _, r := range line {
				if !unicode.IsGraphic(r) {
					t.Errorf("the log holds %U: %q", r, line)
				}
			}
		}
	})
}
