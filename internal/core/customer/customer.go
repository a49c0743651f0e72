package customer

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type kind struct{}

func (kind) Prefix() string { return "cus" }

// ID is the id of a customer. It never leaves as a `sub`.
type ID = id.ID[kind]

// NewID draws an id, for who must know it before Register.
func NewID(now time.Time) ID { return id.New[kind](now) }

// ParseID reads an id as staff and commands write it.
func ParseID(s string) (ID, error) { return id.Parse[kind](s) }

// State is where a customer stands; see the drawing in doc.go.
type State string

// The states.
const (
	Active   State = "active"
	Locked   State = "locked"   // by staff or by the customer: nothing works
	Recovery State = "recovery" // may prove who they are, and nothing else yet
	Closing  State = "closing"  // asked to be erased, may still change their mind
	Erased   State = "erased"   // a pseudonym without a person
)

// CloseAfter is how long a customer who closes the account may change their mind.
const CloseAfter = 14 * 24 * time.Hour

// The faults of this room.
var (
	ErrNotFound = fault.New(fault.NotFound, "customer_not_found", "There is no such customer.")
	ErrErased   = fault.New(fault.Gone, "customer_erased", "This customer's data was erased.")
	ErrState    = fault.New(fault.Conflict, "customer_state", "The account is not in a state in which that can be done.")
)

// Customer is a person as the house sees them without opening anything.
type Customer struct {
	TenantID    tenant.ID
	ID          ID
	State       State
	StateReason string // a word of ours, never free text
	Version     int64  // grows whenever what grants rest on changes
	CreatedAt   time.Time
	ChangedAt   time.Time
	LastSeenAt  time.Time // to five minutes; zero: never
	CloseAt     time.Time // when a closing account is erased
}

// Fields names the columns.
func (c *Customer) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.TenantID}, {Column: "id", Ptr: &c.ID}, {Column: "state", Ptr: &c.State},
		{Column: "state_reason", Ptr: &c.StateReason}, {Column: "version", Ptr: &c.Version},
		{Column: "created_at", Ptr: &c.CreatedAt}, {Column: "changed_at", Ptr: &c.ChangedAt},
		{Column: "last_seen_at", Ptr: &c.LastSeenAt}, {Column: "close_at", Ptr: &c.CloseAt},
	}
}

// Get returns a customer in any state. It fails with ErrNotFound.
func Get(tx *db.Tx, t *tenant.Tenant, id ID) (Customer, error) {
	c, ok, err := db.Find[Customer](tx, whole, t.ID, id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return c, err
}

// StateOf returns where a customer stands, for who asks at each use of a token
// and needs nothing else. It fails with ErrNotFound.
func StateOf(tx *db.Tx, t *tenant.Tenant, id ID) (State, error) {
	s, ok, err := db.Value[State](tx, itsState, t.ID, id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return s, err
}

// bump notes a change of what grants rest on. Erased customers do not change.
func bump(tx *db.Tx, t *tenant.Tenant, id ID) error {
	n, err := tx.Exec(`UPDATE customer SET version = version + 1, changed_at = $3
		WHERE tenant_id = $1 AND id = $2 AND state <> 'erased'`, t.ID, id, tx.Now)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// touchEvery is how exact LastSeenAt is.
const touchEvery = 5 * time.Minute

// Touch notes that the customer was seen. It is one statement of its own,
// after the answer, and usually writes nothing.
func Touch(ctx context.Context, d *db.DB, t *tenant.Tenant, id ID, now time.Time) error {
	_, err := d.Bump(ctx, `UPDATE customer SET last_seen_at = $3
		WHERE tenant_id = $1 AND id = $2 AND (last_seen_at IS NULL OR last_seen_at < $4)`, t.ID, id, now, now.Add(-touchEvery))
	return err
}
