package journal

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Lag tells how far the background work is behind, in all nodes together: for
// metrics, the doctor and the staff who look after the house.
type Lag struct {
	Unchained int64         // events that wait for their link
	Oldest    time.Duration // age of the oldest of them
	Readers   []ReaderLag   // those of this loop, in its order
	DueJobs   int64         // jobs that could run now and do not
	DeadJobs  int64
}

// ReaderLag is how far one reader is behind.
type ReaderLag struct {
	Name      string
	Events    int64  // that it has not read yet
	Failing   int64  // buckets in which it stumbled and tries again
	LastError string // of one of them: code and public text
}

// oldestMark is the oldest event without a link.
type oldestMark struct{ at time.Time }

// Fields names the column.
func (o *oldestMark) Fields() []db.Field { return []db.Field{{Column: "at", Ptr: &o.at}} }

// Lag reads how far everything is behind by now.
func (l *Loop) Lag(ctx context.Context) (lag Lag, err error) {
	err = l.d.View(l.d.Background(ctx), func(tx *db.Tx) error {
		lag = Lag{}
		if err := lag.counts(tx); err != nil {
			return err
		}
		for _, r := range l.readers {
			behind, err := readerLag(tx, r.Name)
			if err != nil {
				return err
			}
			lag.Readers = append(lag.Readers, behind)
		}
		return nil
	})
	return lag, err
}

func (g *Lag) counts(tx *db.Tx) (err error) {
	if g.Unchained, _, err = db.Value[int64](tx, `SELECT count(*) FROM unchained`); err != nil {
		return err
	}
	oldest, ok, err := db.Find[oldestMark](tx, `FROM unchained JOIN event USING (bucket, tenant_id, event_id) ORDER BY event_id LIMIT 1`)
	if err != nil {
		return err
	}
	if ok {
		g.Oldest = max(tx.Now.Sub(oldest.at), 0)
	}
	g.DueJobs, _, err = db.Value[int64](tx, `SELECT count(*) FROM job WHERE run_at <= $1 AND lease_until < $2`, tx.Now, tx.Now)
	if err != nil {
		return err
	}
	g.DeadJobs, _, err = db.Value[int64](tx, `SELECT count(*) FROM dead_job`)
	return err
}

func readerLag(tx *db.Tx, name string) (ReaderLag, error) {
	behind := ReaderLag{Name: name}
	cursors, err := db.All[readerRow](tx, `FROM reader WHERE name = $1 ORDER BY bucket`, name)
	for _, c := range cursors {
		end, ok, err := db.Value[int64](tx, `SELECT position FROM chain WHERE bucket = $1
			ORDER BY position DESC LIMIT 1`, c.bucket)
		if err != nil {
			return behind, err
		}
		if ok {
			behind.Events += max(end-c.position, 0)
		}
		if c.failures > 0 {
			behind.Failing++
			behind.LastError = c.lastError
		}
	}
	return behind, err
}
