package risk_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var journey = [16]byte{1, 2, 3}

// light is a difficulty that costs a test nothing.
const light = 8

func TestWorkCountsOnlyWhereItWasHandedOut(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, dbtest.SQLite, false)
	own, other := h.T(), h.Tenant("other", "https://id.other.example")
	task := risk.NewWork(h.D.Now(), own, "password", journey, light).String()
	w, ok := risk.OpenWork(own, "password", journey, task)
	if !ok || w.Bits != light || !w.Issued().Equal(h.D.Now()) {
		t.Fatalf("the task reads as %v, %v", w, ok)
	}
	for what, found := range map[string]func() (risk.Work, bool){
		"another tenant":  func() (risk.Work, bool) { return risk.OpenWork(other, "password", journey, task) },
		"another purpose": func() (risk.Work, bool) { return risk.OpenWork(own, "identify", journey, task) },
		"another journey": func() (risk.Work, bool) { return risk.OpenWork(own, "password", [16]byte{9}, task) },
	} {
		if _, ok := found(); ok {
			t.Errorf("%s takes the task", what)
		}
	}
	for _, altered := range coretest.Altered(task) {
		if _, ok := risk.OpenWork(own, "password", journey, altered); ok {
			t.Errorf("the task counts as %q", altered)
		}
	}
}

func TestWorkIsToBeDone(t *testing.T) {
	t.Parallel()
	h := coretest.Open(t, dbtest.SQLite, false)
	now := h.D.Now()
	w := risk.NewWork(now, h.T(), "password", journey, 14)
	right := coretest.Solve(w.String())
	if err := w.Check(now, 14, right); err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{strings.Repeat("A", 86), coretest.Solve(risk.NewWork(now, h.T(), "password", journey, 14).String())} {
		if err := w.Check(now, 14, other); !errors.Is(err, risk.ErrWork) {
			t.Fatalf("%q counts: %v", other, err)
		}
	}
	lucky := 0 // one altered puzzle in a thousand is solved by chance
	for _, altered := range coretest.Altered(right) {
		if err := w.Check(now, 14, altered); !errors.Is(err, risk.ErrWork) {
			lucky++
		}
	}
	if lucky > 4 {
		t.Errorf("%d altered proofs count", lucky)
	}
	for what, c := range map[string]struct {
		after  time.Duration
		needed int
		want   error
	}{
		"in time":                       {risk.WorkFor - 1, 14, nil},
		"over":                          {risk.WorkFor, 14, risk.ErrWorkOver},
		"easier, just after the rise":   {2 * time.Minute, 18, nil},
		"easier, long after the rise":   {2*time.Minute + 1, 18, risk.ErrWorkOver},
		"harder than it would be today": {9 * time.Minute, 12, nil},
	} {
		if err := w.Check(now.Add(c.after), c.needed, right); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestOfFiftyWhoBringTheSameWorkOnePasses(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		w := risk.NewWork(h.D.Now(), h.T(), "password", journey, light)
		var passed atomic.Int64
		coretest.Together(50, func(int) error {
			err := risk.TakeWork(bg, h.D, h.T(), w)
			if err == nil {
				passed.Add(1)
			} else if !errors.Is(err, risk.ErrWorkOver) {
				t.Error(err)
			}
			return err
		})
		if n := passed.Load(); n != 1 {
			t.Errorf("%d of 50 passed", n)
		}
		if err := risk.TakeWork(bg, h.D, h.T(), risk.NewWork(h.D.Now(), h.T(), "password", journey, light)); err != nil {
			t.Errorf("another task of the journey: %v", err)
		}
	})
}

