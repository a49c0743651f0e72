package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// Work says how jobs of one kind are done. Each function may be nil.
//
// Claim and Finish run in serializable transactions of their own and may run
// several times before one run counts; each run gets a fresh copy of the job.
// Do runs outside any transaction, at least once: after a crash it runs again.
// Finish commits exactly once for the end of each attempt; j.State tells
// whether the job is Done, Waiting (tried again at j.RunAt), Dead or Expired,
// and result is the failure, if there was one. An error of Finish undoes it and
// makes the attempt a failed one.
//
// From Claim and Do, a fault of kind Invalid or Gone gives the job up at once,
// ErrNothing ends it as done, any other error has it tried again later.
type Work struct {
	Kind     string
	Claim    func(tx *db.Tx, j *Job) error
	Do       func(ctx context.Context, j *Job) error
	Finish   func(tx *db.Tx, j *Job, result error) error
	Parallel int                             // at most so many at once on a node; 0: 4
	Timeout  time.Duration                   // of Do; 0: 10 minutes
	Backoff  func(attempt int) time.Duration // pause after a failed attempt; nil: 5 s doubling to 1 h, with jitter
}

// ErrNothing is returned by Claim or Do when nothing is left to do: the job
// ends as done.
var ErrNothing = fault.New(fault.Gone, "nothing_to_do", "There is nothing left to do.")

var (
	errExpired  = fault.New(fault.Gone, "job_expired", "The time in which this made sense is over.")
	errSpent    = fault.New(fault.Gone, "job_spent", "It was begun too often and never came to an end.")
	errStopping = errors.New("journal: the node stops")
)

const (
	defaultParallel = 4
	defaultTimeout  = 10 * time.Minute
	firstPause      = 5 * time.Second
	longestPause    = time.Hour
)

// backoff doubles from 5 seconds to an hour; half of it is chance, so that what
// failed together does not come back together.
func backoff(attempt int) time.Duration {
	pause := longestPause
	if attempt < 11 {
		pause = min(firstPause<<max(attempt-1, 0), longestPause)
	}
	chance := binary.BigEndian.Uint64(secret.Random(8))
	return pause/2 + time.Duration(chance%uint64(pause/2+1))
}

func (w *Work) pause(attempt int, result error) time.Duration {
	wait := backoff(attempt)
	if w.Backoff != nil {
		wait = w.Backoff(attempt)
	}
	return max(wait, fault.Of(result).Retry)
}

func (w *Work) parallel() int {
	if w.Parallel > 0 {
		return w.Parallel
	}
	return defaultParallel
}

func (w *Work) timeout() time.Duration {
	if w.Timeout > 0 {
		return w.Timeout
	}
	return defaultTimeout
}

// guard turns a panic of a given function into an error, so that one defect
// does not take the process down.
func guard(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn()
}

// attempt takes a claimed job through Claim and Do.
func (l *Loop) attempt(ctx context.Context, w *Work, row jobRow) (Job, error) {
	j := row.Job
	j.State = Running
	var late bool
	err := l.d.Update(ctx, func(tx *db.Tx) error {
		if err := l.holdJob(tx, row); err != nil {
			return err
		}
		late = !row.ExpiresAt.IsZero() && row.ExpiresAt.Before(tx.Now)
		if late || w.Claim == nil {
			return nil
		}
		j = row.Job
		j.State = Running
		return guard(func() error { return w.Claim(tx, &j) })
	})
	switch {
	case err != nil:
		return j, err
	case late:
		return j, errExpired
	case row.Attempt > row.MaxAttempts: // it took its node down every time
		return j, errSpent
	case w.Do == nil:
		return j, nil
	}
	ctx, cancel := context.WithTimeout(ctx, w.timeout())
	defer cancel()
	return j, guard(func() error { return w.Do(ctx, &j) })
}

// holdJob makes sure that the claim still stands, and renews it.
func (l *Loop) holdJob(tx *db.Tx, row jobRow) error {
	n, err := tx.Exec(`UPDATE job SET lease_until = $1
		WHERE bucket = $2 AND kind = $3 AND run_at = $4 AND id = $5 AND fence = $6 AND node = $7`,
		tx.Now.Add(l.o.JobLease), row.bucket, row.Kind, row.RunAt, row.ID, row.fence, l.node)
	if err == nil && n == 0 {
		err = errFenced
	}
	return err
}

// judge decides what becomes of a job after an attempt.
func (w *Work) judge(j *Job, result error, now time.Time) {
	j.LastError = publicText(result)
	j.State = Waiting
	switch f := fault.Of(result); {
	case f == nil || errors.Is(result, ErrNothing):
		j.State, j.LastError = Done, ""
	case errors.Is(result, errExpired):
		j.State = Expired
	case f.Kind == fault.Invalid || f.Kind == fault.Gone || j.Attempt >= j.MaxAttempts:
		j.State = Dead
	default:
		j.RunAt = now.Add(w.pause(j.Attempt, result))
		if !j.ExpiresAt.IsZero() && !j.RunAt.Before(j.ExpiresAt) {
			j.State = Expired
		}
	}
}

// settle ends an attempt: what becomes of the row and what Finish writes commit
// together, under the fence of the claim.
func (l *Loop) settle(ctx context.Context, w *Work, row jobRow, j Job, result error) (state string, err error) {
	told := result
	if errors.Is(told, ErrNothing) {
		told = nil
	}
	err = l.d.Update(ctx, func(tx *db.Tx) error {
		ended := j
		w.judge(&ended, result, tx.Now)
		if err := l.endRow(tx, row, &ended); err != nil {
			return err
		}
		state = ended.State
		if w.Finish == nil {
			return nil
		}
		return guard(func() error { return w.Finish(tx, &ended, told) })
	})
	return state, err
}

// endRow brings the row to where the job has come. The stored job is the
// claimed one: what Claim and Do changed in their copy is not kept.
func (l *Loop) endRow(tx *db.Tx, row jobRow, ended *Job) error {
	const mine = ` WHERE bucket = $1 AND kind = $2 AND run_at = $3 AND id = $4 AND fence = $5 AND node = $6`
	key := []any{row.bucket, row.Kind, row.RunAt, row.ID, row.fence, l.node}
	var n int64
	var err error
	if ended.State == Waiting {
		n, err = tx.Exec(`UPDATE job SET node = '', lease_until = 0, run_at = $7, last_error = $8`+mine,
			append(key, ended.RunAt, ended.LastError)...)
	} else {
		n, err = tx.Exec(`DELETE FROM job`+mine, key...)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errFenced
	}
	if ended.State != Dead && ended.State != Expired {
		return nil
	}
	dead := DeadJob{Job: row.Job, CreatedAt: row.created, DiedAt: tx.Now}
	dead.State, dead.LastError = ended.State, ended.LastError
	return db.Insert(tx, "dead_job", dead)
}

// giveBack returns a job that was interrupted by the end of this node; the
// attempt does not count.
func (l *Loop) giveBack(ctx context.Context, row jobRow) error {
	_, err := l.d.Bump(ctx, `UPDATE job SET node = '', lease_until = 0, attempt = attempt - 1
		WHERE bucket = $1 AND kind = $2 AND run_at = $3 AND id = $4 AND fence = $5 AND node = $6`,
		row.bucket, row.Kind, row.RunAt, row.ID, row.fence, l.node)
	return err
}
