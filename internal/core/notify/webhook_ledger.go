package notify

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The states of an acknowledgement.
const (
	AcknowledgementOpen = "open"         // not told yet, or told and not received
	AcknowledgementTold = "told"         // received, and to be acknowledged by a call (202)
	Acknowledged        = "acknowledged" // the application has acted on it, as it says
	Superseded          = "superseded"   // the erasure that followed says it all
	Unconnected         = "unconnected"  // the application has no endpoint for it: somebody must tell it by hand
)

// The faults of acknowledgements.
var (
	ErrNoDelivery   = fault.New(fault.NotFound, "webhook_not_found", "There is no such webhook.")
	ErrAcknowledged = fault.New(fault.Conflict, "webhook_acknowledged", "This webhook was acknowledged before.")
)

// Acknowledgement is a line of the ledger: who was told of what, and when they
// acknowledged it. It holds no personal value and outlives the customer.
type Acknowledgement struct {
	TenantID       tenant.ID
	CustomerID     customer.ID
	ID             WebhookID
	ApplicationID  app.ID
	Application    string // its name at that time
	Type           string // "consent.withdrawn"
	About          string // a purpose, scope or topic/channel; "" for the customer as a whole
	State          string
	HappenedAt     time.Time
	DueAt          time.Time // zero: nobody is to acknowledge it
	ToldAt         time.Time // when the endpoint first took it
	AcknowledgedAt time.Time
	OverdueAt      time.Time // when it was found to be overdue
}

// Fields names the columns.
func (a *Acknowledgement) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &a.TenantID}, {Column: "customer_id", Ptr: &a.CustomerID}, {Column: "id", Ptr: &a.ID},
		{Column: "application_id", Ptr: &a.ApplicationID}, {Column: "application", Ptr: &a.Application}, {Column: "type", Ptr: &a.Type},
		{Column: "about", Ptr: &a.About}, {Column: "state", Ptr: &a.State}, {Column: "happened_at", Ptr: &a.HappenedAt},
		{Column: "due_at", Ptr: &a.DueAt}, {Column: "told_at", Ptr: &a.ToldAt}, {Column: "acknowledged_at", Ptr: &a.AcknowledgedAt},
		{Column: "overdue_at", Ptr: &a.OverdueAt},
	}
}

// Overdue reports whether an acknowledgement has taken too long.
func (a *Acknowledgement) Overdue(now time.Time) bool {
	return a.AcknowledgedAt.IsZero() && !a.DueAt.IsZero() && now.After(a.DueAt)
}

// Acknowledgements lists who was told of what about a customer, in the order in
// which it happened, also after the customer is erased.
func Acknowledgements(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Acknowledgement, error) {
	return db.All[Acknowledgement](tx, `FROM webhook_acknowledgement WHERE tenant_id = $1 AND customer_id = $2
		ORDER BY happened_at, id`, t.ID, c)
}

// Outstanding lists what waits for an acknowledgement, the oldest first, at
// most limit lines: all of it, or what is overdue.
func Outstanding(tx *db.Tx, t *tenant.Tenant, overdue bool, limit int) ([]Acknowledgement, error) {
	until := tx.Now
	if !overdue {
		until = tx.Now.AddDate(1, 0, 0)
	}
	return db.All[Acknowledgement](tx, `FROM webhook_acknowledgement WHERE tenant_id = $1 AND acknowledged_at IS NULL
		AND due_at IS NOT NULL AND due_at < $2 ORDER BY due_at LIMIT $3`, t.ID, until, limit)
}

