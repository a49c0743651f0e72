package oidc

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/grant"
)

// check is one row of the table that every authorization request walks.
type check struct {
	name   string
	clause string
	run    func(*Provider, *request) *fault.Error
}

// shown are the checks whose refusal is a page of ours: until the redirect URI
// has proven to be the application's own, nothing is sent anywhere
// (RFC 6749, 4.1.2.1; RFC 9700, 4.11; H013).
var shown = []check{
	{"no parameter twice", "RFC 6749, 3.1", once},
	{"the application is known", "RFC 6749, 4.1.2.1", knownApplication},
	{"the redirect URI is registered, byte for byte", "RFC 9700, 2.1; OpenID Connect Core 1.0, 3.1.2.1", ownRedirect},
}

// redirected are the checks whose refusal goes back to the application, with
// `iss` and `state`.
var redirected = []check{
	{"state is not beyond measure", "RFC 6749, 4.1.1", state},
	{"response_mode is query or form_post", "OAuth 2.0 Multiple Response Types, 2.1; Form Post Response Mode 1.0", responseMode},
	{"no request object", "OpenID Connect Core 1.0, 6.1 and 7.2.1", noRequestObject},
	{"response_type is code", "RFC 6749, 3.1.1; OAuth 2.1, 4.1.1", responseType},
	{"the application may use codes", "RFC 6749, 4.1.2.1 unauthorized_client", mayUseCodes},
	{"PKCE with S256", "RFC 7636, 4.3 and 4.4.1; OAuth 2.1, 4.1.1", pkce},
	{"scope", "RFC 6749, 3.3", scope},
	{"one resource, known and allowed", "RFC 8707, 2.1", resource},
	{"nonce is not beyond measure", "OpenID Connect Core 1.0, 15.5.2", nonce},
	{"prompt", "OpenID Connect Core 1.0, 3.1.2.1; Initiating User Registration 1.0", prompt},
	{"max_age", "OpenID Connect Core 1.0, 3.1.2.1", maxAge},
	{"acr_values", "OpenID Connect Core 1.0, 3.1.2.1; RFC 9470, 5", acrValues},
	{"claims", "OpenID Connect Core 1.0, 5.5", claims},
	{"an essential acr can be met at all", "OpenID Connect Core 1.0, 5.5.1.1", essentialLevel},
	{"hints", "OpenID Connect Core 1.0, 3.1.2.1", hints},
	{"id_token_hint is a token of ours for this application", "OpenID Connect Core 1.0, 3.1.2.1", idTokenHint},
}

func once(_ *Provider, q *request) *fault.Error {
	err := single(q.form)
	q.form = given(q.form)
	return err
}

func knownApplication(p *Provider, q *request) *fault.Error {
	q.ClientID = q.one("client_id")
	a, ok, err := p.application(q.ctx, q.tenant, q.ClientID)
	if err != nil {
		return fault.Of(err)
	}
	if !ok || !a.Enabled {
		return errUnknownApplication
	}
	q.app = a
	return nil
}

func ownRedirect(_ *Provider, q *request) *fault.Error {
	q.RedirectURI = q.one("redirect_uri")
	if q.RedirectURI == "" || !q.app.AllowsRedirect(q.RedirectURI) {
		return errForeignRedirect
	}
	return nil
}

// responseMode also keeps form_post to addresses that a form can be posted to:
// a native application's own scheme takes none.
func responseMode(_ *Provider, q *request) *fault.Error {
	q.ResponseMode = "query"
	switch mode := q.one("response_mode"); {
	case mode == "" || mode == "query":
	case mode == "form_post" && strings.HasPrefix(q.RedirectURI, "http"):
		q.ResponseMode = mode
	default:
		return refuse("invalid_request", "response_mode must be query or, for http and https, form_post.")
	}
	return nil
}

func state(_ *Provider, q *request) *fault.Error {
	if len(q.one("state")) > maxState {
		return refuse("invalid_request", "state is too long.")
	}
	q.State = q.one("state")
	return nil
}

func noRequestObject(_ *Provider, q *request) *fault.Error {
	switch {
	case q.form.Has("request"):
		return refuse("request_not_supported", "Request objects are not supported.")
	case q.form.Has("request_uri"):
		return refuse("request_uri_not_supported", "request_uri is not supported.")
	case q.form.Has("registration"):
		return refuse("registration_not_supported", "The registration parameter is not supported.")
	}
	return nil
}

func responseType(_ *Provider, q *request) *fault.Error {
	switch q.one("response_type") {
	case "code":
		return nil
	case "":
		return refuse("invalid_request", "response_type is missing.")
	}
	return refuse("unsupported_response_type", "response_type must be code.")
}

