package privacy

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Subject is a room that stores rows of customers. The list of them is a value
// that server hands to what erases; Rooms are those of core.
type Subject struct {
	Room  string
	Erase func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error
}

// Rooms are the rooms of core that store rows of customers, but for customer
// itself, which customer.Destroy empties last. A test compares them with the
// schema: a new table with a customer_id stands here or in Kept.
func Rooms() []Subject {
	list := make([]Subject, 0, len(rows))
	for _, r := range rows {
		list = append(list, Subject{Room: r.room, Erase: r.erase})
	}
	return list
}

// Kept are the tables that keep a pseudonym after an erasure, each for its
// reason.
var Kept = map[string]string{
	"customer": "the pseudonym itself, so that its id is never drawn twice",
	"erasure":  "that and when the data key was destroyed, and when that is final",
	"consent":  "the ledger proves what was agreed to; its evidence is sealed under the destroyed key",
}

type room struct {
	room string
	sql  []string
}

func (r room) erase(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	for _, statement := range r.sql {
		if _, err := tx.Exec(statement, t.ID, [16]byte(c)); err != nil {
			return err
		}
	}
	return nil
}

var rows = []room{
	{"access", []string{`DELETE FROM role_assignment WHERE tenant_id = $1 AND customer_id = $2`}},
	{"consent", []string{`DELETE FROM consent_state WHERE tenant_id = $1 AND customer_id = $2`}},
	{"release", []string{`DELETE FROM disclosure WHERE tenant_id = $1 AND customer_id = $2`}},
	{"credential", []string{
		`DELETE FROM password WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM one_time WHERE tenant_id = $1 AND customer_id = $2`,
	}},
	{"session", []string{
		`DELETE FROM session_proof WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM session WHERE tenant_id = $1 AND customer_id = $2`,
	}},
	{"grant", []string{
		`DELETE FROM code WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM refresh_token WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM app_grant WHERE tenant_id = $1 AND customer_id = $2`,
	}},
	{"notify", []string{`DELETE FROM message WHERE tenant_id = $1 AND customer_id = $2`}},
	{"signin", []string{`DELETE FROM flow WHERE tenant_id = $1 AND customer_id = $2`}},
}
