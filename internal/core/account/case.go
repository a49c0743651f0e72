package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// DecideCase is privacy.DecideCase with what an erasure needs: the account
// begins to close, so that its customer may still change their mind, and is
// erased when the time for that is over. Faults: those of privacy.DecideCase;
// case_erasing where the account closes already.
func (a Acts) DecideCase(tx *db.Tx, t *tenant.Tenant, c privacy.Case, d privacy.Decision) (privacy.Case, error) {
	if c.Kind != privacy.Erasure {
		return privacy.DecideCase(tx, t, c, d)
	}
	now, err := customer.Get(tx, t, c.CustomerID)
	if err != nil {
		return privacy.Case{}, err
	}
	if now.State == customer.Closing && c.ByItself {
		return privacy.Case{}, privacy.ErrCaseErasing
	}
	out, err := privacy.DecideCase(tx, t, c, d)
	if err != nil || d.Outcome == privacy.Refused || now.State == customer.Closing {
		return out, err
	}
	_, err = a.close(tx, t, c.CustomerID, []customer.State{customer.Active, customer.Recovery, customer.Locked}, "staff")
	return out, err
}
