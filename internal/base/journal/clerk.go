package journal

import (
	"context"

	"github.com/cardea-id/cardea/internal/base/db"
)

const clerkName = "clerk"

// clerkPage is how many events of a bucket are chained in one transaction.
const clerkPage = 512

type unchainedRow struct {
	bucket        int64
	event, tenant [16]byte
}

// Fields names the columns.
func (r *unchainedRow) Fields() []db.Field {
	return []db.Field{
		{Column: "bucket", Ptr: &r.bucket}, {Column: "event_id", Ptr: &r.event}, {Column: "tenant_id", Ptr: &r.tenant},
	}
}

// marked is a committed event that waits for its link.
type marked struct {
	tenant, event   [16]byte
	header, payload [32]byte
}

// Fields names the columns.
func (m *marked) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &m.tenant}, {Column: "event_id", Ptr: &m.event},
		{Column: "header_digest", Ptr: &m.header}, {Column: "payload_digest", Ptr: &m.payload},
	}
}

type chainRow struct {
	bucket        int64
	tenant        [16]byte
	seq, position int64
	event         [16]byte
	link          [32]byte
}

// Fields names the columns.
func (r *chainRow) Fields() []db.Field {
	return []db.Field{
		{Column: "bucket", Ptr: &r.bucket}, {Column: "tenant_id", Ptr: &r.tenant}, {Column: "seq", Ptr: &r.seq},
		{Column: "position", Ptr: &r.position}, {Column: "event_id", Ptr: &r.event}, {Column: "link", Ptr: &r.link},
	}
}

// bucketRow is a bucket where there is something to do.
type bucketRow struct{ bucket int64 }

// Fields names the column.
func (r *bucketRow) Fields() []db.Field { return []db.Field{{Column: "bucket", Ptr: &r.bucket}} }

// chain links every event that is committed by now in the buckets of this node
// and tells how many it linked.
func (l *Loop) chain(ctx context.Context) (linked int, err error) {
	var buckets []bucketRow
	err = l.d.Look(ctx, func(tx *db.Tx) (err error) {
		buckets, err = db.All[bucketRow](tx, `FROM unchained GROUP BY bucket ORDER BY bucket`)
		return err
	})
	for _, b := range buckets {
		n := clerkPage
		for n == clerkPage && err == nil {
			n, err = l.chainPage(ctx, b.bucket)
			linked += n
		}
	}
	if linked > 0 {
		l.nudgeReaders()
	}
	return linked, err
}

func (l *Loop) chainPage(ctx context.Context, bucket int64) (linked int, err error) {
	fence, ok := l.leases.fence(clerkName, bucket)
	if !ok {
		return 0, nil
	}
	err = l.d.Claim(ctx, func(tx *db.Tx) error {
		linked = 0
		if err := l.leases.hold(tx, clerkName, bucket, fence); err != nil {
			return err
		}
		// The order of ids keeps the order of one subject's events.
		marks, err := db.All[marked](tx, `FROM unchained JOIN event USING (bucket, tenant_id, event_id)
			WHERE bucket = $1 ORDER BY event_id LIMIT $2`, bucket, clerkPage)
		if err != nil || len(marks) == 0 {
			return err
		}
		linked = len(marks)
		return link(tx, bucket, marks)
	})
	if fault := l.lost(err, clerkName, bucket); fault != nil || err != nil {
		return 0, fault
	}
	return linked, nil
}

// link writes the links of marks, in their order, and takes exactly their marks
// away: what committed in the meantime keeps its own.
func link(tx *db.Tx, bucket int64, marks []marked) error {
	last, _, err := db.Value[int64](tx, `SELECT position FROM chain
		WHERE bucket = $1 ORDER BY position DESC LIMIT 1`, bucket)
	if err != nil {
		return err
	}
	heads := map[[16]byte]Head{}
	rows := make([]chainRow, len(marks))
	for i, m := range marks {
		head, known := heads[m.tenant]
		if !known {
			if head, err = headOf(tx, m.tenant, bucket); err != nil {
				return err
			}
		}
		head = Head{Seq: head.Seq + 1, Link: linkOf(head.Link, head.Seq+1, m.header, m.payload)}
		heads[m.tenant] = head
		rows[i] = chainRow{bucket: bucket, tenant: m.tenant, seq: head.Seq, position: last + 1 + int64(i), event: m.event, link: head.Link}
	}
	if err := db.Insert(tx, "chain", rows...); err != nil {
		return err
	}
	return tx.Put(`DELETE FROM unchained WHERE bucket = $1 AND event_id IN (
		SELECT event_id FROM chain WHERE bucket = $1 AND position > $2)`, bucket, last)
}

// Head is the end of one chain.
type Head struct {
	Seq  int64 // 0: nothing is chained yet
	Link [32]byte
}

func headOf(tx *db.Tx, tenant [16]byte, bucket int64) (Head, error) {
	row, ok, err := db.Find[chainRow](tx, `FROM chain WHERE bucket = $1 AND tenant_id = $2
		ORDER BY seq DESC LIMIT 1`, bucket, tenant)
	if !ok {
		return Head{Link: genesis(tenant, bucket)}, err
	}
	return Head{Seq: row.seq, Link: row.link}, nil
}
