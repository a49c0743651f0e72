package db

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// plannedAnew tells how often SQLite has planned a prepared statement again.
func plannedAnew(c *liteConn, sql string) int32 {
	s := reflect.ValueOf(c.stmts[sql].Stmt).Elem()
	tls := (*libc.TLS)(s.FieldByName("c").Elem().FieldByName("tls").UnsafePointer())
	return sqlite3.Xsqlite3_stmt_status(tls, uintptr(s.FieldByName("pstmt").Uint()), sqlite3.SQLITE_STMTSTATUS_REPREPARE, 0)
}

func TestAStatementIsPlannedOnceWhateverItsParametersAre(t *testing.T) {
	t.Parallel()
	if err := steadyPlans(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c, err := openLiteConn(ctx, liteDSN(filepath.Join(t.TempDir(), "a.db"), true))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := c.run("CREATE TABLE thing (tenant TEXT, kind TEXT, seen INTEGER, PRIMARY KEY (tenant, kind, seen)) STRICT, WITHOUT ROWID"); err != nil {
		t.Fatal(err)
	}
	const read = "SELECT seen FROM thing WHERE tenant = ?1 AND kind = ?2 ORDER BY seen DESC LIMIT ?3"
	var seen int64
	for i := range 10 {
		err := c.query(ctx, ctx, read, []any{"a", "b", int64(i)}, func() []Field { return []Field{{Ptr: &seen}} })
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := plannedAnew(c, read); n != 0 {
		t.Errorf("planned again %d times", n)
	}
}
