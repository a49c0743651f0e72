package credential

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type waitKind struct{}

func (waitKind) Prefix() string { return "wai" }

// WaitID is the id of a recovery that waits.
type WaitID = id.ID[waitKind]

// WaitOpen is for how long a recovery can be ended with once its waiting is over.
const WaitOpen = 7 * 24 * time.Hour

// Wait is a recovery that waits because no proof of the same strength as what
// was lost was at hand. Its customer is told on all channels and can stop it.
type Wait struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         WaitID
	Lost       string   // what was lost, a word of ours: "totp", "second", "all"
	Target     [32]byte // customer.Digest of the address that was proven
	StartedAt  time.Time
	ReadyAt    time.Time
	ExpiresAt  time.Time
	StoppedAt  time.Time // zero: nobody has stopped it
	UsedAt     time.Time // zero: it has not been used

	stop [32]byte
}

// Fields names the columns.
func (w *Wait) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &w.TenantID}, {Column: "customer_id", Ptr: &w.CustomerID}, {Column: "id", Ptr: &w.ID},
		{Column: "lost", Ptr: &w.Lost}, {Column: "stop_digest", Ptr: &w.stop}, {Column: "target", Ptr: &w.Target},
		{Column: "started_at", Ptr: &w.StartedAt}, {Column: "ready_at", Ptr: &w.ReadyAt},
		{Column: "expires_at", Ptr: &w.ExpiresAt}, {Column: "stopped_at", Ptr: &w.StoppedAt}, {Column: "used_at", Ptr: &w.UsedAt},
	}
}

// Ready reports whether the waiting is over.
func (w *Wait) Ready(now time.Time) bool { return !now.Before(w.ReadyAt) }

// StartWait begins the waiting, for as long as the tenant says, and returns the
// token of the link that stops it. A customer waits for one recovery at a time:
// if the same one is waiting already it goes on as it is, nothing is sent again
// and the token is empty; another one begins anew and ends it.
func StartWait(tx *db.Tx, t *tenant.Tenant, cus customer.ID, lost string, target [32]byte) (Wait, string, error) {
	w, waiting, err := Waiting(tx, t, cus)
	if err != nil || waiting && w.Lost == lost && w.Target == target {
		return w, "", err
	}
	if _, err := EndWaits(tx, t, cus); err != nil {
		return Wait{}, "", err
	}
	ready := tx.Now.Add(t.RecoveryWait())
	w = Wait{
		TenantID: t.ID, CustomerID: cus, ID: id.New[waitKind](tx.Now), Lost: lost, Target: target,
		StartedAt: tx.Now, ReadyAt: ready, ExpiresAt: ready.Add(WaitOpen),
	}
	var token string
	token, w.stop = t.Locator("wait").Mint(cus)
	if err := db.Insert(tx, "recovery_wait", w); err != nil {
		return Wait{}, "", err
	}
	return w, token, note(tx, t, cus, WaitStarted{Wait: w.ID, Lost: lost, ReadyAt: ready})
}

