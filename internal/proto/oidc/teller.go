package oidc

import (
	"net/http"
	"strings"
	"time"

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
	case err.Kind == fault.Unauthenticated:
		return "invalid_client"
	}
	return "invalid_request"
}

// tellJSON renders a fault in the tongue of RFC 6749, 5.2.
func (p *Provider) tellJSON(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	status := web.Status(err)
	if wire[err.Code] && err.Kind == fault.Invalid {
		status = http.StatusBadRequest
	}
	if status == http.StatusUnauthorized {
		challenge(w, r)
	}
	w.Header().Set("Pragma", "no-cache")
	_ = web.JSON(w, status, oauthError{code(err), err.Text}) // the client went away
}

// tellBearer renders a fault of a protected resource (RFC 6750, 3).
func (p *Provider) tellBearer(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	status := web.Status(err)
	if status == http.StatusUnauthorized || err.Code == "insufficient_scope" || err.Code == "invalid_request" {
		w.Header().Set("WWW-Authenticate", bearerChallenge(err))
	}
	if err.Code == "insufficient_scope" {
		status = http.StatusForbidden
	}
	if err.Code == "" {
		w.WriteHeader(status)
		return
	}
	_ = web.JSON(w, status, oauthError{code(err), err.Text}) // the client went away
}

func bearerChallenge(err *fault.Error) string {
	if err.Code == "" {
		return "Bearer"
	}
	return `Bearer error="` + code(err) + `", error_description="` + strings.ReplaceAll(err.Text, `"`, "'") + `"`
}

func unix(seconds int64) time.Time { return time.Unix(seconds, 0) }
