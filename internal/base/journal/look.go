package journal

import "github.com/cardea-id/cardea/internal/base/db"

// CheckpointAt gives a tenant's checkpoint by its number, or the last one for
// number 0. False: there is none.
func CheckpointAt(tx *db.Tx, tenant [16]byte, number int64) (Checkpoint, bool, error) {
	if number == 0 {
		return lastCheckpoint(tx, tenant)
	}
	row, ok, err := db.Find[checkpointRow](tx, `FROM checkpoint WHERE tenant_id = $1 AND number = $2`, tenant, number)
	if ok && !row.setHeads(row.packed) {
		return Checkpoint{}, false, errLine
	}
	return row.Checkpoint, ok, err
}
