package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/fault"
)

func TestVerbsDoNotNest(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		nested := map[string]func(ctx context.Context){
			"view":   func(ctx context.Context) { _ = d.View(ctx, func(*db.Tx) error { return nil }) },
			"update": func(ctx context.Context) { _ = d.Update(ctx, func(*db.Tx) error { return nil }) },
			"bump":   func(ctx context.Context) { _, _ = d.Bump(ctx, `DELETE FROM thing`) },
		}
		outer := t.Context()
		for name, inner := range nested {
			for _, marked := range []bool{true, false} {
				caught := false
				err := d.Update(outer, func(tx *db.Tx) error {
					defer func() { caught = recover() != nil }()
					if marked {
						inner(tx.Context())
					} else {
						inner(outer) // found by its goroutine, in strict mode
					}
					return nil
				})
				if err != nil || !caught {
					t.Errorf("%s inside an Update did not panic (marked %v), err %v", name, marked, err)
				}
			}
		}
	})
}

func TestAfterRunsOnceAfterTheCommit(t *testing.T) {
	with(t, db.Options{Twice: true}, func(t *testing.T, d *db.DB) {
		ran, runs := 0, 0
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			runs++
			if err := db.Insert(tx, "thing", thing{ID: key{1}, Raw: []byte{}}); err != nil {
				return err
			}
			tx.After(func() {
				ran++
				if _, ok := get(t, d, key{1}); !ok {
					t.Error("After ran before the commit")
				}
			})
			return db.Keep(errors.New("kept"))
		})
		if err == nil || ran != 1 || runs != 2 {
			t.Errorf("After ran %d times in %d runs, err %v", ran, runs, err)
		}
		_ = d.Update(t.Context(), func(tx *db.Tx) error {
			tx.After(func() { t.Error("After ran after a rollback") })
			return errors.New("no")
		})
	})
}

func TestAnInjectedSerializationFailureRunsTheClosureAgain(t *testing.T) {
	left := atomic.Int64{}
	with(t, db.Options{Failures: func() bool { return left.Add(1)%3 != 0 }}, func(t *testing.T, d *db.DB) {
		for n := range 6 {
			add(t, d, thing{ID: key{byte(n)}})
		}
		err := d.View(t.Context(), func(tx *db.Tx) error {
			n, _, err := db.Value[int64](tx, `SELECT count(*) FROM thing`)
			if n != 6 {
				t.Errorf("%d rows", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAnUpdateThatNeverSerializesIsUnavailable(t *testing.T) {
	with(t, db.Options{Failures: func() bool { return true }}, func(t *testing.T, d *db.DB) {
		runs := 0
		err := d.Update(t.Context(), func(tx *db.Tx) error {
			runs++
			tx.After(func() { t.Error("After ran") })
			return db.Insert(tx, "thing", thing{ID: key{1}, Raw: []byte{}})
		})
		if !fault.Is(err, fault.Unavailable) || runs < 2 || runs > 12 {
			t.Errorf("%d runs, told %v", runs, err)
		}
		if _, ok := get(t, d, key{1}); ok {
			t.Error("it was committed")
		}
	})
}

func TestNowIsWholeMicrosecondsAndNeverGoesBack(t *testing.T) {
	clock := dbtest.NewClock()
	with(t, db.Options{Clock: clock.Now}, func(t *testing.T, d *db.DB) {
		var seen []time.Time
		for _, step := range []time.Duration{1500 * time.Nanosecond, -time.Hour, time.Second} {
			clock.Advance(step)
			if err := d.View(t.Context(), func(tx *db.Tx) error { seen = append(seen, tx.Now); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.IsSortedFunc(seen, time.Time.Compare) || seen[0].Nanosecond()%1000 != 0 || seen[0].Location() != time.UTC {
			t.Errorf("%v", seen)
		}
	})
}

func TestAPanicReachesItsCallerAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for _, run := range []func(context.Context, func(*db.Tx) error) error{d.View, d.Update, d.Claim} {
			func() {
				defer func() {
					if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "boom") {
						t.Errorf("recovered %v", v)
					}
				}()
				_ = run(t.Context(), func(tx *db.Tx) error { panic("boom") })
			}()
		}
		add(t, d, thing{ID: key{1}})
	})
}

func TestAClosureThatEndsItsGoroutineEndsItsCallerAlone(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		done, returned := make(chan struct{}), false
		go func() {
			defer close(done)
			_ = d.Update(context.Background(), func(tx *db.Tx) error {
				_, _ = tx.Exec(`INSERT INTO thing (id) VALUES ($1)`, key{7})
				runtime.Goexit() // as t.FailNow does
				return nil
			})
			returned = true
		}()
		<-done
		if returned {
			t.Error("the caller went on")
		}
		add(t, d, thing{ID: key{1}})
		if _, ok := get(t, d, key{7}); ok {
			t.Error("its work was committed")
		}
	})
}

func TestTextThatCannotBeStoredIsRefused(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for _, bad := range []string{"a\x00b", "\xff"} {
			err := d.Update(t.Context(), func(tx *db.Tx) error {
				return db.Insert(tx, "thing", thing{ID: key{1}, Name: bad, Raw: []byte{}})
			})
			if fault.Of(err) == nil || fault.Of(err).Code != "bad_text" {
				t.Errorf("%q: %v", bad, err)
			}
		}
	})
}

func TestATransactionIsOverWithItsClosure(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var kept *db.Tx
		if err := d.Update(t.Context(), func(tx *db.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(`DELETE FROM thing`); err == nil {
			t.Error("a transaction was used after its end")
		}
	})
}

func TestStrictModeRefusesSQLThatOneEngineLacks(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		if _, err := d.Bump(t.Context(), `DELETE FROM thing WHERE at < now()`); err == nil {
			t.Error("now() passed")
		}
	})
}

func TestPickSpeaksToEachEngineInItsWay(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		sql := `SELECT ` + db.Pick(`split_part(version(), ' ', 1)`, `'SQLite'`, "a test") + ` FROM owner`
		if _, err := d.Bump(t.Context(), `INSERT INTO owner (id) VALUES ($1)`, key{1}); err != nil {
			t.Fatal(err)
		}
		err := d.View(t.Context(), func(tx *db.Tx) error {
			name, _, err := db.Value[string](tx, sql)
			if !strings.HasPrefix(strings.ToLower(name), d.Engine()) {
				t.Errorf("%s answered %q", d.Engine(), name)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
