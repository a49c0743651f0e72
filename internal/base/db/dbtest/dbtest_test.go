package dbtest_test

import (
	"testing"
	"testing/fstest"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
)

var migrations = fstest.MapFS{
	"0001_first.sql":  {Data: []byte("CREATE TABLE one (id BYTEA NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (id));")},
	"0002_second.sql": {Data: []byte("ALTER TABLE one ADD COLUMN name TEXT NOT NULL DEFAULT '';")},
}

func TestEachTestHasAMigratedDatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	for range 2 {
		dbtest.Each(t, migrations, func(t *testing.T, d *db.DB) {
			if pending, err := d.Pending(t.Context()); err != nil || pending {
				t.Fatalf("pending %v, err %v", pending, err)
			}
			n, err := d.Bump(t.Context(), `INSERT INTO one (id, n) VALUES ($1, $2)`, []byte{1}, 5)
			if err != nil || n != 1 {
				t.Fatalf("%d rows, err %v: the row of another test is in the way", n, err)
			}
		})
	}
}
