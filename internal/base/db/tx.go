package db

import (
	"context"
	"errors"
	"strings"
	"time"
)

// session is one open transaction on an engine. Its errors are faults, or wrap
// what the driver said.
type session interface {
	exec(ctx context.Context, sql string, args []any) (int64, error)
	execEach(ctx context.Context, sql string, rows [][]any) error
	query(ctx context.Context, sql string, args []any, target func() []Field) error
}

// Tx is one run of a closure inside a transaction. It is for one goroutine and
// ends with the closure.
type Tx struct {
	// Now is the instant of this run: UTC, whole microseconds, read from the
	// house clock when the run began and never before an earlier run's.
	Now time.Time

	ctx      context.Context
	s        session
	texts    *texts
	writable bool
	over     bool
	failed   error // the first statement that failed; nothing works after it
	after    []func()
	memo     *memo // nil: every question is asked
	single   bool  // one question may be asked: a Look
	asked    bool
}

var (
	errOver   = errors.New("db: the transaction is over")
	errSecond = errors.New("db: a Look asked a second question")
)

// After has fn run once, after COMMIT, outside the transaction and on the
// caller's goroutine. A run that is rolled back, or is run again, forgets it.
func (tx *Tx) After(fn func()) { tx.after = append(tx.after, fn) }

// Context is the caller's context, marked so that no other transaction of this
// database is opened under it. Inside an Update on SQLite it is never cancelled.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Writable tells whether this transaction may write: true in Update and Claim.
func (tx *Tx) Writable() bool { return tx.writable }

// Exec runs one writing statement and tells how many rows it touched.
func (tx *Tx) Exec(sql string, args ...any) (rows int64, err error) {
	bound, err := bindAll(args)
	if err != nil {
		return 0, tx.fail(err)
	}
	return tx.exec(sql, bound)
}

// Put is Exec for a statement whose rows nobody counts. PostgreSQL may hear of it
// with the next statement, or with COMMIT, whose failure its failure then is.
func (tx *Tx) Put(sql string, args ...any) error {
	bound, err := bindAll(args)
	if err != nil {
		return tx.fail(err)
	}
	return tx.each(sql, [][]any{bound})
}

// fail remembers the first failure, which ends the transaction.
func (tx *Tx) fail(err error) error {
	if err != nil && tx.failed == nil {
		tx.failed = err
	}
	return err
}

// ready gives the engine's text of sql, if the transaction can go on.
func (tx *Tx) ready(sql string) (string, error) {
	if tx.over {
		return "", errOver
	}
	if tx.failed != nil {
		return "", tx.failed
	}
	text, err := tx.texts.of(sql)
	return text, tx.fail(err)
}

func (tx *Tx) exec(sql string, bound []any) (int64, error) {
	text, err := tx.ready(sql)
	if err != nil {
		return 0, err
	}
	if !tx.writable {
		return 0, tx.fail(errReadOnly)
	}
	tx.memo.wrote(sql)
	n, err := tx.s.exec(tx.ctx, text, bound)
	return n, tx.fail(err)
}

func (tx *Tx) each(sql string, rows [][]any) error {
	text, err := tx.ready(sql)
	if err != nil {
		return err
	}
	if !tx.writable {
		return tx.fail(errReadOnly)
	}
	tx.memo.wrote(sql)
	return tx.fail(tx.s.execEach(tx.ctx, text, rows))
}

func (tx *Tx) query(sql string, args []any, target func() []Field) error {
	bound, err := bindAll(args)
	if err != nil {
		return tx.fail(err)
	}
	return tx.ask(sql, bound, target)
}

// ask is query with arguments that are bound already.
func (tx *Tx) ask(sql string, bound []any, target func() []Field) error {
	text, err := tx.ready(sql)
	if err != nil {
		return err
	}
	if tx.single && tx.asked {
		return tx.fail(errSecond)
	}
	tx.asked = true
	if !strings.HasPrefix(sql, "SELECT ") {
		if tx.single { // no transaction stands round it that could refuse
			return tx.fail(errReadOnly)
		}
		tx.memo.wrote(sql)
	}
	return tx.fail(tx.s.query(tx.ctx, text, bound, target))
}

// read is what Find, All and Value share: the rows of a SELECT, asked for once.
func read[T any](tx *Tx, sql string, args []any, fields func(*T) []Field) ([]T, error) {
	bound, err := bindAll(args)
	if err != nil {
		return nil, tx.fail(err)
	}
	key, known := tx.memo.keyOf(sql, bound)
	if known && tx.failed == nil && !tx.over {
		if rows, ok := recall[T](tx.memo, key); ok {
			return rows, nil
		}
	}
	var rows []T
	err = tx.ask(sql, bound, func() []Field {
		rows = append(rows, *new(T))
		return fields(&rows[len(rows)-1])
	})
	if err != nil {
		return nil, err
	}
	if known && !tx.memo.once {
		note(tx.memo, key, sql, rows)
	}
	return rows, nil
}

// kept marks an error whose transaction is committed all the same.
type kept struct{ err error }

func (k *kept) Error() string { return k.err.Error() }
func (k *kept) Unwrap() error { return k.err }

// Keep wraps a refusal that must be remembered: returned from an Update's
// closure it commits what the closure wrote, and Update still returns err.
// Attempt counters and reuse detection need it. Keep(nil) is nil.
func Keep(err error) error {
	if err == nil {
		return nil
	}
	return &kept{err}
}

// spent is a kept error that went through its Update: it reads the same and
// keeps no other transaction.
type spent struct {
	text string
	err  error
}

func (s *spent) Error() string { return s.text }
func (s *spent) Unwrap() error { return s.err }

// verdict tells whether a closure's answer commits, and what its caller hears.
func verdict(err error) (commit bool, told error) {
	if err == nil {
		return true, nil
	}
	var k *kept
	if !errors.As(err, &k) {
		return false, err
	}
	if err == error(k) {
		return true, k.err
	}
	return true, &spent{err.Error(), k.err}
}
