package privacy

import (
	"context"
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The kinds of this room's jobs.
const (
	eraseKind  = "privacy.erase"
	settleKind = "privacy.settle"
)

type due struct {
	Customer customer.ID `json:"customer"`
}

func key(c customer.ID) string { return "erase/" + c.String() }

// Schedule has the customer erased at an instant, unless Unschedule comes first.
func Schedule(tx *db.Tx, t *tenant.Tenant, c customer.ID, at time.Time) error {
	payload, err := json.Marshal(due{c})
	if err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{
		Tenant: t.ID, Kind: eraseKind, Payload: payload, RunAt: at, Key: key(c), MaxAttempts: 1000,
	})
	return err
}

// Unschedule calls an erasure off.
func Unschedule(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	return journal.Cancel(tx, t.ID, key(c))
}

// Wiring is what the work needs from above.
type Wiring struct {
	House      *tenant.House
	Erase      func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error // account.Acts.Erase with the rooms
	Checkpoint func(ctx context.Context) error                        // db.DB.Checkpoint: destroyed keys leave the write-ahead log
	Rooms      []Subject                                              // account.Rooms: what an archive is collected from
	Pack       func(Document) ([]byte, error)                         // writes an archive as a file
	// Idle finds which of the customers do not use their accounts, and if act is
	// true warns those of them who are due, or closes their accounts: account.Acts.Idle.
	Idle func(tx *db.Tx, t *tenant.Tenant, list []customer.Customer, act bool) ([]Idle, error)
}

// Works are the jobs of this room.
func Works(w Wiring) []journal.Work {
	return []journal.Work{
		{Kind: eraseKind, Finish: w.finish, Parallel: 1},
		{Kind: settleKind, Do: w.settle, Parallel: 1},
		{Kind: certifyKind, Claim: w.draft, Do: w.sign, Finish: w.issue, Parallel: 1, Backoff: certifyBackoff},
		{Kind: archiveKind, Claim: w.gather, Do: w.pack, Finish: w.deliver, Parallel: 1, Timeout: time.Minute},
		{Kind: retainKind, Finish: w.retain, Parallel: 1},
		{Kind: runKindOf, Claim: w.runPart, Finish: w.partDone, Parallel: 2, Backoff: partPause},
	}
}

// finish erases in the transaction that ends the job: exactly once. A customer
// who is not closing any more is left alone.
func (w Wiring) finish(tx *db.Tx, j *journal.Job, result error) error {
	if result != nil || j.State != journal.Done {
		return nil
	}
	var d due
	if err := json.Unmarshal(j.Payload, &d); err != nil {
		return err
	}
	t, ok := w.House.ByID(tenant.ID(j.Tenant))
	if !ok {
		return nil
	}
	c, err := customer.Get(tx, t, d.Customer)
	if fault.Is(err, fault.NotFound) || err == nil && (c.State != customer.Closing || tx.Now.Before(c.CloseAt)) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.eraseOrWait(tx, t, d.Customer); err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{Kind: settleKind, Key: settleKind})
	return err
}

// eraseOrWait erases what is due, or has it wait for a hold that stands.
func (w Wiring) eraseOrWait(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	h, held, err := Held(tx, t, c)
	switch {
	case err != nil:
		return err
	case held:
		return wait(tx, t, h)
	}
	return w.Erase(tx, t, c)
}

func (w Wiring) settle(ctx context.Context, _ *journal.Job) error {
	if w.Checkpoint == nil {
		return nil
	}
	return w.Checkpoint(ctx)
}

// Sweep erases, as a second pair of eyes, customers whose time was over for
// some hours without their job having done it: a backup that was restored, or a
// job that was lost. It tells how many.
func (w Wiring) Sweep(tx *db.Tx, limit int) (int, error) {
	list, err := customer.Due(tx, limit)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range list {
		t, ok := w.House.ByID(c.TenantID)
		if !ok || tx.Now.Sub(c.CloseAt) < grace {
			continue
		}
		if err := w.eraseOrWait(tx, t, c.ID); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

const grace = 6 * time.Hour
