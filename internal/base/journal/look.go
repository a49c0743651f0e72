package journal

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

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

// Named gives the events of one name about the subjects after one and up to
// another, by subject and in the order in which they were appended.
func Named(tx *db.Tx, tenant [16]byte, name string, after, upTo [16]byte) ([]Recorded, error) {
	rows, err := db.All[eventRow](tx, `FROM event WHERE tenant_id = $1 AND subject_id > $2 AND subject_id <= $3 AND name = $4
		ORDER BY subject_id, event_id`, tenant, after, upTo, name)
	list := make([]Recorded, len(rows))
	for i := range rows {
		list[i] = rows[i].recorded()
	}
	return list, err
}

// NthSubject is the subject of the event that comes n events of a name after all
// those of a subject. False: there are not so many.
func NthSubject(tx *db.Tx, tenant [16]byte, name string, after [16]byte, n int) (subject [16]byte, ok bool, err error) {
	b, ok, err := db.Value[[]byte](tx, `SELECT subject_id FROM event WHERE tenant_id = $1 AND subject_id > $2 AND name = $3
		ORDER BY subject_id LIMIT 1 OFFSET $4`, tenant, after, name, n)
	copy(subject[:], b)
	return subject, ok, err
}

// First is when an event of a name was appended for the first time in a tenant.
// It reads every event of the tenant. False: there is none.
func First(tx *db.Tx, tenant [16]byte, name string) (time.Time, bool, error) {
	at, ok, err := db.Value[int64](tx, `SELECT at FROM event WHERE tenant_id = $1 AND name = $2 ORDER BY at LIMIT 1`, tenant, name)
	return time.UnixMicro(at).UTC(), ok, err
}
