package oidc

import (
	"net/http"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// oauthError is an error as RFC 6749, 5.2 writes it.
type oauthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// wire are the error codes that a client of these endpoints may read; every
// other fault is told by its kind.
var wire = map[string]bool{
	"invalid_request": true, "invalid_client": true, "invalid_grant": true, "unauthorized_client": true,
	"unsupported_grant_type": true, "invalid_scope": true, "invalid_target": true, "invalid_token": true,
	"insufficient_scope": true, "access_denied": true, "login_required": true, "consent_required": true,
	"interaction_required": true, "account_selection_required": true, "request_not_supported": true,
	"request_uri_not_supported": true, "registration_not_supported": true, "unsupported_response_type": true,
	"temporarily_unavailable": true, "server_error": true, "unmet_authentication_requirements": true,
}

// code is the wire name of a fault.
func code(err *fault.Error) string {
	switch {
	case wire[err.Code]:
		return err.Code
	case err.Kind == fault.Limited || err.Kind == fault.Unavailable:
		return "temporarily_unavailable"
	case err.Kind == fault.Internal:
		return "server_error"
	}
	return "invalid_request"
}

// description is a fault's public sentence in the characters that RFC 6749
// (appendix A.8) and RFC 6750 (3) leave to error_description.
func description(err *fault.Error) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"' || c == '\\':
			return '\''
		case c < 0x20 || c > 0x7e:
			return -1
		}
		return c
	}, err.Text)
}

// tellJSON renders a fault in the tongue of RFC 6749, 5.2.
func (p *Provider) tellJSON(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	status := web.Status(err)
	if status == http.StatusUnauthorized {
		challenge(w, r)
	}
	w.Header().Set("Pragma", "no-cache")
	_ = web.JSON(w, status, oauthError{code(err), description(err)}) // the client went away
}

// challenge is what a 401 owes (RFC 9110, 15.5.2; RFC 6749, 5.2). A script in a
// browser that did not try Basic gets none: it would open a password dialogue.
func challenge(w http.ResponseWriter, r *http.Request) {
	basic := strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "basic")
	if basic || r.Header.Get("Origin") == "" {
		w.Header().Set("WWW-Authenticate", `Basic realm="client", charset="UTF-8"`)
	}
}

// tellBearer renders a fault of a protected resource (RFC 6750, 3).
func (p *Provider) tellBearer(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	status := web.Status(err)
	if status == http.StatusUnauthorized || err.Code == "insufficient_scope" || err.Code == "invalid_request" {
		w.Header().Set("WWW-Authenticate", bearerChallenge(err))
	}
	if err.Code == "" {
		w.WriteHeader(status)
		return
	}
	_ = web.JSON(w, status, oauthError{code(err), description(err)}) // the client went away
}

func bearerChallenge(err *fault.Error) string {
	switch err.Code {
	case "":
		return "Bearer"
	case "insufficient_scope":
		return `Bearer error="insufficient_scope", error_description="` + description(err) + `", scope="openid"`
	}
	return `Bearer error="` + code(err) + `", error_description="` + description(err) + `"`
}
