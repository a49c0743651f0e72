package grant

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type kind struct{}

func (kind) Prefix() string { return "gra" }

// ID is the id of a grant.
type ID = id.ID[kind]

// Lifetimes and bounds.
const (
	CodeLife = 60 * time.Second    // of a code; RFC 6749 4.1.2 allows ten minutes
	Grace    = 10 * time.Second    // in which a lost answer to a refresh is given again
	Kept     = 30 * 24 * time.Hour // how long an ended grant's row stays
	CodeKept = 24 * time.Hour      // how long a used code is recognised when it is shown again
	Most     = 100                 // living grants of one customer for one application
)

// ErrInvalid is the one refusal of codes and refresh tokens: wrong, used, too
// old, of another application, or not permitted (any more). Its private cause
// says which.
var ErrInvalid = fault.New(fault.Invalid, "grant_invalid", "The code or token is not valid (any more). Sign in again.")

// errNoPermit is a defect of a caller.
var errNoPermit = fault.New(fault.Internal, "not_permitted", "Something went wrong on our side. Try again in a moment.")

// Grant is what one customer allowed one application at one sign-in.
type Grant struct {
	TenantID        tenant.ID
	CustomerID      customer.ID
	ID              ID
	ApplicationID   app.ID
	OrganizationID  organization.ID
	SessionID       session.ID // in which it was made; sid
	Scope           string     // separated by single spaces
	Resource        string     // audience of the access tokens; "": the issuer
	Claims          string     // the claims parameter, as JSON; ""
	Nonce           string
	ACR             string // what the session was worth when it was made
	AMR             string // separated by single spaces
	AuthenticatedAt time.Time
	Offline         bool   // outlives the session
	CNF             []byte // thumbprint of the key that its tokens are bound to; nil: none
	Version         int64  // grows with every refresh
	CreatedAt       time.Time
	UsedAt          time.Time
	ExpiresAt       time.Time
	EndedAt         time.Time
	EndReason       string
}

// Fields names the columns.
func (g *Grant) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &g.TenantID}, {Column: "customer_id", Ptr: &g.CustomerID},
		{Column: "id", Ptr: &g.ID}, {Column: "application_id", Ptr: &g.ApplicationID},
		{Column: "organization_id", Ptr: &g.OrganizationID}, {Column: "session_id", Ptr: &g.SessionID},
		{Column: "scope", Ptr: &g.Scope}, {Column: "resource", Ptr: &g.Resource},
		{Column: "claims", Ptr: &g.Claims}, {Column: "nonce", Ptr: &g.Nonce},
		{Column: "acr", Ptr: &g.ACR}, {Column: "amr", Ptr: &g.AMR},
		{Column: "authenticated_at", Ptr: &g.AuthenticatedAt}, {Column: "offline", Ptr: &g.Offline},
		{Column: "cnf", Ptr: &g.CNF}, {Column: "version", Ptr: &g.Version},
		{Column: "created_at", Ptr: &g.CreatedAt}, {Column: "used_at", Ptr: &g.UsedAt},
		{Column: "expires_at", Ptr: &g.ExpiresAt}, {Column: "ended_at", Ptr: &g.EndedAt},
		{Column: "end_reason", Ptr: &g.EndReason},
	}
}

// Scopes lists the granted scopes.
func (g Grant) Scopes() []string { return strings.Fields(g.Scope) }

// Methods lists the authentication methods of the sign-in (RFC 8176).
func (g Grant) Methods() []string { return strings.Fields(g.AMR) }

// New says what is granted. ACR, AMR and AuthenticatedAt are left out: they are
// computed from the session of the permit.
type New struct {
	Scopes   []string
	Resource string
	Claims   string
	Nonce    string
	Offline  bool
	CNF      []byte
}

// Issue makes a grant on a permit for a token. Every scope must be one that the
// permit was asked about, so that consent was looked up for it.
func Issue(tx *db.Tx, t *tenant.Tenant, p permit.Permit, n New) (Grant, error) {
	s, hasSession := p.Session()
	if !p.Holds(tx, permit.ForToken) || p.Tenant() != t.ID || !hasSession || !within(n.Scopes, p.Scopes()) {
		return Grant{}, errNoPermit
	}
	proofs, err := session.Proofs(tx, s)
	if err != nil {
		return Grant{}, err
	}
	a, worth := p.Application(), session.Assure(proofs)
	g := Grant{
		TenantID: t.ID, CustomerID: p.Customer(), ID: id.New[kind](tx.Now), ApplicationID: a.ID,
		OrganizationID: p.Organization(), SessionID: s.ID, Scope: strings.Join(n.Scopes, " "),
		Resource: n.Resource, Claims: n.Claims, Nonce: n.Nonce, ACR: worth.ACR, AMR: strings.Join(worth.AMR, " "),
		AuthenticatedAt: s.AuthenticatedAt, Offline: n.Offline, CNF: n.CNF, Version: 1,
		CreatedAt: tx.Now, UsedAt: tx.Now, ExpiresAt: s.ExpiresAt,
	}
	if n.Offline {
		_, absolute := a.Settings.Refresh()
		g.ExpiresAt = tx.Now.Add(absolute)
	}
	if last := g.AuthenticatedAt.Add(time.Duration(a.Settings.SessionAbsolute)); a.Settings.SessionAbsolute > 0 && last.Before(g.ExpiresAt) {
		g.ExpiresAt = last
	}
	if err := makeRoom(tx, g); err != nil {
		return Grant{}, err
	}
	if err := db.Insert(tx, "app_grant", g); err != nil {
		return Grant{}, err
	}
	return g, note(tx, g, Issued{Grant: g.ID, Scopes: g.Scopes(), Offline: g.Offline})
}

