package privacy

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// HoldReason opens why a hold was placed, for staff: the gate writes the look
// down with the reason for it.
func HoldReason(tx *db.Tx, t *tenant.Tenant, h Hold, to release.Recipient, reason string) (string, error) {
	r, ok, err := db.Find[holdRow](tx, `FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, h.CustomerID, h.ID)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrNoHold
	}
	a := release.Ask{Customer: h.CustomerID, Recipient: to, Purpose: "privacy", Reason: reason, Fields: []string{"legal_hold"}}
	plain, err := release.OpenCasework(tx, t, a, customer.Item{Field: "hold/reason/" + h.ID.String(), Sealed: r.reason})
	if err != nil {
		return "", err
	}
	return string(plain[0]), nil
}
