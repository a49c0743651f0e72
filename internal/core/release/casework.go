package release

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// OpenCasework opens what staff themselves wrote about a customer and another
// room sealed: why a legal hold was placed, the notes of a case. a.Fields names
// in the record of disclosures what it is. It is for the purpose "privacy" alone,
// and for operators and staff whose role may read records (access.ShowRecords):
// other staff get not_allowed, others release_denied. Each look is written down
// with a.Reason.
func OpenCasework(tx *db.Tx, t *tenant.Tenant, a Ask, items ...customer.Item) ([][]byte, error) {
	if a.Recipient.Kind != Staff && a.Recipient.Kind != Operator || a.Purpose != catalog.PurposePrivacy {
		return nil, ErrRecipient
	}
	p, err := meet(tx, t, &a)
	if err != nil {
		return nil, err
	}
	if err := access.Require(p.roles, access.ShowRecords); err != nil {
		return nil, err
	}
	if err := p.record(tx, t, &a, []line{{a.Purpose, a.Fields}}); err != nil {
		return nil, err
	}
	return customer.Unseal(tx, t, a.Customer, items...)
}
