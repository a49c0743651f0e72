package privacy

import (
	"cmp"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
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
	StartedAt time.Time
	EndedAt   time.Time // zero: under way
	Failures  int64     // in a row, at the part that is next; 0: it goes well
	Failure   string    // code of the last one
	FailedAt  time.Time

	reason []byte // sealed: staff may have named somebody in it
}

// Fields names the columns.
func (r *Run) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.TenantID}, {Column: "id", Ptr: &r.ID}, {Column: "stage", Ptr: &r.Survey.Stage},
		{Column: "after_id", Ptr: (*[16]byte)(&r.Survey.After)}, {Column: "counts", Ptr: db.JSON(&r.Survey.Dues)},
		{Column: "actor_kind", Ptr: &r.ActorKind}, {Column: "reason_sealed", Ptr: &r.reason},
		{Column: "started_at", Ptr: &r.StartedAt}, {Column: "ended_at", Ptr: &r.EndedAt},
		{Column: "failures", Ptr: &r.Failures}, {Column: "failure", Ptr: &r.Failure}, {Column: "failed_at", Ptr: &r.FailedAt},
	}
}

// Reason opens why staff ran the rules by hand; "" for a run of the night.
func (r *Run) Reason(t *tenant.Tenant) (string, error) {
	if len(r.reason) == 0 {
		return "", nil
	}
	plain, err := t.Key(reasonKey).Open(r.reason, r.ID[:])
	return string(plain), err
}

const reasonKey = "privacy/retention-reason"

// RetentionRan is told at the end of a run: what each rule took. Why somebody
// ran them by hand stands with the run, sealed, and goes with it.
type RetentionRan struct {
	Run  string         `json:"run"`
	Took map[string]Due `json:"took"`
}

// EventName names the event.
func (RetentionRan) EventName() string { return "privacy.retention_ran" }

// RetentionFailed is told when a run stumbles over a part; once, until it gets
// over it.
type RetentionFailed struct {
	Run   string `json:"run"`
	Stage int    `json:"stage"`
	Code  string `json:"code"` // of the fault, never its cause
}

// EventName names the event.
func (RetentionFailed) EventName() string { return "privacy.retention_failed" }

// The house's job looks whose night has come; a job of each tenant then runs its
// rules, a page at a time. One that fails is in nobody's way but its own.
const (
	retainKind = "privacy.retention"
	runKindOf  = "privacy.retention.run"
)

// The pauses of these jobs: between two pages, when there is nothing to do, and
// the longest one after a failure.
const (
	retainBreath = 50 * time.Millisecond
	retainPause  = 10 * time.Minute
	retainAgain  = time.Hour
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
	if err := w.Retain(tx); err != nil {
		return err
	}
	return ScheduleRetention(tx, retainPause)
}

// Retain has the rules run of every tenant whose night has come, or whose run is
// open and not under way: each in a job of its own.
func (w Wiring) Retain(tx *db.Tx) error {
	for _, t := range w.House.All() {
		last, _, err := db.Value[int64](tx, `SELECT coalesce(max(night), 0) FROM retention_run WHERE tenant_id = $1`, t.ID)
		if err != nil {
			return err
		}
		_, open, err := openRun(tx, t)
		if err != nil {
			return err
		}
		if last >= night(t, tx.Now) && !open {
			continue
		}
		if err := runSoon(tx, t, 0); err != nil {
			return err
		}
	}
	return nil
}

func runSoon(tx *db.Tx, t *tenant.Tenant, pause time.Duration) error {
	_, err := journal.Enqueue(tx, journal.Job{Tenant: t.ID, Kind: runKindOf, Key: runKindOf, RunAt: tx.Now.Add(pause), MaxAttempts: 100000})
	return err
}

func openRun(tx *db.Tx, t *tenant.Tenant) (Run, bool, error) {
	return db.Find[Run](tx, `FROM retention_run WHERE tenant_id = $1 AND ended_at IS NULL`, t.ID)
}

// ofRun finds the tenant of a job.
func (w Wiring) ofRun(j *journal.Job) (*tenant.Tenant, bool) {
	return w.House.ByID(tenant.ID(j.Tenant))
}

// runPart begins a tenant's run if the night is new, else does one part of it.
// What it did and how far it came are one transaction, so that a run that was cut
// off goes on where it stopped.
func (w Wiring) runPart(tx *db.Tx, j *journal.Job) error {
	j.Carry = nil
	t, ok := w.ofRun(j)
	if !ok {
		return journal.ErrNothing
	}
	r, open, err := openRun(tx, t)
	switch {
	case err != nil:
	case open:
		r, err = w.goOn(tx, t, r)
	default:
		r, open, err = begin(tx, t) // alone, so that a part that fails has a run to stand with
	}
	switch {
	case err != nil:
		return errPart.Because(err) // whatever it is, it is tried again
	case open && r.EndedAt.IsZero():
		j.Carry = true // there is more
	}
	return nil
}

