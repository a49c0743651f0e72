package notify

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AgedIn counts the messages of a span of customers that are remembered since
// before an instant. Nobody, to whom messages without an account went, is the
// customer with the zero id, which a span of customers never holds.
func AgedIn(tx *db.Tx, t *tenant.Tenant, s customer.Span, before time.Time) ([]customer.Aged, error) {
	return db.All[customer.Aged](tx, `FROM (SELECT customer_id, cast(sum(CASE WHEN created_at < $4 THEN 1 ELSE 0 END) AS BIGINT) AS due,
		min(created_at) AS oldest, min(CASE WHEN created_at < $4 THEN NULL ELSE created_at END) AS next
		FROM message WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3 GROUP BY customer_id) AS aged
		ORDER BY customer_id`, t.ID, s.After, s.Last, before)
}

// AgedNobody is AgedIn for messages to nobody who has an account.
func AgedNobody(tx *db.Tx, t *tenant.Tenant, before time.Time) (customer.Aged, error) {
	a, _, err := db.Find[customer.Aged](tx, `FROM (SELECT customer_id, cast(sum(CASE WHEN created_at < $3 THEN 1 ELSE 0 END) AS BIGINT) AS due,
		min(created_at) AS oldest, min(CASE WHEN created_at < $3 THEN NULL ELSE created_at END) AS next
		FROM message WHERE tenant_id = $1 AND customer_id = $2 GROUP BY customer_id) AS aged`, t.ID, [16]byte{}, before)
	return a, err
}

// Forget takes away up to limit of what is remembered of a customer's messages
// since before an instant, and tells how many. A message under way stays.
func Forget(tx *db.Tx, t *tenant.Tenant, c customer.ID, before time.Time, limit int) (int64, error) {
	return tx.Exec(`DELETE FROM message WHERE tenant_id = $1 AND customer_id = $2 AND id IN (
		SELECT id FROM message WHERE tenant_id = $1 AND customer_id = $2 AND created_at < $3 ORDER BY id LIMIT $4)`,
		t.ID, [16]byte(c), before, limit)
}
