package privacy

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type holdID struct{}

func (holdID) Prefix() string { return "hld" }

// HoldID is the id of a legal hold.
type HoldID = id.ID[holdID]

// Hold says that law obliges to keep a customer's data for now (GDPR Art. 17(3),
// 18(2)): nothing of it is erased while the hold stands. Why rests sealed.
type Hold struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	ID         HoldID
	PlacedKind string
	PlacedBy   [16]byte
	PlacedAt   time.Time
	Until      time.Time // when it ends by itself; zero: when it is released
	ToldAt     time.Time // when an erasure fell due and the customer was told that it waits
	ReleasedAt time.Time
}

// Fields names the columns.
func (h *Hold) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &h.TenantID}, {Column: "customer_id", Ptr: &h.CustomerID}, {Column: "id", Ptr: &h.ID},
		{Column: "placed_kind", Ptr: &h.PlacedKind}, {Column: "placed_by", Ptr: &h.PlacedBy}, {Column: "placed_at", Ptr: &h.PlacedAt},
		{Column: "until", Ptr: &h.Until}, {Column: "told_at", Ptr: &h.ToldAt}, {Column: "released_at", Ptr: &h.ReleasedAt},
	}
}

// holdRow is a hold with why it was placed.
type holdRow struct {
	Hold
	reason customer.Sealed
}

// Fields names the columns.
func (r *holdRow) Fields() []db.Field {
	return append(r.Hold.Fields(), db.Field{Column: "reason_sealed", Ptr: &r.reason})
}

// lookAgain is how long an erasure waits before it looks whether a hold without
// an end still stands. Releasing the hold does not wait for it.
const lookAgain = 30 * 24 * time.Hour

// The faults of holds.
var (
	ErrHeld       = fault.New(fault.Conflict, "erasure_held", "The law obliges to keep this data for now. It is erased when that ends.")
	ErrNoHold     = fault.New(fault.NotFound, "hold_not_found", "There is no such hold, or it has ended.")
	ErrHoldPast   = fault.New(fault.Invalid, "hold_past", "The hold would have ended before it begins. Name a day to come, or none.").At("until")
	ErrHoldReason = fault.New(fault.Invalid, "reason_missing", "Say why: the reason is kept with the hold.").At("reason")
	ErrHoldGone   = fault.New(fault.Gone, "customer_erased", "This customer's data was erased: there is nothing left to hold.")
)

// HoldPlaced is told when a hold is placed.
type HoldPlaced struct {
	Hold   string          `json:"hold"`
	Until  time.Time       `json:"until,omitzero"`
	Reason customer.Sealed `json:"reason"`
}

// EventName names the event.
func (HoldPlaced) EventName() string { return "privacy.hold_placed" }

// HoldReleased is told when a hold is released before it ends by itself.
type HoldReleased struct {
	Hold   string          `json:"hold"`
	Reason customer.Sealed `json:"reason"`
}

// EventName names the event.
func (HoldReleased) EventName() string { return "privacy.hold_released" }

// ErasureHeld is told when an erasure falls due while a hold stands.
type ErasureHeld struct {
	Hold  string    `json:"hold"`
	Until time.Time `json:"until"` // when it is looked at again
}

// EventName names the event.
func (ErasureHeld) EventName() string { return "privacy.erasure_held" }

// HoldOrder is what a hold is placed or released with.
type HoldOrder struct {
	Customer customer.ID
	Actor    journal.Actor
	Reason   string
	Until    time.Time // zero: until it is released; of no meaning for a release
}

func (o *HoldOrder) seal(tx *db.Tx, t *tenant.Tenant, field string) (customer.Sealed, error) {
	reason := strings.TrimSpace(o.Reason)
	if reason == "" {
		return nil, ErrHoldReason
	}
	return customer.Seal(tx, t, o.Customer, field, []byte(reason))
}

func (o *HoldOrder) note(tx *db.Tx, t *tenant.Tenant, e journal.Event) error {
	return journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: o.Customer, Actor: o.Actor, Class: journal.Privacy, Event: e})
}

// PlaceHold obliges the house to keep the customer's data. An erasure that falls
// due waits from now on. Faults: reason_missing, hold_past, customer_not_found,
// customer_erased.
func PlaceHold(tx *db.Tx, t *tenant.Tenant, o HoldOrder) (Hold, error) {
	c, err := customer.Get(tx, t, o.Customer)
	switch {
	case err != nil:
		return Hold{}, err
	case c.State == customer.Erased:
		return Hold{}, ErrHoldGone
	case !o.Until.IsZero() && !o.Until.After(tx.Now):
		return Hold{}, ErrHoldPast
	}
	h := holdRow{Hold: Hold{
		TenantID: t.ID, CustomerID: o.Customer, ID: id.New[holdID](tx.Now), PlacedKind: o.Actor.Kind, PlacedBy: o.Actor.ID,
		PlacedAt: tx.Now, Until: o.Until,
	}}
	if h.reason, err = o.seal(tx, t, "hold/reason/"+h.ID.String()); err != nil {
		return Hold{}, err
	}
	if err := db.Insert(tx, "legal_hold", h); err != nil {
		return Hold{}, err
	}
	return h.Hold, o.note(tx, t, HoldPlaced{h.ID.String(), o.Until, h.reason})
}

