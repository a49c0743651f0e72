package db_test

import (
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

const addThing = `INSERT INTO thing (id, n) VALUES ($1, $2)`

func TestWhatWasPutIsReadInItsOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var seen []thing
		err := d.Update(t.Context(), func(tx *db.Tx) (err error) {
			for n := range 70 { // more than wait for one journey
				if err := tx.Put(addThing, key{byte(n)}, n); err != nil {
					return err
				}
			}
			if err := tx.Put(`UPDATE thing SET n = n + 1000 WHERE n >= 68`); err != nil {
				return err
			}
			if seen, err = db.All[thing](tx, `FROM thing WHERE n > 66 ORDER BY n`); err != nil {
				return err
			}
			return tx.Put(`DELETE FROM thing WHERE n < 1000`)
		})
		if err != nil || len(seen) != 3 || seen[0].N != 67 || seen[2].N != 1069 {
			t.Errorf("told %v, saw %v", err, seen)
		}
		for id, want := range map[byte]bool{67: false, 68: true, 69: true} {
			if _, ok := get(t, d, key{id}); ok != want {
				t.Errorf("row %d there: %v", id, ok)
			}
		}
	})
}

// TestAWriteThatFailsAtTheEndTakesEverythingWithIt ends a closure with a write
// that cannot be: nothing of it is left, whatever the closure returns, and the
// connection serves the next.
func TestAWriteThatFailsAtTheEndTakesEverythingWithIt(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}})
		for name, answer := range map[string]error{"nil": nil, "kept": db.Keep(fault.New(fault.Denied, "no", "No."))} {
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				tx.After(func() { t.Error("After ran") })
				if err := tx.Put(addThing, key{2}, 0); err != nil {
					return err
				}
				if err := tx.Put(addThing, key{1}, 0); err != nil {
					return err
				}
				return answer
			})
			if !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: told %v", name, err)
			}
			if _, ok := get(t, d, key{2}); ok {
				t.Errorf("%s: half a transaction was committed", name)
			}
		}
		if err := d.Update(t.Context(), func(tx *db.Tx) error { return tx.Put(addThing, key{3}, 0) }); err != nil {
			t.Error(err)
		}
		if _, ok := get(t, d, key{3}); !ok {
			t.Error("the write after it is missing")
		}
	})
}

func TestAPutInAViewIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if err := d.View(t.Context(), func(tx *db.Tx) error { return tx.Put(addThing, key{1}, 0) }); err == nil {
			t.Error("a View wrote")
		}
	})
}

const ofThing = `FROM thing WHERE id = $1`

// TestWhatWasForeseenIsForgottenWhenItIsWritten asks for rows beforehand in
// every verb, and writes to their table between the two readings.
func TestWhatWasForeseenIsForgottenWhenItIsWritten(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for n, verb := range []func(fn func(*db.Tx) error) error{
			func(fn func(*db.Tx) error) error { return d.Update(t.Context(), fn) },
			func(fn func(*db.Tx) error) error { return d.Redeem(t.Context(), fn) },
			func(fn func(*db.Tx) error) error { return d.Claim(t.Context(), fn) },
		} {
			id := key{byte(n + 1)}
			add(t, d, thing{ID: id})
			var before, after, again thing
			var missing bool
			err := verb(func(tx *db.Tx) error {
				err := tx.Foresee(db.Asking[thing](ofThing, id), db.Asking[thing](ofThing, key{99}),
					db.AskingValue[int64](`SELECT n FROM thing WHERE id = $1`, id))
				if err != nil {
					return err
				}
				if before, err = db.Get[thing](tx, ofThing, id); err != nil {
					return err
				}
				_, found, err := db.Find[thing](tx, ofThing, key{99})
				if missing = !found; err != nil {
					return err
				}
				if err := tx.Put(`UPDATE thing SET n = n + 1 WHERE id = $1`, id); err != nil {
					return err
				}
				if after.N, _, err = db.Value[int64](tx, `SELECT n FROM thing WHERE id = $1`, id); err != nil {
					return err
				}
				again, err = db.Get[thing](tx, ofThing, id)
				return err
			})
			if err != nil || before.ID != id || before.N != 0 || after.N != 1 || again.N != 1 || !missing {
				t.Errorf("verb %d: told %v, before %v, after %d and %d", n, err, before, after.N, again.N)
			}
		}
	})
}

// TestAForeseenAnswerServesOnceInARedeem shows that a transaction which sees what
// others commit meanwhile reads anew after the first reading.
func TestAForeseenAnswerServesOnceInARedeem(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if d.Engine() != "postgres" {
			t.Skip("SQLite has one writer, for whom nothing is foreseen")
		}
		add(t, d, thing{ID: key{1}})
		var seen []int64
		err := d.Redeem(t.Context(), func(tx *db.Tx) error {
			seen = nil
			if err := tx.Foresee(db.Asking[thing](ofThing, key{1})); err != nil {
				return err
			}
			done := make(chan error)
			go func() {
				_, err := d.Bump(t.Context(), `UPDATE thing SET n = n + 1 WHERE id = $1`, key{1})
				done <- err
			}()
			if err := <-done; err != nil {
				return err
			}
			for range 2 {
				v, err := db.Get[thing](tx, ofThing, key{1})
				if err != nil {
					return err
				}
				seen = append(seen, v.N)
			}
			return nil
		})
		if err != nil || !(len(seen) == 2 && seen[1] > seen[0]) {
			t.Errorf("told %v, saw %v", err, seen)
		}
	})
}

// TestAForeseenViewIsOneSnapshot changes a row between the foreseeing of another
// and its own reading: the View sees it as it was.
func TestAForeseenViewIsOneSnapshot(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}}, thing{ID: key{2}})
		var seen []int64
		err := d.View(t.Context(), func(tx *db.Tx) error {
			err := tx.Foresee(db.Asking[thing](ofThing, key{1}))
			if _, e := db.Get[thing](tx, ofThing, key{1}); err == nil {
				err = e
			}
			done := make(chan error)
			go func() {
				_, err := d.Bump(t.Context(), `UPDATE thing SET n = 5`)
				done <- err
			}()
			if e := <-done; err == nil {
				err = e
			}
			for _, id := range []key{{1}, {2}} {
				v, e := db.Get[thing](tx, ofThing, id)
				if err == nil {
					err = e
				}
				seen = append(seen, v.N)
			}
			return err
		})
		if err != nil || !slices.Equal(seen, []int64{0, 0}) {
			t.Errorf("told %v, saw %v", err, seen)
		}
	})
}
