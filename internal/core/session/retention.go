package session

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type lastRow struct {
	customer customer.ID
	at       time.Time
}

func (r *lastRow) Fields() []db.Field {
	return []db.Field{{Column: "customer_id", Ptr: &r.customer}, {Column: "at", Ptr: &r.at}}
}

// LastIn tells of a span of customers when a session of theirs was last in use.
func LastIn(tx *db.Tx, t *tenant.Tenant, s customer.Span) (map[customer.ID]time.Time, error) {
	rows, err := db.All[lastRow](tx, `FROM (SELECT customer_id, max(seen_at) AS at FROM session
		WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3 GROUP BY customer_id) AS seen`, t.ID, s.After, s.Last)
	out := map[customer.ID]time.Time{}
	for _, r := range rows {
		out[r.customer] = r.at
	}
	return out, err
}
