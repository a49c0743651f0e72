package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// eventually waits for what another goroutine is to bring about.
func (b *bench) eventually(what string, ok func() bool) {
	b.Helper()
	for range 2000 {
		if ok() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	b.Fatalf("never: %s", what)
}

// run has a loop work until the test ends, or until the returned stop.
func (b *bench) run(l *Loop) (stop func()) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				b.Errorf("run: %v", err)
			}
		})
	}
	b.Cleanup(stop)
	return stop
}

func (b *bench) unchained() int64 { b.Helper(); return b.number(`SELECT count(*) FROM unchained`) }

func TestTheClerkChainsWhatCommitsLateAndOutOfOrder(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		l := b.loop(nil, nil, Options{})
		b.append(tenantA, subject, 1)
		b.drain(l)
		// What was composed before and commits after carries a smaller id.
		b.update(func(tx *db.Tx) error {
			e := entry(tenantA, subject, 2)
			row, err := compose(tx, e)
			if err != nil {
				return err
			}
			row.at = tx.Now.Add(-time.Hour)
			row.id = newID(row.at)
			row.headerDigest = row.digestHeader()
			return errors.Join(db.Insert(tx, "event", row),
				db.Insert(tx, "unchained", unchainedRow{row.bucket, row.id, row.tenant}))
		})
		b.drain(l)
		if r := b.verify(tenantA, Evidence{}); r.Bad != nil || r.Events != 2 || r.Unchained != 0 {
			b.Fatalf("report %+v", r)
		}
	})
}

func TestTheClerkMissesNothingThatCommitsBesideIt(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		stop := b.run(b.loop(nil, nil, Options{Poll: 10 * time.Millisecond}))
		var writers sync.WaitGroup
		for w := range 8 {
			writers.Go(func() {
				for i := range 15 {
					err := b.d.Update(b.ctx, func(tx *db.Tx) error {
						return errors.Join(Append(tx, entry(tenantA, [16]byte{byte(w)}, i)), Append(tx, entry(tenantB, subject, i)))
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		writers.Wait()
		b.eventually("everything is chained", func() bool { return b.unchained() == 0 })
		stop()
		if r := b.verify([16]byte{}, Evidence{}); r.Bad != nil || r.Events != 240 {
			b.Fatalf("report %+v", r)
		}
	})
}

func TestAStaleClerkWritesNoLink(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		stale, fresh := b.loop(nil, nil, Options{}), b.loop(nil, nil, Options{Alone: true})
		b.must(stale.prepare(b.ctx))
		b.append(tenantA, subject, 1)
		b.must(fresh.prepare(b.ctx))
		if n, err := stale.chain(b.ctx); n != 0 || err != nil {
			b.Fatalf("a stale clerk chained %d: %v", n, err)
		}
		if n, err := fresh.chain(b.ctx); n != 1 || err != nil {
			b.Fatalf("the new clerk chained %d: %v", n, err)
		}
	})
}

func (l *leases) count(name string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.held {
		if s.name == name {
			n++
		}
	}
	return n
}

func TestNodesShareTheBucketsAndInheritThem(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		one, two := b.loop(nil, nil, Options{}), b.loop(nil, nil, Options{})
		b.must(one.leases.tend(b.ctx))
		if n := one.leases.count(clerkName); n != Buckets {
			b.Fatalf("alone a node holds %d", n)
		}
		b.must(two.leases.tend(b.ctx)) // makes itself known
		b.must(one.leases.tend(b.ctx)) // gives up half
		b.must(two.leases.tend(b.ctx)) // takes it
		if n, m := one.leases.count(clerkName), two.leases.count(clerkName); n != 8 || m != 8 {
			b.Fatalf("two nodes hold %d and %d", n, m)
		}
		b.clock.Advance(time.Minute)
		b.must(two.leases.tend(b.ctx))
		if n := two.leases.count(clerkName); n != Buckets {
			b.Fatalf("the heir holds %d", n)
		}
		b.must(two.leases.release(b.ctx))
		b.must(one.leases.tend(b.ctx))
		if n := one.leases.count(clerkName); n != Buckets {
			b.Fatalf("after a release the other holds %d", n)
		}
	})
}

