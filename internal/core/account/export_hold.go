package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// exportHolds tells that law obliged, or obliges, to keep the customer's data,
// and since when. Why is not told: a reason may concern a proceeding that its
// telling would hinder (GDPR Art. 15(4), 23).
func exportHolds(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s, err := told[holdRow](tx, "legal_holds", []string{"placed", "until", "released"},
		`FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2 ORDER BY id`, t, c)
	return []privacy.Section{s}, err
}

type holdRow struct{ placed, until, released time.Time }

func (r *holdRow) Fields() []db.Field {
	return []db.Field{{Column: "placed_at", Ptr: &r.placed}, {Column: "until", Ptr: &r.until}, {Column: "released_at", Ptr: &r.released}}
}

func (r *holdRow) tell() []any { return []any{r.placed, when(r.until), when(r.released)} }
