package journal

import (
	"context"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Happening is what is counted per minute instead of being kept one by one:
// refusals without a known subject, and things of low value that happen often.
type Happening struct {
	Tenant      [16]byte
	Name        string   // "token.refused", "client_credentials.granted"
	Reason      string   // one of few words of the house, never text from outside
	Application [16]byte // zero: not one application's
}

// tallyEvery is how often counts are written.
const tallyEvery = 3 * time.Second

// tallyKeys bounds the memory of a tally between two writes.
const tallyKeys = 10_000

type tallyKey struct {
	Happening
	minute int64
}

// Tally adds up happenings in memory. They are written every few seconds by a
// Loop that has it among its Options, one statement per key; a crash loses what
// was counted since the last write, which is why nothing is decided on counts.
type Tally struct {
	clock    func() time.Time
	flushing sync.Mutex
	mu       sync.Mutex
	counts   map[tallyKey]int64
}

// NewTally makes an empty tally on the house clock.
func NewTally(clock func() time.Time) *Tally {
	return &Tally{clock: clock, counts: map[tallyKey]int64{}}
}

// Count adds one. It takes no database and may be called from anywhere. When
// there are more than 10,000 different happenings between two writes, further
// ones are counted under their tenant and name with the reason "other".
func (t *Tally) Count(h Happening) {
	k := tallyKey{h, t.clock().Truncate(time.Minute).UnixMicro()}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.counts[k]; !known && len(t.counts) >= tallyKeys {
		k.Reason, k.Application = "other", [16]byte{}
	}
	t.counts[k]++
}

// Flush writes what was counted. What could not be written is kept for the next
// time.
func (t *Tally) Flush(ctx context.Context, d *db.DB) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	t.mu.Lock()
	counts := t.counts
	t.counts = map[tallyKey]int64{}
	t.mu.Unlock()
	for k, n := range counts {
		if _, err := d.Bump(ctx, `INSERT INTO tally (tenant_id, name, minute, reason, application_id, n)
			VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (tenant_id, name, minute, reason, application_id) DO UPDATE SET n = tally.n + $6`,
			k.Tenant, k.Name, k.minute, k.Reason, k.Application, n); err != nil {
			t.restore(counts)
			return err
		}
		delete(counts, k)
	}
	return nil
}

func (t *Tally) restore(counts map[tallyKey]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for k, n := range counts {
		t.counts[k] += n
	}
}

// Counted is what happened so many times in one minute.
type Counted struct {
	Happening
	Minute time.Time
	N      int64
}

// Fields names the columns.
func (c *Counted) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.Tenant}, {Column: "name", Ptr: &c.Name}, {Column: "minute", Ptr: &c.Minute},
		{Column: "reason", Ptr: &c.Reason}, {Column: "application_id", Ptr: &c.Application}, {Column: "n", Ptr: &c.N},
	}
}

// Counts gives what was written of one name, by minute, reason and application,
// from the minute from on and before until.
func Counts(tx *db.Tx, tenant [16]byte, name string, from, until time.Time) ([]Counted, error) {
	return db.All[Counted](tx, `FROM tally WHERE tenant_id = $1 AND name = $2 AND minute >= $3 AND minute < $4
		ORDER BY minute, reason, application_id`, tenant, name, from, until)
}

// PruneCounts takes away a tenant's counts before an instant.
func PruneCounts(tx *db.Tx, tenant [16]byte, before time.Time) (rows int64, err error) {
	return tx.Exec(`DELETE FROM tally WHERE tenant_id = $1 AND minute < $2`, tenant, before)
}
