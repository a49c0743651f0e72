package privacy

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Subject is a room that stores rows of customers. The list of them is a value
// that is handed to what erases and to what exports: account.Rooms are those of
// core.
type Subject struct {
	Room   string
	Tables []string // what Erase empties; a test compares them with the schema
	Erase  func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error
	// Export tells the customer what the room holds about them. Tells names the
	// tables that it reads, Silent those of which there is nothing to tell, each
	// with its reason; a test compares both with the schema.
	Export func(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Section, error)
	Tells  []string
	Silent map[string]string
}

// Section is one table of an archive: rows of a kind that belong together.
type Section struct {
	Name    string // "sessions"; a word of the format, and the key of its words
	Columns []string
	Rows    [][]any // of string, bool, int64, []string or time.Time; nil: unknown
	Cut     bool    // there were more rows than an archive holds
}

// Kept are the tables that keep a pseudonym after an erasure, each for its
// reason.
var Kept = map[string]string{
	"customer":     "the pseudonym itself, so that its id is never drawn twice",
	"erasure":      "that and when the data key was destroyed, and when that is final",
	"privacy_case": "that a right was asked for, and when and how that was answered, is what the company must prove",
	"case_entry":   "the history of such a request; its words are emptied",
	"consent":      "the ledger proves what was agreed to; its evidence is sealed under the destroyed key",

	"erasure_fact":        "when the erasure was asked for, and under which wrapping keys a backup of before could still lie",
	"erasure_certificate": "the signed statements on the erasure, which name the customer by a pseudonym alone",

	"webhook_delivery":        "applications are told of the erasure, by the name that they know; what else waited goes with the customer",
	"webhook_acknowledgement": "who was told of a withdrawal or of the erasure and acknowledged it; it holds no personal value",
}

// KeptApart are the tables without a customer's id that keep something after an
// erasure, each for its reason.
var KeptApart = map[string]string{
	"chain":           "digests of what happened, which prove that the journal is whole and tell nothing of it",
	"event":           "that and when something happened to a pseudonym; what was personal in it is sealed under the destroyed key",
	"identifier_rest": "keyed digests of the addresses, for some months, so that nothing old attaches to whoever holds them next",
	"suppression":     "keyed digests of addresses that are not to be written to, so that this outlives the account",
}
