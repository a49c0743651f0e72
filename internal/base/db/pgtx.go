package db

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// Measures of a transaction on PostgreSQL.
const (
	maxTrying   = 2 * time.Second  // for all tries of one closure; and at most maxTries
	firstPause  = time.Millisecond // doubled with every try, taken at random
	maxPause    = 128 * time.Millisecond
	maxAsking   = 5 * time.Second        // for the fate of a transaction
	askPause    = 50 * time.Millisecond  // between two questions
	patience    = 500 * time.Millisecond // before an orphaned transaction is ended
	cancelGrace = time.Second            // for the server to stop a cancelled statement
	endTimeout  = 10 * time.Second       // for COMMIT and ROLLBACK
)

// trying is one closure on its way through its runs.
type trying struct {
	p       *postgres
	ctx     context.Context
	v       verb
	fn      func(*Tx) error
	runs    int
	clashed bool // a unique violation had its second look

	out   outcome
	again error // why the closure has to run once more
}

func (p *postgres) run(ctx context.Context, v verb, fn func(*Tx) error) outcome {
	t := &trying{p: p, ctx: ctx, v: v, fn: fn}
	if p.h.twice && !v.reads() {
		t.runs-- // the first run is a rehearsal
	}
	began := time.Now()
	for {
		t.runs++
		t.again, t.out = nil, outcome{retries: max(0, t.runs-1)}
		t.once()
		if t.again == nil {
			return t.out
		}
		if t.runs >= maxTries || time.Since(began) > maxTrying {
			return outcome{err: errBusy.Because(t.again), retries: t.out.retries}
		}
		if err := pause(ctx, t.runs); err != nil {
			return outcome{err: err, retries: t.out.retries}
		}
	}
}

// pause waits a random time that grows with the runs, so that rivals part.
func pause(ctx context.Context, runs int) error {
	if runs == 0 {
		return nil
	}
	t := time.NewTimer(rand.N(min(maxPause, firstPause<<min(runs, 10))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var (
	errRehearsal = errors.New("db: the first of two runs")
	errInjected  = errors.New("db: a serialization failure for the test")
	errLost      = errors.New("db: the transaction was lost with its connection")
)

// once runs the closure and ends its transaction. The connection is given back
// before anything is waited for, except for the fate of a COMMIT.
func (t *trying) once() {
	s := &pgSession{pool: t.p.pool, v: t.v}
	ended := false
	// A deferred end, since fn may panic or leave the goroutine.
	defer func() {
		if s.c == nil {
			return
		}
		if !ended && t.v != look {
			t.rollback(s)
		}
		s.c.Release()
	}()
	tx, commit, told := t.p.h.attempt(t.ctx, s, t.v, t.fn)
	t.out.err = told
	switch {
	case t.runs == 0:
		t.again = errRehearsal
	case tx.failed != nil:
		t.consider(s, tx.failed)
	case commit && t.p.h.injected(t.v):
		t.again = errInjected
	case commit:
		t.out.after = tx.after
		ended = t.commit(s)
	}
}

// consider decides whether a failed statement is a reason to run again: rivals
// are, a connection that broke before COMMIT was sent is, and a row in the way
// is once, since it may have come from a transaction that this one did not see.
// A View's closure is not promised to be re-runnable.
func (t *trying) consider(s *pgSession, failed error) {
	if t.v.reads() || t.ctx.Err() != nil {
		return
	}
	switch code := pgCode(failed); {
	case code == "40001", code == "40P01", s.lost():
		t.again = failed
	case code == "23505" && (t.v == update || t.v == redeem) && !t.clashed:
		t.clashed, t.again = true, failed
	}
}

func (t *trying) ending() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.ctx), endTimeout)
}

func (t *trying) rollback(s *pgSession) {
	ctx, cancel := t.ending()
	defer cancel()
	// A connection that cannot roll back is closed by the pool.
	_, _ = s.c.Exec(ctx, "rollback")
}

