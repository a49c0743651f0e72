package session

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// End ends one session of the customer and tells whether it was there to end.
// The id of another customer's session ends nothing. The reason is a word of
// the caller's: "signed_out", "locked", "reset".
func End(tx *db.Tx, t *tenant.Tenant, cus customer.ID, sid ID, reason string) (bool, error) {
	s, ok, err := db.Take[Session](tx, `UPDATE session SET ended_at = $1, expires_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND ended_at IS NULL`,
		tx.Now, reason, t.ID, cus, sid)
	if err != nil || !ok {
		return false, err
	}
	return true, note(tx, s, Ended{Session: s.ID, Reason: reason})
}

// EndAll ends every session of the customer but one (the zero id: every one)
// and returns which it ended.
func EndAll(tx *db.Tx, t *tenant.Tenant, cus customer.ID, except ID, reason string) ([]ID, error) {
	all, err := db.All[Session](tx, `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL
		ORDER BY id`, t.ID, cus)
	if err != nil {
		return nil, err
	}
	var ended []ID
	for _, s := range all {
		if s.ID == except {
			continue
		}
		if err := end(tx, s, reason); err != nil {
			return nil, err
		}
		ended = append(ended, s.ID)
	}
	return ended, nil
}

func end(tx *db.Tx, s Session, reason string) error {
	n, err := tx.Exec(`UPDATE session SET ended_at = $1, expires_at = $1, end_reason = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND ended_at IS NULL`,
		tx.Now, reason, s.TenantID, s.CustomerID, s.ID)
	if err != nil || n == 0 {
		return err
	}
	return note(tx, s, Ended{Session: s.ID, Reason: reason})
}

// Sweep deletes up to limit sessions of all tenants that ended or ran out
// longer than Kept ago, with their proofs, and tells how many.
func Sweep(tx *db.Tx, limit int) (int, error) {
	all, err := db.All[Session](tx, `FROM session WHERE expires_at < $1 ORDER BY expires_at LIMIT $2`,
		tx.Now.Add(-Kept), limit)
	for _, s := range all {
		if err := remove(tx, s); err != nil {
			return 0, err
		}
	}
	return len(all), err
}

func remove(tx *db.Tx, s Session) error {
	_, err := tx.Exec(`DELETE FROM session_proof WHERE tenant_id = $1 AND customer_id = $2 AND session_id = $3`,
		s.TenantID, s.CustomerID, s.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM session WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`,
		s.TenantID, s.CustomerID, s.ID)
	return err
}

// Destroy deletes everything of a customer in this room, for erasure.
func Destroy(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	for _, statement := range []string{
		`DELETE FROM session_proof WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM session WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM device WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(statement, t.ID, cus); err != nil {
			return err
		}
	}
	return nil
}