// ReleaseHold ends a hold before its time. An erasure that waited for it happens
// now, unless another hold stands. Faults: reason_missing, hold_not_found.
func ReleaseHold(tx *db.Tx, t *tenant.Tenant, hold HoldID, o HoldOrder) (Hold, error) {
	why, err := o.seal(tx, t, "hold/release/"+hold.String())
	if err != nil {
		return Hold{}, err
	}
	h, ok, err := db.Take[Hold](tx, `UPDATE legal_hold SET released_at = $4, released_kind = $5, released_by = $6, release_sealed = $7
		WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND released_at IS NULL AND (until IS NULL OR until > $4)`,
		t.ID, o.Customer, hold, tx.Now, o.Actor.Kind, o.Actor.ID, []byte(why))
	if err != nil {
		return Hold{}, err
	}
	if !ok {
		return Hold{}, ErrNoHold
	}
	if err := o.note(tx, t, HoldReleased{h.ID.String(), why}); err != nil {
		return Hold{}, err
	}
	return h, resume(tx, t, o.Customer)
}

// resume has the erasure happen that waited for holds, or look again when the
// hold ends that still stands.
func resume(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	waited, _, err := db.Value[int64](tx, `SELECT count(*) FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2 AND told_at IS NOT NULL`, t.ID, c)
	if err != nil || waited == 0 {
		return err
	}
	now, err := customer.Get(tx, t, c)
	if err != nil || now.State != customer.Closing {
		return err
	}
	at := tx.Now
	h, held, err := Held(tx, t, c)
	if err != nil {
		return err
	}
	if held {
		at = h.again(tx)
	}
	return postpone(tx, t, c, at)
}

// again is when to look again whether the hold still stands.
func (h *Hold) again(tx *db.Tx) time.Time {
	if h.Until.IsZero() {
		return tx.Now.Add(lookAgain)
	}
	return h.Until
}

// postpone has the erasure of a closing account happen at another time.
func postpone(tx *db.Tx, t *tenant.Tenant, c customer.ID, at time.Time) error {
	if err := customer.Postpone(tx, t, c, at); err != nil {
		return err
	}
	if err := Unschedule(tx, t, c); err != nil {
		return err
	}
	return Schedule(tx, t, c, at)
}

// Held is the hold that obliges to keep the customer's data longest, if one
// stands.
func Held(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Hold, bool, error) {
	return db.Find[Hold](tx, `FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2 AND released_at IS NULL
		AND (until IS NULL OR until > $3) ORDER BY CASE WHEN until IS NULL THEN 0 ELSE 1 END, until DESC LIMIT 1`, t.ID, c, tx.Now)
}

// Holds lists the holds of the tenant that stand, the oldest first, at most
// limit of them.
func Holds(tx *db.Tx, t *tenant.Tenant, limit int) ([]Hold, error) {
	return db.All[Hold](tx, `FROM legal_hold WHERE tenant_id = $1 AND released_at IS NULL AND (until IS NULL OR until > $2)
		ORDER BY placed_at LIMIT $3`, t.ID, tx.Now, limit)
}

// HoldsOf lists the holds of one customer that stand, the oldest first.
func HoldsOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Hold, error) {
	return db.All[Hold](tx, `FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2 AND released_at IS NULL
		AND (until IS NULL OR until > $3) ORDER BY id`, t.ID, c, tx.Now)
}

// wait has an erasure that is due wait for a hold, and tells the customer once
// that it does: that law obliges to keep, and not the hold's reason.
func wait(tx *db.Tx, t *tenant.Tenant, h Hold) error {
	again := h.again(tx)
	if err := postpone(tx, t, h.CustomerID, again); err != nil {
		return err
	}
	first, err := tx.Exec(`UPDATE legal_hold SET told_at = $4 WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND told_at IS NULL`,
		t.ID, h.CustomerID, h.ID, tx.Now)
	if err != nil || first == 0 {
		return err
	}
	e := ErasureHeld{h.ID.String(), again}
	if err := journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: h.CustomerID, Class: journal.Privacy, Event: e}); err != nil {
		return err
	}
	return tellHeld(tx, t, h.CustomerID)
}

// tellHeld writes to every verified address that the erasure waits.
func tellHeld(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return err
	}
	for _, i := range list {
		d := notify.Draft{Template: notify.ErasureHeld, Channel: notify.Email, Customer: c, Target: i.Digest, Values: map[string]string{}}
		switch {
		case !i.Verified() || i.Kind == customer.Username:
			continue
		case i.Kind == customer.Phone:
			d.Channel = notify.Text
		}
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}
