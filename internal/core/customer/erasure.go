package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Emptied are the tables of this room in which Destroy leaves nothing of a
// customer.
func Emptied() []string {
	return []string{
		"customer_key", "customer_field", "identifier_change", "search_token", "search_word", "subject", "customer_identifier", "identifier",
	}
}

// FindErasure is the erasure of a customer, if there was one.
func FindErasure(tx *db.Tx, t *tenant.Tenant, id ID) (Erasure, bool, error) {
	return db.Find[Erasure](tx, `FROM erasure WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id)
}

// Postpone moves the instant at which a closing account is erased, because
// something obliges to keep it until then. Nothing happens to an account that is
// not closing.
func Postpone(tx *db.Tx, t *tenant.Tenant, id ID, until time.Time) error {
	_, err := tx.Exec(`UPDATE customer SET close_at = $3 WHERE tenant_id = $1 AND id = $2 AND state = 'closing'`, t.ID, id, until)
	return err
}
