package login

import (
	"encoding/json"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// evidenceSet is a JSON Web Key Set (RFC 7517 section 5) of every key that ever
// signed evidence, with the time in which it signed (nbf and exp, as in the
// historical keys of OpenID Federation 1.0 section 8.7). It verifies receipts
// and certificates, never tokens.
type evidenceSet struct {
	Keys []json.RawMessage `json:"keys"`
}

func evidenceKeys(t *tenant.Tenant) (any, bool) {
	set := evidenceSet{}
	for _, k := range t.EvidenceKeys() {
		jwk, err := k.Published()
		if err != nil {
			return nil, false
		}
		set.Keys = append(set.Keys, jwk)
	}
	return set, true
}
