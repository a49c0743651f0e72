package release

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Counter adds up, in memory, how often a day's line was used again, and writes
// that every few seconds. That a release happened is durable before it happens;
// only the number of repeats since the last write is lost by a crash.
type Counter struct {
	mu    sync.Mutex
	lines map[lineKey]int64
}

// flushEvery is how often Run writes, maxLines how many lines are kept between.
const (
	flushEvery = 5 * time.Second
	maxLines   = 100_000
)

type lineKey struct {
	tenant    tenant.ID
	customer  customer.ID
	kind      string
	recipient [16]byte
	purpose   string
	fields    [32]byte
	day       int64
}

// NewCounter makes an empty counter.
func NewCounter() *Counter { return &Counter{lines: map[lineKey]int64{}} }

func (c *Counter) count(e Entry) {
	if c == nil {
		return
	}
	k := lineKey{e.TenantID, e.CustomerID, e.RecipientKind, e.Recipient, e.Purpose, e.FieldsDigest, e.Day}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.lines[k]; known || len(c.lines) < maxLines {
		c.lines[k]++
	}
}

// Run writes the counts every few seconds until ctx ends, and once more then.
func (c *Counter) Run(ctx context.Context, d *db.DB, now func() time.Time) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = c.Flush(d.Background(ctx), d, now()) // what failed stays and is written next time
		case <-ctx.Done():
			last, stop := context.WithTimeout(context.WithoutCancel(ctx), flushEvery)
			defer stop()
			return c.Flush(last, d, now())
		}
	}
}

// Flush writes what has been counted. What cannot be written is kept.
func (c *Counter) Flush(ctx context.Context, d *db.DB, now time.Time) error {
	c.mu.Lock()
	lines := c.lines
	c.lines = map[lineKey]int64{}
	c.mu.Unlock()
	var failed error
	for k, n := range lines {
		_, err := d.Bump(ctx, `UPDATE disclosure SET times = times + $9, last_at = $10 WHERE tenant_id = $1 AND customer_id = $2
			AND recipient_kind = $3 AND recipient = $4 AND purpose = $5 AND fields_digest = $6 AND day = $7 AND entry = $8`,
			k.tenant, k.customer, k.kind, k.recipient, k.purpose, k.fields, k.day, [16]byte{}, n, now)
		if err != nil {
			failed = errors.Join(failed, err)
			c.restore(k, n)
		}
	}
	return failed
}

func (c *Counter) restore(k lineKey, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines[k] += n
}
