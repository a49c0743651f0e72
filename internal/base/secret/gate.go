package secret

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Gate says how much password hashing may happen at once in this process.
// A zero field takes its default.
type Gate struct {
	Parallel int           // hashes at once; default GOMAXPROCS
	Queue    int           // callers that may wait for one; default eight per parallel hash
	Wait     time.Duration // the longest wait; default 500 ms
}

// ErrBusy is the refusal of the gate; Retry says when trying again may help.
var ErrBusy = fault.New(fault.Unavailable, "busy", "Too many people are signing in at this moment. Try again in a few seconds.")

// admission is the gate at work. A permit belongs to the work and not to the
// request: it is given back by the goroutine that hashed, after it hashed, and
// a request that went away meanwhile frees nothing.
type admission struct {
	permits chan struct{}
	waiting atomic.Int64
	queue   int64
	wait    time.Duration
}

func newAdmission(g Gate) *admission {
	if g.Parallel <= 0 {
		g.Parallel = runtime.GOMAXPROCS(0)
	}
	if g.Queue <= 0 {
		g.Queue = 8 * g.Parallel
	}
	if g.Wait <= 0 {
		g.Wait = 500 * time.Millisecond
	}
	return &admission{permits: make(chan struct{}, g.Parallel), queue: int64(g.Queue), wait: g.Wait}
}

// enter takes a permit, at once or after a wait in the queue.
func (a *admission) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Of(err)
	}
	select {
	case a.permits <- struct{}{}:
		return nil
	default:
	}
	if a.waiting.Add(1) > a.queue {
		a.waiting.Add(-1)
		return a.busy()
	}
	defer a.waiting.Add(-1)
	return a.stand(ctx)
}

// stand waits in the queue. Go serves the senders of a channel in the order of
// their coming, and hands a freed place to the first of them.
func (a *admission) stand(ctx context.Context) error {
	timer := time.NewTimer(a.wait)
	defer timer.Stop()
	select {
	case a.permits <- struct{}{}:
		return nil
	case <-timer.C:
		return a.busy()
	case <-ctx.Done():
		return fault.Of(ctx.Err())
	}
}

func (a *admission) leave() { <-a.permits }

func (a *admission) busy() error { return ErrBusy.In(max(2*a.wait, time.Second)) }
