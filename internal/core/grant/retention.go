package grant

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

// LastIn tells of a span of customers when an application last used what they
// granted it: by a code or a refresh token.
func LastIn(tx *db.Tx, t *tenant.Tenant, s customer.Span) (map[customer.ID]time.Time, error) {
	rows, err := db.All[lastRow](tx, `FROM (SELECT customer_id, max(used_at) AS at FROM app_grant
		WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3 GROUP BY customer_id) AS used`, t.ID, s.After, s.Last)
	out := map[customer.ID]time.Time{}
	for _, r := range rows {
		out[r.customer] = r.at
	}
	return out, err
}
