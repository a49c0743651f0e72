package privacy

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Subject is a room that stores rows of customers. The list of them is a value
// that is handed to what erases: account.Rooms are those of core.
type Subject struct {
	Room   string
	Tables []string // what Erase empties; a test compares them with the schema
	Erase  func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error
}

// Kept are the tables that keep a pseudonym after an erasure, each for its
// reason.
var Kept = map[string]string{
	"customer": "the pseudonym itself, so that its id is never drawn twice",
	"erasure":  "that and when the data key was destroyed, and when that is final",
	"consent":  "the ledger proves what was agreed to; its evidence is sealed under the destroyed key",
}
