package account

import (
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Welcome reports whether the tenant's rules let somebody register with the
// canonical identifier. It is told only after the address was proven.
func Welcome(t *tenant.Tenant, kind, canonical string) bool {
	return kind == customer.Phone || kind == customer.Email && customer.Admissible(t, kind, canonical) == nil
}
