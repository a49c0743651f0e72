package server_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The gate of the test: one hash at once and two who wait, each of 32 MiB.
const (
	gateParallel = 1
	gateQueue    = 2
	gateCost     = 32 << 20
)

// rush is what came of a stretch of time under one load.
type rush struct {
	in, away, other atomic.Int64 // sign-ins that succeeded, that were turned away with a time to come again, and neither
	machines        atomic.Int64 // refreshes and introspections that succeeded
	failed          atomic.Int64 // those that did not
	most            atomic.Int64 // hashes at once
	heap            atomic.Int64 // the most that the heap held
}

// Under twice what the gate takes in, as many get in as at its capacity, the
// rest is told when to come again, the machines' tokens go on, and memory stays
// at what the gate's own hashes need (data.md 5). Nothing is timed: what is
// compared are counts of stretches that take turns.
func TestH082_UnderTwiceTheCapacityTheGoodputStays(t *testing.T) {
	// Not parallel: what is counted is this process's heap and work.
	h := servertest.Open(t, dbtest.SQLite, servertest.Options{
		Settings: passwordAlone, Config: manyNetworks.Config, Hash: secret.Params{MemoryKiB: gateCost >> 10, Time: 2, Threads: 1},
		Base: func(o *server.Opening) {
			o.Gate = secret.Gate{Parallel: gateParallel, Queue: gateQueue, Wait: 200 * time.Millisecond}
		},
	})
	people := regulars(t, h, 2*(gateParallel+gateQueue))
	machines := tokens(t, h)
	runtime.GC()
	base := heapInUse()
	var rest, twice rush
	for range sized(2, 6) {
		stretch(t, h, &rest, people[:gateParallel], machines)
		stretch(t, h, &twice, people, machines)
	}
	t.Logf("at capacity %d in, %d away, %d tokens; at twice that %d in, %d away, %d tokens; heap %d MB, then at most %d MB",
		rest.in.Load(), rest.away.Load(), rest.machines.Load(), twice.in.Load(), twice.away.Load(), twice.machines.Load(), base>>20, twice.heap.Load()>>20)
	if twice.in.Load()*3 < rest.in.Load() || rest.in.Load() == 0 {
		t.Errorf("%d got in at capacity, %d under twice that", rest.in.Load(), twice.in.Load())
	}
	if twice.away.Load() == 0 || twice.other.Load()+rest.other.Load() > 0 {
		t.Errorf("%d were turned away, %d told something else", twice.away.Load(), twice.other.Load()+rest.other.Load())
	}
	// Behind the gate there would be five in a second at most.
	if twice.machines.Load()*10 < rest.machines.Load() || twice.failed.Load()+rest.failed.Load() > 0 {
		t.Errorf("%d tokens at capacity, %d under twice that, %d failed", rest.machines.Load(), twice.machines.Load(), twice.failed.Load()+rest.failed.Load())
	}
	if twice.most.Load() > gateParallel {
		t.Errorf("%d hashes at once", twice.most.Load())
	}
	// The collector lets garbage grow to as much again as lives (secret.Hasher).
	// Without a gate six hashes alone would be 192 MB.
	if limit := 2*(base+gateParallel*gateCost) + 64<<20; twice.heap.Load() > limit {
		t.Errorf("the heap held %d MB, more than %d", twice.heap.Load()>>20, limit>>20)
	}
}

// regulars are customers with passwords, each in a browser and on a network from
// which they have signed in before.
func regulars(t *testing.T, h *servertest.House, n int) []func() (status int, in, told bool) {
	var out []func() (int, bool, bool)
	for i := range n {
		address := fmt.Sprintf("regular%d@example.com", i)
		signedUp(t, h, address)
		givePassword(t, h, address, secure)
		b := from(t, fmt.Sprintf("198.51.100.%d", 10+i))
		try := func() (int, bool, bool) {
			p := named(h, b, address, "password").Submit("password", secure)
			wait, _ := strconv.Atoi(p.Header.Get("Retry-After"))
			return p.Status, p.URL.Path == "/account", wait > 0
		}
		if status, in, _ := try(); !in {
			t.Fatalf("%s does not get in: %d", address, status)
		}
		out = append(out, try)
	}
	return out
}

// tokens refreshes and introspects once.
func tokens(t *testing.T, h *servertest.House) func() error {
	code := h.Authorize(servertest.NewBrowser(t), h.Apps["web"], "machine@example.com", "scope", "openid offline_access").Get("code")
	now := h.Redeem(h.Apps["web"], code)
	return func() error {
		next := h.Refresh(h.Apps["web"], now.RefreshToken)
		if next.AccessToken == "" || h.Introspect(h.Apps["web"], next.AccessToken)["active"] != true {
			return fmt.Errorf("no token: %+v", next)
		}
		now = next
		return nil
	}
}

// stretch lets people sign in again and again beside one machine, for a while.
func stretch(t *testing.T, h *servertest.House, r *rush, people []func() (int, bool, bool), machine func() error) {
	t.Helper()
	h.Clock.Advance(20 * time.Minute) // which empties the meters
	end := make(chan struct{})
	var all sync.WaitGroup
	run := func(fn func()) {
		all.Go(func() {
			for {
				select {
				case <-end:
					return
				default:
					fn()
				}
			}
		})
	}
	for _, try := range people {
		run(func() { r.note(try()) })
	}
	run(func() {
		if machine() != nil {
			r.failed.Add(1)
		} else {
			r.machines.Add(1)
		}
	})
	run(func() {
		running, _ := h.Hasher.Load()
		r.most.Store(max(r.most.Load(), int64(running)))
		r.heap.Store(max(r.heap.Load(), heapInUse()))
		time.Sleep(5 * time.Millisecond)
	})
	time.Sleep(time.Second)
	close(end)
	all.Wait()
}

func (r *rush) note(status int, in, told bool) {
	switch {
	case in:
		r.in.Add(1)
	case status == http.StatusServiceUnavailable && told:
		r.away.Add(1)
		time.Sleep(100 * time.Millisecond) // nobody presses sooner
	case status == http.StatusTooManyRequests && told: // ten times in a row
	default:
		r.other.Add(1)
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse)
}
