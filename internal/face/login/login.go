package login

import (
	"embed"
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/outbound"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

//go:embed *.html locales/*.json
var files embed.FS

// Deps are what the server hands in.
type Deps struct {
	DB        *db.DB
	UI        *ui.UI
	Outbound  *outbound.Client // asks other companies' bot checks, where a tenant chose one
	Hasher    *secret.Hasher
	Passwords credential.Passwords // what a new password must not be; the zero value works
	Acts      account.Acts
	Bootstrap Bootstrap      // how the first operator is made; zero: not here
	Tally     *journal.Tally // counts journeys by their end; nil: none
}

// Bootstrap redeems the one-time link of the first operator.
type Bootstrap struct {
	Peek   func(tx *db.Tx, token string) (bool, error)           // would it be redeemed now? changes nothing
	Redeem func(tx *db.Tx, t *tenant.Tenant, token string) error // exactly once, in the transaction that makes the operator
}

// Login serves the hosted pages of every tenant.
type Login struct {
	db        *db.DB
	ui        *ui.UI
	hasher    *secret.Hasher
	outbound  *outbound.Client
	passwords credential.Passwords
	acts      account.Acts
	bootstrap Bootstrap
	tally     *journal.Tally
}

// New returns the face.
func New(d Deps) *Login {
	return &Login{
		db: d.DB, ui: d.UI, hasher: d.Hasher, outbound: d.Outbound, passwords: d.Passwords, acts: d.Acts, bootstrap: d.Bootstrap, tally: d.Tally,
	}
}

// Part is the face's templates, words and page types, for ui.New.
func Part() ui.Part {
	return ui.Part{Name: "login", Files: files, Pages: []ui.Page{
		Choose{}, Identify{}, Prove{}, Code{}, Nothing{}, Password{}, Reset{}, Terms{}, Username{}, Profile{}, Consent{},
		Age{}, Choices{}, Ask{}, Second{}, Enrol{}, Setup{}, Codes{}, Offer{},
		Message{}, Help{}, Legal{}, Language{}, Bootstrapping{}, ReceiptCheck{},
	}}
}

// Routes hangs the pages on the router.
func (l *Login) Routes(m *web.Mux) {
	teller := l.ui.Teller("login")
	page := func(pattern string, h web.Handler) { m.Handle(pattern, teller, h, web.Public()) }
	either := func(w http.ResponseWriter, r *http.Request, f *fault.Error) {
		if speaksJSON(r) {
			problem(w, r, f)
			return
		}
		teller(w, r, f)
	}
	page("GET /{$}", l.root)
	page("GET /signin", l.begin)
	page("GET /signin/{flow}", l.look)
	page("GET /signin/{flow}/{step}", l.lookAt)
	m.Handle("POST /signin/{flow}/{step}", either, l.step, web.Public())
	m.Handle("POST /signin/{flow}/{step}/options", problem, l.options, web.Public())
	page("GET /signin/link", l.openLink)
	page("POST /signin/link", l.followLink)
	page("GET /undo", l.askUndo)
	page("POST /undo", l.undo)
	l.alarms(page)
	page("GET /signout", l.askSignOut)
	page("POST /signout", l.signOut)
	page("GET /language", l.askLanguage)
	page("POST /language", l.language)
	page("POST /theme", l.theme)
	page("GET /help", l.help)
	page("GET /licences", l.licences)
	page("GET /legal/{kind}", l.legal)
	page("GET /receipt", l.askReceipt)
	page("POST /receipt", l.checkReceipt)
	page("GET /bootstrap", l.askBootstrap)
	page("POST /bootstrap", l.redeemBootstrap)
	l.wellKnown(m)
}

// of is the tenant that the request's host names.
func of(r *http.Request) *tenant.Tenant { return web.Tenant(r).(*tenant.Tenant) }
