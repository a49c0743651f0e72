package release

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// OpenCasework opens what staff themselves wrote about a customer and another
// room sealed: why a legal hold was placed, the notes of a case. a.Fields names
// in the record of disclosures what it is. Staff and operators alone: others are
// release_denied. Each look is written down with a.Reason.
func OpenCasework(tx *db.Tx, t *tenant.Tenant, a Ask, items ...customer.Item) ([][]byte, error) {
	p, err := meet(tx, t, &a)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{Staff, Operator}, p.kind) {
		return nil, ErrRecipient
	}
	if err := p.record(tx, t, &a, []line{{a.Purpose, a.Fields}}); err != nil {
		return nil, err
	}
	return customer.Unseal(tx, t, a.Customer, items...)
}
