package customer

import (
	"encoding/hex"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Pseudonym names a customer in evidence that is handed out: receipts and
// erasure certificates. It stands in no table, follows from the tenant's secret,
// and tells nothing to who does not hold that.
func Pseudonym(t *tenant.Tenant, id ID) string {
	print := t.MAC("receipt/subject", id[:])
	return "urn:cardea:subject:" + hex.EncodeToString(print[:16])
}