// WaitsBegun counts the recoveries of the customer that began to wait since an
// instant, whatever became of them.
func WaitsBegun(tx *db.Tx, t *tenant.Tenant, cus customer.ID, since time.Time) (int64, error) {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM recovery_wait WHERE tenant_id = $1 AND customer_id = $2 AND started_at > $3`,
		t.ID, cus, since)
	return n, err
}

// Waiting returns the customer's recovery that waits, or that has waited and can
// be ended with.
func Waiting(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (Wait, bool, error) {
	return db.Find[Wait](tx, `FROM recovery_wait WHERE tenant_id = $1 AND customer_id = $2
		AND stopped_at IS NULL AND used_at IS NULL AND expires_at > $3`, t.ID, cus, tx.Now)
}

// PeekWait tells which recovery a link would stop, and stops nothing: mail
// programs follow links by themselves. Faults: link_invalid; link_used if it was
// stopped; link_expired if it was ended with, or is too old.
func PeekWait(tx *db.Tx, t *tenant.Tenant, token string) (Wait, error) {
	cus, digest, ok := t.Locator("wait").Read(token)
	if !ok {
		return Wait{}, ErrLinkInvalid
	}
	w, found, err := db.Find[Wait](tx, `FROM recovery_wait WHERE tenant_id = $1 AND customer_id = $2 AND stop_digest = $3`,
		t.ID, customer.ID(cus), digest)
	switch {
	case err != nil:
		return Wait{}, err
	case !found:
		return Wait{}, ErrLinkInvalid
	case !w.StoppedAt.IsZero():
		return w, ErrLinkUsed
	case !w.UsedAt.IsZero() || !tx.Now.Before(w.ExpiresAt):
		return w, ErrLinkExpired
	}
	return w, nil
}

// StopWait stops a recovery by its link, once, and tells whose it was: "this was
// not me". Faults: those of PeekWait.
func StopWait(tx *db.Tx, t *tenant.Tenant, token string) (customer.ID, error) {
	cus, digest, ok := t.Locator("wait").Read(token)
	if !ok {
		return customer.ID{}, ErrLinkInvalid
	}
	w, stopped, err := db.Take[Wait](tx, `UPDATE recovery_wait SET stopped_at = $1
		WHERE tenant_id = $2 AND customer_id = $3 AND stop_digest = $4
			AND stopped_at IS NULL AND used_at IS NULL AND expires_at > $1`, tx.Now, t.ID, customer.ID(cus), digest)
	if err != nil {
		return customer.ID{}, err
	}
	if !stopped {
		_, err := PeekWait(tx, t, token)
		return customer.ID{}, err
	}
	return w.CustomerID, note(tx, t, w.CustomerID, WaitStopped{Wait: w.ID})
}

// EndWaits stops the customer's recovery that waits and tells whether there was
// one: they have shown that nothing is lost, or the account is locked.
func EndWaits(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (bool, error) {
	w, stopped, err := db.Take[Wait](tx, `UPDATE recovery_wait SET stopped_at = $1 WHERE tenant_id = $2 AND customer_id = $3
		AND stopped_at IS NULL AND used_at IS NULL AND expires_at > $1`, tx.Now, t.ID, cus)
	if err != nil || !stopped {
		return false, err
	}
	return true, note(tx, t, cus, WaitStopped{Wait: w.ID})
}

// TakeWait uses a recovery whose waiting is over, once. False: it still waits,
// was stopped, used, is too old, or is not the customer's.
func TakeWait(tx *db.Tx, t *tenant.Tenant, cus customer.ID, one WaitID) (bool, error) {
	_, taken, err := db.Take[Wait](tx, `UPDATE recovery_wait SET used_at = $1
		WHERE tenant_id = $2 AND customer_id = $3 AND id = $4
			AND stopped_at IS NULL AND used_at IS NULL AND ready_at <= $1 AND expires_at > $1`, tx.Now, t.ID, cus, one)
	if err != nil || !taken {
		return false, err
	}
	return true, note(tx, t, cus, WaitUsed{Wait: one})
}

// WaitStarted is told when a recovery begins to wait.
type WaitStarted struct {
	Wait    WaitID    `json:"wait"`
	Lost    string    `json:"lost"`
	ReadyAt time.Time `json:"ready_at"`
}

// EventName names the event.
func (WaitStarted) EventName() string { return "recovery_wait.started" }

// WaitStopped is told when a recovery that waited is stopped.
type WaitStopped struct {
	Wait WaitID `json:"wait"`
}

// EventName names the event.
func (WaitStopped) EventName() string { return "recovery_wait.stopped" }

// WaitUsed is told when a recovery that has waited is ended with.
type WaitUsed struct {
	Wait WaitID `json:"wait"`
}

// EventName names the event.
func (WaitUsed) EventName() string { return "recovery_wait.used" }
