package server

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// jobKind prefixes the ids of jobs.
type jobKind struct{}

// Prefix is "job".
func (jobKind) Prefix() string { return "job" }

type jobID = id.ID[jobKind]

// GivenUp is a job that was given up, as an operator sees it: without what it
// was to do, and without a word of why but the code of the fault.
type GivenUp struct {
	ID          string    `json:"id"`
	Tenant      string    `json:"tenant,omitempty"` // empty: the house's own
	Kind        string    `json:"kind"`
	State       string    `json:"state"` // "dead" or "expired"
	Attempts    int       `json:"attempts"`
	MaxAttempts int       `json:"max_attempts"`
	Fault       string    `json:"fault"` // the code of the last one
	CreatedAt   time.Time `json:"created_at"`
	GivenUpAt   time.Time `json:"given_up_at"`
}

// JobsWanted chooses among the jobs that were given up.
type JobsWanted struct {
	Tenant *tenant.Tenant // nil: of every tenant, and the house's own
	Kind   string         // "": of every kind
	Limit  int            // 0: all
}

// JobRetried is told when a job that was given up was made due again.
type JobRetried struct {
	Job  jobID  `json:"job"`
	Kind string `json:"kind,omitempty"`
}

// EventName names the event.
func (JobRetried) EventName() string { return "job.retried" }

// JobDiscarded is told when a job that was given up was thrown away.
type JobDiscarded struct {
	Job jobID `json:"job"`
}

// EventName names the event.
func (JobDiscarded) EventName() string { return "job.discarded" }

const deadPage = 500

// owners are those whose jobs are looked at: the house itself is the zero id.
func (b *Base) owners(only *tenant.Tenant) (out [][16]byte) {
	if only != nil {
		return [][16]byte{only.ID}
	}
	for _, t := range b.House.All() {
		out = append(out, t.ID)
	}
	return append(out, [16]byte{})
}

// dead calls each with the jobs that were given up, tenant by tenant, the one
// enqueued last first, until that says that it has enough.
func (b *Base) dead(ctx context.Context, w JobsWanted, each func(journal.DeadJob) (more bool, err error)) error {
	ctx = b.DB.Background(ctx)
	for _, owner := range b.owners(w.Tenant) {
		for after, full := [16]byte{}, true; full; {
			var page []journal.DeadJob
			err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
				page, err = journal.ListDead(tx, owner, after, deadPage)
				return err
			})
			if err != nil {
				return err
			}
			for _, j := range page {
				after = j.ID
				if w.Kind != "" && j.Kind != w.Kind {
					continue
				}
				if more, err := each(j); !more || err != nil {
					return err
				}
			}
			full = len(page) == deadPage
		}
	}
	return nil
}

// GivenUpJobs lists the jobs that were given up.
func (b *Base) GivenUpJobs(ctx context.Context, w JobsWanted) ([]GivenUp, error) {
	list := []GivenUp{}
	err := b.dead(ctx, w, func(j journal.DeadJob) (bool, error) {
		slug := ""
		if t, ok := b.House.ByID(j.Tenant); ok {
			slug = t.Slug
		}
		code, _, _ := strings.Cut(j.LastError, ":")
		list = append(list, GivenUp{
			jobID(j.ID).String(), slug, j.Kind, j.State, j.Attempt, j.MaxAttempts, code, j.CreatedAt, j.DiedAt,
		})
		return w.Limit == 0 || len(list) < w.Limit, nil
	})
	return list, err
}

// RetryJob makes one job due again, whatever ended it.
func (b *Base) RetryJob(ctx context.Context, ref string) error {
	return b.withJob(ctx, ref, func(tx *db.Tx, owner [16]byte, j jobID) error {
		if err := journal.Revive(tx, owner, j); err != nil {
			return err
		}
		return b.jobNote(tx, owner, j, JobRetried{Job: j})
	})
}

// RetryJobs makes all jobs of one kind due again that were given up after their
// last attempt, and tells how many. One whose time was over stays as it is, and
// so does one in whose place another waits already.
func (b *Base) RetryJobs(ctx context.Context, w JobsWanted) (n int, err error) {
	err = b.dead(ctx, w, func(d journal.DeadJob) (bool, error) {
		if d.State != journal.Dead {
			return true, nil
		}
		err := b.DB.Update(journal.WithActor(ctx, atTheMachine), func(tx *db.Tx) error {
			if err := journal.Revive(tx, d.Tenant, d.ID); err != nil {
				return err
			}
			return b.jobNote(tx, d.Tenant, d.ID, JobRetried{Job: d.ID, Kind: d.Kind})
		})
		if fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
			return true, nil
		}
		if err == nil {
			n++
		}
		return err == nil, err
	})
	return n, err
}

// DiscardJob throws one job that was given up away.
func (b *Base) DiscardJob(ctx context.Context, ref string) error {
	return b.withJob(ctx, ref, func(tx *db.Tx, owner [16]byte, j jobID) error {
		if err := journal.Discard(tx, owner, j); err != nil {
			return err
		}
		return b.jobNote(tx, owner, j, JobDiscarded{Job: j})
	})
}

// withJob acts on one job that was given up, whosever it is.
func (b *Base) withJob(ctx context.Context, ref string, act func(*db.Tx, [16]byte, jobID) error) error {
	none := failed("There is no such job that was given up.", "List them with 'cardea job list'.", nil)
	j, err := id.Parse[jobKind](ref)
	if err != nil {
		return none
	}
	for _, owner := range b.owners(nil) {
		err := b.DB.Update(journal.WithActor(ctx, atTheMachine), func(tx *db.Tx) error { return act(tx, owner, j) })
		if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	return none
}

// jobNote writes what was done with a job into the journal of its tenant; what
// is the house's own stands in that of its staff.
func (b *Base) jobNote(tx *db.Tx, owner [16]byte, j jobID, e journal.Event) error {
	if owner == [16]byte{} {
		owner = b.House.BuiltIn().ID
	}
	return journal.Append(tx, journal.Entry{Tenant: owner, Subject: j, Event: e, Class: journal.Staff})
}

// jobs tells of what was given up, by kind.
func (d *doctor) jobs(ctx context.Context) {
	kinds, total := map[string]int{}, 0
	err := d.base.dead(ctx, JobsWanted{}, func(j journal.DeadJob) (bool, error) {
		kinds[j.Kind]++
		total++
		return true, nil
	})
	if err != nil {
		d.told("jobs", "", err)
		return
	}
	d.note("jobs", Warning, counted(int64(total), "job")+" given up: "+tallied(kinds),
		"See why with 'cardea job list'; when the cause is mended, run 'cardea job retry --kind KIND'.")
}

// tallied lists what there is of each kind, in order of their names.
func tallied(kinds map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		parts = append(parts, kind+" "+strconv.Itoa(kinds[kind]))
	}
	return strings.Join(parts, ", ")
}
