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

func (b *bench) enqueue(j Job) (id [16]byte) {
	b.Helper()
	b.update(func(tx *db.Tx) (err error) {
		id, err = Enqueue(tx, j)
		return err
	})
	return id
}

// finished writes one row for each Finish that commits, so that a second one
// of the same job shows.
func finished(tx *db.Tx, j *Job, _ error) error {
	_, err := tx.Exec(`INSERT INTO tally (tenant_id, name, minute, reason, application_id, n)
		VALUES ($1, $2, 0, $3, $4, 1)
		ON CONFLICT (tenant_id, name, minute, reason, application_id) DO UPDATE SET n = tally.n + 1`,
		j.Tenant, j.Kind, j.State, j.ID)
	return err
}

func (b *bench) finished(state string) int64 {
	b.Helper()
	return b.number(`SELECT cast(coalesce(sum(n), 0) AS BIGINT) FROM tally WHERE reason = $1`, state)
}

func (b *bench) waiting() int64 { b.Helper(); return b.number(`SELECT count(*) FROM job`) }

func (b *bench) dead(tenant [16]byte) (list []DeadJob) {
	b.Helper()
	b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
		list, err = ListDead(tx, tenant, [16]byte{}, 100)
		return err
	}))
	return list
}

func TestAJobGoesThroughClaimDoAndFinish(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var did atomic.Int64
		w := Work{Kind: "greet",
			Claim: func(tx *db.Tx, j *Job) error { j.Carry = string(j.Payload) + " and"; return nil },
			Do: func(ctx context.Context, j *Job) error {
				did.Add(1)
				j.Carry = j.Carry.(string) + " after"
				return nil
			},
			Finish: func(tx *db.Tx, j *Job, result error) error {
				if j.Carry != "before and after" || j.State != Done || j.Attempt != 1 || result != nil {
					b.Errorf("finish saw %+v, %v", j, result)
				}
				return finished(tx, j, result)
			}}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Tenant: tenantA, Kind: "greet", Payload: []byte("before")})
		b.enqueue(Job{Tenant: tenantA, Kind: "greet", Payload: []byte("before"), RunAt: b.clock.Now().Add(time.Hour)})
		b.drain(l)
		if did.Load() != 1 || b.finished(Done) != 1 || b.waiting() != 1 {
			b.Fatalf("did %d, finished %d, waiting %d", did.Load(), b.finished(Done), b.waiting())
		}
		b.clock.Advance(2 * time.Hour)
		b.drain(l)
		if did.Load() != 2 || b.finished(Done) != 2 || b.waiting() != 0 {
			b.Fatal("the later job did not run")
		}
	})
}

func TestAJobIsOnlyThereIfItsTransactionCommits(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		err := b.d.Update(b.ctx, func(tx *db.Tx) error {
			_, err := Enqueue(tx, Job{Kind: "x"})
			return errors.Join(err, errPassing)
		})
		if !errors.Is(err, errPassing) || b.waiting() != 0 {
			b.Fatalf("%v, %d jobs", err, b.waiting())
		}
		err = b.d.Update(b.ctx, func(tx *db.Tx) error { _, err := Enqueue(tx, Job{}); return err })
		if !fault.Is(err, fault.Invalid) {
			b.Fatal(err)
		}
	})
}

func TestAFailedJobComesBackAfterAPauseAndThenDies(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var did atomic.Int64
		w := Work{Kind: "fail", Finish: finished, Do: func(context.Context, *Job) error {
			did.Add(1)
			return errPassing.Because(errors.New("the secret of SMTP"))
		}}
		l := b.loop([]Work{w}, nil, Options{})
		id := b.enqueue(Job{Tenant: tenantA, Kind: "fail", MaxAttempts: 3})
		b.drain(l)
		b.drain(l)
		if did.Load() != 1 {
			b.Fatalf("%d attempts without a pause", did.Load())
		}
		for range 4 {
			b.clock.Advance(time.Hour)
			b.drain(l)
		}
		dead := b.dead(tenantA)
		if did.Load() != 3 || len(dead) != 1 || b.waiting() != 0 {
			b.Fatalf("%d attempts, %d dead, %d waiting", did.Load(), len(dead), b.waiting())
		}
		if d := dead[0]; d.ID != id || d.State != Dead || d.Attempt != 3 || d.LastError != "down: It is down." {
			b.Fatalf("dead letter %+v", d)
		}
		if b.finished(Waiting) != 2 || b.finished(Dead) != 1 {
			b.Fatal("Finish was not told of each attempt")
		}
	})
}

