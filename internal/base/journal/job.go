package journal

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// Job is something to do after the transaction that enqueues it, here or on
// another node.
type Job struct {
	ID          [16]byte // given by Enqueue
	Tenant      [16]byte // zero: the house's own
	Kind        string   // names the Work
	Payload     []byte   // what Do needs; personal values sealed by the caller
	RunAt       time.Time
	ExpiresAt   time.Time // zero: never; after it the job is given up undone
	Key         string    // idempotency key; optional
	MaxAttempts int       // 0: 12, which takes about five hours
	Attempt     int       // counts from 1 while it runs
	LastError   string    // code and public text of the last failure
	State       string    // see the states
	Carry       any       // handed on from Claim over Do to Finish; never stored
}

// The states of a job, as Finish and ListDead see them.
const (
	Waiting = "waiting" // to be run at RunAt; in Finish: it failed and is tried again
	Running = "running"
	Done    = "done"
	Dead    = "dead"    // given up after its last attempt or an error that stays
	Expired = "expired" // given up because its time was over
)

const defaultAttempts = 12

var (
	errKind     = fault.New(fault.Invalid, "bad_job", "A job needs a kind.")
	errKeyTaken = fault.New(fault.Conflict, "job_key_taken", "The same job is waiting already.")
)

// jobRow is a row of the table job.
type jobRow struct {
	Job
	bucket  int64
	node    string
	fence   int64
	until   int64
	created time.Time
}

// Fields names the columns.
func (r *jobRow) Fields() []db.Field {
	return []db.Field{
		{Column: "bucket", Ptr: &r.bucket}, {Column: "kind", Ptr: &r.Kind}, {Column: "run_at", Ptr: &r.RunAt},
		{Column: "id", Ptr: &r.ID}, {Column: "tenant_id", Ptr: &r.Tenant}, {Column: "idempotency_key", Ptr: &r.Key},
		{Column: "payload", Ptr: &r.Payload}, {Column: "expires_at", Ptr: &r.ExpiresAt},
		{Column: "max_attempts", Ptr: &r.MaxAttempts}, {Column: "attempt", Ptr: &r.Attempt},
		{Column: "last_error", Ptr: &r.LastError}, {Column: "node", Ptr: &r.node}, {Column: "fence", Ptr: &r.fence},
		{Column: "lease_until", Ptr: &r.until}, {Column: "created_at", Ptr: &r.created},
	}
}

// Enqueue writes a job in the transaction that makes it due: at RunAt, or at
// tx.Now if that is zero. A Key says that one such job is enough: while a job
// of the same tenant with the same key waits or runs, Enqueue changes nothing
// and gives that job's id. The key is free again as soon as the job is done,
// given up or cancelled, so Finish may enqueue the next of a series under it.
func Enqueue(tx *db.Tx, j Job) (id [16]byte, err error) {
	if j.Kind == "" {
		return id, errKind
	}
	j.ID = newID(tx.Now)
	if j.RunAt.IsZero() {
		j.RunAt = tx.Now
	}
	if j.MaxAttempts <= 0 {
		j.MaxAttempts = defaultAttempts
	}
	j.Attempt, j.LastError = 0, ""
	if err := insertJob(tx, j); err != nil {
		if err == error(errKeyTaken) {
			return waitingJob(tx, j)
		}
		return id, err
	}
	return j.ID, nil
}

func insertJob(tx *db.Tx, j Job) error {
	row := jobRow{Job: j, bucket: int64(j.ID[15] % Buckets), created: tx.Now}
	fresh, err := true, error(nil)
	if j.Key == "" { // nothing to clash with: the id was drawn just now
		err = db.Insert(tx, "job", row)
	} else {
		fresh, err = db.InsertNew(tx, "job", row)
	}
	if err != nil {
		return err
	}
	if !fresh {
		return errKeyTaken
	}
	if !j.RunAt.After(tx.Now) {
		tx.After(ringJobs)
	}
	return nil
}

