package db_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
)

func oneStep(sql string) fstest.MapFS {
	return fstest.MapFS{"0001_one.sql": {Data: []byte(sql)}}
}

func TestTheSchemaAsItStandsIsInTheHousesSpelling(t *testing.T) {
	t.Parallel()
	got, err := db.Schema(t.Context(), fstest.MapFS{
		"0001_one.sql": {Data: []byte("CREATE TABLE b (id BYTEA NOT NULL, PRIMARY KEY (id));\nCREATE TABLE a (id BYTEA NOT NULL, PRIMARY KEY (id));\nCREATE INDEX b_id ON b (id);")},
		"0002_two.sql": {Data: []byte("ALTER TABLE b ADD COLUMN at BIGINT;\nDROP TABLE a;")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "\nCREATE TABLE b (id BYTEA NOT NULL, at BIGINT, PRIMARY KEY (id));\nCREATE INDEX b_id ON b (id);\n"
	if _, body, _ := strings.Cut(got, "\n"); strings.Join(strings.Fields(body), " ") != strings.Join(strings.Fields(want), " ") &&
		!strings.Contains(body, "at BIGINT") {
		t.Errorf("%s", got)
	}
	if strings.Contains(got, "TABLE a") {
		t.Errorf("a dropped table is still there: %s", got)
	}
}

func TestATableWithoutAKeyIsRefusedUnlessWide(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"CREATE TABLE t (id BYTEA NOT NULL);":                            false,
		"CREATE TABLE t (id BYTEA NOT NULL, PRIMARY KEY (id));":          true,
		"-- wide\nCREATE TABLE t (id BYTEA NOT NULL);":                   true,
		"CREATE TABLE t ( -- wide\n  id BYTEA NOT NULL\n);":              true,
		"-- wide\nCREATE TABLE a (x BIGINT); CREATE TABLE t (y BIGINT);": false,
	} {
		d := openBare(t, oneStep(sql))
		if err := d.Migrate(t.Context()); (err == nil) != want {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func openBare(t *testing.T, source fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + t.TempDir() + "/x.db", Clock: time.Now, Migrations: source})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestColumnsAreStrictOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for _, sql := range []string{
			`INSERT INTO thing (id, n) VALUES ($1, 'many')`,
			`INSERT INTO thing (id, n) VALUES ($1, NULL)`,
		} {
			if _, err := d.Bump(t.Context(), sql, key{1}); err == nil {
				t.Errorf("%s was let in", sql)
			}
		}
	})
}

func TestAFailedMigrationLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			source := fstest.MapFS{"0001_one.sql": {Data: []byte("CREATE TABLE first (id BYTEA NOT NULL, PRIMARY KEY (id));")}}
			url := dbtest.URL(t, source, engine)
			source["0002_two.sql"] = &fstest.MapFile{Data: []byte("CREATE TABLE b (id BYTEA NOT NULL, PRIMARY KEY (id)); CREATE INDEX x ON nowhere (id);")}
			d, err := db.Open(t.Context(), db.Options{URL: url, Clock: time.Now, Migrations: source})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Migrate(t.Context()); err == nil {
				t.Error("a broken migration passed")
			}
			source["0002_two.sql"].Data = []byte("CREATE TABLE b (id BYTEA NOT NULL, PRIMARY KEY (id));")
			if err := d.Migrate(t.Context()); err != nil {
				t.Errorf("the mended migration: %v", err)
			}
			if pending, err := d.Pending(t.Context()); pending || err != nil {
				t.Errorf("pending %v, err %v", pending, err)
			}
		})
	}
}

func TestBackupOfPostgreSQLIsItsOwnToolsWork(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, migrations, dbtest.Postgres, db.Options{})
	if err := d.Backup(t.Context(), t.TempDir()+"/x"); err == nil {
		t.Error("a backup was made")
	}
	if err := d.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
}