// errPart keeps what a part fails at from ending the job for good. Its cause
// tells what that was.
var errPart = fault.New(fault.Unavailable, "retention_failed", "A part of the run failed.")

// partDone has the next part follow, or notes the failure with the run.
func (w Wiring) partDone(tx *db.Tx, j *journal.Job, result error) error {
	t, ok := w.ofRun(j)
	if !ok {
		return nil
	}
	if result != nil {
		return stumble(tx, t, result)
	}
	if more, _ := j.Carry.(bool); more && j.State == journal.Done {
		return runSoon(tx, t, retainBreath)
	}
	return nil
}

// stumble notes that the part that is next failed. The journal is told once.
func stumble(tx *db.Tx, t *tenant.Tenant, result error) error {
	r, open, err := openRun(tx, t)
	if err != nil || !open {
		return err
	}
	code := "internal"
	if cause := errors.Unwrap(result); cause != nil {
		code = cmp.Or(fault.Of(cause).Code, code)
	}
	if _, err := tx.Exec(`UPDATE retention_run SET failures = failures + 1, failure = $3, failed_at = $4
		WHERE tenant_id = $1 AND id = $2`, t.ID, r.ID, code, tx.Now); err != nil || r.Failures > 0 {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: t.ID, Actor: journal.Actor{Kind: "system"}, Class: journal.Privacy,
		Event: RetentionFailed{Run: r.ID.String(), Stage: r.Survey.Stage, Code: code},
	})
}

// partPause is the pause after a failure: from ten seconds to an hour.
func partPause(attempt int) time.Duration {
	return min(10*time.Second<<min(attempt-1, 10), retainAgain)
}

// keptRuns is for how many nights the runs are remembered.
const keptRuns = 400

// countsKept is how long counts per minute are kept. They are of nobody.
const countsKept = 400 * 24 * time.Hour

// begin begins a run if the night is a new one. In the first night that a tenant
// sees nothing runs, so that its staff can look at the plan before.
func begin(tx *db.Tx, t *tenant.Tenant) (r Run, open bool, err error) {
	tonight := night(t, tx.Now)
	last, _, err := db.Value[int64](tx, `SELECT coalesce(max(night), 0) FROM retention_run WHERE tenant_id = $1`, t.ID)
	if err != nil || last >= tonight {
		return r, false, err
	}
	r = Run{TenantID: t.ID, ID: id.New[runKind](tx.Now), Survey: Survey{}.clone(), ActorKind: "system", StartedAt: tx.Now}
	if last == 0 {
		r.EndedAt = tx.Now
	}
	if _, err := tx.Exec(`DELETE FROM retention_run WHERE tenant_id = $1 AND (night < $2 OR night IS NULL AND ended_at < $3)`,
		t.ID, tonight-keptRuns, tx.Now.Add(-keptRuns*24*time.Hour)); err != nil {
		return r, false, err
	}
	if _, err := journal.PruneCounts(tx, t.ID, tx.Now.Add(-countsKept)); err != nil {
		return r, false, err
	}
	if err := db.Insert(tx, "retention_run", r); err != nil {
		return r, false, err
	}
	_, err = tx.Exec(`UPDATE retention_run SET night = $3 WHERE tenant_id = $1 AND id = $2`, t.ID, r.ID, tonight)
	return r, last != 0, err
}

// BeginRun begins a run on command, or goes on with one that is open.
func BeginRun(tx *db.Tx, t *tenant.Tenant, by journal.Actor, reason string) (Run, error) {
	open, found, err := openRun(tx, t)
	if err != nil || found {
		return open, err
	}
	r := Run{TenantID: t.ID, ID: id.New[runKind](tx.Now), Survey: Survey{}.clone(), ActorKind: by.Kind, StartedAt: tx.Now}
	r.reason = t.Key(reasonKey).Seal([]byte(reason), r.ID[:])
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
	r.Survey, r.Failures, r.Failure, r.FailedAt = s, 0, "", time.Time{}
	if !more {
		r.EndedAt = tx.Now
	}
	if _, err := tx.Exec(`UPDATE retention_run SET stage = $3, after_id = $4, counts = $5, ended_at = $6,
		failures = 0, failure = '', failed_at = NULL WHERE tenant_id = $1 AND id = $2`, t.ID, r.ID, s.Stage, [16]byte(s.After), db.JSON(s.Dues), r.EndedAt); err != nil || more {
		return r, err
	}
	e := RetentionRan{Run: r.ID.String(), Took: s.took()}
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

// Runs lists a tenant's runs, the latest first.
func Runs(tx *db.Tx, t *tenant.Tenant, limit int) ([]Run, error) {
	return db.All[Run](tx, `FROM retention_run WHERE tenant_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2`, t.ID, limit)
}

// Stumbling is the run of a tenant that fails again and again, if there is one.
func Stumbling(tx *db.Tx, t *tenant.Tenant) (Run, bool, error) {
	r, open, err := openRun(tx, t)
	return r, open && r.Failures > 0, err
}
