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
		web.FormPost(w, r, web.Exit{To: q.RedirectURI, Fields: fields})
		return nil
	}
	web.Redirect(w, r, withQuery(q.RedirectURI, fields))
	return nil
}

func (p *Provider) respondError(w http.ResponseWriter, r *http.Request, q *request, err *fault.Error) error {
	web.Record(r).Add("refused", code(err))
	return p.respond(w, r, q, [][2]string{{"error", code(err)}, {"error_description", err.Text}})
}

// withQuery adds fields to a URI whose own query, if any, is kept (RFC 6749, 3.1.2).
func withQuery(uri string, fields [][2]string) string {
	var b strings.Builder
	b.WriteString(uri)
	sep := byte('?')
	if strings.Contains(uri, "?") {
		sep = '&'
	}
	for _, f := range fields {
		b.WriteByte(sep)
		b.WriteString(f[0])
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(f[1]))
		sep = '&'
	}
	return b.String()
}