func TestWorkRisesWithTheLoadOfTheNetwork(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		read := func(network string) (l risk.Load) {
			h.View(func(tx *db.Tx) (err error) { l, err = risk.LoadOf(tx, h.T(), network); return err })
			return l
		}
		tries := func(network string, n int) {
			for i := range n {
				if err := risk.Reserve(bg, h.D, h.T(), risk.PasswordTry(fmt.Sprint(network, i), network)...); err != nil {
					t.Fatal(err)
				}
			}
		}
		const busy, loop = "203.0.113.7", "127.0.0.1"
		if l := read(busy); l.Demands(h.T()) || l.Bits(h.T()) != 14 {
			t.Errorf("at rest: %+v", l)
		}
		tries(busy, 39)
		if l := read(busy); l.Demands(h.T()) {
			t.Errorf("after 39 tries: %+v", l)
		}
		if err := risk.Reserve(bg, h.D, h.T(), risk.PasswordTry("one more", busy)...); err != nil {
			t.Fatal(err)
		}
		if l := read(busy); !l.Demands(h.T()) || l.Bits(h.T()) != 15 {
			t.Errorf("after 40 tries: %+v, %d bits", l, l.Bits(h.T()))
		}
		if l := read("203.0.113.8"); l.Demands(h.T()) {
			t.Errorf("the neighbour: %+v", l)
		}
		tries(loop, 60)
		if l := read(loop); l.Demands(h.T()) {
			t.Errorf("the loopback: %+v", l)
		}
		h.Wait(time.Hour)
		if l := read(busy); l.Demands(h.T()) || l.Network != 0 {
			t.Errorf("an hour later: %+v", l)
		}
	})
}

func TestDifficultyRisesFromTheTenantsOwnAndEnds(t *testing.T) {
	t.Parallel()
	of := func(work int, off bool) *tenant.Tenant {
		return &tenant.Tenant{Settings: tenant.Settings{Bots: tenant.Bots{Work: work, Off: off}}}
	}
	for _, c := range []struct {
		load    risk.Load
		t       *tenant.Tenant
		bits    int
		demands bool
	}{
		{risk.Load{}, of(0, false), 14, false},
		{risk.Load{Network: .19}, of(0, false), 14, false},
		{risk.Load{Network: 1}, of(0, false), 19, true},
		{risk.Load{Attack: true}, of(0, false), 16, true},
		{risk.Load{Attack: true, Network: .6}, of(0, false), 19, true},
		{risk.Load{Attack: true, Network: 1}, of(17, false), 21, true},
		{risk.Load{Asked: true}, of(0, false), 14, true},
		{risk.Load{Attack: true}, of(22, false), 22, true},
		{risk.Load{Attack: true}, of(10, false), 12, true},
		{risk.Load{Attack: true, Network: 1, Asked: true}, of(0, true), 21, false},
	} {
		if got := c.load.Bits(c.t); got != c.bits || c.load.Demands(c.t) != c.demands {
			t.Errorf("%+v of %d: %d bits, %v", c.load, c.t.Settings.Bots.Work, got, c.load.Demands(c.t))
		}
	}
}

func FuzzOpenWork(f *testing.F) {
	h := coretest.Open(f, dbtest.SQLite, false)
	own := h.T()
	task := risk.NewWork(h.D.Now(), own, "password", journey, light).String()
	f.Add(task, coretest.Solve(task))
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, solution string) {
		w, ok := risk.OpenWork(own, "password", journey, text)
		if ok && text != task {
			t.Errorf("%q is a task", text)
		}
		_ = w.Check(h.D.Now(), light, solution)
	})
}

func BenchmarkSolveInGo(b *testing.B) {
	h := coretest.Open(b, dbtest.SQLite, false)
	for b.Loop() {
		coretest.Solve(risk.NewWork(h.D.Now(), h.T(), "password", journey, 14).String())
	}
}

func BenchmarkCheckWork(b *testing.B) {
	h := coretest.Open(b, dbtest.SQLite, false)
	task := risk.NewWork(h.D.Now(), h.T(), "password", journey, 14).String()
	solution, own, now := coretest.Solve(task), h.T(), h.D.Now()
	for b.Loop() {
		w, ok := risk.OpenWork(own, "password", journey, task)
		if !ok || w.Check(now, 14, solution) != nil {
			b.Fatal("the work is refused")
		}
	}
}
