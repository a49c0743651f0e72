package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// exportAsked tells what the customer was asked for and left out, and where
// sign-ins are counted to ask later.
func exportAsked(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	list, err := told[askRow](tx, "asked_for", []string{"item", "times", "latest", "not_before"},
		`FROM ask WHERE tenant_id = $1 AND customer_id = $2 ORDER BY item`, t, c)
	return []privacy.Section{list}, err
}

type askRow struct {
	item        string
	times       int64
	asked, rest time.Time
}

func (r *askRow) Fields() []db.Field {
	return []db.Field{
		{Column: "item", Ptr: &r.item}, {Column: "times", Ptr: &r.times}, {Column: "asked_at", Ptr: &r.asked}, {Column: "rests_until", Ptr: &r.rest},
	}
}

func (r *askRow) tell() []any { return []any{r.item, r.times, r.asked, when(r.rest)} }