func within(some, all []string) bool {
	for _, s := range some {
		if !slices.Contains(all, s) {
			return false
		}
	}
	return true
}

// makeRoom bounds what one customer can pile up at one application (H212): the
// grant used least lately makes room.
func makeRoom(tx *db.Tx, g Grant) error {
	all, err := db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3 AND ended_at IS NULL AND expires_at > $4
		ORDER BY used_at DESC, id DESC LIMIT $5 OFFSET $6`,
		g.TenantID, g.CustomerID, g.ApplicationID, tx.Now, Most, Most-1)
	if err != nil {
		return err
	}
	_, err = endEach(tx, all, "too_many")
	return err
}

// Living is what the use of an access token needs to know of its grant.
type Living struct {
	CustomerID     customer.ID
	OrganizationID organization.ID
	Scope          string // separated by single spaces
	Claims         string // the claims parameter, as JSON; ""

	offline   bool
	expiresAt time.Time
	endedAt   time.Time
}

// Fields names the columns that are read of it.
func (l *Living) Fields() []db.Field {
	return []db.Field{
		{Column: "organization_id", Ptr: &l.OrganizationID}, {Column: "scope", Ptr: &l.Scope}, {Column: "claims", Ptr: &l.Claims},
		{Column: "offline", Ptr: &l.offline}, {Column: "expires_at", Ptr: &l.expiresAt}, {Column: "ended_at", Ptr: &l.endedAt},
	}
}

// Alive returns a grant if tokens of it are good: not ended, not too old, and,
// unless it is offline, in a session that is alive.
func Alive(tx *db.Tx, t *tenant.Tenant, cus customer.ID, gid ID) (Living, bool, error) {
	l, found, err := db.Find[Living](tx, one, t.ID, cus, gid)
	if err != nil || !found || !standing(l.endedAt, l.expiresAt, tx.Now) {
		return Living{}, false, err
	}
	l.CustomerID = cus
	if l.offline {
		return l, true, nil
	}
	alive, err := session.Lives(tx, t, cus, itsSession, gid)
	return l, alive, err
}

func find(tx *db.Tx, t *tenant.Tenant, cus customer.ID, gid ID) (Grant, bool, error) {
	return db.Find[Grant](tx, one, t.ID, cus, gid)
}

// outlasted reports whether the grant has rested or lasted longer than the
// application's settings of today allow: what staff shorten is shorter at once,
// also for what was granted before (H155).
func (g *Grant) outlasted(a *app.Application, now time.Time) bool {
	idle, absolute := a.Settings.Refresh()
	if whole := time.Duration(a.Settings.SessionAbsolute); whole > 0 && now.Sub(g.AuthenticatedAt) >= whole {
		return true
	}
	return now.Sub(g.UsedAt) >= idle || now.Sub(g.CreatedAt) >= absolute
}

func (g *Grant) standing(now time.Time) bool { return standing(g.EndedAt, g.ExpiresAt, now) }

func standing(ended, expires, now time.Time) bool { return ended.IsZero() && now.Before(expires) }

// List returns the customer's living grants, the one used last first.
func List(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]Grant, error) {
	all, err := db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL AND expires_at > $3
		ORDER BY used_at DESC, id DESC`, t.ID, cus, tx.Now)
	if err != nil {
		return nil, err
	}
	sessions, err := session.List(tx, t, cus)
	alive := map[session.ID]bool{}
	for _, s := range sessions {
		alive[s.ID] = true
	}
	return slices.DeleteFunc(all, func(g Grant) bool { return !g.Offline && !alive[g.SessionID] }), err
}

// BySession returns every grant that was made in the session and has not ended,
// offline ones too: whose applications are told of a logout.
func BySession(tx *db.Tx, t *tenant.Tenant, cus customer.ID, sid session.ID) ([]Grant, error) {
	return db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND session_id = $3 AND ended_at IS NULL AND expires_at > $4
		ORDER BY id`, t.ID, cus, sid, tx.Now)
}
