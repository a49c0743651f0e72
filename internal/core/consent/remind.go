package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Ending lists consents, of all tenants, whose customers are to be told by now
// that they end, the longest due first.
func Ending(tx *db.Tx, limit int) ([]State, error) {
	return db.All[State](tx, `FROM consent_state WHERE remind_at IS NOT NULL AND remind_at <= $1
		ORDER BY remind_at, tenant_id, customer_id, item LIMIT $2`, tx.Now, limit)
}

// Reminded takes the reminder of a consent away, or puts it off until an
// instant, and reports whether it was still to be sent: once for each consent,
// on whatever node.
func Reminded(tx *db.Tx, s State, putOff time.Time) (bool, error) {
	n, err := tx.Exec(`UPDATE consent_state SET remind_at = $7 WHERE tenant_id = $1 AND customer_id = $2 AND purpose = $3
		AND recipient = $4 AND item = $5 AND consent_id = $6 AND remind_at IS NOT NULL AND remind_at <= $8`,
		s.TenantID, s.CustomerID, s.Purpose, s.Recipient, s.Item, s.ConsentID, putOff, tx.Now)
	return n > 0, err
}

// RestsUntil is when the customer is not left in peace any more, by a pause or
// by quiet hours; zero: now.
func RestsUntil(tx *db.Tx, t *tenant.Tenant, c customer.ID) (time.Time, error) {
	r, err := RuleOf(tx, t, c)
	if err != nil {
		return time.Time{}, err
	}
	until := r.quietUntil(tx.Now)
	if r.PausedUntil.After(tx.Now) && r.PausedUntil.After(until) {
		until = r.PausedUntil
	}
	return until, nil
}

// NeverMailed reports whether an address is suppressed for everything by mail.
func NeverMailed(tx *db.Tx, t *tenant.Tenant, digest [32]byte) (bool, error) {
	return suppressed(tx, t, digest, "", ByEmail)
}