// commit ends the transaction, together with the writes that still wait; t.out
// stands unless it turns out that nothing was committed. False: a waiting write
// failed, and there is a transaction to be rolled back. A caller's cancellation
// does not reach the COMMIT.
func (t *trying) commit(s *pgSession) (ended bool) {
	if s.c == nil && len(s.waiting) > 0 {
		// The transaction's id must be known before COMMIT is sent.
		if err := s.send(t.ctx); err != nil {
			t.unwritten(s, err)
			return false
		}
	}
	if s.c == nil || t.v == look {
		return true // no statement was run, or one without a transaction
	}
	if s.lost() && t.v != view {
		t.again = errLost
		return true
	}
	ctx, cancel := t.ending()
	defer cancel()
	sent, err := s.commit(ctx)
	if err == nil || t.v == view {
		return true // nothing rests on the end of a View
	}
	if !sent && !s.lost() {
		t.unwritten(s, pgFault(ctx, s.c.Conn(), err))
		return false
	}
	t.uncommitted(ctx, s, err)
	return true
}

// unwritten takes a waiting write that failed as the closure would have told it.
func (t *trying) unwritten(s *pgSession, err error) {
	t.out = outcome{err: err, retries: t.out.retries}
	t.consider(s, err)
}

// uncommitted says what becomes of a COMMIT that failed. pgconn.SafeToRetry is
// not asked: after a connection broke in COMMIT, pgx reports the state it found
// it in afterwards ("conn closed", safe), not what happened.
func (t *trying) uncommitted(ctx context.Context, s *pgSession, err error) {
	switch code := pgCode(err); {
	case code == "40001", code == "40P01":
		t.again = err
	case s.lost():
		t.resolve(s.xid, err)
	default:
		t.out = outcome{err: pgFault(ctx, s.c.Conn(), err), retries: t.out.retries}
	}
}

// resolve finds out what became of a transaction whose connection broke while
// it was being committed. The pool still counts that connection, so the
// question goes over one that is opened for it.
func (t *trying) resolve(xid string, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), t.p.asking)
	defer cancel()
	switch t.p.fate(ctx, xid) {
	case "committed":
		return
	case "aborted":
		t.again = errors.Join(errLost, cause)
	default:
		t.out = outcome{err: errUnknown.Because(cause), retries: t.out.retries}
	}
}

// fate asks until there is an answer: "committed", "aborted" or "" for unknown.
func (p *postgres) fate(ctx context.Context, xid string) string {
	began := time.Now()
	for {
		status, err := p.ask(ctx, xid, time.Since(began) > patience)
		if err == nil && status != "in progress" {
			return status
		}
		if code := pgCode(err); len(code) == 5 && !outages[code[:2]] {
			return "" // this server does not know the transaction
		}
		select {
		case <-ctx.Done():
			return ""
		case <-time.After(askPause):
		}
	}
}

// ask puts the question once. If end is set and the transaction waits for a
// client that is gone, it is ended, which settles its fate.
func (p *postgres) ask(ctx context.Context, xid string, end bool) (status string, err error) {
	c, err := pgx.ConnectConfig(ctx, p.pool.Config().ConnConfig)
	if err != nil {
		return "", err
	}
	defer c.Close(ctx)
	if end {
		_, err = c.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "+
			"WHERE backend_xid = xid($1::text::xid8) AND state LIKE 'idle in transaction%'", xid)
		if err != nil {
			return "", err
		}
	}
	err = c.QueryRow(ctx, "SELECT coalesce(pg_xact_status($1::text::xid8), '')", xid).Scan(&status)
	return status, err
}

// bump runs one statement, which is a transaction by itself. When the connection
// breaks nobody knows whether it was counted, so it is not run again.
func (p *postgres) bump(ctx context.Context, sql string, args []any, target func() []Field) (n int64, err error) {
	text, err := p.h.texts.of(sql)
	if err != nil {
		return 0, err
	}
	for runs := 1; ; runs++ {
		n, err = p.bumpOnce(ctx, text, args, target)
		code := pgCode(err)
		again := code == "40001" || code == "40P01"
		if !again || runs >= maxTries || ctx.Err() != nil {
			return n, err
		}
		if err := pause(ctx, runs); err != nil {
			return 0, err
		}
	}
}

func (p *postgres) bumpOnce(ctx context.Context, sql string, args []any, target func() []Field) (int64, error) {
	c, err := p.pool.Acquire(ctx)
	if err != nil {
		return 0, pgFault(ctx, nil, err)
	}
	defer c.Release()
	if target == nil {
		tag, err := c.Exec(ctx, sql, args...)
		return tag.RowsAffected(), pgFault(ctx, c.Conn(), err)
	}
	rows, err := c.Query(ctx, sql, args...)
	if err == nil {
		err = pgRows(rows, target)
	}
	return 0, pgFault(ctx, c.Conn(), err)
}
