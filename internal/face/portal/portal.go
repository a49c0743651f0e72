package portal

import (
	"embed"
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

//go:embed *.html locales/*.json assets/*.css assets/*.js
var files embed.FS

// Deps are what the server hands in.
type Deps struct {
	DB        *db.DB
	UI        *ui.UI
	Hasher    *secret.Hasher
	Passwords credential.Passwords // what a new password must not be; the zero value works
	Acts      account.Acts
}

// Portal serves "My account" of every tenant.
type Portal struct {
	db        *db.DB
	ui        *ui.UI
	hasher    *secret.Hasher
	passwords credential.Passwords
	acts      account.Acts
}

// New returns the face.
func New(d Deps) *Portal {
	return &Portal{db: d.DB, ui: d.UI, hasher: d.Hasher, passwords: d.Passwords, acts: d.Acts}
}

// Part is the face's templates, words and page types, for ui.New.
func Part() ui.Part {
	return ui.Part{Name: "portal", Files: files, Pages: []ui.Page{
		Home{}, Profile{}, Addresses{}, Security{}, Password{}, Applications{}, Language{}, Ask{}, Closed{}, Erased{},
		Passkeys{}, NewPasskey{}, TwoStep{}, NewApp{}, RecoveryCodes{}, Devices{}, Preferences{}, Told{}, Consents{}, ConsentText{}, Privacy{}, Known{},
		Requests{}, Request{},
	}}
}

// The pages, and where an act's form stands.
const (
	homePath         = "/account"
	profilePath      = "/account/profile"
	addressesPath    = "/account/addresses"
	usernamePath     = "/account/username"
	securityPath     = "/account/security"
	passwordPath     = "/account/password"
	passkeysPath     = "/account/passkeys"
	newPasskeyPath   = "/account/passkeys/new"
	twoStepPath      = "/account/two-step"
	codesPath        = "/account/two-step/codes"
	devicesPath      = "/account/devices"
	applicationsPath = "/account/applications"
	languagePath     = "/account/language"
	closePath        = "/account/close"
	closedPath       = "/account/closed"
	everywherePath   = "/account/sessions/everywhere"
	signOutPath      = "/account/signout"
	chooserPath      = "/signin?return=%2Faccount"
	signInPath       = "/signin"
	signedOutPath    = "/signout?done=1"
)

// Routes hangs the pages on the router.
func (p *Portal) Routes(m *web.Mux) {
	teller := p.ui.Teller("portal")
	page := func(pattern, back string, act func(*visit) error) {
		m.Handle(pattern, teller, p.signedIn(back, act), web.Requires("session"))
	}
	page("GET /account", homePath, (*visit).home)
	page("GET /account/profile", profilePath, (*visit).profile)
	page("POST /account/profile", profilePath, (*visit).saveProfile)
	page("GET /account/addresses", addressesPath, (*visit).addresses)
	page("GET /account/addresses/add", addressesPath, (*visit).askAddress)
	page("POST /account/addresses/add", addressesPath, (*visit).addAddress)
	page("GET /account/addresses/change", addressesPath, (*visit).askChange)
	page("POST /account/addresses/change", addressesPath, (*visit).changeAddress)
	page("POST /account/addresses/verify", addressesPath, (*visit).verifyAddress)
	page("POST /account/addresses/primary", addressesPath, (*visit).makePrimary)
	page("GET /account/addresses/remove", addressesPath, (*visit).askRemove)
	page("POST /account/addresses/remove", addressesPath, (*visit).removeAddress)
	page("GET /account/username", usernamePath, (*visit).askUsername)
	page("POST /account/username", usernamePath, (*visit).setUsername)
	page("GET /account/security", securityPath, (*visit).security)
	page("GET /account/sessions", securityPath, (*visit).sessions)
	page("POST /account/sessions/end", securityPath, (*visit).endSession)
	page("POST /account/sessions/others", securityPath, (*visit).endOthers)
	page("GET /account/sessions/everywhere", everywherePath, (*visit).askEverywhere)
	page("POST /account/sessions/everywhere", everywherePath, (*visit).signOutEverywhere)
	page("GET /account/password", passwordPath, (*visit).askPassword)
	page("POST /account/password", passwordPath, (*visit).setPassword)
	page("GET /account/password/remove", passwordPath+"/remove", (*visit).askRemovePassword)
	page("POST /account/password/remove", passwordPath+"/remove", (*visit).removePassword)
	p.factorRoutes(page)
	p.consentRoutes(page)
	p.privacyRoutes(page)
	page("GET "+dataPath, privacyPath, (*visit).known)
	p.requestRoutes(page)
	page("GET /account/applications", applicationsPath, (*visit).applications)
	page("GET /account/applications/revoke", applicationsPath, (*visit).askRevoke)
	page("POST /account/applications/revoke", applicationsPath, (*visit).revoke)
	page("GET /account/language", languagePath, (*visit).language)
	page("POST /account/language", languagePath, (*visit).setLanguage)
	page("POST /account/theme", languagePath, (*visit).setTheme)
	page("GET /account/close", closePath, (*visit).askClose)
	page("POST /account/close", closePath, (*visit).close)
	page("POST /account/signout", homePath, (*visit).signOut)
	page("GET /account/preferences", preferencesPath, (*visit).preferences)
	page("POST /account/preferences", preferencesPath, (*visit).savePreferences)
	p.linkRoutes(m)
	p.erasureRoutes(m)
	m.Handle("GET /account/closed", teller, p.closed, web.Public())
}

// factorRoutes hangs the pages of what somebody signs in with.
func (p *Portal) factorRoutes(page func(pattern, back string, act func(*visit) error)) {
	page("GET /account/passkeys", passkeysPath, (*visit).passkeyList)
	page("GET /account/passkeys/new", newPasskeyPath, (*visit).askPasskey)
	page("POST /account/passkeys/options", newPasskeyPath, (*visit).passkeyOptions)
	page("POST /account/passkeys", newPasskeyPath, (*visit).addPasskey)
	page("POST /account/passkeys/rename", passkeysPath, (*visit).renamePasskey)
	page("GET /account/passkeys/remove", passkeysPath, (*visit).askRemovePasskey)
	page("POST /account/passkeys/remove", passkeysPath, (*visit).removePasskey)
	page("GET /account/two-step", twoStepPath, (*visit).twoStepPage)
	page("POST /account/two-step/app", twoStepPath, (*visit).beginApp)
	page("GET /account/two-step/app", twoStepPath, (*visit).askApp)
	page("POST /account/two-step/confirm", twoStepPath, (*visit).confirmApp)
	page("POST /account/two-step/rename", twoStepPath, (*visit).renameApp)
	page("GET /account/two-step/remove", twoStepPath, (*visit).askRemoveApp)
	page("POST /account/two-step/remove", twoStepPath, (*visit).removeApp)
	page("GET /account/two-step/codes", codesPath, (*visit).askCodes)
	page("POST /account/two-step/codes", codesPath, (*visit).renewCodes)
	page("GET /account/devices", devicesPath, (*visit).devicesPage)
	page("POST /account/devices/ask", devicesPath, (*visit).distrust)
	page("GET /account/devices/forget", devicesPath, (*visit).askForget)
	page("POST /account/devices/forget", devicesPath, (*visit).forget)
}

// of is the tenant that the request's host names.
func of(r *http.Request) *tenant.Tenant { return web.Tenant(r).(*tenant.Tenant) }