func TestADeadJobCanBeRevivedOrDiscarded(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var broken atomic.Bool
		broken.Store(true)
		w := Work{Kind: "fail", Finish: finished, Do: func(context.Context, *Job) error {
			if broken.Load() {
				panic("a defect")
			}
			return nil
		}}
		l := b.loop([]Work{w}, nil, Options{})
		first := b.enqueue(Job{Tenant: tenantA, Kind: "fail", MaxAttempts: 1, Key: "k"})
		b.drain(l)
		second := b.enqueue(Job{Tenant: tenantA, Kind: "fail", MaxAttempts: 1, Key: "k"})
		if second == first {
			b.Fatal("a dead job still holds its key")
		}
		revive := func(id [16]byte) error {
			return b.d.Update(b.ctx, func(tx *db.Tx) error { return Revive(tx, tenantA, id) })
		}
		if err := revive(first); !fault.Is(err, fault.Conflict) {
			b.Fatalf("revived beside a job of the same key: %v", err)
		}
		b.drain(l)
		broken.Store(false)
		b.must(revive(first))
		b.drain(l)
		if err := revive(first); !fault.Is(err, fault.NotFound) || b.finished(Done) != 1 {
			b.Fatalf("%v, %d done", err, b.finished(Done))
		}
		b.update(func(tx *db.Tx) error { return Discard(tx, tenantA, second) })
		if n := len(b.dead(tenantA)); n != 0 {
			b.Fatalf("%d dead letters are left", n)
		}
		if err := b.d.Update(b.ctx, func(tx *db.Tx) error { return Discard(tx, tenantA, second) }); !fault.Is(err, fault.NotFound) {
			b.Fatal(err)
		}
	})
}

func TestOldDeadJobsArePruned(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		l := b.loop([]Work{{Kind: "x", Do: func(context.Context, *Job) error { return fault.New(fault.Invalid, "bad", "Bad.") }}}, nil, Options{})
		for range 3 {
			b.enqueue(Job{Kind: "x", Tenant: tenantA})
		}
		b.drain(l)
		b.clock.Advance(time.Hour)
		var n int64
		b.update(func(tx *db.Tx) (err error) { n, err = PruneDead(tx, tx.Now, 2); return err })
		if n != 2 || len(b.dead(tenantA)) != 1 {
			b.Fatalf("%d were pruned", n)
		}
	})
}

func TestAnErrorThatStaysKillsAtOnceAndNothingToDoEndsAsDone(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		refuse := Work{Kind: "refuse", Finish: finished, Do: func(context.Context, *Job) error {
			return fault.New(fault.Gone, "recipient_gone", "The recipient is gone.")
		}}
		nothing := Work{Kind: "nothing", Finish: finished, Claim: func(*db.Tx, *Job) error { return ErrNothing },
			Do: func(context.Context, *Job) error { b.Error("Do was called"); return nil }}
		l := b.loop([]Work{refuse, nothing}, nil, Options{})
		b.enqueue(Job{Tenant: tenantA, Kind: "refuse"})
		b.enqueue(Job{Tenant: tenantA, Kind: "nothing"})
		b.drain(l)
		if len(b.dead(tenantA)) != 1 || b.finished(Dead) != 1 || b.finished(Done) != 1 || b.waiting() != 0 {
			b.Fatalf("dead %d, done %d, waiting %d", b.finished(Dead), b.finished(Done), b.waiting())
		}
	})
}

func TestAnExpiredJobIsGivenUpUndone(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := Work{Kind: "mail", Finish: finished, Do: func(context.Context, *Job) error { return errPassing }}
		l := b.loop([]Work{w}, nil, Options{})
		late := b.enqueue(Job{Tenant: tenantA, Kind: "mail", RunAt: b.clock.Now().Add(time.Minute), ExpiresAt: b.clock.Now().Add(2 * time.Minute)})
		b.enqueue(Job{Tenant: tenantA, Kind: "mail", ExpiresAt: b.clock.Now().Add(time.Second)}) // its next try would come too late
		b.drain(l)
		if b.finished(Expired) != 1 {
			b.Fatal("a job waits for a try after its expiry")
		}
		b.clock.Advance(time.Hour)
		b.drain(l)
		if b.finished(Expired) != 2 || b.finished(Waiting) != 0 || b.waiting() != 0 {
			b.Fatalf("expired %d", b.finished(Expired))
		}
		b.update(func(tx *db.Tx) error { return Revive(tx, tenantA, late) })
		b.drain(l)
		if b.finished(Waiting) != 1 {
			b.Fatal("a revived job kept its past expiry")
		}
	})
}

