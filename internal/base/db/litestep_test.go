package db

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func stepped(t *testing.T) *liteConn {
	t.Helper()
	c, err := openLiteConn(t.Context(), liteDSN(filepath.Join(t.TempDir(), "f.db"), true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	if _, err := c.exec(context.Background(), `CREATE TABLE v (id INTEGER PRIMARY KEY, i INTEGER, f REAL, t TEXT, b BLOB) STRICT`, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStatementsAreSteppedByHand(t *testing.T) {
	t.Parallel()
	c := stepped(t)
	s, err := c.statement(context.Background(), `SELECT 1`)
	if err != nil || s.handle == 0 {
		t.Fatal("the driver hides its handle, and executes everything:", err)
	}
}

// What the driver stores and reads and what is stepped by hand are the same.
func TestTheDriverAndTheHandAgree(t *testing.T) {
	t.Parallel()
	c := stepped(t)
	long := strings.Repeat("ä", 3*maxKept)
	rows := [][]any{
		{int64(-1), 1.5, "x", []byte{0, 1}},
		{nil, nil, nil, nil},
		{int64(1) << 62, -0.25, "", []byte{}},
		{int64(0), 0.0, long, []byte(long)},
		{true, 2.0, "short again", []byte("b")},
	}
	driver, stop := context.WithCancel(context.Background()) // may be interrupted: the driver's
	defer stop()
	type seen struct {
		i    int64
		f    float64
		t    string
		b    []byte
		null bool
	}
	read := func(ctx context.Context, id int) (v seen) {
		err := c.query(ctx, ctx, `SELECT i, f, t, b, b IS NULL FROM v WHERE id = ?1`, []any{int64(id)}, func() []Field {
			return []Field{{Ptr: &v.i}, {Ptr: &v.f}, {Ptr: &v.t}, {Ptr: &v.b}, {Ptr: &v.null}}
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for n, row := range rows {
		for turn, ctx := range []context.Context{context.Background(), driver} {
			id := 2*n + turn
			if _, err := c.exec(ctx, `INSERT INTO v VALUES (?1, ?2, ?3, ?4, ?5)`, append([]any{int64(id)}, row...)); err != nil {
				t.Fatal(err)
			}
		}
		want := read(driver, 2*n+1)
		for _, got := range []seen{read(context.Background(), 2*n), read(context.Background(), 2*n+1), read(driver, 2*n)} {
			if got.i != want.i || got.f != want.f || got.t != want.t || !bytes.Equal(got.b, want.b) || (got.b == nil) != (want.b == nil) || got.null != want.null {
				t.Errorf("row %d: %.80v, not %.80v", n, got, want)
			}
		}
	}
}

func TestWhatSQLiteRefusesIsToldByItsCode(t *testing.T) {
	t.Parallel()
	c := stepped(t)
	driver, stop := context.WithCancel(context.Background())
	defer stop()
	const again = `INSERT INTO v (id) VALUES (1)`
	if n, err := c.exec(context.Background(), again, nil); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	_, mine := c.exec(context.Background(), again, nil)
	_, theirs := c.exec(driver, again, nil)
	var e *sqlite.Error
	if liteCode(mine) != sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || liteCode(theirs) != liteCode(mine) || errors.As(mine, &e) || mine.Error() != theirs.Error() {
		t.Error(mine, "|", theirs)
	}
	if _, err := c.exec(context.Background(), `INSERT INTO v (id) VALUES (?1)`, nil); err == nil {
		t.Error("an argument was missing")
	}
	// The connection and the statement go on.
	if n, err := c.exec(context.Background(), `UPDATE v SET i = 2 WHERE id = ?1`, []any{int64(1)}); n != 1 || err != nil {
		t.Error(n, err)
	}
}
