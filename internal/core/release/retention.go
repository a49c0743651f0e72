package release

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AgedIn counts the records of a span of customers of what was disclosed for
// the last time before an instant.
func AgedIn(tx *db.Tx, t *tenant.Tenant, s customer.Span, before time.Time) ([]customer.Aged, error) {
	return db.All[customer.Aged](tx, `FROM (SELECT customer_id, cast(sum(CASE WHEN last_at < $4 THEN 1 ELSE 0 END) AS BIGINT) AS due,
		min(last_at) AS oldest, min(CASE WHEN last_at < $4 THEN NULL ELSE last_at END) AS next
		FROM disclosure WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3 GROUP BY customer_id) AS aged
		ORDER BY customer_id`, t.ID, s.After, s.Last, before)
}
