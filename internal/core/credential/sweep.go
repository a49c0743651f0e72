package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// factorSweeps are the deletions of what serves nothing any more: generators
// that were never confirmed, and links that ran out and whose followers have
// been told so for usedKept.
var factorSweeps = []struct {
	sql  string
	kept time.Duration
}{
	{`DELETE FROM totp WHERE (tenant_id, customer_id, id) IN
		(SELECT tenant_id, customer_id, id FROM totp WHERE confirmed_at IS NULL AND created_at < $1 ORDER BY created_at LIMIT $2)`, TOTPSetupFor},
	{`DELETE FROM recovery_wait WHERE (tenant_id, customer_id, id) IN
		(SELECT tenant_id, customer_id, id FROM recovery_wait WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, usedKept},
	{`DELETE FROM alarm WHERE (tenant_id, customer_id, digest) IN
		(SELECT tenant_id, customer_id, digest FROM alarm WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, usedKept},
}

// SweepFactors deletes up to limit rows of each kind, of all tenants, that are
// over: generators that nobody confirmed, recoveries that waited, alarms. It
// tells how many.
func SweepFactors(tx *db.Tx, limit int) (int, error) {
	total := 0
	for _, s := range factorSweeps {
		n, err := tx.Exec(s.sql, tx.Now.Add(-s.kept), limit)
		if err != nil {
			return 0, err
		}
		total += int(n)
	}
	return total, nil
}
