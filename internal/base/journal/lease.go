package journal

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// errFenced ends a transaction of a node that lost its lease.
var errFenced = fault.New(fault.Conflict, "fenced", "Another node does this work now.")

// slot is one bucket of one kind of background work.
type slot struct {
	name   string
	bucket int64
}

// want is a kind of background work and in how many parts it is shared out.
type want struct {
	name    string
	buckets int64
}

// leases holds what this node may work on. Losing one is found out at the next
// statement that carries its fence, so what is held here is only a hint.
type leases struct {
	d     *db.DB
	node  string
	wants []want
	term  time.Duration
	alone bool

	tending sync.Mutex // one tend at a time
	seeded  bool
	mu      sync.Mutex
	held    map[slot]int64 // fence
}

type leaseRow struct {
	name   string
	bucket int64
	node   string
	fence  int64
	until  int64
}

// Fields names the columns.
func (r *leaseRow) Fields() []db.Field {
	return []db.Field{
		{Column: "name", Ptr: &r.name}, {Column: "bucket", Ptr: &r.bucket}, {Column: "node", Ptr: &r.node},
		{Column: "fence", Ptr: &r.fence}, {Column: "lease_until", Ptr: &r.until},
	}
}

// fence gives the fencing number under which this node holds a slot.
func (l *leases) fence(name string, bucket int64) (int64, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.held[slot{name, bucket}]
	return f, ok
}

func (l *leases) lose(name string, bucket int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, slot{name, bucket})
}

// tend renews what this node holds, gives up what is more than its share and
// takes what is free.
func (l *leases) tend(ctx context.Context) error {
	l.tending.Lock()
	defer l.tending.Unlock()
	var held map[slot]int64
	err := l.d.Claim(ctx, func(tx *db.Tx) error {
		held = map[slot]int64{}
		if !l.seeded {
			if err := l.seed(tx); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`UPDATE lease SET lease_until = $1 WHERE node = $2`, tx.Now.Add(l.term), l.node)
		if err != nil {
			return err
		}
		for _, w := range l.wants {
			if err := l.share(tx, w, held); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	l.seeded = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
	return nil
}

func (l *leases) seed(tx *db.Tx) error {
	for _, w := range l.wants {
		for bucket := range w.buckets {
			if _, err := db.InsertNew(tx, "lease", leaseRow{name: w.name, bucket: bucket}); err != nil {
				return err
			}
		}
	}
	return nil
}

// share brings the buckets of one kind of work into held.
func (l *leases) share(tx *db.Tx, w want, held map[slot]int64) error {
	fair, err := l.fair(tx, w)
	if err != nil {
		return err
	}
	rows, err := db.All[leaseRow](tx, `FROM lease WHERE name = $1 ORDER BY bucket`, w.name)
	if err != nil {
		return err
	}
	mine := int64(0)
	for _, r := range rows {
		if r.bucket >= w.buckets || r.node != l.node {
			continue
		}
		if mine++; mine <= fair {
			held[slot{r.name, r.bucket}] = r.fence
		} else if err := l.give(tx, r); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if mine >= fair {
			break
		}
		got, ok, err := l.take(tx, r)
		if err != nil {
			return err
		}
		if ok {
			mine++
			held[slot{got.name, got.bucket}] = got.fence
		}
	}
	return nil
}

// fair is this node's part of the buckets, rounded up, among the nodes that
// asked for the same work lately.
func (l *leases) fair(tx *db.Tx, w want) (int64, error) {
	_, err := tx.Exec(`INSERT INTO node (lease, name, seen_at) VALUES ($1, $2, $3)
		ON CONFLICT (lease, name) DO UPDATE SET seen_at = $3`, w.name, l.node, tx.Now)
	if err != nil {
		return 0, err
	}
	if l.alone {
		return w.buckets, nil
	}
	if _, err := tx.Exec(`DELETE FROM node WHERE lease = $1 AND seen_at < $2`, w.name, tx.Now.Add(-l.term)); err != nil {
		return 0, err
	}
	nodes, _, err := db.Value[int64](tx, `SELECT count(*) FROM node WHERE lease = $1`, w.name)
	nodes = max(nodes, 1)
	return (w.buckets + nodes - 1) / nodes, err
}

func (l *leases) give(tx *db.Tx, r leaseRow) error {
	_, err := tx.Exec(`UPDATE lease SET node = '', lease_until = 0
		WHERE name = $1 AND bucket = $2 AND node = $3 AND fence = $4`, r.name, r.bucket, l.node, r.fence)
	return err
}

func (l *leases) take(tx *db.Tx, r leaseRow) (leaseRow, bool, error) {
	free := tx.Now.UnixMicro()
	if l.alone {
		free = math.MaxInt64
	}
	return db.Take[leaseRow](tx, `UPDATE lease SET node = $1, fence = fence + 1, lease_until = $2
		WHERE name = $3 AND bucket = $4 AND node <> $1 AND lease_until < $5`,
		l.node, tx.Now.Add(l.term), r.name, r.bucket, free)
}

// hold makes sure, until the transaction ends, that this node has the slot: the
// row is written, so that another node's take waits or this one is refused.
func (l *leases) hold(tx *db.Tx, name string, bucket, fence int64) error {
	n, err := tx.Exec(`UPDATE lease SET lease_until = $1
		WHERE name = $2 AND bucket = $3 AND node = $4 AND fence = $5`,
		tx.Now.Add(l.term), name, bucket, l.node, fence)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// release gives everything up at once, so that others need not wait.
func (l *leases) release(ctx context.Context) error {
	l.mu.Lock()
	l.held = nil
	l.mu.Unlock()
	return l.d.Claim(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE lease SET node = '', lease_until = 0 WHERE node = $1`, l.node); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM node WHERE name = $1`, l.node)
		return err
	})
}
