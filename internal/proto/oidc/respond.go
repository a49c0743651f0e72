package oidc

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// respond sends an authorization response to the application, success or
// error, always with `iss` (RFC 9207, 2). The redirect URI was checked by the
// table and travels sealed since.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, q *request, fields [][2]string) error {
	fields = append(fields, [2]string{"iss", of(r).Issuer()})
	if q.State != "" {
		fields = append(fields, [2]string{"state", q.State})
	}
	if q.ResponseMode == "form_post" {
		x := p.exit(r, q)
		x.To, x.Fields = q.RedirectURI, fields
		web.FormPost(w, r, x)
		return nil
	}
	p.leaveTo(w, r, q, withQuery(q.RedirectURI, fields))
	return nil
}

// leaveTo goes to the application by a redirect. Where a page's form-action
// cannot name the address (IPv6 loopback), a redirect behind that page's POST
// would be blocked, and a page that leaves takes its place.
func (p *Provider) leaveTo(w http.ResponseWriter, r *http.Request, q *request, to string) {
	if _, ok := web.FormTarget(q.RedirectURI); ok {
		web.Redirect(w, r, to)
		return
	}
	x := p.exit(r, q)
	x.To = to
	web.Leave(w, r, x)
}

// exit are the words of a page that takes the browser back to the application.
func (p *Provider) exit(r *http.Request, q *request) web.Exit {
	if p.pages.Exit != nil {
		return p.pages.Exit(r, q.app.Name)
	}
	return web.Exit{Lang: "en", Title: "Back to " + q.app.Name, Button: "Continue"}
}

func (p *Provider) respondError(w http.ResponseWriter, r *http.Request, q *request, err *fault.Error) error {
	web.Record(r).Add("refused", code(err))
	if err.Err != nil {
		web.Record(r).Add("cause", err.Err)
	}
	return p.respond(w, r, q, [][2]string{{"error", code(err)}, {"error_description", description(err)}})
}

// withQuery adds fields to a URI whose own query, if any, is kept (RFC 6749, 3.1.2).
func withQuery(uri string, fields [][2]string) string {
	var b strings.Builder
	b.WriteString(uri)
	_, query, has := strings.Cut(uri, "?")
	sep := "?"
	if has {
		sep = ""
		if query != "" && !strings.HasSuffix(query, "&") {
			sep = "&"
		}
	}
	for _, f := range fields {
		b.WriteString(sep + f[0] + "=" + url.QueryEscape(f[1]))
		sep = "&"
	}
	return b.String()
}
