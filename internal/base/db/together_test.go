package db_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

const (
	thingOf   = `FROM thing WHERE id = $1`
	fewThings = `FROM thing WHERE n >= $1 AND n < $2`
	nOf       = `SELECT n FROM thing WHERE id = $1`
)

// TestAGlanceAnswersWhatEachQuestionAnswersByItself asks for rows that are there
// and that are not, for two lists and for an empty one, at once.
func TestAGlanceAnswersWhatEachQuestionAnswersByItself(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		for n := range 6 {
			add(t, d, thing{ID: key{byte(n)}, N: int64(n), Raw: []byte{1, byte(n)}})
		}
		ahead := func(time.Time) []db.Question {
			return []db.Question{
				db.Asking[thing](thingOf, key{4}), db.Asking[thing](thingOf, key{99}),
				db.Asking[thing](fewThings, 0, 3), db.Asking[thing](fewThings, 3, 5), db.Asking[thing](fewThings, 90, 99),
				db.AskingValue[int64](nOf, key{5}),
			}
		}
		runs := 0
		err := d.Glance(t.Context(), ahead, func(tx *db.Tx) error {
			runs++
			one, there, err := db.Find[thing](tx, thingOf, key{4})
			if err != nil || !there || one.N != 4 || !slices.Equal(one.Raw, []byte{1, 4}) {
				t.Errorf("one: %v %v %v", one, there, err)
			}
			if _, there, err := db.Find[thing](tx, thingOf, key{99}); there || err != nil {
				t.Errorf("who is not there: %v %v", there, err)
			}
			for from, to := range map[int]int{0: 3, 3: 5, 90: 99} {
				list, err := db.All[thing](tx, fewThings, from, to)
				var got, want []int64
				for _, one := range list {
					got = append(got, one.N)
				}
				for n := from; n < min(to, 6); n++ {
					want = append(want, int64(n))
				}
				if slices.Sort(got); err != nil || !slices.Equal(got, want) {
					t.Errorf("from %d: %v, %v", from, got, err)
				}
			}
			n, there, err := db.Value[int64](tx, nOf, key{5})
			if n != 5 || !there || err != nil {
				t.Errorf("the value: %d %v %v", n, there, err)
			}
			return err
		})
		if err != nil || runs != 1 {
			t.Errorf("%d runs, told %v", runs, err)
		}
	})
}

// TestAGlanceThatAsksForMoreIsAView asks for what nobody named: it is answered,
// and by the snapshot of everything else.
func TestAGlanceThatAsksForMoreIsAView(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		add(t, d, thing{ID: key{1}, N: 1})
		add(t, d, thing{ID: key{2}, N: 2})
		ahead := func(time.Time) []db.Question { return []db.Question{db.Asking[thing](thingOf, key{1})} }
		var sum int64
		after := 0
		err := d.Glance(t.Context(), ahead, func(tx *db.Tx) error {
			sum = 0
			tx.After(func() { after++ })
			for _, id := range []key{{1}, {2}} {
				one, err := db.Get[thing](tx, thingOf, id)
				if err != nil {
					return errors.New("hidden") // what db knows does not depend on what it is told
				}
				sum += one.N
			}
			return nil
		})
		if err != nil || sum != 3 || after != 1 {
			t.Errorf("told %v, sum %d, After ran %d times", err, sum, after)
		}
		no := errors.New("no")
		if err := d.Glance(t.Context(), ahead, func(*db.Tx) error { return no }); !errors.Is(err, no) {
			t.Errorf("told %v", err)
		}
		if err := d.Glance(t.Context(), ahead, func(tx *db.Tx) error { return tx.Put(addThing, key{3}, 0) }); err == nil {
			t.Error("a Glance wrote")
		}
	})
}