func TestAKeyKeepsTheSameJobFromBeingEnqueuedTwice(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		later := b.clock.Now().Add(time.Hour)
		first := b.enqueue(Job{Tenant: tenantA, Kind: "x", Key: "k", RunAt: later})
		if second := b.enqueue(Job{Tenant: tenantA, Kind: "x", Key: "k"}); second != first {
			b.Error("the same key made two jobs")
		}
		if other := b.enqueue(Job{Tenant: tenantB, Kind: "x", Key: "k", RunAt: later}); other == first {
			b.Error("a key reaches over tenants")
		}
		b.enqueue(Job{Tenant: tenantA, Kind: "x", RunAt: later})
		b.enqueue(Job{Tenant: tenantA, Kind: "x", RunAt: later})
		if n := b.waiting(); n != 4 {
			b.Fatalf("%d jobs wait", n)
		}
		var racers sync.WaitGroup
		var ids sync.Map
		for range 20 {
			racers.Go(func() {
				var id [16]byte
				err := b.d.Update(b.ctx, func(tx *db.Tx) (err error) {
					id, err = Enqueue(tx, Job{Tenant: tenantA, Kind: "x", Key: "raced", RunAt: later})
					return err
				})
				if err != nil {
					b.Error(err)
				}
				ids.Store(id, true)
			})
		}
		racers.Wait()
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 || b.waiting() != 5 {
			b.Fatalf("the race made %d ids and %d jobs", n, b.waiting())
		}
	})
}

func TestFinishMayEnqueueTheNextOfItsSeriesUnderTheSameKey(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := Work{Kind: "daily", Finish: func(tx *db.Tx, j *Job, _ error) error {
			_, err := Enqueue(tx, Job{Kind: "daily", Key: "daily", RunAt: tx.Now.Add(24 * time.Hour)})
			return errors.Join(err, finished(tx, j, nil))
		}}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Kind: "daily", Key: "daily"})
		for range 3 {
			b.drain(l)
			b.clock.Advance(25 * time.Hour)
		}
		if b.finished(Done) != 3 || b.waiting() != 1 {
			b.Fatalf("done %d, waiting %d", b.finished(Done), b.waiting())
		}
	})
}

func TestACancelledJobDoesNotRunAndARunningOneDoesNotFinish(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var did atomic.Int64
		cancel := func() {
			b.update(func(tx *db.Tx) error { return Cancel(tx, tenantA, "k") })
		}
		w := Work{Kind: "close", Finish: finished, Do: func(context.Context, *Job) error { did.Add(1); cancel(); return nil }}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Tenant: tenantA, Kind: "close", Key: "k"})
		cancel()
		b.drain(l)
		if did.Load() != 0 {
			b.Fatal("a cancelled job ran")
		}
		b.enqueue(Job{Tenant: tenantA, Kind: "close", Key: "k"})
		b.enqueue(Job{Tenant: tenantA, Kind: "other"})
		b.drain(l)
		if did.Load() != 1 || b.finished(Done) != 0 || b.waiting() != 1 {
			b.Fatalf("did %d, finished %d, waiting %d", did.Load(), b.finished(Done), b.waiting())
		}
	})
}

func TestAFinishThatFailsIsUndoneAndTheJobRunsAgain(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		var broken atomic.Bool
		broken.Store(true)
		var did atomic.Int64
		w := Work{Kind: "x", Do: func(context.Context, *Job) error { did.Add(1); return nil },
			Finish: func(tx *db.Tx, j *Job, result error) error {
				err := finished(tx, j, result)
				if broken.Load() {
					return errors.Join(err, fault.New(fault.Invalid, "defect", "A defect."))
				}
				return err
			}}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Kind: "x"})
		b.drain(l)
		if b.finished(Done) != 0 || b.waiting() != 1 {
			b.Fatal("a failed Finish left something, or took the job away")
		}
		broken.Store(false)
		b.clock.Advance(time.Hour)
		b.drain(l)
		if did.Load() != 2 || b.finished(Done) != 1 || b.waiting() != 0 {
			b.Fatalf("did %d, finished %d", did.Load(), b.finished(Done))
		}
	})
}

func TestAStaleNodeDoesNotFinish(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		slow := Work{Kind: "x", Do: func(context.Context, *Job) error { close(begun); <-goOn; return nil },
			Finish: func(*db.Tx, *Job, error) error { b.Error("the stale node finished"); return nil }}
		stale := b.loop([]Work{slow}, nil, Options{})
		b.enqueue(Job{Kind: "x"})
		done := make(chan error, 1)
		go func() { done <- stale.Drain(b.ctx) }()
		<-begun
		b.clock.Advance(2 * time.Minute)
		fresh := b.loop([]Work{{Kind: "x", Finish: finished, Do: func(context.Context, *Job) error {
			close(goOn) // the stale node ends while the other one holds the claim
			return <-done
		}}}, nil, Options{})
		b.drain(fresh)
		if b.finished(Done) != 1 || b.waiting() != 0 {
			b.Fatal("the node that took the job over did not finish it once")
		}
	})
}

