package journal

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Prunable is how many payloads Prune would take in all, of how many subjects,
// since when the oldest is there, and when the oldest that stays was written.
type Prunable struct {
	Rows, Subjects int64
	Oldest, Next   time.Time
}

type prunableRow struct {
	rows, subjects int64
	oldest         time.Time
}

func (r *prunableRow) Fields() []db.Field {
	return []db.Field{{Column: "n", Ptr: &r.rows}, {Column: "subjects", Ptr: &r.subjects}, {Column: "oldest", Ptr: &r.oldest}}
}

// CountPrunable tells what Prune would take, over all its calls. Limit is not
// looked at.
func CountPrunable(tx *db.Tx, p Pruning) (out Prunable, err error) {
	for bucket := range int64(Buckets) {
		args := p.except([]any{bucket, p.Tenant, p.Class, p.Before})
		r, _, err := db.Find[prunableRow](tx, `FROM (SELECT count(*) AS n, count(DISTINCT subject_id) AS subjects, min(at) AS oldest FROM event
			WHERE bucket = $1 AND tenant_id = $2 AND class = $3 AND at < $4 AND pruned_at IS NULL`+p.exceptText(5)+`) AS old`, args...)
		if err != nil {
			return out, err
		}
		next, _, err := db.Value[time.Time](tx, `SELECT min(at) FROM event
			WHERE bucket = $1 AND tenant_id = $2 AND class = $3 AND at >= $4 AND pruned_at IS NULL`, bucket, p.Tenant, p.Class, p.Before)
		if err != nil {
			return out, err
		}
		out.Rows += r.rows
		out.Subjects += r.subjects
		out.Oldest, out.Next = earlier(out.Oldest, r.oldest), earlier(out.Next, next)
	}
	return out, nil
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