// CountOverdue counts what is overdue in a tenant.
func CountOverdue(tx *db.Tx, t *tenant.Tenant) (int64, error) {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM webhook_acknowledgement WHERE tenant_id = $1
		AND acknowledged_at IS NULL AND due_at IS NOT NULL AND due_at < $2`, t.ID, tx.Now)
	return n, err
}

// WebhookAcknowledged is told when an application acknowledges what it was told.
type WebhookAcknowledged struct {
	Webhook WebhookID `json:"webhook"`
	Type    string    `json:"type"`
	About   string    `json:"about,omitempty"`
}

// EventName names the event.
func (WebhookAcknowledged) EventName() string { return "webhook.acknowledged" }

// WebhookOverdue is told once, when an acknowledgement has taken too long.
type WebhookOverdue WebhookAcknowledged

// EventName names the event.
func (WebhookOverdue) EventName() string { return "webhook.overdue" }

func (a *Acknowledgement) note(tx *db.Tx, actor journal.Actor, e journal.Event) error {
	return journal.Append(tx, journal.Entry{
		Tenant: a.TenantID, Subject: a.CustomerID, Actor: actor, Application: a.ApplicationID, Class: journal.Privacy, Event: e,
	})
}

// answered moves the ledger after an answer of the endpoint: acknowledged, or
// received alone. What is acknowledged stays so.
func answered(tx *db.Tx, t tenant.ID, c customer.ID, w WebhookID, acknowledged bool) error {
	if !acknowledged {
		_, err := tx.Exec(`UPDATE webhook_acknowledgement SET state = 'told', told_at = coalesce(told_at, $4)
			WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state IN ('open', 'told')`, t, c, w, tx.Now)
		return err
	}
	a, first, err := db.Take[Acknowledgement](tx, `UPDATE webhook_acknowledgement
		SET state = 'acknowledged', told_at = coalesce(told_at, $4), acknowledged_at = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state IN ('open', 'told')`, t, c, w, tx.Now)
	if err != nil || !first {
		return err
	}
	return a.note(tx, journal.Actor{Kind: "application", ID: a.ApplicationID}, WebhookAcknowledged{a.ID, a.Type, a.About})
}

// Acknowledge notes, once, that an application acknowledges what it was told.
// Faults: webhook_not_found, webhook_acknowledged.
func Acknowledge(tx *db.Tx, t *tenant.Tenant, a app.ID, w WebhookID) error {
	line, there, err := db.Find[Acknowledgement](tx, `FROM webhook_acknowledgement WHERE tenant_id = $1 AND id = $2 AND application_id = $3`, t.ID, w, a)
	switch {
	case err != nil:
		return err
	case !there || line.DueAt.IsZero():
		return ErrNoDelivery
	case line.State == Acknowledged:
		return ErrAcknowledged
	}
	if err := ring(tx, t.ID, a, tx.Now); err != nil {
		return err
	}
	if err := answered(tx, t.ID, line.CustomerID, w, true); err != nil {
		return err
	}
	// As in judge: nothing has to know whom an acknowledged erasure was about.
	n, err := tx.Exec(`UPDATE webhook_delivery SET state = 'delivered', next_at = NULL, reason = '', sub = '', changed_at = $4
		WHERE tenant_id = $1 AND id = $2 AND application_id = $3 AND state IN ('waiting', 'received', 'failed')`, t.ID, w, a, tx.Now)
	if err != nil || n == 0 {
		return err
	}
	if err := advance(tx, t.ID, line.CustomerID, a); err != nil {
		return err
	}
	return wake(tx, t.ID, a)
}

// SweepOverdue tells the journal, once each, of at most limit acknowledgements
// of all tenants that have taken too long, and tells how many.
func SweepOverdue(tx *db.Tx, limit int) (int, error) {
	list, err := db.All[Acknowledgement](tx, `FROM webhook_acknowledgement WHERE acknowledged_at IS NULL AND overdue_at IS NULL
		AND due_at IS NOT NULL AND due_at < $1 ORDER BY due_at LIMIT $2`, tx.Now, limit)
	if err != nil {
		return 0, err
	}
	for _, a := range list {
		n, err := tx.Exec(`UPDATE webhook_acknowledgement SET overdue_at = $4 WHERE tenant_id = $1 AND customer_id = $2 AND id = $3
			AND acknowledged_at IS NULL AND overdue_at IS NULL`, a.TenantID, a.CustomerID, a.ID, tx.Now)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			continue
		}
		if err := a.note(tx, journal.Actor{Kind: "system"}, WebhookOverdue{a.ID, a.Type, a.About}); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}
