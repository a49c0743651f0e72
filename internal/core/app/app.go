package app

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type kind struct{}

func (kind) Prefix() string { return "app" }

// ID is the id of an application; as text it is the client_id.
type ID = id.ID[kind]

// Kind says what an application runs as, which decides what it may do.
type Kind string

// The kinds.
const (
	Web     Kind = "web"     // on a server, keeps a secret
	SPA     Kind = "spa"     // in a browser, keeps none
	Native  Kind = "native"  // on a device, keeps none
	Service Kind = "service" // acts for itself, without customers
	API     Kind = "api"     // is called by others with access tokens
)

// The faults of this room.
var (
	ErrNotFound    = fault.New(fault.NotFound, "application_not_found", "There is no such application.")
	ErrBadKind     = fault.New(fault.Invalid, "bad_kind", "An application is a web, spa, native, service or api.")
	ErrBadName     = fault.New(fault.Invalid, "bad_name", "A name has 1 to 100 characters and no control characters.")
	ErrBadAudience = fault.New(fault.Invalid, "bad_audience", "An API is named by an absolute URI without a fragment.")
	ErrAudience    = fault.New(fault.Conflict, "audience_taken", "Another API has this audience.")
	ErrBadRedirect = fault.New(fault.Invalid, "bad_redirect_uri", "This redirect URI is not allowed for this kind of application.")
	ErrBadOrigin   = fault.New(fault.Invalid, "bad_web_origin", "A web origin is https://host or https://host:port and nothing more.")
	ErrBadSettings = fault.New(fault.Invalid, "bad_setting", "This value is not one of those that are allowed here.")
	ErrBadJWKS     = fault.New(fault.Invalid, "bad_jwks", "The key set must hold public signature keys only.")
	ErrBadURL      = fault.New(fault.Invalid, "bad_url", "Write a whole https address without user name and fragment.")
	ErrChanged     = fault.New(fault.Conflict, "changed_meanwhile", "Somebody else has changed this application in the meantime. Load it again.")
	ErrFixed       = fault.New(fault.Conflict, "sector_fixed", "Kind and sector of an application never change: its customers would become strangers to it.")
	ErrNoSecret    = fault.New(fault.Conflict, "no_secret", "This application does not authenticate with a secret.")
	ErrTooMany     = fault.New(fault.Invalid, "too_many", "There are too many entries in this list.")
)

// Application is a registered application.
type Application struct {
	TenantID   tenant.ID
	ID         ID
	Kind       Kind
	Name       string
	FirstParty bool // the company's own: no scope consent, the tenant's sector
	Enabled    bool
	Sector     string // within which a customer has one sub
	Audience   string // an API's resource identifier (RFC 8707)
	Settings   Settings
	Version    int64
	CreatedAt  time.Time
	ChangedAt  time.Time

	secrets []Secret // only in what Book finds
}

// Fields names the columns.
func (a *Application) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &a.TenantID}, {Column: "id", Ptr: &a.ID}, {Column: "kind", Ptr: &a.Kind},
		{Column: "name", Ptr: &a.Name}, {Column: "first_party", Ptr: &a.FirstParty}, {Column: "enabled", Ptr: &a.Enabled},
		{Column: "sector", Ptr: &a.Sector}, {Column: "audience", Ptr: &a.Audience},
		{Column: "settings", Ptr: db.JSON(&a.Settings)}, {Column: "version", Ptr: &a.Version},
		{Column: "created_at", Ptr: &a.CreatedAt}, {Column: "changed_at", Ptr: &a.ChangedAt},
	}
}

// ClientID is the application's id as OAuth spells it.
func (a *Application) ClientID() string { return a.ID.String() }

// Public reports whether the application can keep no secret (RFC 6749
// section 2.1).
func (a *Application) Public() bool { return a.Settings.AuthMethod == MethodNone }

// Client authentication methods (OpenID Connect Core section 9).
const (
	MethodNone  = "none"
	MethodBasic = "client_secret_basic"
	MethodPost  = "client_secret_post"
	MethodJWT   = "private_key_jwt"
)

