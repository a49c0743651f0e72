package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Options say which database to open and how. URL and Clock are required.
type Options struct {
	URL        string           // "sqlite:/path/file.db" or "postgres://..."
	Clock      func() time.Time // the house clock, read for Tx.Now
	Migrations fs.FS            // NNNN_name.sql, one text for both engines
	Metrics    Metrics          // optional
	// StatementCacheOff suits connection poolers that mix sessions;
	// statement_cache=off in the URL does the same.
	StatementCacheOff bool

	// Test modes.
	Twice    bool        // every writing closure runs twice, the first run is rolled back
	Strict   bool        // SQL is checked against the rules, nested verbs are found by goroutine
	Failures func() bool // asked before each COMMIT of an Update or Redeem; true: it fails to serialize
	// Hasty is called on SQLite before each COMMIT of a batch and may answer
	// the batch already. No house may: the kill test shows with it that it
	// notices answers that came before they were durable.
	Hasty func(answer func())
}

// Metrics hears what the verbs did. Both functions are optional and are called
// on the goroutine that worked, so they must be quick.
type Metrics struct {
	Done  func(verb string, took time.Duration, retries int, err error)
	Batch func(closures int, took time.Duration) // one group commit on SQLite
}

// DB is an open database. It is safe for use by many goroutines.
type DB struct {
	opts  Options
	house *house
	eng   engine
	lite  *lite // nil on PostgreSQL
	pg    *postgres
}

// engine runs verbs; both engines are in this package.
type engine interface {
	run(ctx context.Context, v verb, fn func(*Tx) error) outcome
	bump(ctx context.Context, sql string, args []any, target func() []Field) (int64, error)
	close() error
}

// outcome is what became of a verb.
type outcome struct {
	after   []func()
	retries int
	err     error
}

type verb uint8

const (
	view verb = iota
	look
	update
	redeem
	claim
)

// reads tells whether the verb cannot write.
func (v verb) reads() bool { return v == view || v == look }

func (v verb) String() string { return [...]string{"view", "look", "update", "redeem", "claim"}[v] }

// The faults of this package that a caller may meet beside its own.
var (
	errBusy     = fault.New(fault.Unavailable, "busy", "There is too much to do at the moment. Try again shortly.").In(time.Second)
	errDown     = fault.New(fault.Unavailable, "database_unavailable", "The database does not answer. Try again shortly.").In(2 * time.Second)
	errUnknown  = fault.New(fault.Unavailable, "outcome_unknown", "The connection broke while the change was being saved. Look whether it was saved before trying again.")
	errConflict = fault.New(fault.Conflict, "conflict", "This clashes with something that is there already.")
	errOrphan   = fault.New(fault.Conflict, "reference_missing", "Something that this belongs to is not there any more.")
)

