package session

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type kind struct{}

func (kind) Prefix() string { return "ses" }

// ID is the id of a session. It is what applications see as sid; the token is
// another thing.
type ID = id.ID[kind]

// Session is one browser's being signed in as one customer. Its times are as
// they rest; Find and Alive judge them by the settings of the day.
type Session struct {
	TenantID        tenant.ID
	CustomerID      customer.ID
	ID              ID
	DeviceID        [16]byte // zero: not known
	OrganizationID  organization.ID
	Remembered      bool            // "keep me signed in"
	PlaceSealed     customer.Sealed // a Place, for the customer's own eyes
	CNF             []byte          // thumbprint of the key that the session is bound to; nil: none
	AuthenticatedAt time.Time       // the latest proof: auth_time
	CreatedAt       time.Time
	SeenAt          time.Time // at most TouchEvery behind
	IdleAt          time.Time
	ExpiresAt       time.Time
	EndedAt         time.Time
	EndReason       string

	digest [32]byte
}

// Fields names the columns.
func (s *Session) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.TenantID}, {Column: "customer_id", Ptr: &s.CustomerID},
		{Column: "id", Ptr: &s.ID}, {Column: "digest", Ptr: &s.digest}, {Column: "device_id", Ptr: (*optional)(&s.DeviceID)},
		{Column: "organization_id", Ptr: &s.OrganizationID}, {Column: "remembered", Ptr: &s.Remembered},
		{Column: "place_sealed", Ptr: (*[]byte)(&s.PlaceSealed)}, {Column: "cnf", Ptr: &s.CNF},
		{Column: "authenticated_at", Ptr: &s.AuthenticatedAt}, {Column: "created_at", Ptr: &s.CreatedAt},
		{Column: "seen_at", Ptr: &s.SeenAt}, {Column: "idle_at", Ptr: &s.IdleAt},
		{Column: "expires_at", Ptr: &s.ExpiresAt}, {Column: "ended_at", Ptr: &s.EndedAt},
		{Column: "end_reason", Ptr: &s.EndReason},
	}
}

// Admission says for which customer a session may begin in this transaction.
// Its only source is permit.May.
type Admission interface {
	Admits(tx *db.Tx) (tenant, customer [16]byte, ok bool)
}

// ErrNotAdmitted is told when a session is asked for without a permit for it;
// that is a defect of the caller.
var ErrNotAdmitted = fault.New(fault.Internal, "not_admitted", "Something went wrong on our side. Try again in a moment.")

// ErrEnded is told when a session that should be alive is not.
var ErrEnded = fault.New(fault.Unauthenticated, "session_ended", "You are signed out. Sign in again.")

// Kept is how long an ended session's row stays.
const Kept = 30 * 24 * time.Hour

// Most is how many sessions a customer may have at once; the one that was seen
// least lately makes room for a new one.
const Most = 100

// bounds says until when a session is alive by the tenant's settings of now:
// never longer than it was told when it began, and shorter if the settings have
// become shorter since.
func (s *Session) bounds(t *tenant.Tenant) (idle, expires time.Time) {
	life := t.Sessions(s.Remembered)
	return earlier(s.IdleAt, s.SeenAt.Add(life.Idle)), earlier(s.ExpiresAt, s.CreatedAt.Add(life.Absolute))
}

func (s *Session) alive(t *tenant.Tenant, now time.Time) bool {
	idle, expires := s.bounds(t)
	return s.EndedAt.IsZero() && now.Before(idle) && now.Before(expires)
}

// settle gives a living session the times that hold today.
func (s *Session) settle(t *tenant.Tenant) { s.IdleAt, s.ExpiresAt = s.bounds(t) }

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