// Grant types.
const (
	GrantCode        = "authorization_code"
	GrantRefresh     = "refresh_token"
	GrantCredentials = "client_credentials"
)

// Subject types (OpenID Connect Core section 8).
const (
	Pairwise = "pairwise"
	Public   = "public"
)

// Settings is what staff decide of an application. `cardea apply` reads the
// same members from cardea.yaml, strictly, under "applications".
type Settings struct {
	RedirectURIs   []string `json:"redirect_uris,omitempty" yaml:"redirect_uris,omitempty"`
	PostLogoutURIs []string `json:"post_logout_uris,omitempty" yaml:"post_logout_uris,omitempty"`
	// Origins are the web origins whose pages may call the token, userinfo and
	// revocation endpoints from a browser.
	Origins []string `json:"origins,omitempty" yaml:"origins,omitempty"`

	// Grants are grant types; those of the kind if empty.
	Grants []string `json:"grants,omitempty" yaml:"grants,omitempty"`
	// AllowedScopes are the scopes it may ask for. If empty: for itself none of
	// an API, for customers "openid", "profile", "email", "phone", "address"
	// and "offline_access".
	AllowedScopes []string `json:"allowed_scopes,omitempty" yaml:"allowed_scopes,omitempty"`
	// Resources are the audiences of the APIs that it may ask for.
	Resources []string `json:"resources,omitempty" yaml:"resources,omitempty"`
	// Scopes are what an API offers.
	Scopes []Scope `json:"scopes,omitempty" yaml:"scopes,omitempty"`

	// AuthMethod is how it proves itself: client_secret_basic,
	// client_secret_post, private_key_jwt or none; by its kind if empty.
	AuthMethod string `json:"auth_method,omitempty" yaml:"auth_method,omitempty"`
	// JWKS (a key set as in RFC 7517 section 5) or JWKSURI holds the public
	// keys for private_key_jwt.
	JWKS    JWKS   `json:"jwks,omitempty" yaml:"jwks,omitempty"`
	JWKSURI string `json:"jwks_uri,omitempty" yaml:"jwks_uri,omitempty"`
	// SigningAlg signs its ID tokens and, for an API, the access tokens meant
	// for it: ES256 (also if empty), RS256 or EdDSA.
	SigningAlg string `json:"signing_alg,omitempty" yaml:"signing_alg,omitempty"`
	// SubjectType is pairwise or public; if empty, public for first-party
	// applications and pairwise for others.
	SubjectType string `json:"subject_type,omitempty" yaml:"subject_type,omitempty"`

	BackchannelLogoutURI string `json:"backchannel_logout_uri,omitempty" yaml:"backchannel_logout_uri,omitempty"`
	// BackchannelSessionRequired asks for the sid in logout tokens (OpenID
	// Connect Back-Channel Logout 1.0 section 2.2).
	BackchannelSessionRequired bool `json:"backchannel_session_required,omitempty" yaml:"backchannel_session_required,omitempty"`

	// Webhook is where it hears what happens to its customers; nil: nowhere.
	Webhook *Webhook `json:"webhook,omitempty" yaml:"webhook,omitempty"`

	HomeURL   string `json:"home_url,omitempty" yaml:"home_url,omitempty"`
	LogoURL   string `json:"logo_url,omitempty" yaml:"logo_url,omitempty"`
	PolicyURL string `json:"policy_url,omitempty" yaml:"policy_url,omitempty"`
	TermsURL  string `json:"terms_url,omitempty" yaml:"terms_url,omitempty"`

	// Country is where whoever runs it has the data (ISO 3166-1 alpha-2: "DE").
	// Where that is outside of the European Economic Area, Safeguard says on what
	// ground data goes there (GDPR Articles 45 to 49), in words.
	Country   string `json:"country,omitempty" yaml:"country,omitempty"`
	Safeguard string `json:"safeguard,omitempty" yaml:"safeguard,omitempty"`
	// Purposes are what it uses customers' data for, among those of the
	// catalogue; "account" (running the customer's account with it) if empty.
	Purposes []string `json:"purposes,omitempty" yaml:"purposes,omitempty"`
	// RefreshIdle ends a refresh token that was not used for so long (30d),
	// RefreshAbsolute ends its family (365d).
	RefreshIdle     tenant.Duration `json:"refresh_idle,omitempty" yaml:"refresh_idle,omitempty"`
	RefreshAbsolute tenant.Duration `json:"refresh_absolute,omitempty" yaml:"refresh_absolute,omitempty"`
	// DefaultMaxAge is the max_age of requests that tell none; no limit if 0.
	DefaultMaxAge tenant.Duration `json:"default_max_age,omitempty" yaml:"default_max_age,omitempty"`
	// DefaultACRValues are the acr_values of requests that ask for no acr, best
	// first (OpenID Connect Dynamic Client Registration 1.0 section 2).
	DefaultACRValues []string `json:"default_acr_values,omitempty" yaml:"default_acr_values,omitempty"`

	// SessionIdle is for how long a sign-in may rest unused and still answer this
	// application, SessionAbsolute how old its latest proof may be; no limit
	// beyond the tenant's if 0. What is too old is asked to be proven again, and
	// refresh tokens end with it.
	SessionIdle     tenant.Duration `json:"session_idle,omitempty" yaml:"session_idle,omitempty"`
	SessionAbsolute tenant.Duration `json:"session_absolute,omitempty" yaml:"session_absolute,omitempty"`

	// Asks are fields of the profile that customers are asked for when they sign
	// in here, the most wanted first.
	Asks []Asked `json:"asks,omitempty" yaml:"asks,omitempty"`
}

