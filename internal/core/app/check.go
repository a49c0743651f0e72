package app

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	maxList   = 100
	maxScopes = 200
	maxJWKS   = 64 << 10
)

// defaults fills in what the kind decides.
func (a *Application) defaults() {
	s := &a.Settings
	if s.AuthMethod == "" {
		s.AuthMethod = MethodBasic
		if a.Kind == SPA || a.Kind == Native {
			s.AuthMethod = MethodNone
		}
	}
	if len(s.Grants) == 0 {
		s.Grants = grantsOf(a.Kind)
	}
	if s.SigningAlg == "" {
		s.SigningAlg = tenant.ES256
	}
	if s.SubjectType == "" {
		s.SubjectType = Pairwise
		if a.FirstParty {
			s.SubjectType = Public
		}
	}
	if len(s.AllowedScopes) == 0 && slices.Contains(s.Grants, GrantCode) {
		s.AllowedScopes = []string{"openid", "profile", "email", "phone", "address", "offline_access"}
	}
	if len(s.Purposes) == 0 {
		s.Purposes = []string{"account"}
	}
}

// Filled returns the application with what its kind decides filled in, as
// Register and Change store it.
func (a Application) Filled() Application {
	a.defaults()
	return a
}

func grantsOf(k Kind) []string {
	switch k {
	case Web, SPA, Native:
		return []string{GrantCode, GrantRefresh}
	case Service:
		return []string{GrantCredentials}
	}
	return nil
}

// check tells the first thing that is wrong with an application whose defaults
// are filled in. Faults name the member by its path in cardea.yaml.
func (a *Application) check(t *tenant.Tenant) error {
	if strings.TrimSpace(a.Name) == "" || !tenant.ShortText(a.Name, 100) {
		return ErrBadName.At("name")
	}
	if (a.Kind == API) != (a.Audience != "") || a.Audience != "" && !validAudience(a.Audience) {
		return ErrBadAudience.At("audience")
	}
	for _, c := range []func(*tenant.Tenant) error{
		a.checkLists, a.checkGrants, a.checkAddresses, a.checkProof, a.checkScopes, a.checkLinks, a.checkPlace, a.checkSpans, a.checkLevels, a.checkWebhook, a.checkAsks,
	} {
		if err := c(t); err != nil {
			return err
		}
	}
	return nil
}

func (a *Application) checkLists(*tenant.Tenant) error {
	s := &a.Settings
	for member, list := range map[string][]string{
		"redirect_uris": s.RedirectURIs, "post_logout_uris": s.PostLogoutURIs, "origins": s.Origins,
		"grants": s.Grants, "allowed_scopes": s.AllowedScopes, "resources": s.Resources, "purposes": s.Purposes, "default_acr_values": s.DefaultACRValues,
	} {
		if len(list) > maxList {
			return ErrTooMany.At(member)
		}
		if sorted := slices.Sorted(slices.Values(list)); len(slices.Compact(sorted)) < len(list) {
			return ErrBadSettings.At(member)
		}
	}
	if len(s.Scopes) > maxScopes {
		return ErrTooMany.At("scopes")
	}
	return nil
}

func (a *Application) checkAddresses(t *tenant.Tenant) error {
	s := &a.Settings
	code := slices.Contains(s.Grants, GrantCode)
	if code != (len(s.RedirectURIs) > 0) {
		return ErrBadRedirect.At("redirect_uris")
	}
	for _, uri := range s.RedirectURIs {
		if err := ValidateRedirectURI(a.Kind, uri, t.Loopback()); err != nil {
			return ErrBadRedirect.At("redirect_uris")
		}
	}
	for _, uri := range s.PostLogoutURIs {
		if err := ValidateRedirectURI(a.Kind, uri, t.Loopback()); err != nil || !code {
			return ErrBadRedirect.At("post_logout_uris")
		}
	}
	for _, origin := range s.Origins {
		if err := validateOrigin(origin, t.Loopback()); err != nil {
			return ErrBadOrigin.At("origins")
		}
	}
	return nil
}

func (a *Application) checkGrants(*tenant.Tenant) error {
	grants := a.Settings.Grants
	for _, g := range grants {
		if g != GrantCode && g != GrantRefresh && g != GrantCredentials {
			return ErrBadSettings.At("grants")
		}
	}
	customers := slices.Contains(grants, GrantCode)
	own := slices.Contains(grants, GrantCredentials)
	switch {
	case slices.Contains(grants, GrantRefresh) && !customers,
		a.Kind == Service && customers, a.Kind == API && len(grants) > 0,
		(a.Kind == SPA || a.Kind == Native) && own:
		return ErrBadSettings.At("grants")
	}
	return nil
}

func (a *Application) checkProof(*tenant.Tenant) error {
	s := &a.Settings
	public := a.Kind == SPA || a.Kind == Native
	switch s.AuthMethod {
	case MethodNone:
		if !public {
			return ErrBadSettings.At("auth_method")
		}
	case MethodBasic, MethodPost:
		if public {
			return ErrBadSettings.At("auth_method")
		}
	case MethodJWT:
		if (len(s.JWKS) == 0) == (s.JWKSURI == "") {
			return ErrBadJWKS.At("jwks")
		}
	default:
		return ErrBadSettings.At("auth_method")
	}
	if s.SigningAlg != tenant.ES256 && s.SigningAlg != tenant.RS256 && s.SigningAlg != tenant.EdDSA {
		return ErrBadSettings.At("signing_alg")
	}
	if s.SubjectType != Pairwise && s.SubjectType != Public {
		return ErrBadSettings.At("subject_type")
	}
	return s.JWKS.check()
}

