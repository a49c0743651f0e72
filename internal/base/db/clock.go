package db

import (
	"sync/atomic"
	"time"
)

// clock reads the house clock in whole microseconds and never goes back on
// this node: what happened later never carries an earlier time.
type clock struct {
	read func() time.Time
	last atomic.Int64
}

func (c *clock) now() time.Time {
	t := c.read().UnixMicro()
	for {
		last := c.last.Load()
		if t <= last {
			return time.UnixMicro(last).UTC()
		}
		if c.last.CompareAndSwap(last, t) {
			return time.UnixMicro(t).UTC()
		}
	}
}

// Now is the house's instant as the next transaction would read it for Tx.Now,
// for Bumps, which have no Tx.
func (d *DB) Now() time.Time { return d.house.clock.now() }