// Asked is a field that an application asks customers for.
type Asked struct {
	Field string `json:"field" yaml:"field"`
	// Purpose is what it is for: one of the application's, which the field names
	// too. Where it rests on consent, that is asked for beside the field.
	Purpose string `json:"purpose" yaml:"purpose"`
	// Needed means that nobody gets on without it; where the purpose rests on
	// consent, which is free, it does not count.
	Needed bool `json:"needed,omitempty" yaml:"needed,omitempty"`
	// From is the sign-in from which on it is asked for; the sign-up is the
	// first one. 2 if 0; what is needed is asked for at once.
	From int `json:"from,omitempty" yaml:"from,omitempty"`
}

// Counts reports whether the application's sign-ins have to be counted.
func (s *Settings) Counts() bool {
	return slices.ContainsFunc(s.Asks, func(a Asked) bool { return a.From > 2 && !a.Needed })
}

// Scope is something that an API lets others do.
type Scope struct {
	Name string `json:"name" yaml:"name"`
	// Words describes it to customers, by locale.
	Words map[string]string `json:"words,omitempty" yaml:"words,omitempty"`
}

// JWKS is a JSON Web Key Set in its JSON text. In YAML and JSON files it stands
// as the object itself.
type JWKS json.RawMessage

// MarshalJSON writes the set as it stands.
func (j JWKS) MarshalJSON() ([]byte, error) { return json.RawMessage(j).MarshalJSON() }

// UnmarshalJSON keeps the text; Check looks at it.
func (j *JWKS) UnmarshalJSON(b []byte) error { return (*json.RawMessage)(j).UnmarshalJSON(b) }

// Refresh returns how long a refresh token lives unused and how long its family
// lives at all: never longer than a sign-in may rest, or last, at this application.
func (s *Settings) Refresh() (idle, absolute time.Duration) {
	idle, absolute = s.refresh()
	if s.SessionIdle > 0 {
		idle = min(idle, time.Duration(s.SessionIdle))
	}
	if s.SessionAbsolute > 0 {
		absolute = min(absolute, time.Duration(s.SessionAbsolute))
	}
	return min(idle, absolute), absolute
}

func (s *Settings) refresh() (idle, absolute time.Duration) {
	const day = 24 * time.Hour
	return s.RefreshIdle.Or(30 * day), s.RefreshAbsolute.Or(365 * day)
}
