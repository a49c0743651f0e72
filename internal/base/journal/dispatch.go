package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

const jobName = "job"

// dispatch claims due jobs as far as there is room for their kinds and starts
// them under life. It tells how many it started.
func (l *Loop) dispatch(ctx, life context.Context) (started int, err error) {
	for _, w := range l.works {
		n, err := l.dispatchKind(ctx, life, w)
		started += n
		if err != nil {
			return started, err
		}
	}
	return started, nil
}

func (l *Loop) dispatchKind(ctx, life context.Context, w *Work) (started int, err error) {
	if l.room(w) == 0 {
		return 0, nil
	}
	buckets, err := l.dueBuckets(ctx, w.Kind)
	if err != nil {
		return 0, err
	}
	first := l.nextTurn()
	for i := range buckets {
		rows, err := l.claim(ctx, w, buckets[(i+first)%len(buckets)].bucket)
		if err != nil {
			return started, err
		}
		for _, row := range rows {
			l.start(life, w, row)
		}
		started += len(rows)
	}
	return started, nil
}

// dueBuckets gives the buckets of this node in which jobs of the kind are due.
func (l *Loop) dueBuckets(ctx context.Context, kind string) (list []bucketRow, err error) {
	err = l.d.Look(ctx, func(tx *db.Tx) error {
		list, err = db.All[bucketRow](tx, `FROM lease WHERE lease.name = $1 AND lease.node = $2 AND EXISTS (
			SELECT 1 FROM job WHERE job.bucket = lease.bucket AND job.kind = $3 AND job.run_at <= $4
				AND job.lease_until < $5 AND job.node <> $2)
			ORDER BY bucket`, jobName, l.node, kind, tx.Now, tx.Now)
		return err
	})
	return list, err
}

// claim takes due jobs of a bucket, oldest first, while there is room for their
// kind. What this node runs itself is never taken again here, however far its
// clock was moved.
func (l *Loop) claim(ctx context.Context, w *Work, bucket int64) (rows []jobRow, err error) {
	room := l.reserve(w)
	if room == 0 {
		return nil, nil
	}
	err = l.d.Claim(ctx, func(tx *db.Tx) error {
		rows = nil
		for len(rows) < room {
			row, ok, err := db.Take[jobRow](tx, `UPDATE job
				SET node = $1, fence = fence + 1, attempt = attempt + 1, lease_until = $2
				WHERE bucket = $3 AND kind = $4 AND lease_until < $5 AND (run_at, id) = (
					SELECT run_at, id FROM job
					WHERE bucket = $3 AND kind = $4 AND run_at <= $6 AND lease_until < $5 AND node <> $1
					ORDER BY run_at, id LIMIT 1)`,
				l.node, tx.Now.Add(l.o.JobLease), bucket, w.Kind, tx.Now, tx.Now)
			if err != nil {
				return err
			}
			if !ok {
				return nil
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		rows = nil
	}
	l.unreserve(w, room-len(rows))
	return rows, err
}

func (l *Loop) room(w *Work) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return 0
	}
	return w.parallel() - l.perKind[w.Kind]
}

// reserve takes all the room that is left for a kind.
func (l *Loop) reserve(w *Work) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	room := w.parallel() - l.perKind[w.Kind]
	if room <= 0 || l.stopped {
		return 0
	}
	l.perKind[w.Kind] += room
	return room
}

func (l *Loop) unreserve(w *Work, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.perKind[w.Kind] -= n
	nudge(l.ended)
}

func (l *Loop) nextTurn() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn = (l.turn + 1) % Buckets
	return l.turn
}

// busy tells whether a job is claimed or about to be.
func (l *Loop) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.perKind {
		if n > 0 {
			return true
		}
	}
	return false
}

// start runs a claimed job, whose room is reserved, on a goroutine of its own.
func (l *Loop) start(life context.Context, w *Work, row jobRow) {
	ctx, cancel := context.WithCancelCause(life)
	l.mu.Lock()
	l.running[row.ID] = &run{row: row, cancel: cancel}
	l.mu.Unlock()
	go func() {
		defer func() {
			cancel(nil)
			l.mu.Lock()
			delete(l.running, row.ID)
			l.perKind[w.Kind]--
			l.mu.Unlock()
			nudge(l.ended)
			nudge(l.jobBell)
		}()
		l.perform(ctx, w, row)
	}()
}

// perform takes a job through one attempt and writes one record of it.
func (l *Loop) perform(ctx context.Context, w *Work, row jobRow) {
	j, result := l.attempt(ctx, w, row)
	state, err := "", error(nil)
	switch cause := context.Cause(ctx); {
	case errors.Is(result, errFenced) || errors.Is(cause, errFenced):
		state = "fenced"
	case result != nil && cause != nil:
		state, err = Waiting, l.giveBack(context.WithoutCancel(ctx), row)
	default:
		state, err = l.finish(ctx, w, row, j, result)
	}
	level := slog.LevelInfo
	if err != nil || result != nil && state != Done {
		level = slog.LevelWarn
	}
	l.o.Log.LogAttrs(ctx, level, "job", slog.String("kind", row.Kind), slog.Int("attempt", row.Attempt),
		slog.String("state", state), slog.Any("error", errors.Join(result, err)), slog.String("node", l.node))
}

// finish settles an attempt. If Finish fails, the attempt has failed and is
// settled without it. While the database does not answer it is tried again; if
// this node ends before, the next holder of the job runs it once more.
func (l *Loop) finish(ctx context.Context, w *Work, row jobRow, j Job, result error) (string, error) {
	late := context.WithoutCancel(ctx)
	state, failed := l.settle(late, w, row, j, result)
	bare := &Work{Kind: w.Kind, Backoff: w.Backoff}
	for err := failed; err != nil; {
		if errors.Is(err, errFenced) {
			return "fenced", nil
		}
		if result == nil || errors.Is(result, ErrNothing) {
			result = passing(failed)
		}
		if state, err = l.settle(late, bare, row, j, result); err != nil {
			if ctx.Err() != nil {
				return "unsettled", err
			}
			rest(ctx, time.Second)
		}
	}
	return state, failed
}

// passing keeps the failure of a Finish from counting as one that stays: the
// work outside was done, only its end could not be written.
func passing(err error) error {
	return fault.New(fault.Unavailable, "finish_failed", "The end of the job could not be recorded.").Because(err)
}

// renew keeps the claims of running jobs alive and interrupts those whose claim
// was lost or cancelled.
func (l *Loop) renew(ctx context.Context) error {
	l.mu.Lock()
	list := make([]*run, 0, len(l.running))
	for _, r := range l.running {
		list = append(list, r)
	}
	l.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	return l.d.Claim(ctx, func(tx *db.Tx) error {
		for _, r := range list {
			err := l.holdJob(tx, r.row)
			if errors.Is(err, errFenced) {
				tx.After(func() { r.cancel(errFenced) })
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}
