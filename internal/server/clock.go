package server

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// Clock is the house's clock. Everything but the measuring of lengths reads it.
type Clock struct {
	base   func() time.Time
	offset atomic.Int64 // nanoseconds; stays 0 outside of `cardea dev`
}

func newClock(base func() time.Time) *Clock {
	if base == nil {
		base = time.Now
	}
	return &Clock{base: base}
}

// Now is the house's instant, in UTC.
func (c *Clock) Now() time.Time { return c.base().UTC().Add(time.Duration(c.offset.Load())) }

// Offset is how far the clock was moved.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

var errOnlyDev = errors.New("the clock moves only in cardea dev")

// Advance moves the clock of `cardea dev` forward. The offset rests in the
// database, so that it survives a restart and holds for commands too.
func (b *Base) Advance(ctx context.Context, d time.Duration) error {
	if !b.dev || d < 0 {
		return errOnlyDev
	}
	b.Clock.offset.Add(int64(d))
	return b.DB.Update(ctx, func(tx *db.Tx) error {
		return writeNumber(tx, factClock, b.Clock.Offset().Microseconds())
	})
}
