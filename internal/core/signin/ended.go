package signin

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Ended reads a journey of this browser that has ended and that nobody took up
// with Resume yet, and leaves it there: for a form that was sent twice. It does
// not tell journeys of other browsers from none.
func Ended(tx *db.Tx, t *tenant.Tenant, flow ID, browser [32]byte) (Flow, bool, error) {
	r, ok, err := db.Find[row](tx, `FROM flow
		WHERE tenant_id = $1 AND id = $2 AND browser = $3 AND ended_at IS NOT NULL AND expires_at > $4`,
		t.ID, flow, browser, tx.Now)
	if err != nil || !ok {
		return Flow{}, false, err
	}
	f, err := r.open(tx, t, browser)
	return f, err == nil, err
}
