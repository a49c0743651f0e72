package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// Reader follows the journal. Read gets the next events of one bucket in their
// chained order, those of one subject in the order in which they happened, and
// does its work in the transaction that also moves the cursor: exactly once
// inside the database. What must go out of the house it enqueues as jobs.
//
// The transaction is READ COMMITTED and one node at a time works on a bucket,
// but other buckets run beside it: rows that several buckets write are written
// by one statement each. Read may run several times before one run counts.
type Reader struct {
	Name string // lasting: the cursor is kept under it
	Read func(tx *db.Tx, events []Recorded) error
	Tail bool // a new reader begins at the end of the journal, not at its beginning
}

// readerPage is how many events a reader gets at once.
const readerPage = 200

type readerRow struct {
	name                              string
	bucket, position, fence, failures int64
	retryAt                           int64
	lastError                         string
}

// Fields names the columns.
func (r *readerRow) Fields() []db.Field {
	return []db.Field{
		{Column: "name", Ptr: &r.name}, {Column: "bucket", Ptr: &r.bucket}, {Column: "position", Ptr: &r.position},
		{Column: "fence", Ptr: &r.fence}, {Column: "failures", Ptr: &r.failures},
		{Column: "retry_at", Ptr: &r.retryAt}, {Column: "last_error", Ptr: &r.lastError},
	}
}

func leaseOf(reader string) string { return "reader " + reader }

// seedReader makes the cursors of a reader that is new.
func seedReader(tx *db.Tx, r Reader) error {
	for bucket := range int64(Buckets) {
		row := readerRow{name: r.Name, bucket: bucket}
		if r.Tail {
			end, _, err := db.Value[int64](tx, `SELECT position FROM chain WHERE bucket = $1
				ORDER BY position DESC LIMIT 1`, bucket)
			if err != nil {
				return err
			}
			row.position = end
		}
		if _, err := db.InsertNew(tx, "reader", row); err != nil {
			return err
		}
	}
	return nil
}

// follow brings a reader as far as it comes in the buckets of this node and
// tells how many events it read. The first failure of a bucket is told after
// the other buckets had their turn.
func (l *Loop) follow(ctx context.Context, r Reader) (read int, err error) {
	var behind []bucketRow
	err = l.d.View(ctx, func(tx *db.Tx) (err error) {
		behind, err = db.All[bucketRow](tx, `FROM reader WHERE name = $1 AND retry_at <= $2 AND EXISTS (
			SELECT 1 FROM chain WHERE chain.bucket = reader.bucket AND chain.position > reader.position)
			ORDER BY bucket`, r.Name, tx.Now)
		return err
	})
	for _, b := range behind {
		n, failed := l.followBucket(ctx, r, b.bucket)
		read += n
		err = errors.Join(err, failed)
	}
	return read, err
}

// followBucket reads page by page. When a page fails it goes on event by event,
// so that what stands before the one that it stumbles over gets through.
func (l *Loop) followBucket(ctx context.Context, r Reader, bucket int64) (read int, err error) {
	size := readerPage
	for ctx.Err() == nil {
		fence, ok := l.leases.fence(leaseOf(r.Name), bucket)
		if !ok {
			return read, nil
		}
		n, err := l.followPage(ctx, r, cursorAt{bucket, fence}, size)
		read += n
		switch {
		case err == nil && n == 0:
			return read, nil
		case err != nil && (size == 1 || errors.Is(err, errFenced)):
			return read, l.stumble(ctx, r, bucket, fence, err)
		case err != nil:
			size = 1
		}
	}
	return read, ctx.Err()
}

// cursorAt is a cursor and the fence under which this node may move it.
type cursorAt struct{ bucket, fence int64 }

// followPage gives the reader its next page and moves the cursor, in one
// transaction that writes the cursor's row first: a stale node finds a higher
// fence there, or is waited for.
func (l *Loop) followPage(ctx context.Context, r Reader, at cursorAt, size int) (n int, err error) {
	err = l.d.Claim(ctx, func(tx *db.Tx) error {
		n = 0
		cursor, ok, err := db.Take[readerRow](tx, `UPDATE reader SET fence = $1
			WHERE name = $2 AND bucket = $3 AND fence <= $1`, at.fence, r.Name, at.bucket)
		if err != nil {
			return err
		}
		if !ok {
			return errFenced
		}
		events, end, err := nextPage(tx, at.bucket, cursor.position, size)
		if err != nil || end == cursor.position {
			return err
		}
		n = int(end - cursor.position)
		if len(events) > 0 {
			if err := guard(func() error { return r.Read(tx, events) }); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`UPDATE reader SET position = $1, failures = 0, retry_at = 0, last_error = ''
			WHERE name = $2 AND bucket = $3`, end, r.Name, at.bucket)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// nextPage reads the events after position and tells where the page ends, also
// when an event of it is missing: that is for Verify to tell.
func nextPage(tx *db.Tx, bucket, position int64, size int) ([]Recorded, int64, error) {
	ends, err := db.All[positionRow](tx, `FROM chain WHERE bucket = $1 AND position > $2
		ORDER BY position LIMIT $3`, bucket, position, size)
	if err != nil || len(ends) == 0 {
		return nil, position, err
	}
	end := ends[len(ends)-1].position
	rows, err := db.All[followed](tx, `FROM chain JOIN event USING (bucket, tenant_id, event_id)
		WHERE bucket = $1 AND position > $2 AND position <= $3 ORDER BY position`, bucket, position, end)
	events := make([]Recorded, len(rows))
	for i := range rows {
		events[i] = rows[i].recorded()
		events[i].Seq = rows[i].seq
	}
	return events, end, err
}

// stumble remembers that a reader failed and when it tries again. Other buckets
// go on; nothing is ever skipped.
func (l *Loop) stumble(ctx context.Context, r Reader, bucket, fence int64, cause error) error {
	if errors.Is(cause, errFenced) {
		return l.lost(cause, leaseOf(r.Name), bucket)
	}
	err := l.d.Claim(ctx, func(tx *db.Tx) error {
		cursor, ok, err := db.Find[readerRow](tx, `FROM reader WHERE name = $1 AND bucket = $2 AND fence <= $3`, r.Name, bucket, fence)
		if err != nil || !ok {
			return err
		}
		wait := min(backoff(int(cursor.failures)+1), time.Minute)
		_, err = tx.Exec(`UPDATE reader SET failures = failures + 1, retry_at = $1, last_error = $2
			WHERE name = $3 AND bucket = $4 AND fence <= $5`, tx.Now.Add(wait), publicText(cause), r.Name, bucket, fence)
		return err
	})
	return errors.Join(fmt.Errorf("reader %s, bucket %d: %w", r.Name, bucket, cause), err)
}

// publicText is what may rest in a table that staff read: the fault's own
// words, never its private cause.
func publicText(err error) string {
	if err == nil {
		return ""
	}
	f := fault.Of(err)
	return f.Code + ": " + f.Text
}
