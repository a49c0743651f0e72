package journal

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Place is where an event stands in its tenant's chain.
type Place struct {
	Event  [16]byte
	At     time.Time
	Bucket int64
	Seq    int64
	Link   [32]byte
}

// placeRow is an event with its link.
type placeRow struct{ Place }

// Fields names the columns.
func (r *placeRow) Fields() []db.Field {
	return []db.Field{
		{Column: "event_id", Ptr: &r.Event}, {Column: "at", Ptr: &r.At}, {Column: "bucket", Ptr: &r.Bucket},
		{Column: "seq", Ptr: &r.Seq}, {Column: "link", Ptr: &r.Link},
	}
}

// FindPlace finds the newest chained event of a name about a subject. There is
// none for about a second after the commit, until the clerk has chained it.
func FindPlace(tx *db.Tx, tenant, subject [16]byte, name string) (Place, bool, error) {
	row, ok, err := db.Find[placeRow](tx, `FROM (
		SELECT event.event_id AS event_id, event.at AS at, event.bucket AS bucket, chain.seq AS seq, chain.link AS link
		FROM event JOIN chain ON chain.bucket = event.bucket AND chain.tenant_id = event.tenant_id AND chain.event_id = event.event_id
		WHERE event.tenant_id = $1 AND event.subject_id = $2 AND event.name = $3) AS placed
		ORDER BY event_id DESC LIMIT 1`, tenant, subject, name)
	return row.Place, ok, err
}

// LastCheckpoint is the tenant's newest checkpoint, if there is one.
func LastCheckpoint(tx *db.Tx, tenant [16]byte) (Checkpoint, bool, error) {
	return lastCheckpoint(tx, tenant)
}