func TestAJobOfACrashedNodeRunsAgainAndOneThatAlwaysCrashesIsGivenUp(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := &Work{Kind: "x", Finish: finished}
		crash := func() {
			l := b.loop([]Work{*w}, nil, Options{})
			b.must(l.prepare(b.ctx))
			taken := 0
			for bucket := range int64(Buckets) {
				rows, err := l.claim(b.ctx, w, bucket)
				b.must(err)
				l.unreserve(w, len(rows))
				taken += len(rows)
			}
			if taken != 1 {
				b.Fatalf("the node that crashes took %d jobs", taken)
			}
			b.clock.Advance(10 * time.Minute)
		}
		b.enqueue(Job{Tenant: tenantA, Kind: "x", MaxAttempts: 2})
		crash()
		l := b.loop([]Work{*w}, nil, Options{})
		b.drain(l)
		if b.finished(Done) != 1 || b.waiting() != 0 {
			b.Fatal("the job was lost")
		}
		b.must(l.leases.release(b.ctx))
		b.enqueue(Job{Tenant: tenantA, Kind: "x", MaxAttempts: 2})
		crash()
		crash()
		b.drain(b.loop([]Work{*w}, nil, Options{}))
		if dead := b.dead(tenantA); b.finished(Done) != 1 || len(dead) != 1 || dead[0].LastError != publicText(errSpent) {
			b.Fatalf("a job that takes its node down is not given up: %+v", dead)
		}
	})
}

func TestAloneANodeTakesOverAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := &Work{Kind: "x", Finish: finished}
		former := b.loop([]Work{*w}, nil, Options{})
		b.enqueue(Job{Kind: "x"})
		b.must(former.prepare(b.ctx))
		for bucket := range int64(Buckets) {
			_, err := former.claim(b.ctx, w, bucket)
			b.must(err)
		}
		b.drain(b.loop([]Work{*w}, nil, Options{Alone: true}))
		if b.finished(Done) != 1 {
			b.Fatal("the job waits for the lease of a dead process")
		}
	})
}

func TestTwoNodesFinishEachJobOnce(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		const jobs = 120
		var now, most atomic.Int64
		w := Work{Kind: "x", Finish: finished, Parallel: 3, Do: func(context.Context, *Job) error {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Millisecond)
			return nil
		}}
		for range 2 {
			b.run(b.loop([]Work{w}, nil, Options{Poll: 10 * time.Millisecond, Lease: 200 * time.Millisecond}))
		}
		for i := range jobs {
			b.enqueue(Job{Kind: "x", Tenant: tenantA, Payload: fmt.Append(nil, i)})
		}
		b.eventually("all jobs are done", func() bool { return b.waiting() == 0 })
		if n, twice := b.finished(Done), b.number(`SELECT count(*) FROM tally WHERE n <> 1`); n != jobs || twice != 0 {
			b.Fatalf("%d finished, %d more than once", n, twice)
		}
		if most.Load() > 6 {
			b.Fatalf("%d ran at once", most.Load())
		}
	})
}

func TestALongQueueOfOneKindDoesNotHoldUpAnother(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		goOn := make(chan struct{})
		slow := Work{Kind: "slow", Parallel: 1, Do: func(context.Context, *Job) error { <-goOn; return nil }}
		quick := Work{Kind: "quick", Finish: finished}
		stop := b.run(b.loop([]Work{slow, quick}, nil, Options{Poll: 20 * time.Millisecond}))
		for range 10 {
			b.enqueue(Job{Kind: "slow"})
		}
		b.enqueue(Job{Kind: "quick"})
		b.eventually("the quick job is done", func() bool { return b.finished(Done) == 1 })
		close(goOn)
		b.eventually("the slow ones are done", func() bool { return b.waiting() == 0 })
		stop()
	})
}

func TestACommitWakesTheLoopOfItsOwnProcess(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		l := b.loop([]Work{{Kind: "x", Finish: finished}}, []Reader{collect("seen")}, Options{Poll: time.Hour})
		b.run(l)
		b.eventually("the loop listens", func() bool {
			bells.RLock()
			defer bells.RUnlock()
			_, ok := bells.loops[l]
			return ok
		})
		b.enqueue(Job{Kind: "x"})
		b.append(tenantA, subject, 1)
		b.eventually("both are done", func() bool { return b.finished(Done) == 1 && b.number(`SELECT count(*) FROM tally`) == 2 })
	})
}

