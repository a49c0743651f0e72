package notify

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type webhookKind struct{}

func (webhookKind) Prefix() string { return "whk" }

// WebhookID is the id of one event for one application, the same over all
// attempts and replays (webhook-id of Standard Webhooks).
type WebhookID = id.ID[webhookKind]

// ParseWebhookID reads what an application names.
func ParseWebhookID(s string) (WebhookID, error) { return id.Parse[webhookKind](s) }

// The states of a delivery. An application hears the events of one customer in
// their order: the next one is sent when the former is not waiting any more.
//
//	          2xx
//	waiting ──────► delivered ◄── acknowledged later ── received
//	 │  ▲  │            (202) ────────────────────────────►▲
//	 │  │  ├──► failed    tried ten times in three days, or the endpoint is off
//	 │  │  │       │
//	 │  └──┼───────┴── replay (of any that was sent)
//	 │     └──► withheld  the gate lets the application know nothing of it any more
//	 └─ next attempt
const (
	WebhookWaiting   = "waiting"
	WebhookDelivered = "delivered"
	WebhookReceived  = "received"
	WebhookFailed    = "failed"
	WebhookWithheld  = "withheld"
)

// Delivery is one event for one application. It holds no personal value: what
// is told of a customer is asked of the gate at each attempt.
type Delivery struct {
	TenantID    tenant.ID
	CustomerID  customer.ID
	Application app.ID
	Position    int64 // orders those of a customer to an application
	ID          WebhookID
	Type        string
	Facts       Facts
	Subject     string // an erasure's alone; others look it up
	State       string
	Attempts    int64
	NextAt      time.Time // zero: another one is before it, or it ended
	Status      int64     // of the last answer; 0: there was none
	Reason      string    // code of the last failure
	HappenedAt  time.Time
	ChangedAt   time.Time
}

// Fields names the columns.
func (d *Delivery) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &d.TenantID}, {Column: "customer_id", Ptr: &d.CustomerID},
		{Column: "application_id", Ptr: &d.Application}, {Column: "position", Ptr: &d.Position}, {Column: "id", Ptr: &d.ID},
		{Column: "type", Ptr: &d.Type}, {Column: "facts", Ptr: db.JSON(&d.Facts)}, {Column: "sub", Ptr: &d.Subject},
		{Column: "state", Ptr: &d.State}, {Column: "attempts", Ptr: &d.Attempts}, {Column: "next_at", Ptr: &d.NextAt},
		{Column: "status", Ptr: &d.Status}, {Column: "reason", Ptr: &d.Reason}, {Column: "happened_at", Ptr: &d.HappenedAt},
		{Column: "changed_at", Ptr: &d.ChangedAt},
	}
}

// Facts are what an event says without a personal value.
type Facts struct {
	Purpose     string    `json:"purpose,omitempty"`
	Version     int64     `json:"version,omitempty"`
	Scope       string    `json:"scope,omitempty"`
	Topic       string    `json:"topic,omitempty"`
	Channel     string    `json:"channel,omitempty"`
	On          *bool     `json:"on,omitempty"`
	Rule        bool      `json:"rule,omitempty"` // when the customer is left in peace has changed
	PausedUntil time.Time `json:"paused_until,omitzero"`
	Fields      []string  `json:"fields,omitempty"`
	Removed     []string  `json:"removed,omitempty"` // those of the fields whose time was over: copies are to be deleted
}

// about is what an acknowledgement is about, in one word.
func (f *Facts) about() string {
	switch {
	case f.Purpose != "":
		return f.Purpose
	case f.Scope != "":
		return f.Scope
	case f.Topic != "":
		return f.Topic + "/" + f.Channel
	}
	return ""
}

// lasting are the types whose acknowledgement is kept: those that an
// application must act on.
var lasting = []string{
	app.ConsentGiven, app.ConsentWithdrawn, app.ConsentObjected, app.ConsentExpired, app.PreferenceChanged,
	app.CustomerRestricted, app.CustomerUnrestricted, app.CustomerErased,
}

// add stores a delivery, behind those of the same customer and application that
// wait, and opens its line in the ledger. The caller has rung the endpoint.
func (d *Delivery) add(tx *db.Tx, a *app.Application) error {
	d.ID, d.State, d.ChangedAt = id.New[webhookKind](d.HappenedAt), WebhookWaiting, tx.Now
	d.Application = a.ID
	behind, err := d.behind(tx)
	if err != nil {
		return err
	}
	if !behind {
		d.NextAt = tx.Now
	}
	fresh, err := db.InsertNew(tx, "webhook_delivery", *d)
	if err != nil || !fresh || !slices.Contains(lasting, d.Type) {
		return err
	}
	return db.Insert(tx, "webhook_acknowledgement", Acknowledgement{
		TenantID: d.TenantID, CustomerID: d.CustomerID, ID: d.ID, ApplicationID: a.ID, Application: a.Name, Type: d.Type,
		About: d.Facts.about(), State: AcknowledgementOpen, HappenedAt: d.HappenedAt, DueAt: tx.Now.Add(a.Settings.Webhook.Within()),
	})
}

// behind reports whether another delivery waits before this one.
func (d *Delivery) behind(tx *db.Tx) (bool, error) {
	_, waits, err := db.Value[int64](tx, `SELECT position FROM webhook_delivery WHERE tenant_id = $1 AND customer_id = $2
		AND application_id = $3 AND state = 'waiting' AND position < $4 LIMIT 1`, d.TenantID, d.CustomerID, d.Application, d.Position)
	return waits, err
}

// outdated reports whether the application has heard of a later change of the
// same: a consent that was taken back is not given again by a replay.
func (d *Delivery) outdated(tx *db.Tx) (bool, error) {
	if d.Type == app.CustomerErased || !slices.Contains(lasting, d.Type) {
		return false, nil
	}
	later, err := db.All[Delivery](tx, `FROM webhook_delivery WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3
		AND position > $4 AND state IN ('delivered', 'received') ORDER BY position`, d.TenantID, d.CustomerID, d.Application, d.Position)
	return slices.ContainsFunc(later, d.sameMatter), err
}

// sameMatter reports whether two deliveries tell of one thing, each as it was
// at its time.
func (d *Delivery) sameMatter(other Delivery) bool {
	family, _, _ := strings.Cut(d.Type, ".")
	return slices.Contains(lasting, other.Type) && strings.HasPrefix(other.Type, family+".") && d.Facts.about() == other.Facts.about()
}

// advance makes the next delivery of a customer to an application due, if one
// waits: the one before it ended.
func advance(tx *db.Tx, t tenant.ID, c customer.ID, a app.ID) error {
	_, err := tx.Exec(`UPDATE webhook_delivery SET next_at = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3 AND next_at IS NULL AND position = (
			SELECT min(position) FROM webhook_delivery
			WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3 AND state = 'waiting')`, t, c, a, tx.Now)
	return err
}
