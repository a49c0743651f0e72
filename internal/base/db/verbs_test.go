package db_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/fault"
)

var migrations = fstest.MapFS{"0001_test.sql": {Data: []byte(`
CREATE TABLE owner (
  id BYTEA NOT NULL,
  PRIMARY KEY (id)
);
-- wide
CREATE TABLE thing (
  id BYTEA NOT NULL,
  name TEXT NOT NULL DEFAULT '',
  n BIGINT NOT NULL DEFAULT 0,
  enabled BOOLEAN NOT NULL DEFAULT FALSE,
  raw BYTEA NOT NULL DEFAULT '',
  at BIGINT,
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX thing_name ON thing (name) WHERE name <> '';
CREATE TABLE part (
  owner_id BYTEA NOT NULL REFERENCES owner (id),
  n BIGINT NOT NULL,
  PRIMARY KEY (owner_id, n)
);
`)}}

type key [16]byte

type thing struct {
	ID      key
	Name    string
	N       int64
	Enabled bool
	Raw     []byte
	At      time.Time
}

func (t *thing) Fields() []db.Field {
	return []db.Field{{"id", &t.ID}, {"name", &t.Name}, {"n", &t.N}, {"enabled", &t.Enabled}, {"raw", &t.Raw}, {"at", &t.At}}
}

type part struct {
	Owner key
	N     int
}

func (p *part) Fields() []db.Field { return []db.Field{{"owner_id", &p.Owner}, {"n", &p.N}} }

func add(t *testing.T, d *db.DB, things ...thing) {
	t.Helper()
	for i := range things {
		if things[i].Raw == nil {
			things[i].Raw = []byte{}
		}
	}
	if err := d.Update(t.Context(), func(tx *db.Tx) error { return db.Insert(tx, "thing", things...) }); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, d *db.DB, id key) (v thing, ok bool) {
	t.Helper()
	err := d.View(t.Context(), func(tx *db.Tx) (err error) {
		v, ok, err = db.Find[thing](tx, `FROM thing WHERE id = $1`, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return v, ok
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, migrations, test)
}

func with(t *testing.T, opts db.Options, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, dbtest.Open(t, migrations, engine, opts))
		})
	}
}

func TestARowComesBackAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 5, 6, 7, 8, 9, 123456000, time.UTC)
		want := thing{ID: key{1}, Name: "Ærlig 漢", N: -5, Enabled: true, Raw: []byte{0, 255}, At: at}
		add(t, d, want)
		if got, ok := get(t, d, key{1}); !ok || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, not %v", got, want)
		}
		add(t, d, thing{ID: key{2}})
		if got, _ := get(t, d, key{2}); got.Raw == nil || len(got.Raw) != 0 || !got.At.IsZero() {
			t.Errorf("an empty []byte and the zero time came back as %#v and %v", got.Raw, got.At)
		}
	})
}

func TestAViewSeesEveryUpdateAnsweredBefore(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for n := range 50 {
			add(t, d, thing{ID: key{byte(n)}})
			if _, ok := get(t, d, key{byte(n)}); !ok {
				t.Fatal("an answered row was not seen")
			}
		}
	})
}

