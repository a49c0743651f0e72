package db_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
)

// TestNeighboursRunOnceInARedeem has two transactions read a small table and
// then each write a row of its own: SERIALIZABLE lets one of them run again,
// READ COMMITTED has no reason to.
func TestNeighboursRunOnceInARedeem(t *testing.T) {
	t.Parallel()
	if !slices.Contains(dbtest.Engines(), dbtest.Postgres) {
		t.Skip("SQLite has one writer")
	}
	d := dbtest.Open(t, migrations, dbtest.Postgres, db.Options{})
	err := d.Update(t.Context(), func(tx *db.Tx) error {
		return db.Insert(tx, "thing", thing{ID: key{1}, Raw: []byte{}}, thing{ID: key{2}, Raw: []byte{}})
	})
	if err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int32
	var both, work sync.WaitGroup
	both.Add(2)
	for i := range 2 {
		first := true
		work.Go(func() {
			err := d.Redeem(t.Context(), func(tx *db.Tx) error {
				runs.Add(1)
				if _, _, err := db.Value[int](tx, `SELECT count(*) FROM thing WHERE n = 0`); err != nil {
					return err
				}
				if first {
					first = false
					both.Done()
					both.Wait()
				}
				_, err := tx.Exec(`UPDATE thing SET n = 1 WHERE id = $1`, key{byte(i + 1)})
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if n := runs.Load(); n != 2 {
		t.Errorf("two closures ran %d times", n)
	}
}
