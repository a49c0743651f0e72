package oidc

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// metadata is the discovery document (OpenID Connect Discovery 1.0, 3) and the
// authorization server metadata (RFC 8414, 2): one document for both.
type metadata struct {
	Issuer                string   `json:"issuer"`
	Authorization         string   `json:"authorization_endpoint"`
	Token                 string   `json:"token_endpoint"`
	UserInfo              string   `json:"userinfo_endpoint"`
	JWKS                  string   `json:"jwks_uri"`
	Introspection         string   `json:"introspection_endpoint"`
	Revocation            string   `json:"revocation_endpoint"`
	EndSession            string   `json:"end_session_endpoint"`
	Scopes                []string `json:"scopes_supported"`
	ResponseTypes         []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	GrantTypes            []string `json:"grant_types_supported"`
	ACRValues             []string `json:"acr_values_supported"`
	SubjectTypes          []string `json:"subject_types_supported"`
	IDTokenAlgs           []string `json:"id_token_signing_alg_values_supported"`
	TokenAuth             []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs         []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth     []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAuthAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth        []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAuthAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Display               []string `json:"display_values_supported"`
	ClaimTypes            []string `json:"claim_types_supported"`
	Claims                []string `json:"claims_supported"`
	UILocales             []string `json:"ui_locales_supported,omitempty"`
	Prompts               []string `json:"prompt_values_supported"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	RequestURIParameter   bool     `json:"request_uri_parameter_supported"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported"`
	BackchannelLogout     bool     `json:"backchannel_logout_supported"`
	BackchannelSession    bool     `json:"backchannel_logout_session_supported"`
	Policy                string   `json:"op_policy_uri,omitempty"`
	Terms                 string   `json:"op_tos_uri,omitempty"`
}

// discoveryLife is how long an answer may be kept by clients: short enough for
// a change of configuration, well under the time a key stands before it signs.
const discoveryLife = "public, max-age=300"

// documents keeps the rendered document beside the snapshot that it describes.
var documents = tenant.NewCache[struct{}, json.RawMessage](1)

func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	text, ok := documents.Peek(t, struct{}{})
	if !ok {
		err := p.db.View(r.Context(), func(tx *db.Tx) (err error) {
			text, err = documents.Get(tx, t, struct{}{}, func() (json.RawMessage, error) {
				fields, err := catalog.For(tx, t)
				if err != nil {
					return nil, err
				}
				return json.Marshal(describe(t, fields))
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	w.Header().Set("Cache-Control", discoveryLife)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client went away
	return nil
}

// claimNames are the claims that this tenant can tell, by its catalogue.
func claimNames(c *catalog.Catalog) []string {
	names := []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash"}
	for _, f := range c.Fields() {
		if f.Scope != "" && f.Claim != "" && !slices.Contains(names, f.Claim) {
			names = append(names, f.Claim)
		}
	}
	return names
}

// scopeNames are the standard scopes and those that the catalogue adds. What
// an API offers is its own to publish.
func scopeNames(c *catalog.Catalog) []string {
	names := slices.Clone(standardScopes)
	for _, s := range c.Scopes() {
		if !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	return names
}

func describe(t tenantRef, fields *catalog.Catalog) metadata {
	at := func(path string) string { return t.Issuer() + path }
	secrets := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	algs := make([]string, 0, len(assertionAlgs))
	for _, a := range assertionAlgs {
		algs = append(algs, string(a))
	}
	return metadata{
		Issuer: t.Issuer(), Authorization: at(PathAuthorize), Token: at(PathToken), UserInfo: at(PathUserInfo), JWKS: at(PathJWKS),
		Introspection: at(PathIntrospect), Revocation: at(PathRevoke), EndSession: at(PathEndSession),
		Scopes: scopeNames(fields), ResponseTypes: []string{"code"}, ResponseModes: []string{"query", "form_post"},
		GrantTypes: []string{"authorization_code", "refresh_token", "client_credentials"}, ACRValues: session.Levels(),
		SubjectTypes: []string{"pairwise", "public"}, IDTokenAlgs: t.Algs(),
		TokenAuth: append([]string{"none"}, secrets...), TokenAuthAlgs: algs, IntrospectionAuth: secrets, IntrospectionAuthAlgs: algs,
		RevocationAuth: append([]string{"none"}, secrets...), RevocationAuthAlgs: algs,
		Display: []string{"page"}, ClaimTypes: []string{"normal"}, Claims: claimNames(fields), UILocales: t.Settings.Locales,
		Prompts: prompts, ChallengeMethods: []string{"S256"},
		ClaimsParameter: true, IssParameter: true, BackchannelLogout: true, BackchannelSession: true,
		Policy: t.Settings.PrivacyURL, Terms: t.Settings.TermsURL,
	}
}

// jwks is the key set (RFC 7517, 5): the keys that sign, that will, and that did.
func (p *Provider) jwks(w http.ResponseWriter, r *http.Request) error {
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{Keys: []json.RawMessage{}}
	for _, k := range of(r).PublicKeys() {
		set.Keys = append(set.Keys, k.JWK)
	}
	w.Header().Set("Cache-Control", discoveryLife)
	w.Header().Set("Content-Type", "application/jwk-set+json")
	return web.JSON(w, http.StatusOK, set)
}
