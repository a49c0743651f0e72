package db_test

import (
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
)

func TestSeveralWritesTellTheirRowsInOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var rows []int64
		err := d.Update(t.Context(), func(tx *db.Tx) (err error) {
			if err = db.Insert(tx, "thing", thing{ID: key{1}, Raw: []byte{}}, thing{ID: key{2}, Raw: []byte{}}); err != nil {
				return err
			}
			if _, _, err = db.Value[int64](tx, `SELECT count(*) FROM thing WHERE n = 7`); err != nil {
				return err
			}
			rows, err = tx.ExecEach(
				db.Write{SQL: `UPDATE thing SET n = 7`},
				db.Write{SQL: `UPDATE thing SET n = 8 WHERE id = $1 AND n = 7`, Args: []any{key{1}}},
				db.Write{SQL: `UPDATE thing SET n = 9 WHERE id = $1`, Args: []any{key{3}}})
			if n, _, e := db.Value[int64](tx, `SELECT count(*) FROM thing WHERE n = 7`); n != 1 || e != nil {
				t.Error("what was asked before is remembered as it was:", n, e)
			}
			return err
		})
		if err != nil || !slices.Equal(rows, []int64{2, 1, 0}) {
			t.Error(rows, err)
		}
	})
}

func TestOfSeveralWritesOneThatFailsTakesAllWithIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		stored(t, d, thing{ID: key{1}, Name: "a", Raw: []byte{}})
		err := d.Redeem(t.Context(), func(tx *db.Tx) error {
			_, err := tx.ExecEach(
				db.Write{SQL: `UPDATE thing SET name = 'b'`},
				db.Write{SQL: `UPDATE thing SET id = NULL`})
			return err
		})
		v := thing{}
		if look := d.Look(t.Context(), func(tx *db.Tx) (err error) { v, err = db.Get[thing](tx, `FROM thing`); return err }); look != nil {
			t.Fatal(look)
		}
		if err == nil || v.Name != "a" {
			t.Error(v, err)
		}
		if err := d.View(t.Context(), func(tx *db.Tx) error { _, err := tx.ExecEach(db.Write{SQL: `DELETE FROM thing`}); return err }); err == nil {
			t.Error("a View wrote")
		}
	})
}
