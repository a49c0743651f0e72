package notify

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Endpoint is how the endpoint of an application fares. What is told of an
// address that is not the application's any more counts for nothing.
type Endpoint struct {
	TenantID     tenant.ID
	Application  app.ID
	URL          string
	Rung         int64
	Failures     int64     // attempts in a row that found the endpoint itself at fault
	FailingSince time.Time // since when nothing was taken; zero: all is well
	HoldUntil    time.Time // until when nothing is sent, because the endpoint is busy
	DisabledAt   time.Time // zero: it is on
	Reason       string    // of the last failure
}

// Fields names the columns.
func (e *Endpoint) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "application_id", Ptr: &e.Application}, {Column: "url", Ptr: &e.URL},
		{Column: "rung", Ptr: &e.Rung}, {Column: "failures", Ptr: &e.Failures}, {Column: "failing_since", Ptr: &e.FailingSince},
		{Column: "hold_until", Ptr: &e.HoldUntil}, {Column: "disabled_at", Ptr: &e.DisabledAt}, {Column: "reason", Ptr: &e.Reason},
	}
}

// The kinds of the jobs: one sends what is due to one endpoint, the other
// begins one of the first at a later time.
const (
	WebhookKind     = "webhook"
	webhookWakeKind = "webhook.wake"
)

type lane struct {
	Application app.ID `json:"application"`
}

func (l lane) job(t tenant.ID, kind string, at time.Time) (journal.Job, error) {
	payload, err := json.Marshal(l)
	return journal.Job{
		Tenant: t, Kind: kind, Payload: payload, Key: l.key(kind), RunAt: at, MaxAttempts: 1 << 30,
	}, err
}

func (l lane) key(kind string) string { return kind + "/" + l.Application.String() }

// ring writes the endpoint's row, so that of who adds a delivery and who ends
// one beside it the second sees what the first did.
func ring(tx *db.Tx, t tenant.ID, a app.ID, now time.Time) error {
	_, err := tx.Exec(`INSERT INTO webhook_endpoint (tenant_id, application_id, url, rung, failures, reason) VALUES ($1, $2, '', $3, 0, '')
		ON CONFLICT (tenant_id, application_id) DO UPDATE SET rung = excluded.rung`, t, a, now)
	return err
}

// wake has what is due for an endpoint sent at once. Of any number of calls one
// job comes.
func wake(tx *db.Tx, t tenant.ID, a app.ID) error {
	j, err := lane{a}.job(t, WebhookKind, time.Time{})
	if err == nil {
		_, err = journal.Enqueue(tx, j)
	}
	return err
}

// wakeAt has what will be due sent at an instant, and not at the one that was
// asked for before.
func wakeAt(tx *db.Tx, t tenant.ID, a app.ID, at time.Time) error {
	l := lane{a}
	if err := journal.Cancel(tx, t, l.key(webhookWakeKind)); err != nil {
		return err
	}
	j, err := l.job(t, webhookWakeKind, at)
	if err == nil {
		_, err = journal.Enqueue(tx, j)
	}
	return err
}
