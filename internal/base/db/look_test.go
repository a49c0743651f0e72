package db_test

import (
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
)

func stored(t *testing.T, d *db.DB, v thing) {
	t.Helper()
	if err := d.Update(t.Context(), func(tx *db.Tx) error { return db.Insert(tx, "thing", v) }); err != nil {
		t.Fatal(err)
	}
}

func TestALookAsksOneQuestion(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		stored(t, d, thing{ID: key{1}, Name: "a", Raw: []byte{}})
		for range 3 { // connections are given back as they were
			err := d.Look(t.Context(), func(tx *db.Tx) error {
				v, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, key{1})
				if err == nil && v.Name != "a" {
					t.Errorf("read %+v", v)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		if err := d.Look(t.Context(), func(*db.Tx) error { return nil }); err != nil {
			t.Error("no question:", err)
		}
	})
}

func TestALookNeitherAsksTwiceNorWrites(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		stored(t, d, thing{ID: key{1}, Raw: []byte{}})
		count := func(tx *db.Tx) error {
			_, _, err := db.Value[int](tx, `SELECT count(*) FROM thing`)
			return err
		}
		for what, fn := range map[string]func(*db.Tx) error{
			"a second question": func(tx *db.Tx) error {
				if err := count(tx); err != nil {
					t.Error(err)
				}
				return count(tx)
			},
			"a statement that writes": func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM thing`); return err },
			"a Take": func(tx *db.Tx) error {
				_, _, err := db.Take[thing](tx, `DELETE FROM thing WHERE id = $1`, key{1})
				return err
			},
			"a question that writes": func(tx *db.Tx) error {
				_, _, err := db.Value[int](tx, `DELETE FROM thing RETURNING 1`)
				return err
			},
			"a statement that fails": func(tx *db.Tx) error { _, _, err := db.Value[int](tx, `SELECT nothing FROM nowhere`); return err },
		} {
			if err := d.Look(t.Context(), fn); err == nil {
				t.Error(what, "did not fail")
			}
			if err := d.View(t.Context(), func(tx *db.Tx) error { return count(tx) }); err != nil {
				t.Error("after", what, err)
			}
		}
		if _, ok := get(t, d, key{1}); !ok {
			t.Error("the row is gone")
		}
	})
}
