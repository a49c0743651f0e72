package risk

import (
	"encoding/hex"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// YoungFor is how long a browser and an address count as those of somebody who
// said that they are too young.
const YoungFor = 24 * time.Hour

// youngMarks are the marks of somebody too young: of the browser's device, and
// of the address in its canonical form, if there is one. Neither can be read
// back, and neither says how old anybody is.
func youngMarks(device [16]byte, kind, address string) []string {
	marks := []string{"young/browser/" + hex.EncodeToString(device[:])}
	if address != "" {
		marks = append(marks, "young/address/"+kind+"/"+address)
	}
	return marks
}

// MarkYoung notes, in the transaction that turns somebody away, that they are
// too young. What stands already is not made to stand longer.
func MarkYoung(tx *db.Tx, t *tenant.Tenant, device [16]byte, kind, address string) error {
	for _, name := range youngMarks(device, kind, address) {
		if _, err := tx.Exec(`INSERT INTO throttle (tenant_id, meter, arrives_at, passed) VALUES ($1, $2, $3, TRUE)
			ON CONFLICT (tenant_id, meter) DO UPDATE SET arrives_at = $3 WHERE throttle.arrives_at <= $4`,
			t.ID, markKey(t, name), tx.Now.Add(YoungFor), tx.Now); err != nil {
			return err
		}
	}
	return nil
}

// Young reports whether the browser or the address was marked.
func Young(tx *db.Tx, t *tenant.Tenant, device [16]byte, kind, address string) (bool, error) {
	for _, name := range youngMarks(device, kind, address) {
		n, _, err := db.Value[int64](tx, `SELECT count(*) FROM throttle WHERE tenant_id = $1 AND meter = $2 AND arrives_at > $3`,
			t.ID, markKey(t, name), tx.Now)
		if err != nil || n > 0 {
			return n > 0, err
		}
	}
	return false, nil
}
