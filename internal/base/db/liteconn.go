package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteConn is one SQLite connection with its prepared statements. It uses the
// driver without database/sql, which would double the cost of a point read.
// It is for one goroutine at a time.
type liteConn struct {
	c     driver.Conn
	stmts map[string]liteStmt
	named []driver.NamedValue
	dest  []driver.Value
}

type liteStmt struct {
	driver.Stmt
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

// maxStatements bounds a connection's cache: a house has some hundred texts.
const maxStatements = 1024

// lite pragma sets. secure_delete overwrites what is deleted, because erased
// customers must not linger in free pages. wal_autocheckpoint is four times its
// preset: a page that is written again and again is moved home once. What must
// not linger in the log is checkpointed by name. journal_size_limit gives the
// disk back after a burst.
var (
	pragmas = []string{"cell_size_check(ON)", "trusted_schema(OFF)", "temp_store(MEMORY)"}
	writing = []string{"secure_delete(ON)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)", "cache_size(-8000)", "busy_timeout(0)"}
	reading = []string{"cache_size(-2000)"}
)

func liteDSN(path string, writer bool) string {
	q := url.Values{}
	q.Set("_defensive", "1")
	q.Set("_dqs", "0")
	q.Set("_busy_timeout", "10000")
	q.Set("_foreign_keys", "1")
	q["_pragma"] = append(q["_pragma"], pragmas...)
	if writer {
		q.Set("_journal_mode", "WAL")
		q.Set("_synchronous", "FULL")
		q["_pragma"] = append(q["_pragma"], writing...)
	} else {
		q.Set("_query_only", "1")
		q["_pragma"] = append(q["_pragma"], reading...)
	}
	return (&url.URL{Scheme: "file", Path: path}).String() + "?" + q.Encode()
}

// openLiteConn polls while another process is turning the file to WAL or
// recovering it, for which SQLite's own busy timeout does not wait.
func openLiteConn(ctx context.Context, dsn string) (*liteConn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(maxLockWait); ; time.Sleep(5 * time.Millisecond) {
		c, err := connector.Connect(ctx)
		if err == nil {
			return &liteConn{c: c, stmts: map[string]liteStmt{}}, nil
		}
		if liteCode(err)&0xff != sqlite3.SQLITE_BUSY || time.Now().After(deadline) {
			return nil, err
		}
	}
}

func (c *liteConn) close() error {
	c.forget()
	return c.c.Close()
}

func (c *liteConn) forget() {
	for sql, s := range c.stmts {
		s.Close()
		delete(c.stmts, sql)
	}
}

// statement prepares sql once. No rows are ever open while it is called, so the
// cache may be emptied when it has grown too large.
func (c *liteConn) statement(ctx context.Context, sql string) (liteStmt, error) {
	if s, ok := c.stmts[sql]; ok {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	p, err := c.c.(driver.ConnPrepareContext).PrepareContext(ctx, sql)
	if err != nil {
		return liteStmt{}, err
	}
	s := liteStmt{p, p.(driver.StmtExecContext), p.(driver.StmtQueryContext)}
	c.stmts[sql] = s
	return s, nil
}

func (c *liteConn) arguments(args []any) []driver.NamedValue {
	c.named = c.named[:0]
	for i, a := range args {
		c.named = append(c.named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.named
}

func (c *liteConn) exec(ctx context.Context, sql string, args []any) (int64, error) {
	s, err := c.statement(ctx, sql)
	if err != nil {
		return 0, err
	}
	r, err := s.exec.ExecContext(ctx, c.arguments(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query runs sql and stores each row where target says. ctx is the driver's;
// watch is looked at between rows.
func (c *liteConn) query(ctx, watch context.Context, sql string, args []any, target func() []Field) (err error) {
	s, err := c.statement(ctx, sql)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(ctx, c.arguments(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	c.dest = append(c.dest[:0], make([]driver.Value, len(rows.Columns()))...)
	for n := 1; ; n++ {
		if err := rows.Next(c.dest); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := store(target(), c.dest); err != nil {
			return err
		}
		if n%64 == 0 && watch.Err() != nil {
			return watch.Err()
		}
	}
}

func store(fields []Field, row []driver.Value) error {
	if len(fields) != len(row) {
		return fmt.Errorf("db: %d columns do not fit %d fields", len(row), len(fields))
	}
	for i, f := range fields {
		if err := assign(f.Ptr, row[i]); err != nil {
			return fmt.Errorf("column %s: %w", f.Column, err)
		}
	}
	return nil
}

// run executes a text without arguments or result: BEGIN, COMMIT and their kin.
func (c *liteConn) run(sql string) error {
	_, err := c.exec(context.Background(), sql, nil)
	return err
}

// liteSession is an open transaction on a connection.
type liteSession struct {
	c *liteConn
	// interrupt lets a cancelled context stop a statement that runs. It costs a
	// goroutine per statement, so only long reads have it; elsewhere a context
	// is looked at before each statement.
	interrupt bool
}

func (s liteSession) driverContext(ctx context.Context) context.Context {
	if s.interrupt {
		return ctx
	}
	return context.Background()
}

func (s liteSession) exec(ctx context.Context, sql string, args []any) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.c.exec(s.driverContext(ctx), sql, args)
	return n, liteFault(err)
}

func (s liteSession) execEach(ctx context.Context, sql string, rows [][]any) error {
	for _, args := range rows {
		if _, err := s.exec(ctx, sql, args); err != nil {
			return err
		}
	}
	return nil
}

func (s liteSession) query(ctx context.Context, sql string, args []any, target func() []Field) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return liteFault(s.c.query(s.driverContext(ctx), ctx, sql, args, target))
}

// liteCode gives SQLite's extended result code, or 0.
func liteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// liteFault says what a caller may do about a driver's error.
func liteFault(err error) error {
	if err == nil {
		return nil
	}
	switch code := liteCode(err); code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return errConflict.Because(err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return errOrphan.Because(err)
	default:
		return liteOutage(err, code&0xff)
	}
}

func liteOutage(err error, primary int) error {
	switch primary {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errBusy.Because(err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM,
		sqlite3.SQLITE_READONLY, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_PROTOCOL:
		return errDown.Because(err)
	}
	return err
}
