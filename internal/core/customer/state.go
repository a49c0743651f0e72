package customer

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ways are the steps of the drawing in doc.go; to erased leads only Destroy.
var ways = map[State][]State{
	Active:   {Locked, Recovery, Closing},
	Locked:   {Active, Recovery, Closing},
	Recovery: {Active, Locked, Closing},
	Closing:  {Active, Locked, Recovery},
}

// StateChanged is told when a customer's state changes.
type StateChanged struct {
	From   State  `json:"from"`
	To     State  `json:"to"`
	Reason string `json:"reason,omitempty"`
}

// EventName names the event.
func (StateChanged) EventName() string { return "customer.state_changed" }

// SetState moves a customer who is in one of the from states to another, for a
// reason that is a word of ours. A customer who is already there stays as they
// are. Closing sets CloseAt. Faults: customer_not_found, customer_state.
func SetState(tx *db.Tx, t *tenant.Tenant, id ID, from []State, to State, reason string) (Customer, error) {
	old, err := Get(tx, t, id)
	if err != nil {
		return Customer{}, err
	}
	if old.State == to {
		return old, nil
	}
	if !slices.Contains(from, old.State) || !slices.Contains(ways[old.State], to) {
		return Customer{}, ErrState
	}
	var closeAt time.Time
	if to == Closing {
		closeAt = tx.Now.Add(CloseAfter)
	}
	c, ok, err := db.Take[Customer](tx, `UPDATE customer SET state = $3, state_reason = $4, close_at = $5,
		version = version + 1, changed_at = $6 WHERE tenant_id = $1 AND id = $2 AND state = $7`,
		t.ID, id, to, reason, closeAt, tx.Now, old.State)
	if err != nil {
		return Customer{}, err
	}
	if !ok {
		return Customer{}, ErrState
	}
	return c, note(tx, t, id, StateChanged{old.State, to, reason}, journal.Security)
}

// Due lists customers of all tenants whose time to change their mind is over.
func Due(tx *db.Tx, limit int) ([]Customer, error) {
	return db.All[Customer](tx, `FROM customer WHERE close_at IS NOT NULL AND close_at <= $1 AND state = 'closing'
		ORDER BY close_at LIMIT $2`, tx.Now, limit)
}
