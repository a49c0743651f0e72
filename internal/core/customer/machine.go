package customer

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// machine marks what SealSecret hides, so that it and personal values never open
// each other.
const machine = "machine/"

// SealSecret hides a secret that only the house works with and that nobody is
// ever shown again, such as the key of a TOTP generator, under the customer's
// data key: it dies with the customer. It fails with ErrErased.
func SealSecret(tx *db.Tx, t *tenant.Tenant, id ID, label string, plain []byte) (Sealed, error) {
	return Seal(tx, t, id, machine+label, plain)
}

// OpenSecret opens what SealSecret hid under the label, and nothing else: a
// personal value leaves by release alone. Only the room credential may call it.
func OpenSecret(tx *db.Tx, t *tenant.Tenant, id ID, label string, sealed Sealed) ([]byte, error) {
	out, err := Unseal(tx, t, id, Item{Field: machine + label, Sealed: sealed})
	if err != nil {
		return nil, err
	}
	return out[0], nil
}
