package grant

import (
	"encoding/base64"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var spoken = base64.RawURLEncoding.Strict()

// handleLen is the length of every handle: a nonce, two ids and a tag fill 80
// characters with no bit to spare.
const handleLen = (12 + 2*16 + 16) / 3 * 4

// Handle is a sealed pointer to the grant, fit for a claim of an access token:
// whoever holds the tenant's key finds the row by its primary key, everybody else
// learns nothing, and no two handles of a grant are alike.
func Handle(t *tenant.Tenant, g Grant) string {
	plain := append(g.CustomerID.Bytes(), g.ID[:]...)
	return spoken.EncodeToString(t.Key("grant/handle").Seal(plain, t.ID[:]))
}

// ReadHandle reads what Handle wrote; anything else is not ok.
func ReadHandle(t *tenant.Tenant, handle string) (cus customer.ID, gid ID, ok bool) {
	sealed, err := spoken.DecodeString(handle)
	// The decoder skips line breaks, so the length must be right as well.
	if err != nil || len(handle) != handleLen {
		return cus, gid, false
	}
	plain, err := t.Key("grant/handle").Open(sealed, t.ID[:])
	if err != nil || len(plain) != len(cus)+len(gid) {
		return cus, gid, false
	}
	copy(cus[:], plain)
	copy(gid[:], plain[len(cus):])
	return cus, gid, true
}
