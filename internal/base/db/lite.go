package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// lite is the SQLite engine: one writer goroutine with its connection, a pool
// of readers no wider than the processor, and a small pool for long reads.
// More readers that spin than there are cores starve the writer.
type lite struct {
	h       *house
	path    string
	writer  *writer
	readers *pool
	long    *pool
}

// oldest is the first SQLite release without the WAL reset defect that could
// corrupt a database with several writers.
var oldest = [3]int{3, 51, 3}

const longReaders = 2

func openLite(ctx context.Context, h *house, name string, m Metrics) (*lite, error) {
	path, err := litePath(name)
	if err != nil {
		return nil, err
	}
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	if err := steadyPlans(); err != nil {
		return nil, err
	}
	h.texts.lite, h.texts.strict = true, h.strict
	c, err := openLiteConn(ctx, liteDSN(path, true))
	if err != nil {
		return nil, fmt.Errorf("db: opening %s: %w", path, err)
	}
	if err := checkLite(ctx, c); err != nil {
		return nil, errors.Join(err, c.close())
	}
	open := func(ctx context.Context) (*liteConn, error) { return openLiteConn(ctx, liteDSN(path, false)) }
	return &lite{
		h:       h,
		path:    path,
		writer:  startWriter(h, path, c, m.Batch),
		readers: newPool(runtime.GOMAXPROCS(0), open),
		long:    newPool(longReaders, open),
	}, nil
}

// litePath reads what follows "sqlite:" as a file name.
func litePath(name string) (string, error) {
	name = strings.TrimPrefix(name, "//")
	if name == "" || strings.HasPrefix(name, ":memory:") {
		return "", errors.New("db: a SQLite database needs a file: sqlite:/path/file.db")
	}
	return filepath.Abs(name)
}

// prepareFile makes the file, readable by its owner alone, and refuses a
// network file system: SQLite's locks and shared memory do not work there.
func prepareFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if name := networkFS(dir); name != "" {
		return fmt.Errorf("db: %s is on a network file system (%s), where SQLite loses data: use a local disk, or PostgreSQL", dir, name)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func checkLite(ctx context.Context, c *liteConn) error {
	version, err := c.word(ctx, "SELECT sqlite_version()")
	if err != nil {
		return err
	}
	if !atLeast(version, oldest) {
		return fmt.Errorf("db: SQLite %s is too old, %d.%d.%d is needed", version, oldest[0], oldest[1], oldest[2])
	}
	mode, err := c.word(ctx, "PRAGMA journal_mode")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("db: the file system does not carry SQLite's write-ahead log (journal mode %q)", mode)
	}
	return err
}

func atLeast(version string, least [3]int) bool {
	var v [3]int
	if n, _ := fmt.Sscanf(version, "%d.%d.%d", &v[0], &v[1], &v[2]); n < 2 {
		return false
	}
	for i := range v {
		if v[i] != least[i] {
			return v[i] > least[i]
		}
	}
	return true
}

// word reads one text.
func (c *liteConn) word(ctx context.Context, sql string) (string, error) {
	var s string
	err := c.query(ctx, ctx, sql, nil, func() []Field { return []Field{{Ptr: &s}} })
	return s, err
}

func (l *lite) run(ctx context.Context, v verb, fn func(*Tx) error) outcome {
	if v.reads() {
		return l.view(ctx, v, fn)
	}
	return l.writer.submit(ctx, &job{v: v, fn: fn, background: v == claim || isBackground(ctx)})
}

func (l *lite) bump(ctx context.Context, sql string, args []any, target func() []Field) (int64, error) {
	text, err := l.h.texts.of(sql)
	if err != nil {
		return 0, err
	}
	j := &job{sql: text, args: args, target: target, background: isBackground(ctx)}
	out := l.writer.submit(ctx, j)
	return j.rows, out.err
}

func (l *lite) view(ctx context.Context, v verb, fn func(*Tx) error) (out outcome) {
	p, long := l.readers, isBackground(ctx)
	if long {
		p = l.long
	}
	c, err := p.get(ctx)
	if err != nil {
		return outcome{err: err}
	}
	end := func() error { return nil }
	if v == view {
		err, end = c.run("BEGIN"), func() error { return c.run("COMMIT") }
	}
	// A deferred end, since fn may panic or leave the goroutine.
	defer func() { p.put(c, end()) }()
	if err != nil {
		return outcome{err: liteFault(err)}
	}
	tx, commit, told := l.h.attempt(ctx, liteSession{c, long}, v, fn)
	if commit {
		out.after = tx.after
	}
	out.err = told
	return out
}

func (l *lite) close() error {
	err := l.writer.close()
	return errors.Join(err, l.readers.close(), l.long.close())
}

// pool lends connections that are opened when first needed.
type pool struct {
	slots chan *liteConn // nil stands for one that is not open
	open  func(context.Context) (*liteConn, error)
	shut  chan struct{}
}

var errClosed = errDown.Because(errors.New("db: closed"))

func newPool(n int, open func(context.Context) (*liteConn, error)) *pool {
	p := &pool{slots: make(chan *liteConn, n), open: open, shut: make(chan struct{})}
	for range n {
		p.slots <- nil
	}
	return p
}

func (p *pool) get(ctx context.Context) (*liteConn, error) {
	select {
	case <-p.shut:
		return nil, errClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	case c := <-p.slots:
		if c != nil {
			return c, nil
		}
	}
	c, err := p.open(context.WithoutCancel(ctx))
	if err != nil {
		p.slots <- nil
		return nil, liteFault(err)
	}
	return c, nil
}

// put takes a connection back; one that could not end its transaction is closed.
func (p *pool) put(c *liteConn, fault error) {
	if fault != nil {
		c.close()
		c = nil
	}
	p.slots <- c
}

// close waits for what is lent.
func (p *pool) close() error {
	select {
	case <-p.shut:
		return nil
	default:
		close(p.shut)
	}
	var errs []error
	for range cap(p.slots) {
		if c := <-p.slots; c != nil {
			errs = append(errs, c.close())
		}
	}
	return errors.Join(errs...)
}
