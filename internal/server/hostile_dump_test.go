package server_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the driver, for a reader that knows nothing of the house

	"github.com/cardea-id/cardea/internal/server/servertest"
)

// dumped reads a whole table past the house, as a thief of the database would.
func dumped(t *testing.T, h *servertest.House, table string) (out []map[string]any) {
	t.Helper()
	query(t, h, "SELECT * FROM "+table, func(row map[string]any) { out = append(out, row) })
	return out
}

// tables are the names of all tables.
func tables(t *testing.T, h *servertest.House) (out []string) {
	t.Helper()
	text := "SELECT name FROM sqlite_master WHERE type = 'table'"
	if h.Config.Postgres() {
		text = "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
	}
	query(t, h, text, func(row map[string]any) { out = append(out, fmt.Sprint(row["name"])) })
	if len(out) < 30 {
		t.Fatalf("only the tables %v", out)
	}
	return out
}

func query(t *testing.T, h *servertest.House, text string, each func(map[string]any)) {
	t.Helper()
	if h.Config.Postgres() {
		askPostgres(t, h.Config.Database, text, each)
		return
	}
	askSQLite(t, filepath.Join(h.Config.Data, "cardea.db"), text, each)
}

func askPostgres(t *testing.T, address, text string, each func(map[string]any)) {
	t.Helper()
	ctx := context.Background()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = "sslmode=disable" // what else stands there is for a pool
	conn, err := pgx.Connect(ctx, u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToMap)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range list {
		each(row)
	}
}

func askSQLite(t *testing.T, path, text string, each func(map[string]any)) {
	t.Helper()
	d, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_pragma=query_only(1)&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	rows, err := d.Query(text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, ptrs := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			ptrs[i] = &values[i]
		}
		if err := rows.Scan(ptrs...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, name := range names {
			row[name] = values[i]
		}
		each(row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