func mayUseCodes(_ *Provider, q *request) *fault.Error {
	if !allowsGrant(q.app, app.GrantCode) {
		return refuse("unauthorized_client", "This application may not use authorization codes.")
	}
	return nil
}

// pkce wants an S256 challenge from every application: 43 characters of
// base64url are a SHA-256, nothing shorter or longer is (H020).
func pkce(_ *Provider, q *request) *fault.Error {
	q.Challenge = q.one("code_challenge")
	switch {
	case q.Challenge == "":
		return refuse("invalid_request", "code_challenge is missing: PKCE is required.")
	case q.one("code_challenge_method") != "S256":
		return refuse("invalid_request", "code_challenge_method must be S256.")
	case !grant.ValidChallenge(q.Challenge):
		return refuse("invalid_request", "code_challenge is not an S256 challenge.")
	}
	return nil
}

// scope reads the list. Which of it the application may have depends on the
// resource: see the next row.
func scope(_ *Provider, q *request) *fault.Error {
	asked, ok := scopes(q.one("scope"))
	if !ok {
		return refuse("invalid_scope", "scope is not a list of at most 100 scope names.")
	}
	q.Scopes = asked
	return nil
}

// resource keeps the scopes that the application may have there; what it may
// not, or what nobody knows, is left out, and the answer's `scope` tells so
// (OpenID Connect Core 1.0, 3.1.2.1: unknown values should be ignored).
func resource(p *Provider, q *request) (err *fault.Error) {
	if q.Resource, err = target(q.tenant, q.form); err != nil {
		return err
	}
	if q.Scopes, err = p.grantable(q.ctx, q.tenant, q.app, q.Scopes, q.Resource); err != nil {
		return err
	}
	if len(q.Scopes) == 0 {
		return refuse("invalid_scope", "None of these scopes is open to this application.")
	}
	return nil
}

func nonce(_ *Provider, q *request) *fault.Error {
	if len(q.one("nonce")) > maxNonce {
		return refuse("invalid_request", "nonce is too long.")
	}
	q.Nonce = q.one("nonce")
	return nil
}

var prompts = []string{"none", "login", "consent", "select_account", "create"}

func prompt(_ *Provider, q *request) *fault.Error {
	q.Prompt = strings.Fields(q.one("prompt"))
	for _, s := range q.Prompt {
		if !slices.Contains(prompts, s) {
			return refuse("invalid_request", "prompt has an unknown value.")
		}
	}
	if q.asks("none") && len(q.Prompt) > 1 {
		return refuse("invalid_request", "prompt=none stands alone.")
	}
	return nil
}

// maxAge is the request's, or the application's own; a sign-in is never older
// than it may be at this application at all.
func maxAge(_ *Provider, q *request) *fault.Error {
	text := q.one("max_age")
	q.MaxAge, q.Aged = time.Duration(q.app.Settings.DefaultMaxAge), q.app.Settings.DefaultMaxAge > 0
	if text != "" {
		if q.MaxAge, q.Aged = age(text); !q.Aged {
			return refuse("invalid_request", "max_age must be a number of seconds.")
		}
	}
	if most := time.Duration(q.app.Settings.SessionAbsolute); most > 0 {
		q.younger(most)
	}
	return nil
}

func claims(_ *Provider, q *request) *fault.Error {
	text := q.one("claims")
	if text == "" {
		return nil
	}
	if len(text) > maxClaims || web.CheckJSON([]byte(text)) != nil || json.Unmarshal([]byte(text), &q.Claims) != nil {
		return refuse("invalid_request", "claims is not a claims request.")
	}
	return nil
}

func hints(_ *Provider, q *request) *fault.Error {
	q.LoginHint, q.Locales = q.one("login_hint"), q.one("ui_locales")
	if len(q.LoginHint) > maxHint || len(q.Locales) > maxHint {
		return refuse("invalid_request", "login_hint or ui_locales is too long.")
	}
	return nil
}

// idTokenHint names the customer who is expected. An old token still says who
// it was for; a foreign or altered one says nothing.
func idTokenHint(p *Provider, q *request) *fault.Error {
	raw := q.one("id_token_hint")
	if raw == "" {
		return nil
	}
	hint, ok := readHint(q.tenant, raw)
	if !ok || hint.Audience != q.ClientID {
		return refuse("invalid_request", "id_token_hint is not an ID token of ours for this application.")
	}
	q.Subject = hint.Subject
	return nil
}

var (
	errUnknownApplication = fault.New(fault.Invalid, "application_unknown", "The application that sent you here is not known. Go back and try again from its own pages.")
	errForeignRedirect    = fault.New(fault.Invalid, "redirect_foreign", "The application asked to send you somewhere that it has not registered. Go back and tell its makers.")
)