// waitingJob finds the job that has the key. In a READ COMMITTED transaction it
// may be done in between: then the caller's job is the one that is needed.
func waitingJob(tx *db.Tx, j Job) ([16]byte, error) {
	row, ok, err := db.Find[jobRow](tx, `FROM job WHERE tenant_id = $1 AND idempotency_key = $2 AND idempotency_key <> ''`,
		j.Tenant, j.Key)
	if err != nil || ok {
		return row.ID, err
	}
	return j.ID, insertJob(tx, j)
}

// Cancel takes away the job with the key, if there is one. A job that runs is
// not stopped at once, but its Finish will not be called.
func Cancel(tx *db.Tx, tenant [16]byte, key string) error {
	_, err := tx.Exec(`DELETE FROM job WHERE tenant_id = $1 AND idempotency_key = $2 AND idempotency_key <> ''`, tenant, key)
	return err
}

// CancelAll takes away every job of a kind, of all tenants, and tells how many.
// It is Cancel for a house that was set back: no loop may run on it.
func CancelAll(tx *db.Tx, kind string) (int64, error) {
	return tx.Exec(`DELETE FROM job WHERE kind = $1`, kind)
}

// DeadJob is a job that was given up.
type DeadJob struct {
	Job
	CreatedAt, DiedAt time.Time
}

// Fields names the columns.
func (d *DeadJob) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &d.Tenant}, {Column: "id", Ptr: &d.ID}, {Column: "kind", Ptr: &d.Kind},
		{Column: "idempotency_key", Ptr: &d.Key}, {Column: "payload", Ptr: &d.Payload},
		{Column: "expires_at", Ptr: &d.ExpiresAt}, {Column: "max_attempts", Ptr: &d.MaxAttempts},
		{Column: "attempt", Ptr: &d.Attempt}, {Column: "last_error", Ptr: &d.LastError},
		{Column: "state", Ptr: &d.State}, {Column: "created_at", Ptr: &d.CreatedAt}, {Column: "died_at", Ptr: &d.DiedAt},
	}
}

// ListDead gives a tenant's dead letters, those enqueued last first, at most
// limit of them and only those before the job whose id is after (zero: all).
func ListDead(tx *db.Tx, tenant, after [16]byte, limit int) ([]DeadJob, error) {
	if after == [16]byte{} {
		for i := range after {
			after[i] = 0xff
		}
	}
	return db.All[DeadJob](tx, `FROM dead_job WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`, tenant, after, limit)
}

// Revive makes a dead job due now, with all its attempts before it and without
// an expiry that has passed. It fails with NotFound if there is no such dead
// job, and with Conflict if a job with its key waits already.
func Revive(tx *db.Tx, tenant, id [16]byte) error {
	dead, ok, err := db.Take[DeadJob](tx, `DELETE FROM dead_job WHERE tenant_id = $1 AND id = $2`, tenant, id)
	if err != nil {
		return err
	}
	if !ok {
		return db.ErrNotFound
	}
	j := dead.Job
	j.RunAt, j.Attempt, j.LastError = tx.Now, 0, ""
	if !j.ExpiresAt.After(tx.Now) {
		j.ExpiresAt = time.Time{}
	}
	return insertJob(tx, j)
}

// Discard takes a dead job away for good. It fails with NotFound if there is no
// such dead job.
func Discard(tx *db.Tx, tenant, id [16]byte) error {
	n, err := tx.Exec(`DELETE FROM dead_job WHERE tenant_id = $1 AND id = $2`, tenant, id)
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	return err
}

// PruneDead takes away at most limit dead jobs that died before an instant.
func PruneDead(tx *db.Tx, before time.Time, limit int) (rows int64, err error) {
	return tx.Exec(`DELETE FROM dead_job WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM dead_job WHERE died_at < $1 ORDER BY died_at LIMIT $2)`, before, limit)
}