func TestTwoNodesThatRaceForLeasesNeverHoldOneTogether(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		loops := make([]*Loop, 6)
		var racers sync.WaitGroup
		for i := range loops {
			loops[i] = b.loop(nil, nil, Options{})
			racers.Go(func() {
				if err := loops[i].leases.tend(b.ctx); err != nil {
					b.Error(err)
				}
			})
		}
		racers.Wait()
		holders := map[slot]string{}
		for _, l := range loops {
			for s, fence := range l.leases.held {
				if other, taken := holders[s]; taken {
					b.Errorf("%v is held by %s and %s", s, other, l.node)
				}
				holders[s] = l.node
				b.must(b.d.Claim(b.ctx, func(tx *db.Tx) error { return l.leases.hold(tx, s.name, s.bucket, fence) }))
			}
		}
		if len(holders) != 2*Buckets+1 {
			b.Errorf("%d leases are held", len(holders))
		}
	})
}

// collect is a reader that writes what it reads into the table tally, in its
// own transaction, so that reading twice would show.
func collect(name string) Reader {
	return Reader{Name: name, Read: func(tx *db.Tx, events []Recorded) error {
		for _, e := range events {
			if _, err := tx.Exec(`INSERT INTO tally (tenant_id, name, minute, reason, application_id, n)
				VALUES ($1, $2, $3, $4, $5, 1)
				ON CONFLICT (tenant_id, name, minute, reason, application_id) DO UPDATE SET n = tally.n + 1`,
				e.Tenant, name, e.Seq, fmt.Sprintf("%x", e.ID), e.Subject); err != nil {
				return err
			}
		}
		return nil
	}}
}

func TestAReaderReadsEachEventExactlyOnceAndInOrder(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var order []int
		watch := Reader{Name: "order", Read: func(tx *db.Tx, events []Recorded) error {
			mine := []int{}
			for _, e := range events {
				var h happened
				if err := e.Decode(&h); err != nil {
					return err
				}
				if e.Subject == subject && e.Tenant == tenantA {
					mine = append(mine, h.N)
				}
			}
			tx.After(func() { order = append(order, mine...) })
			return nil
		}}
		l := b.loop(nil, []Reader{collect("seen"), watch}, Options{})
		for i := range 5 {
			b.append(tenantA, subject, 3)
			b.append(tenantB, [16]byte{byte(i)}, 2)
			b.drain(l)
		}
		b.drain(b.loop(nil, []Reader{collect("seen")}, Options{Alone: true}))
		if n, sum := b.number(`SELECT count(*) FROM tally`), b.number(`SELECT cast(sum(n) AS BIGINT) FROM tally`); n != 25 || sum != 25 {
			b.Fatalf("%d events were read %d times", n, sum)
		}
		if want := []int{0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}; !equal(order, want) {
			b.Fatalf("read in the order %v", order)
		}
	})
}

func TestReadersOfTwoNodesReadEachEventOnce(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		for range 2 {
			b.run(b.loop(nil, []Reader{collect("seen")}, Options{Poll: 10 * time.Millisecond, Lease: 300 * time.Millisecond}))
		}
		for i := range 60 {
			b.append(tenantA, [16]byte{byte(i)}, 2)
		}
		b.eventually("all are read", func() bool { return b.number(`SELECT count(*) FROM tally`) == 120 })
		if n := b.number(`SELECT count(*) FROM tally WHERE n <> 1`); n != 0 {
			b.Fatalf("%d events were read twice", n)
		}
	})
}

func TestAReaderThatFailsStaysWhereItIsAndGoesOnLater(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var broken atomic.Bool
		broken.Store(true)
		inner := collect("seen")
		l := b.loop(nil, []Reader{{Name: "seen", Read: func(tx *db.Tx, events []Recorded) error {
			if err := inner.Read(tx, events); err != nil {
				return err
			}
			for _, e := range events {
				if broken.Load() && string(e.Payload) == `{"n":2}` {
					panic("a defect")
				}
			}
			return nil
		}}}, Options{})
		b.append(tenantA, subject, 4)
		if err := l.Drain(b.ctx); err == nil {
			b.Fatal("the failure was not told")
		}
		if err := l.Drain(b.ctx); err != nil {
			b.Fatalf("it did not wait before it tried again: %v", err)
		}
		b.clock.Advance(2 * time.Minute)
		if err := l.Drain(b.ctx); err == nil {
			b.Fatal("the second failure was not told")
		}
		if n := b.number(`SELECT count(*) FROM tally`); n != 2 {
			b.Fatalf("%d events before the bad one were read", n)
		}
		lag, err := l.Lag(b.ctx)
		b.must(err)
		if r := lag.Readers[0]; r.Events != 2 || r.Failing != 1 || r.LastError == "" {
			b.Fatalf("lag %+v", r)
		}
		broken.Store(false)
		b.clock.Advance(2 * time.Minute)
		b.drain(l)
		if n := b.number(`SELECT cast(sum(n) AS BIGINT) FROM tally`); n != 4 {
			b.Fatalf("%d reads in the end", n)
		}
	})
}