func TestAViewIsOneSnapshotAndCannotWrite(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		err := d.View(t.Context(), func(tx *db.Tx) error {
			before, _, err := db.Value[int64](tx, `SELECT count(*) FROM thing`)
			if err != nil {
				return err
			}
			done := make(chan error)
			go func() {
				_, err := d.Bump(context.Background(), `INSERT INTO thing (id) VALUES ($1)`, key{1})
				done <- err
			}()
			if err := <-done; err != nil {
				return err
			}
			after, _, err := db.Value[int64](tx, `SELECT count(*) FROM thing`)
			if before != after {
				t.Errorf("%d rows, then %d", before, after)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		err = d.View(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM thing`)
			return err
		})
		if err == nil {
			t.Error("a View wrote")
		}
	})
}

func TestGetFindAllValue(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, Name: "b", N: 1}, thing{ID: key{2}, Name: "a", N: 2}, thing{ID: key{3}, Name: "Z", N: 3})
		err := d.View(t.Context(), func(tx *db.Tx) error {
			if _, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, key{9}); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("Get of nothing: %v", err)
			}
			if _, ok, err := db.Find[thing](tx, `FROM thing WHERE id = $1`, key{9}); ok || err != nil {
				t.Errorf("Find of nothing: %v, %v", ok, err)
			}
			list, err := db.All[thing](tx, `FROM thing ORDER BY name`)
			if err != nil || len(list) != 3 || list[0].Name != "Z" || list[2].Name != "b" {
				t.Errorf("All: %v, %v: bytes order names", list, err)
			}
			sum, ok, err := db.Value[int64](tx, `SELECT CAST(sum(n) AS BIGINT) FROM thing WHERE (n, id) > ($1, $2)`, 1, key{9})
			if sum != 5 || !ok || err != nil {
				t.Errorf("Value: %d, %v, %v", sum, ok, err)
			}
			if _, ok, err := db.Value[string](tx, `SELECT name FROM thing WHERE n = $1`, 99); ok || err != nil {
				t.Errorf("Value of nothing: %v, %v", ok, err)
			}
			latest, ok, err := db.Value[time.Time](tx, `SELECT max(at) FROM thing`)
			if !latest.IsZero() || !ok || err != nil {
				t.Errorf("Value of NULL: %v, %v, %v", latest, ok, err)
			}
			_, err = db.Get[thing](tx, `FROM thing`)
			if err == nil {
				t.Error("Get of three rows")
			}
			return nil
		})
		if err == nil {
			t.Error("a failed statement was forgotten")
		}
	})
}

func TestAParameterMayBeUsedTwiceAndOutOfOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, Name: "$1?", N: 7})
		err := d.View(t.Context(), func(tx *db.Tx) error {
			_, err := db.Get[thing](tx, `FROM thing WHERE n = $2 AND id = $1 AND n >= $2 AND name = '$1?' -- $3`, key{1}, 7)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnErrorRollsBackAndKeepDoesNot(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		refused := fault.New(fault.Denied, "refused", "No.")
		write := func(id byte, answer error) error {
			return d.Update(t.Context(), func(tx *db.Tx) error {
				if err := db.Insert(tx, "thing", thing{ID: key{id}, Raw: []byte{}}); err != nil {
					return err
				}
				return answer
			})
		}
		if err := write(1, refused); err != error(refused) {
			t.Errorf("told %v", err)
		}
		if err := write(2, db.Keep(refused)); err != error(refused) {
			t.Errorf("told %v", err)
		}
		wrapped := write(3, fmt.Errorf("room: %w", db.Keep(refused)))
		if !errors.Is(wrapped, refused) || !strings.HasPrefix(wrapped.Error(), "room: ") {
			t.Errorf("told %v", wrapped)
		}
		if err := write(4, wrapped); !errors.Is(err, refused) {
			t.Errorf("told %v", err)
		}
		for id, want := range map[byte]bool{1: false, 2: true, 3: true, 4: false} {
			if _, ok := get(t, d, key{id}); ok != want {
				t.Errorf("row %d there: %v", id, ok)
			}
		}
		if db.Keep(nil) != nil {
			t.Error("Keep(nil) is an error")
		}
	})
}

func TestAFailedStatementEndsItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}})
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			tx.After(func() { t.Error("After ran") })
			if err := db.Insert(tx, "thing", thing{ID: key{2}, Raw: []byte{}}); err != nil {
				return err
			}
			// PostgreSQL may tell of it with the next statement.
			first := db.Insert(tx, "thing", thing{ID: key{1}, Raw: []byte{}})
			_, second := tx.Exec(`UPDATE thing SET n = 9`)
			if told := cmp.Or(first, second); !fault.Is(told, fault.Conflict) {
				t.Errorf("a second row of the same key: %v", told)
			}
			if _, err := tx.Exec(`UPDATE thing SET n = 9`); err == nil {
				t.Error("a statement ran after one that failed")
			}
			return nil // swallowed
		})
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("told %v", err)
		}
		if _, ok := get(t, d, key{2}); ok {
			t.Error("half a transaction was committed")
		}
	})
}

func TestAClashOfAnotherUniqueIndexAndAMissingParentAreConflicts(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, Name: "same"})
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			return db.Insert(tx, "thing", thing{ID: key{2}, Name: "same", Raw: []byte{}})
		})
		if !fault.Is(err, fault.Conflict) || fault.Of(err).Code != "conflict" {
			t.Errorf("told %v", err)
		}
		err = d.Update(t.Context(), func(tx *db.Tx) error { return db.Insert(tx, "part", part{key{8}, 1}) })
		if !fault.Is(err, fault.Conflict) || fault.Of(err).Code != "reference_missing" {
			t.Errorf("told %v", err)
		}
	})
}

func TestInsertNewTellsWhoWasFirst(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var first, second bool
		err := d.Update(t.Context(), func(tx *db.Tx) (err error) {
			if first, err = db.InsertNew(tx, "thing", thing{ID: key{1}, Raw: []byte{}}); err != nil {
				return err
			}
			second, err = db.InsertNew(tx, "thing", thing{ID: key{1}, N: 5, Raw: []byte{}})
			return err
		})
		if err != nil || !first || second {
			t.Errorf("%v, %v, %v", first, second, err)
		}
	})
}

func TestTakeGivesARowExactlyOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, N: 42})
		var taken atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				var got thing
				var ok bool
				err := d.Update(context.Background(), func(tx *db.Tx) (err error) {
					got, ok, err = db.Take[thing](tx, `DELETE FROM thing WHERE id = $1 AND n = $2`, key{1}, 42)
					return err
				})
				if err != nil {
					t.Error(err)
				}
				if ok {
					taken.Add(got.N)
				}
			})
		}
		wg.Wait()
		if taken.Load() != 42 {
			t.Errorf("taken %d/42 times", taken.Load())
		}
	})
}

func TestTakeOfManyRowsIsADefectAndTakesNone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}}, thing{ID: key{2}})
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			_, _, err := db.Take[thing](tx, `DELETE FROM thing WHERE n = $1`, 0)
			return err
		})
		if err == nil {
			t.Error("two rows were taken for one")
		}
		if _, ok := get(t, d, key{2}); !ok {
			t.Error("a row is gone")
		}
	})
}

func TestBumpCountsAndGivesTheRowBack(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const upsert = `INSERT INTO thing (id, n) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = thing.n + 1 WHERE thing.n < $2`
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := d.Bump(context.Background(), upsert, key{1}, 100); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		row, ok, err := db.Bumped[thing](t.Context(), d, upsert, key{1}, 100)
		if row.N != 21 || !ok || err != nil {
			t.Errorf("%d, %v, %v", row.N, ok, err)
		}
		if _, ok, err := db.Bumped[thing](t.Context(), d, upsert, key{1}, 5); ok || err != nil {
			t.Errorf("over the limit: %v, %v", ok, err)
		}
		if n, err := d.Bump(t.Context(), upsert, key{1}, 5); n != 0 || err != nil {
			t.Errorf("over the limit: %d, %v", n, err)
		}
	})
}

func TestUpdatesAreSerializable(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, N: 1}, thing{ID: key{2}, N: 1})
		// Write skew: each may go off duty only while the other is on.
		leave := func(id key) error {
			return d.Update(context.Background(), func(tx *db.Tx) error {
				on, _, err := db.Value[int64](tx, `SELECT CAST(sum(n) AS BIGINT) FROM thing`)
				if err != nil || on < 2 {
					return err
				}
				runtime.Gosched()
				_, err = tx.Exec(`UPDATE thing SET n = 0 WHERE id = $1`, id)
				return err
			})
		}
		for range 20 {
			var wg sync.WaitGroup
			for _, id := range []key{{1}, {2}} {
				wg.Go(func() {
					if err := leave(id); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			a, _ := get(t, d, key{1})
			b, _ := get(t, d, key{2})
			if a.N+b.N != 1 {
				t.Fatalf("%d on duty", a.N+b.N)
			}
			if _, err := d.Bump(t.Context(), `UPDATE thing SET n = 1`); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestReadAndWriteBackLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 10 {
					err := d.Update(context.Background(), func(tx *db.Tx) error {
						v, err := db.Get[thing](tx, `FROM thing WHERE id = $1`, key{1})
						if err != nil {
							return err
						}
						_, err = tx.Exec(`UPDATE thing SET n = $2 WHERE id = $1`, key{1}, v.N+1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if v, _ := get(t, d, key{1}); v.N != 40 {
			t.Errorf("%d of 40", v.N)
		}
	})
}