// Open opens the database that opts name and checks that it can be trusted; it
// does not migrate. The faults are plain: they are for the operator.
func Open(ctx context.Context, opts Options) (*DB, error) {
	if opts.Clock == nil {
		return nil, errors.New("db: no clock")
	}
	d := &DB{opts: opts}
	d.house = &house{owner: d, clock: clock{read: opts.Clock}, twice: opts.Twice, strict: opts.Strict, failures: opts.Failures, hasty: opts.Hasty}
	var err error
	switch scheme, rest, _ := strings.Cut(opts.URL, ":"); scheme {
	case "sqlite":
		d.lite, err = openLite(ctx, d.house, rest, opts.Metrics)
		d.eng = d.lite
	case "postgres", "postgresql":
		d.pg, err = openPostgres(ctx, d.house, opts)
		d.eng = d.pg
	default:
		return nil, fmt.Errorf("db: the database URL must begin with sqlite: or postgres:, not %q", scheme)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Engine names the engine, for messages only: "sqlite" or "postgres".
func (d *DB) Engine() string {
	if d.lite != nil {
		return "sqlite"
	}
	return "postgres"
}

// Close waits for running work, refuses new work and releases the database.
func (d *DB) Close() error { return d.eng.close() }

// View runs fn on one snapshot, which holds every Update that was answered
// before it began. fn cannot write. What it read is a hint by the time it is
// used: no write rests on it alone.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error { return d.run(ctx, view, fn) }

// Look is a View whose fn asks at most one question. One statement is a snapshot
// by itself, so no transaction is opened round it: on PostgreSQL that is one
// journey in place of two. A second question is a defect and fails.
func (d *DB) Look(ctx context.Context, fn func(*Tx) error) error { return d.run(ctx, look, fn) }

// Update runs fn in a serializable transaction. fn may run several times before
// one run counts: it assigns its results from scratch and touches nothing
// outside tx. Any error but one wrapped by Keep rolls back. An Update that
// cannot be placed in time, or whose fate is unknown, is a fault of kind
// Unavailable.
func (d *DB) Update(ctx context.Context, fn func(*Tx) error) error { return d.run(ctx, update, fn) }

// Redeem runs fn in a READ COMMITTED transaction: for a hot path whose every
// decision stands in the WHERE of a statement that writes the row which a
// revoker must also write, or is of a kind that what it reads later can only
// make stricter. Nothing else may use it: the decision and its race test are
// named where it is called. On SQLite, which has one writer, it is Update. fn
// may run several times.
func (d *DB) Redeem(ctx context.Context, fn func(*Tx) error) error { return d.run(ctx, redeem, fn) }

// Claim runs fn in a READ COMMITTED transaction, for background readers whose
// statements carry a fencing number. fn may run several times.
func (d *DB) Claim(ctx context.Context, fn func(*Tx) error) error { return d.run(ctx, claim, fn) }

// Bump runs one statement in a READ COMMITTED transaction of its own and tells
// how many rows it touched: throttles, budgets, last-seen.
func (d *DB) Bump(ctx context.Context, sql string, args ...any) (rows int64, err error) {
	return d.bump(ctx, sql, args, nil)
}

// Bumped is Bump for "INSERT/UPDATE ... " that gives the touched row back; the
// RETURNING clause is added from T's columns. False: no row was touched.
func Bumped[T any, P interface {
	*T
	Row
}](ctx context.Context, d *DB, sql string, args ...any) (T, bool, error) {
	var v T
	n := 0
	_, err := d.bump(ctx, sql+" RETURNING "+shapeOf[T, P]().columns, args, func() []Field {
		n++
		v = *new(T)
		return P(&v).Fields()
	})
	if err == nil && n > 1 {
		err = errMany
	}
	if err != nil || n == 0 {
		return *new(T), false, err
	}
	return v, true, nil
}

// BumpedAll is Bumped for a statement that touches several rows. Where it was
// run again, rows of a run that did not count may stand before the others.
func BumpedAll[T any, P interface {
	*T
	Row
}](ctx context.Context, d *DB, sql string, args ...any) ([]T, error) {
	var rows []T
	_, err := d.bump(ctx, sql+" RETURNING "+shapeOf[T, P]().columns, args, func() []Field {
		rows = append(rows, *new(T))
		return P(&rows[len(rows)-1]).Fields()
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// Background marks a context for work that nobody waits for: its Updates take
// at most a quarter of a batch on SQLite, and its Views read from a small pool
// of their own, so that exports do not hold up sign-ins.
func (d *DB) Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundMark{}, true)
}

type backgroundMark struct{}

func isBackground(ctx context.Context) bool {
	on, _ := ctx.Value(backgroundMark{}).(bool)
	return on
}

func (d *DB) run(ctx context.Context, v verb, fn func(*Tx) error) error {
	d.house.refuseNesting(ctx, v.String())
	began := time.Now()
	out := d.eng.run(ctx, v, fn)
	if m := d.opts.Metrics.Done; m != nil {
		m(v.String(), time.Since(began), out.retries, out.err)
	}
	for _, fn := range out.after {
		fn()
	}
	return out.err
}

func (d *DB) bump(ctx context.Context, sql string, args []any, target func() []Field) (int64, error) {
	d.house.refuseNesting(ctx, "bump")
	bound, err := bindAll(args)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	n, err := d.eng.bump(ctx, sql, bound, target)
	if m := d.opts.Metrics.Done; m != nil {
		m("bump", time.Since(began), 0, err)
	}
	return n, err
}
