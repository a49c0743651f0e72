package customer

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type fieldName struct{ name string }

func (f *fieldName) Fields() []db.Field { return []db.Field{{Column: "name", Ptr: &f.name}} }

// Filled names the profile fields that have a value. It opens none of them.
func Filled(tx *db.Tx, t *tenant.Tenant, id ID) (map[string]bool, error) {
	list, err := db.All[fieldName](tx, `FROM customer_field WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id)
	out := map[string]bool{}
	for _, f := range list {
		out[f.name] = true
	}
	return out, err
}