// check accepts public signature keys alone: a private or symmetric key that
// was pasted here by mistake must not rest in the database.
func (j JWKS) check() error {
	if len(j) == 0 {
		return nil
	}
	var set jose.JSONWebKeySet
	decoder := json.NewDecoder(bytes.NewReader(j))
	if len(j) > maxJWKS || decoder.Decode(&set) != nil || decoder.More() || len(set.Keys) == 0 || len(set.Keys) > 20 {
		return ErrBadJWKS.At("jwks")
	}
	for _, k := range set.Keys {
		if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
			return ErrBadJWKS.At("jwks")
		}
	}
	return nil
}

// Keys parses the registered key set; it is empty if there is none.
func (s *Settings) Keys() (jose.JSONWebKeySet, error) {
	var set jose.JSONWebKeySet
	if len(s.JWKS) == 0 {
		return set, nil
	}
	err := json.Unmarshal(s.JWKS, &set)
	return set, err
}

// reserved are the scopes that the house itself gives a meaning.
var reserved = []string{"openid", "profile", "email", "phone", "address", "offline_access"}

func (a *Application) checkScopes(*tenant.Tenant) error {
	s := &a.Settings
	if a.Kind != API && len(s.Scopes) > 0 {
		return ErrBadSettings.At("scopes")
	}
	seen := map[string]bool{}
	for _, scope := range s.Scopes {
		if !ValidScope(scope.Name) || slices.Contains(reserved, scope.Name) || seen[scope.Name] {
			return ErrBadSettings.At("scopes")
		}
		seen[scope.Name] = true
		for locale, words := range scope.Words {
			if !tenant.ValidLocale(locale) || !tenant.ShortText(words, 200) {
				return ErrBadSettings.At("scopes")
			}
		}
	}
	for _, name := range s.AllowedScopes {
		if !ValidScope(name) {
			return ErrBadSettings.At("allowed_scopes")
		}
	}
	for _, audience := range s.Resources {
		if !validAudience(audience) {
			return ErrBadAudience.At("resources")
		}
	}
	for _, p := range s.Purposes {
		if !ValidScope(p) {
			return ErrBadSettings.At("purposes")
		}
	}
	return nil
}

// ValidScope is RFC 6749 section 3.3's scope-token, of at most 100 characters.
func ValidScope(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

func (a *Application) checkLinks(t *tenant.Tenant) error {
	s := &a.Settings
	for member, link := range map[string]string{
		"home_url": s.HomeURL, "logo_url": s.LogoURL, "policy_url": s.PolicyURL, "terms_url": s.TermsURL,
		"jwks_uri": s.JWKSURI, "backchannel_logout_uri": s.BackchannelLogoutURI,
	} {
		if link != "" && !tenant.ValidURL(link, t.Loopback()) {
			return ErrBadURL.At(member)
		}
	}
	return nil
}

// MaxSafeguard bounds the words on the ground of a transfer, in characters.
const MaxSafeguard = 300

func (a *Application) checkPlace(*tenant.Tenant) error {
	s := &a.Settings
	if s.Country != "" && !tenant.ValidCountry(s.Country) {
		return ErrBadSettings.At("country")
	}
	if !tenant.ShortText(s.Safeguard, MaxSafeguard) || s.Safeguard != "" && s.Country == "" {
		return ErrBadSettings.At("safeguard")
	}
	return nil
}

func (a *Application) checkSpans(*tenant.Tenant) error {
	s := &a.Settings
	idle, absolute := s.refresh()
	if idle < time.Minute || idle > absolute {
		return ErrBadSettings.At("refresh_idle")
	}
	// When a session was last used is known to five minutes (session.TouchEvery).
	if rest := s.SessionIdle.Or(time.Hour); rest < 10*time.Minute {
		return ErrBadSettings.At("session_idle")
	}
	if whole := s.SessionAbsolute.Or(time.Hour); whole < time.Minute || s.SessionAbsolute > 0 && s.SessionIdle > s.SessionAbsolute {
		return ErrBadSettings.At("session_absolute")
	}
	return nil
}

// levels are the acr values that there are; the session room computes them.
var levels = []string{"urn:cardea:acr:single", "urn:cardea:acr:multi", "urn:cardea:acr:phishing-resistant"}

func (a *Application) checkLevels(*tenant.Tenant) error {
	for _, l := range a.Settings.DefaultACRValues {
		if !slices.Contains(levels, l) {
			return ErrBadSettings.At("default_acr_values")
		}
	}
	return nil
}

// maxAsks bounds what an application asks for: two at a time, at most.
const maxAsks = 20

func (a *Application) checkAsks(*tenant.Tenant) error {
	s := &a.Settings
	if len(s.Asks) > maxAsks {
		return ErrTooMany.At("asks")
	}
	if len(s.Asks) > 0 && !slices.Contains(s.Grants, GrantCode) {
		return ErrBadSettings.At("asks")
	}
	seen := map[string]bool{}
	for _, q := range s.Asks {
		if q.Field == "" || len(q.Field) > 60 || seen[q.Field] || q.From < 0 || q.From > 100 || !slices.Contains(s.Purposes, q.Purpose) {
			return ErrBadSettings.At("asks")
		}
		seen[q.Field] = true
	}
	return nil
}
