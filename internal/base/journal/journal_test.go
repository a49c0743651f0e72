package journal

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
)

var migrations = os.DirFS("../../core/schema")

// bench is one database on an engine with a clock that is turned by hand.
type bench struct {
	*testing.T
	d     *db.DB
	clock *dbtest.Clock
	ctx   context.Context
}

// each runs a test on both engines, every closure twice and now and then with
// an Update that fails to serialize.
func each(t *testing.T, test func(*bench)) {
	t.Helper()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			clock := dbtest.NewClock()
			var updates atomic.Int64
			d := dbtest.Open(t, migrations, engine, db.Options{Clock: clock.Now, Twice: true,
				Failures: func() bool { return updates.Add(1)%5 == 0 }})
			test(&bench{T: t, d: d, clock: clock, ctx: context.Background()})
		})
	}
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) update(fn func(tx *db.Tx) error) {
	b.Helper()
	b.must(b.d.Update(b.ctx, fn))
}

func (b *bench) exec(sql string, args ...any) {
	b.Helper()
	n, err := b.d.Bump(b.ctx, sql, args...)
	b.must(err)
	if n == 0 {
		b.Fatalf("nothing was touched by %s", sql)
	}
}

func (b *bench) number(sql string, args ...any) (n int64) {
	b.Helper()
	b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, sql, args...)
		return err
	}))
	return n
}

func (b *bench) loop(works []Work, readers []Reader, o Options) *Loop {
	b.Helper()
	return NewLoop(b.d, "node", works, readers, o)
}

func (b *bench) drain(l *Loop) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	b.must(l.Drain(ctx))
}

type happened struct {
	N int `json:"n"`
}

func (happened) EventName() string { return "test.happened" }

var (
	tenantA = [16]byte{0xa}
	tenantB = [16]byte{0xb}
	subject = [16]byte{1}
)

func entry(tenant, subject [16]byte, n int) Entry {
	return Entry{Tenant: tenant, Subject: subject, Event: happened{n}, Class: Profile, Actor: Actor{Kind: "customer", ID: subject}}
}

// append writes n events of one subject in one transaction.
func (b *bench) append(tenant, subject [16]byte, n int) {
	b.Helper()
	b.update(func(tx *db.Tx) error {
		for i := range n {
			if err := Append(tx, entry(tenant, subject, i)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAnEntryThatIsIncompleteIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		for name, spoil := range map[string]func(*Entry){
			"no tenant": func(e *Entry) { e.Tenant = [16]byte{} },
			"no event":  func(e *Entry) { e.Event = nil },
			"bad class": func(e *Entry) { e.Class = "other" },
			"no dot":    func(e *Entry) { e.Event = undotted{} },
		} {
			e := entry(tenantA, subject, 1)
			spoil(&e)
			if err := b.d.Update(b.ctx, func(tx *db.Tx) error { return Append(tx, e) }); err == nil {
				b.Errorf("%s: the entry was taken", name)
			}
		}
	})
}

type undotted struct{}

func (undotted) EventName() string { return "undotted" }

func TestEventsAreListedNewestFirstAndByPages(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		b.append(tenantA, subject, 5)
		b.append(tenantA, [16]byte{2}, 2)
		b.append(tenantB, subject, 1)
		var seen []int
		after := [16]byte{}
		for {
			var page []Recorded
			b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
				page, err = List(tx, tenantA, subject, after, 2)
				return err
			}))
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				var h happened
				b.must(r.Decode(&h))
				seen = append(seen, h.N)
				after = r.ID
			}
		}
		if want := []int{4, 3, 2, 1, 0}; !equal(seen, want) {
			b.Fatalf("listed %v, want %v", seen, want)
		}
	})
}

func equal[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestAnEventKeepsWhatItWasAppendedWith(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		e := entry(tenantA, subject, 7)
		e.Application = [16]byte{9}
		ctx := WithRequest(b.ctx, "req-1")
		b.must(b.d.Update(ctx, func(tx *db.Tx) error { return Append(tx, e) }))
		var got []Recorded
		b.must(b.d.View(b.ctx, func(tx *db.Tx) (err error) {
			got, err = List(tx, tenantA, subject, [16]byte{}, 9)
			return err
		}))
		if len(got) != 1 {
			b.Fatalf("%d events", len(got))
		}
		r := got[0]
		if r.Request != "req-1" || r.Application != e.Application || r.Actor != e.Actor || r.Class != Profile ||
			r.Name != "test.happened" || !r.At.Equal(b.clock.Now()) {
			b.Fatalf("recorded %+v", r)
		}
	})
}

func TestAChangeThatRollsBackLeavesNoEvent(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		refused := errors.New("no")
		err := b.d.Update(b.ctx, func(tx *db.Tx) error {
			return errors.Join(Append(tx, entry(tenantA, subject, 1)), refused)
		})
		if !errors.Is(err, refused) {
			b.Fatal(err)
		}
		if n := b.number(`SELECT count(*) FROM event`) + b.number(`SELECT count(*) FROM unchained`); n != 0 {
			b.Fatalf("%d rows are left", n)
		}
	})
}
