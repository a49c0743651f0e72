package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// judge asks risk what to make of the first proof of the journey.
func (a Acts) judge(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, method string) error {
	return nil
}
