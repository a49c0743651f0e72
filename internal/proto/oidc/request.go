package oidc

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// request is an authorization request on its way through the checks
// (OpenID Connect Core 1.0, section 3.1.2.1). The exported members travel
// sealed in the sign-in flow while the customer is on the hosted pages.
type request struct {
	ClientID     string        `json:"client_id"`
	RedirectURI  string        `json:"redirect_uri"`
	ResponseMode string        `json:"response_mode"`
	State        string        `json:"state,omitempty"`
	Nonce        string        `json:"nonce,omitempty"`
	Challenge    string        `json:"code_challenge"`
	Scopes       []string      `json:"scope"`
	Resource     string        `json:"resource,omitempty"`
	Prompt       []string      `json:"prompt,omitempty"`
	MaxAge       time.Duration `json:"max_age,omitempty"`
	Aged         bool          `json:"aged,omitempty"` // MaxAge counts, even as 0
	ACRValues    []string      `json:"acr_values,omitempty"`
	Bound        bool          `json:"bound,omitempty"` // one of ACRValues must be met
	Claims       claimsRequest `json:"claims,omitzero"`
	LoginHint    string        `json:"login_hint,omitempty"`
	Locales      string        `json:"ui_locales,omitempty"`
	Subject      string        `json:"sub,omitempty"` // whom id_token_hint names

	ctx    context.Context
	form   url.Values
	tenant *tenant.Tenant
	app    *app.Application
	from   signin.From
	since  time.Time // when the request came, from which MaxAge counts; zero: now
}

// one returns a parameter; repeated parameters were refused before.
func (q *request) one(name string) string { return q.form.Get(name) }

func (q *request) asks(prompt string) bool { return slices.Contains(q.Prompt, prompt) }
func (q *request) offline() bool           { return slices.Contains(q.Scopes, "offline_access") }

// younger lowers how old the customer's latest proof may be.
func (q *request) younger(most time.Duration) {
	if !q.Aged || q.MaxAge > most {
		q.MaxAge, q.Aged = most, true
	}
}

// claimsRequest is the `claims` parameter (OpenID Connect Core 1.0, 5.5).
type claimsRequest struct {
	UserInfo map[string]*claimAsk `json:"userinfo,omitempty"`
	IDToken  map[string]*claimAsk `json:"id_token,omitempty"`
}

// claimAsk says how one claim is wanted; nil asks for it in the default way.
type claimAsk struct {
	Essential bool              `json:"essential,omitempty"`
	Value     json.RawMessage   `json:"value,omitempty"`
	Values    []json.RawMessage `json:"values,omitempty"`
}

// wanted are the values asked for that are text.
func (a *claimAsk) wanted() []string {
	if a == nil {
		return nil
	}
	var out []string
	for _, raw := range append([]json.RawMessage{a.Value}, a.Values...) {
		var s string
		if len(raw) > 0 && json.Unmarshal(raw, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// Limits of the members of a request. Each is far above honest use.
const (
	maxState  = 4096
	maxNonce  = 512
	maxScope  = 4096
	maxScopes = 100
	maxClaims = 8192
	maxHint   = 320
)

// scopes splits a scope parameter, each value once, in the order given
// (RFC 6749, 3.3; H058).
func scopes(text string) ([]string, bool) {
	if len(text) > maxScope {
		return nil, false
	}
	var out []string
	for s := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' }) {
		if !scopeToken(s) {
			return nil, false
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, len(out) <= maxScopes
}

func scopeToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x21 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// age reads max_age: whole seconds, not negative.
func age(text string) (time.Duration, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return time.Duration(n) * time.Second, err == nil && n >= 0 && strconv.FormatInt(n, 10) == text
}
