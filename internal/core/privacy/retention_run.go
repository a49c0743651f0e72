package privacy

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type runKind struct{}

func (runKind) Prefix() string { return "ret" }

// RunID is the id of a run of the retention rules.
type RunID = id.ID[runKind]

// Run is one run of a tenant's retention rules. At most one is open.
type Run struct {
	TenantID  tenant.ID
	ID        RunID
	Survey    Survey
	ActorKind string
	Reason    string
	StartedAt time.Time
	EndedAt   time.Time // zero: under way
}

// Fields names the columns.
func (r *Run) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.TenantID}, {Column: "id", Ptr: &r.ID}, {Column: "stage", Ptr: &r.Survey.Stage},
		{Column: "after_id", Ptr: (*[16]byte)(&r.Survey.After)}, {Column: "counts", Ptr: db.JSON(&r.Survey.Dues)},
		{Column: "actor_kind", Ptr: &r.ActorKind}, {Column: "reason", Ptr: &r.Reason},
		{Column: "started_at", Ptr: &r.StartedAt}, {Column: "ended_at", Ptr: &r.EndedAt},
	}
}

// RetentionRan is told at the end of a run: what each rule took.
type RetentionRan struct {
	Run    string         `json:"run"`
	Reason string         `json:"reason,omitempty"`
	Took   map[string]Due `json:"took"`
}

// EventName names the event.
func (RetentionRan) EventName() string { return "privacy.retention_ran" }

// retainKind is the house's job that runs the rules, a page at a time.
const retainKind = "privacy.retention"

// The pauses of that job: between two pages, and when there is nothing to do.
const (
	retainBreath = 50 * time.Millisecond
	retainPause  = 10 * time.Minute
)

// nightHour is when a tenant's night begins, by its own clocks.
const nightHour = 3

// night numbers the nights of a tenant.
func night(t *tenant.Tenant, now time.Time) int64 {
	zone, err := time.LoadLocation(t.Zone())
	if err != nil {
		zone = time.UTC
	}
	local := now.In(zone).Add(-nightHour * time.Hour)
	y, m, d := local.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / int64((24 * time.Hour).Seconds())
}

// ScheduleRetention sees to it that the rules are run each night.
func ScheduleRetention(tx *db.Tx, pause time.Duration) error {
	_, err := journal.Enqueue(tx, journal.Job{Kind: retainKind, Key: retainKind, RunAt: tx.Now.Add(pause), MaxAttempts: 100000})
	return err
}

func (w Wiring) retain(tx *db.Tx, j *journal.Job, _ error) error {
	if j.State != journal.Done {
		return nil
	}
	more, err := w.Retain(tx)
	if err != nil {
		return err
	}
	if more {
		return ScheduleRetention(tx, retainBreath)
	}
	return ScheduleRetention(tx, retainPause)
}

// Retain goes on with a run that is open, else begins those whose night has
// come, and tells whether there is more to do now. What it did and how far it
// came are one transaction, so that a run that was cut off goes on where it
// stopped.
func (w Wiring) Retain(tx *db.Tx) (more bool, err error) {
	open, err := db.All[Run](tx, `FROM retention_run WHERE ended_at IS NULL ORDER BY started_at, id`)
	if err != nil {
		return false, err
	}
	for _, r := range open {
		if t, ok := w.House.ByID(r.TenantID); ok {
			_, err := w.goOn(tx, t, r)
			return true, err
		}
	}
	for _, t := range w.House.All() {
		began, err := begin(tx, t)
		if err != nil {
			return false, err
		}
		more = more || began
	}
	return more, nil
}

// keptRuns is for how many nights the runs are remembered.
const keptRuns = 400

// countsKept is how long counts per minute are kept. They are of nobody.
const countsKept = 400 * 24 * time.Hour

// begin begins a run if the night is a new one. In the first night that a tenant
// sees nothing runs, so that its staff can look at the plan before.
func begin(tx *db.Tx, t *tenant.Tenant) (bool, error) {
	tonight := night(t, tx.Now)
	last, _, err := db.Value[int64](tx, `SELECT coalesce(max(night), 0) FROM retention_run WHERE tenant_id = $1`, t.ID)
	if err != nil || last >= tonight {
		return false, err
	}
	var ended any
	if last == 0 {
		ended = tx.Now
	}
	if _, err := tx.Exec(`DELETE FROM retention_run WHERE tenant_id = $1 AND night < $2`, t.ID, tonight-keptRuns); err != nil {
		return false, err
	}
	if _, err := journal.PruneCounts(tx, t.ID, tx.Now.Add(-countsKept)); err != nil {
		return false, err
	}
	_, err = tx.Exec(`INSERT INTO retention_run (tenant_id, id, night, stage, after_id, counts, actor_kind, started_at, ended_at)
		VALUES ($1, $2, $3, 0, $4, '{}', 'system', $5, $6)`, t.ID, id.New[runKind](tx.Now), tonight, [16]byte{}, tx.Now, ended)
	return last != 0, err
}

// BeginRun begins a run on command, or goes on with one that is open.
func BeginRun(tx *db.Tx, t *tenant.Tenant, by journal.Actor, reason string) (Run, error) {
	open, found, err := db.Find[Run](tx, `FROM retention_run WHERE tenant_id = $1 AND ended_at IS NULL`, t.ID)
	if err != nil || found {
		return open, err
	}
	r := Run{TenantID: t.ID, ID: id.New[runKind](tx.Now), Survey: Survey{}.clone(), ActorKind: by.Kind, Reason: reason, StartedAt: tx.Now}
	return r, db.Insert(tx, "retention_run", r)
}

// Continue goes on with a run by one part and returns where it stands. One that
// has ended stays as it is.
func (w Wiring) Continue(tx *db.Tx, t *tenant.Tenant, run RunID) (Run, error) {
	r, err := db.Get[Run](tx, `FROM retention_run WHERE tenant_id = $1 AND id = $2`, t.ID, run)
	if err != nil || !r.EndedAt.IsZero() {
		return r, err
	}
	return w.goOn(tx, t, r)
}

func (w Wiring) goOn(tx *db.Tx, t *tenant.Tenant, r Run) (Run, error) {
	s, more, err := w.step(tx, t, r.Survey, true)
	if err != nil {
		return r, err
	}
	r.Survey = s
	if !more {
		r.EndedAt = tx.Now
	}
	if _, err := tx.Exec(`UPDATE retention_run SET stage = $3, after_id = $4, counts = $5, ended_at = $6
		WHERE tenant_id = $1 AND id = $2`, t.ID, r.ID, s.Stage, [16]byte(s.After), db.JSON(s.Dues), r.EndedAt); err != nil || more {
		return r, err
	}
	e := RetentionRan{Run: r.ID.String(), Reason: r.Reason, Took: s.took()}
	return r, journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: t.ID, Actor: journal.Actor{Kind: r.ActorKind}, Class: journal.Privacy, Event: e,
	})
}

// took are the rules that took something.
func (s Survey) took() map[string]Due {
	out := map[string]Due{}
	for rule, d := range s.Dues {
		if d.Values > 0 {
			out[rule] = d
		}
	}
	return out
}

// LastRun is the latest run of a tenant that has ended and took its turn, if any.
func LastRun(tx *db.Tx, t *tenant.Tenant) (Run, bool, error) {
	return db.Find[Run](tx, `FROM retention_run WHERE tenant_id = $1 AND ended_at IS NOT NULL AND stage > 0
		ORDER BY started_at DESC, id DESC LIMIT 1`, t.ID)
}
