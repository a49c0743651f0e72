package credential

import (
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AlarmFor is how long the "this wasn't me" of a notice works.
const AlarmFor = 14 * 24 * time.Hour

// Alarm is what the link of a notice stands for: "this wasn't me".
type Alarm struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	Cause      string   // what the notice was about, a word of ours: "new_device", "password"
	SessionID  [16]byte // of the session in which it happened; zero: none
	Target     [32]byte // customer.Digest of the address that the notice went to
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     time.Time

	digest [32]byte
}

// Fields names the columns.
func (a *Alarm) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &a.TenantID}, {Column: "customer_id", Ptr: &a.CustomerID}, {Column: "digest", Ptr: &a.digest},
		{Column: "cause", Ptr: &a.Cause}, {Column: "session_id", Ptr: (*maybe)(&a.SessionID)}, {Column: "target", Ptr: &a.Target},
		{Column: "created_at", Ptr: &a.CreatedAt}, {Column: "expires_at", Ptr: &a.ExpiresAt}, {Column: "used_at", Ptr: &a.UsedAt},
	}
}

// maybe is sixteen bytes whose zero is NULL.
type maybe [16]byte

// Value stores the zero as NULL.
func (m maybe) Value() (driver.Value, error) {
	if m == (maybe{}) {
		return nil, nil
	}
	return m[:], nil
}

// String is hexadecimal, and nothing for the zero.
func (m maybe) String() string {
	if m == (maybe{}) {
		return ""
	}
	return hex.EncodeToString(m[:])
}

// Scan reads what Value stored.
func (m *maybe) Scan(src any) error {
	*m = maybe{}
	b, ok := src.([]byte)
	if src != nil && (!ok || len(b) != len(m)) {
		return fmt.Errorf("credential: cannot scan %T", src)
	}
	copy(m[:], b)
	return nil
}

// NewAlarm says what an alarm is about.
type NewAlarm struct {
	Cause   string
	Session [16]byte
	Target  [32]byte
}

// IssueAlarm makes the token of a notice's link. It outlives whatever else
// happens to the account but its erasure.
func IssueAlarm(tx *db.Tx, t *tenant.Tenant, cus customer.ID, n NewAlarm) (string, error) {
	token, digest := t.Locator("alarm").Mint(cus)
	return token, db.Insert(tx, "alarm", Alarm{
		TenantID: t.ID, CustomerID: cus, Cause: n.Cause, SessionID: n.Session, Target: n.Target,
		CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(AlarmFor), digest: digest,
	})
}

// PeekAlarm tells what a link is about and until when it works, and uses nothing
// up: mail programs follow links by themselves. False: it is unknown, used or
// too old.
func PeekAlarm(tx *db.Tx, t *tenant.Tenant, token string) (cus customer.ID, cause string, until time.Time, ok bool, err error) {
	who, digest, ok := t.Locator("alarm").Read(token)
	if !ok {
		return customer.ID{}, "", time.Time{}, false, nil
	}
	a, found, err := db.Find[Alarm](tx, `FROM alarm WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3
		AND used_at IS NULL AND expires_at > $4`, t.ID, customer.ID(who), digest, tx.Now)
	return a.CustomerID, a.Cause, a.ExpiresAt, found, err
}

// TakeAlarm redeems a link, once. Faults: link_invalid, link_used, link_expired.
func TakeAlarm(tx *db.Tx, t *tenant.Tenant, token string) (Alarm, error) {
	who, digest, ok := t.Locator("alarm").Read(token)
	if !ok {
		return Alarm{}, ErrLinkInvalid
	}
	a, taken, err := db.Take[Alarm](tx, `UPDATE alarm SET used_at = $1
		WHERE tenant_id = $2 AND customer_id = $3 AND digest = $4 AND used_at IS NULL AND expires_at > $1`,
		tx.Now, t.ID, customer.ID(who), digest)
	if err != nil {
		return Alarm{}, err
	}
	if !taken {
		return Alarm{}, refusedAlarm(tx, t, who, digest)
	}
	return a, note(tx, t, a.CustomerID, AlarmRaised{Cause: a.Cause, Session: maybe(a.SessionID).String()})
}

func refusedAlarm(tx *db.Tx, t *tenant.Tenant, cus customer.ID, digest [32]byte) error {
	a, found, err := db.Find[Alarm](tx, `FROM alarm WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`, t.ID, cus, digest)
	switch {
	case err != nil:
		return err
	case !found:
		return ErrLinkInvalid
	case !a.UsedAt.IsZero():
		return ErrLinkUsed
	}
	return ErrLinkExpired
}

// AlarmRaised is told when a customer says that something wasn't them.
type AlarmRaised struct {
	Cause   string `json:"cause"`
	Session string `json:"session,omitempty"` // in hexadecimal
}

// EventName names the event.
func (AlarmRaised) EventName() string { return "alarm.raised" }

// Raised lists the alarms that were raised of late, newest first: of a customer,
// or for the zero customer of everybody. What came of them is in the journal.
func Raised(tx *db.Tx, t *tenant.Tenant, cus customer.ID, limit int) ([]Alarm, error) {
	if cus.IsZero() {
		return db.All[Alarm](tx, `FROM alarm WHERE tenant_id = $1 AND used_at IS NOT NULL
			ORDER BY used_at DESC, customer_id, digest LIMIT $2`, t.ID, limit)
	}
	return db.All[Alarm](tx, `FROM alarm WHERE tenant_id = $1 AND customer_id = $2 AND used_at IS NOT NULL
		ORDER BY used_at DESC, digest LIMIT $3`, t.ID, cus, limit)
}
