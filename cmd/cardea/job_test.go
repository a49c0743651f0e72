package main

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/server"
)

// onEach gives a desk on each engine.
func onEach(t *testing.T, test func(*testing.T, *desk)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newDesk(t))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		url := dbtest.URL(t, schema.Files, dbtest.Postgres)
		test(t, newDesk(t, "CARDEA_DATABASE="+url, "CARDEA_KEYRING="+strings.ReplaceAll(server.NewKeyring(), "\n", " ")))
	})
}

// behind is the work behind the scenes of a desk's house.
type behind struct {
	base   *server.Base
	loop   *journal.Loop
	result error // of whatever is tried
	done   atomic.Int64
}

// behind has each of the kinds done by one loop, as the result says.
func (d *desk) behind(kinds ...string) *behind {
	d.t.Helper()
	w := &behind{base: d.house()}
	var works []journal.Work
	for _, kind := range kinds {
		works = append(works, journal.Work{
			Kind: kind, Do: func(context.Context, *journal.Job) error { return w.result },
			Finish: func(tx *db.Tx, j *journal.Job, _ error) error {
				if j.State == journal.Done {
					tx.After(func() { w.done.Add(1) })
				}
				return nil
			},
		})
	}
	w.loop = journal.NewLoop(w.base.DB, "test", works, nil, journal.Options{Sign: w.base.SignCheckpoint})
	return w
}

// run does what is due and tells how much of it was done.
func (w *behind) run(t *testing.T) int64 {
	t.Helper()
	before := w.done.Load()
	if err := w.loop.Drain(context.Background()); err != nil {
		t.Fatal(err)
	}
	return w.done.Load() - before
}

// giveUp enqueues and fails: two jobs of the tenant, one whose time was over,
// and one of the house itself.
func (w *behind) giveUp(t *testing.T) {
	t.Helper()
	fern, err := w.base.Tenant("fern")
	if err != nil {
		t.Fatal(err)
	}
	err = w.base.DB.Update(context.Background(), func(tx *db.Tx) error {
		for _, j := range []journal.Job{
			{Tenant: fern.ID, Kind: "greet"}, {Tenant: fern.ID, Kind: "greet"}, {Kind: "own"},
			{Tenant: fern.ID, Kind: "late", ExpiresAt: tx.Now.Add(-time.Minute)},
		} {
			j.Payload, j.MaxAttempts = []byte("to ada@example.com"), 1
			if _, err := journal.Enqueue(tx, j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.result = fault.New(fault.Unavailable, "relay_down", "The relay does not answer.")
	w.run(t)
	w.result = nil
}

func TestWhatWasGivenUpIsListedRetriedAndThrownAway(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d *desk) {
		house := d.behind("greet", "late", "own")
		house.giveUp(t)
		text := d.must("job", "list") + d.must("job", "list", "--json")
		if strings.Contains(text, "ada@example.com") || strings.Contains(text, "does not answer") || !strings.Contains(text, "relay_down") {
			t.Errorf("the list tells too much or too little:\n%s", text)
		}
		list := read[[]server.GivenUp](t, d.must("job", "list", "--json"))
		if len(list) != 4 || len(read[[]server.GivenUp](t, d.must("job", "list", "--tenant", "fern", "--json"))) != 3 ||
			len(read[[]server.GivenUp](t, d.must("job", "list", "--kind", "greet", "--limit", "1", "--json"))) != 1 {
			t.Fatalf("%+v", list)
		}
		if out, _, code := d.do("doctor"); code != 0 || !strings.Contains(out, "4 jobs given up: greet 2, late 1, own 1") {
			t.Errorf("the doctor: exit %d\n%s", code, out)
		}
		for _, j := range list {
			if (j.Tenant == "") != (j.Kind == "own") || (j.State == journal.Expired) != (j.Kind == "late") || j.Attempts != 1 || j.GivenUpAt.IsZero() {
				t.Errorf("%+v", j)
			}
			if j.Kind == "own" {
				d.must("job", "discard", j.ID)
				d.fails(1, "no such job", "job", "discard", j.ID)
				d.fails(1, "no such job", "job", "retry", j.ID)
			}
		}
		d.must("job", "retry", "--kind", "late") // what expired is not done late for many at once
		d.must("job", "retry", "--kind", "greet", "--tenant", "fern")
		if n := house.run(t); n != 2 {
			t.Errorf("%d jobs were done again, not 2", n)
		}
		late := read[[]server.GivenUp](t, d.must("job", "list", "--json"))
		if len(late) != 1 || late[0].Kind != "late" {
			t.Fatalf("%+v", late)
		}
		d.must("job", "retry", late[0].ID)
		if n := house.run(t); n != 1 {
			t.Errorf("the one that was named was done %d times", n)
		}
		if n := d.count(`SELECT count(*) FROM event WHERE actor_kind = 'operator' AND name IN ('job.retried', 'job.discarded')`); n != 4 {
			t.Errorf("%d of 4 acts are on record", n)
		}
		d.must("audit", "verify")
	})
}

func TestARetryNamesWhatItMeans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.fails(2, "Say what to do again", "job", "retry")
	d.fails(2, "Say what to do again", "job", "retry", "job_0", "--kind", "message")
	d.fails(1, "no such job", "job", "retry", "ada@example.com")
	d.fails(1, "no tenant moss", "job", "list", "--tenant", "moss")
}
