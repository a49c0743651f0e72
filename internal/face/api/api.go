package api

import (
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Deps are what the server hands in.
type Deps struct {
	DB     *db.DB
	Tally  *journal.Tally // counts batches per minute; nil: nobody counts
	Caller func(r *http.Request, scope string) (*app.Application, error)
}

// API answers the company's machines.
type API struct{ Deps }

// New returns the face.
func New(d Deps) *API { return &API{d} }

// The scopes of the endpoints.
const (
	scopeCheck = "contact:check"
	scopeWrite = "preference:write"
)

// Where the endpoints lie.
const (
	PathContactCheck = "/v1/contact-check"
	PathPreferences  = "/v1/preferences"
)

const byToken = "authenticated by an access token in the Authorization header, which no browser adds by itself"

// Routes hangs the endpoints on the router.
func (a *API) Routes(m *web.Mux) {
	m.Handle("POST "+PathContactCheck, tell, a.contactCheck, web.Requires("client"), web.NoCSRF(byToken), web.MaxBody(1<<20))
	m.Handle("POST "+PathPreferences, tell, a.capture, web.Requires("client"), web.NoCSRF(byToken))
	m.Handle("POST "+PathAcknowledgements, tell, a.acknowledge, web.Requires("client"), web.NoCSRF(bySignature), web.MaxBody(longestAcknowledgement))
}

// problem is an error as RFC 9457 writes it. The type is about:blank, so the
// title is the status' own phrase (4.2.1); code is what a program looks at.
type problem struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Code     string `json:"code,omitempty"`
	Field    string `json:"field,omitempty"`
	Instance string `json:"instance,omitempty"` // the reference that the house's log has
}

// tell renders a fault as problem details, with the challenge that a 401 owes
// (RFC 6750, 3).
func tell(w http.ResponseWriter, r *http.Request, err *fault.Error) {
	status := web.Status(err)
	if err.Kind == fault.Unauthenticated || err.Code == "insufficient_scope" {
		challenge := "Bearer"
		if err.Code != "" {
			challenge += ` error="` + err.Code + `"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	_ = web.JSON(w, status, problem{ // the client went away
		Title: http.StatusText(status), Status: status, Detail: err.Text, Code: err.Code, Field: err.Field,
		Instance: "urn:cardea:request:" + web.Reference(r),
	})
}

// count leaves the trace of a batch: which application asked, in which minute.
func (a *API) count(t *tenant.Tenant, who *app.Application, name, reason string) {
	if a.Tally != nil {
		a.Tally.Count(journal.Happening{Tenant: t.ID, Name: name, Reason: reason, Application: who.ID})
	}
}

// of is the tenant that the request's host names.
func of(r *http.Request) *tenant.Tenant { return web.Tenant(r).(*tenant.Tenant) }