func TestDrainRunsWhatJobsEnqueue(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := Work{Kind: "x", Finish: func(tx *db.Tx, j *Job, _ error) error {
			if len(j.Payload) < 5 {
				_, err := Enqueue(tx, Job{Kind: "x", Payload: append([]byte("x"), j.Payload...)})
				return err
			}
			return errors.Join(Append(tx, entry(tenantA, subject, 1)), finished(tx, j, nil))
		}}
		l := b.loop([]Work{w}, []Reader{collect("seen")}, Options{})
		b.enqueue(Job{Kind: "x"})
		b.drain(l)
		if b.finished(Done) != 1 || b.unchained() != 0 || b.number(`SELECT count(*) FROM tally WHERE name = 'seen'`) != 1 {
			b.Fatal("something is left to do")
		}
	})
}

func TestAGracefulEndFinishesWhatRunsAndGivesBackTheRest(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		begun, goOn := make(chan struct{}, 2), make(chan struct{})
		works := []Work{
			{Kind: "short", Finish: finished, Do: func(context.Context, *Job) error { begun <- struct{}{}; <-goOn; return nil }},
			{Kind: "long", Finish: finished, Do: func(ctx context.Context, _ *Job) error { begun <- struct{}{}; <-ctx.Done(); return ctx.Err() }},
		}
		l := b.loop(works, nil, Options{DrainFor: 200 * time.Millisecond})
		stop := b.run(l)
		b.enqueue(Job{Kind: "short"})
		b.enqueue(Job{Kind: "long"})
		<-begun
		<-begun
		go func() { time.Sleep(20 * time.Millisecond); close(goOn) }()
		stop()
		if b.finished(Done) != 1 || b.finished(Waiting) != 0 || b.waiting() != 1 {
			b.Fatalf("done %d, waiting %d", b.finished(Done), b.waiting())
		}
		if n := b.number(`SELECT count(*) FROM job WHERE node = '' AND attempt = 0 AND lease_until = 0`); n != 1 {
			b.Fatal("the interrupted job was not given back as it was")
		}
		if n := b.number(`SELECT count(*) FROM lease WHERE node <> ''`) + b.number(`SELECT count(*) FROM node`); n != 0 {
			b.Fatalf("%d leases are kept", n)
		}
	})
}

func TestAClaimThatIsLostInterruptsItsWork(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		begun := make(chan struct{})
		w := Work{Kind: "x", Finish: finished, Do: func(ctx context.Context, _ *Job) error { close(begun); <-ctx.Done(); return ctx.Err() }}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Tenant: tenantA, Kind: "x", Key: "k"})
		done := make(chan error, 1)
		go func() { done <- l.Drain(b.ctx) }()
		<-begun
		b.must(l.renew(b.ctx))
		b.update(func(tx *db.Tx) error { return Cancel(tx, tenantA, "k") })
		b.must(l.renew(b.ctx))
		b.must(<-done)
		if b.waiting() != 0 || b.finished(Waiting) != 0 {
			b.Fatal("a cancelled job came back")
		}
	})
}

func TestAWorkMayPaceItself(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		w := Work{Kind: "x", Backoff: func(n int) time.Duration { return time.Duration(n) * time.Minute },
			Do: func(_ context.Context, j *Job) error {
				if j.Attempt == 1 {
					return errPassing
				}
				return errPassing.In(time.Hour)
			}}
		l := b.loop([]Work{w}, nil, Options{})
		b.enqueue(Job{Kind: "x"})
		b.drain(l)
		first := b.number(`SELECT run_at FROM job`) - b.clock.Now().UnixMicro()
		b.clock.Advance(time.Minute)
		b.drain(l)
		second := b.number(`SELECT run_at FROM job`) - b.clock.Now().UnixMicro()
		if first != time.Minute.Microseconds() || second != time.Hour.Microseconds() {
			b.Fatalf("pauses of %d and %d microseconds", first, second)
		}
	})
}

func TestBackOffGrowsWithinItsBounds(t *testing.T) {
	t.Parallel()
	for attempt := range 100 {
		longest := longestPause
		if attempt < 11 {
			longest = min(firstPause<<max(attempt-1, 0), longestPause)
		}
		if p := backoff(attempt); p < longest/2 || p > longest {
			t.Fatalf("attempt %d: %s", attempt, p)
		}
	}
}