func TestAStaleReaderMovesNothing(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		r := collect("seen")
		stale, fresh := b.loop(nil, []Reader{r}, Options{}), b.loop(nil, []Reader{r}, Options{Alone: true})
		b.must(stale.prepare(b.ctx))
		b.append(tenantA, subject, 3)
		if n, err := stale.chain(b.ctx); n != 3 || err != nil {
			b.Fatal(n, err)
		}
		b.must(fresh.prepare(b.ctx))
		b.append(tenantA, subject, 2)
		b.drain(fresh)
		b.append(tenantA, subject, 1)
		if _, err := fresh.chain(b.ctx); err != nil {
			b.Fatal(err)
		}
		if n, err := stale.follow(b.ctx, r); n != 0 || err != nil {
			b.Fatalf("a stale reader read %d: %v", n, err)
		}
		if n := b.number(`SELECT cast(sum(n) AS BIGINT) FROM tally`); n != 5 {
			b.Fatalf("%d reads", n)
		}
	})
}

func TestATailReaderBeginsAtTheEnd(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		b.append(tenantA, subject, 3)
		b.drain(b.loop(nil, nil, Options{}))
		tail := collect("tail")
		tail.Tail = true
		l := b.loop(nil, []Reader{tail}, Options{Alone: true})
		b.drain(l)
		b.append(tenantA, subject, 2)
		b.drain(l)
		if n := b.number(`SELECT count(*) FROM tally`); n != 2 {
			b.Fatalf("%d events were read", n)
		}
	})
}

func TestLagTellsHowFarTheWorkIsBehind(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		l := b.loop(nil, []Reader{collect("seen")}, Options{})
		b.must(l.prepare(b.ctx))
		b.append(tenantA, subject, 3)
		b.clock.Advance(time.Second)
		b.update(func(tx *db.Tx) error { _, err := Enqueue(tx, Job{Kind: "nobody"}); return err })
		lag, err := l.Lag(b.ctx)
		b.must(err)
		if lag.Unchained != 3 || lag.Oldest != time.Second || lag.DueJobs != 1 || lag.Readers[0].Events != 0 {
			b.Fatalf("before: %+v", lag)
		}
		if _, err := l.chain(b.ctx); err != nil {
			b.Fatal(err)
		}
		if lag, err = l.Lag(b.ctx); err != nil || lag.Unchained != 0 || lag.Oldest != 0 || lag.Readers[0].Events != 3 {
			b.Fatalf("after: %+v %v", lag, err)
		}
	})
}

func TestCountsAddUpPerMinuteAndSurviveAFailedWrite(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		tally := NewTally(b.clock.Now)
		h := Happening{Tenant: tenantA, Name: "token.refused", Reason: "bad_secret"}
		for range 5 {
			tally.Count(h)
		}
		gone, cancel := context.WithCancel(b.ctx)
		cancel()
		if err := tally.Flush(gone, b.d); err == nil {
			b.Fatal("a write under a dead context succeeded")
		}
		b.clock.Advance(time.Minute)
		tally.Count(h)
		l := b.loop(nil, nil, Options{Tally: tally})
		b.drain(l)
		tally.Count(h)
		b.drain(l)
		var got []Counted
		b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
			got, err = Counts(tx, tenantA, "token.refused", tx.Now.Add(-time.Hour), tx.Now.Add(time.Hour))
			return err
		}))
		if len(got) != 2 || got[0].N != 5 || got[1].N != 2 || got[0].Reason != "bad_secret" {
			b.Fatalf("counted %+v", got)
		}
		b.update(func(tx *db.Tx) error {
			n, err := PruneCounts(tx, tenantA, got[1].Minute)
			if n != 1 {
				b.Errorf("%d were pruned", n)
			}
			return err
		})
	})
}

func TestATallyIsBounded(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		tally := NewTally(b.clock.Now)
		for i := range tallyKeys + 50 {
			tally.Count(Happening{Tenant: tenantA, Name: "x.y", Reason: fmt.Sprint(i)})
		}
		if n := len(tally.counts); n != tallyKeys+1 {
			b.Fatalf("%d keys", n)
		}
	})
}

func TestTwoWorksOfOneKindAreADefect(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Fatal("it was accepted")
		}
	}()
	NewLoop(nil, "node", []Work{{Kind: "a"}, {Kind: "a"}}, nil, Options{})
}

var errPassing = fault.New(fault.Unavailable, "down", "It is down.")
