package notify

import (
	"cmp"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ErrNoReplay is told for a delivery of which nothing is left to tell.
var ErrNoReplay = fault.New(fault.Conflict, "webhook_over", "The application has acknowledged this erasure, so what it was about is not known any more.")

// ErrOutdated is told for a delivery that would undo what was told after it.
var ErrOutdated = fault.New(fault.Conflict, "webhook_outdated", "The application has heard of a later change of the same. Sending this one again would undo it.")

// Wanted narrows a list of deliveries.
type Wanted struct {
	Application app.ID // zero: of all
	State       string // "": in all
	Before      WebhookID
	Limit       int
}

// Deliveries lists deliveries, the newest first.
func Deliveries(tx *db.Tx, t *tenant.Tenant, w Wanted) ([]Delivery, error) {
	if w.Before.IsZero() {
		for i := range w.Before {
			w.Before[i] = 0xff
		}
	}
	return db.All[Delivery](tx, `FROM webhook_delivery WHERE tenant_id = $1 AND id < $2 AND (application_id = $3 OR $4) AND (state = $5 OR $5 = '')
		ORDER BY id DESC LIMIT $6`, t.ID, w.Before, w.Application, w.Application.IsZero(), w.State, w.Limit)
}

// Standing is an application's webhook and how it fares.
type Standing struct {
	App             *app.Application
	Endpoint        Endpoint
	Waiting, Failed int64
	Signed          bool // there is a secret, here or where the settings say
}

// Standings lists the webhooks of a tenant.
func Standings(tx *db.Tx, t *tenant.Tenant) ([]Standing, error) {
	list, err := (app.Book{}).Webhooks(tx, t)
	if err != nil {
		return nil, err
	}
	out := make([]Standing, len(list))
	for i, a := range list {
		if out[i], err = standing(tx, t, a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func standing(tx *db.Tx, t *tenant.Tenant, a *app.Application) (Standing, error) {
	s := Standing{App: a}
	var err error
	if s.Endpoint, err = endpoint(tx, t.ID, a); err != nil {
		return s, err
	}
	s.Waiting, _, err = db.Value[int64](tx, `SELECT count(*) FROM webhook_delivery WHERE tenant_id = $1 AND application_id = $2 AND state = 'waiting'`, t.ID, a.ID)
	if err != nil {
		return s, err
	}
	s.Failed, _, err = db.Value[int64](tx, `SELECT count(*) FROM webhook_delivery WHERE tenant_id = $1 AND application_id = $2 AND state = 'failed'`, t.ID, a.ID)
	if err != nil {
		return s, err
	}
	keys, err := app.WebhookKeys(tx, t, a.ID)
	s.Signed = len(keys) > 0 || a.Settings.Webhook.Secret != ""
	return s, err
}

// Resume has an endpoint sent to again: it is turned on, and what waits begins.
func Resume(tx *db.Tx, t *tenant.Tenant, a app.ID) error {
	if err := ring(tx, t.ID, a, tx.Now); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, hold_until = NULL, disabled_at = NULL
		WHERE tenant_id = $1 AND application_id = $2`, t.ID, a); err != nil {
		return err
	}
	return wake(tx, t.ID, a)
}

// Replay sends one delivery again, under the id that it had, and turns its
// endpoint on. What is told is asked of the gate anew. Faults:
// webhook_not_found, webhook_over, webhook_outdated.
func Replay(tx *db.Tx, t *tenant.Tenant, w WebhookID) (Delivery, error) {
	d, ok, err := db.Find[Delivery](tx, `FROM webhook_delivery WHERE tenant_id = $1 AND id = $2`, t.ID, w)
	switch {
	case err != nil:
		return d, err
	case !ok:
		return d, ErrNoDelivery
	case d.Type == app.CustomerErased && d.Subject == "":
		return d, ErrNoReplay
	}
	if late, err := d.outdated(tx); err != nil || late {
		return d, cmp.Or(err, error(ErrOutdated))
	}
	if err := Resume(tx, t, d.Application); err != nil {
		return d, err
	}
	if _, err := tx.Exec(`UPDATE webhook_delivery SET state = 'waiting', attempts = 0, next_at = NULL, changed_at = $3
		WHERE tenant_id = $1 AND id = $2`, t.ID, w, tx.Now); err != nil {
		return d, err
	}
	return d, lineUp(tx, t, d.Application)
}

// ReplayFailed sends again at most limit deliveries of an application that were
// given up and happened at since or later, the oldest first, and tells how many.
func ReplayFailed(tx *db.Tx, t *tenant.Tenant, a app.ID, since time.Time, limit int) (int64, error) {
	if err := Resume(tx, t, a); err != nil {
		return 0, err
	}
	n, err := tx.Exec(`UPDATE webhook_delivery SET state = 'waiting', attempts = 0, next_at = NULL, changed_at = $5
		WHERE tenant_id = $1 AND id IN (SELECT id FROM webhook_delivery
			WHERE tenant_id = $1 AND application_id = $2 AND state = 'failed' AND happened_at >= $3 ORDER BY id LIMIT $4)`,
		t.ID, a, since, limit, tx.Now)
	if err != nil || n == 0 {
		return n, err
	}
	return n, lineUp(tx, t, a)
}

// lineUp brings what waits for an endpoint into its order again: of each
// customer the first one alone is due.
func lineUp(tx *db.Tx, t *tenant.Tenant, a app.ID) error {
	const earlier = `EXISTS (SELECT 1 FROM webhook_delivery AS first WHERE first.tenant_id = webhook_delivery.tenant_id
		AND first.customer_id = webhook_delivery.customer_id AND first.application_id = webhook_delivery.application_id
		AND first.state = 'waiting' AND first.position < webhook_delivery.position)`
	if _, err := tx.Exec(`UPDATE webhook_delivery SET next_at = NULL WHERE tenant_id = $1 AND application_id = $2
		AND state = 'waiting' AND next_at IS NOT NULL AND `+earlier, t.ID, a); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE webhook_delivery SET next_at = $3 WHERE tenant_id = $1 AND application_id = $2
		AND state = 'waiting' AND next_at IS NULL AND NOT `+earlier, t.ID, a, tx.Now)
	return err
}

// keepDelivered is how long what was delivered or given up can be replayed.
const keepDelivered = 90 * 24 * time.Hour

// SweepWebhooks begins again what is due and sleeps, and takes away at most
// limit deliveries, of all tenants, that ended long ago. It tells how many. The
// ledger of acknowledgements stays.
func SweepWebhooks(tx *db.Tx, limit int) (int, error) {
	late, err := db.All[Endpoint](tx, `FROM webhook_endpoint WHERE (hold_until IS NULL OR hold_until < $1) AND EXISTS (
		SELECT 1 FROM webhook_delivery WHERE webhook_delivery.tenant_id = webhook_endpoint.tenant_id
		AND webhook_delivery.application_id = webhook_endpoint.application_id AND state = 'waiting' AND next_at < $1)
		ORDER BY tenant_id, application_id LIMIT $2`, tx.Now.Add(-time.Minute), limit)
	if err != nil {
		return 0, err
	}
	for _, e := range late {
		if err := wake(tx, e.TenantID, e.Application); err != nil {
			return 0, err
		}
	}
	n, err := tx.Exec(`DELETE FROM webhook_delivery WHERE (tenant_id, id) IN (
		SELECT tenant_id, id FROM webhook_delivery WHERE state <> 'waiting' AND changed_at < $1 ORDER BY changed_at LIMIT $2)`,
		tx.Now.Add(-keepDelivered), limit)
	return int(n), err
}

// WebhookKeys gives the application that a webhook was for, with the keys that
// are alive; those that lie outside the caller reads itself, after the
// transaction. False: there is no such webhook.
func WebhookKeys(tx *db.Tx, t *tenant.Tenant, w WebhookID) (a *app.Application, keys []app.WebhookKey, ok bool, err error) {
	id, ok, err := db.Value[[]byte](tx, `SELECT application_id FROM webhook_acknowledgement WHERE tenant_id = $1 AND id = $2`, t.ID, w)
	if err != nil || !ok {
		return nil, nil, false, err
	}
	a, ok, err = (app.Book{}).ByID(tx, t, app.ID(id))
	if err != nil || !ok || a.Settings.Webhook == nil {
		return nil, nil, false, err
	}
	keys, err = app.WebhookKeys(tx, t, a.ID)
	return a, keys, true, err
}

// Hasten ends a pause of an endpoint, which waited for a secret.
func Hasten(tx *db.Tx, t *tenant.Tenant, a app.ID) error {
	if err := ring(tx, t.ID, a, tx.Now); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE webhook_endpoint SET hold_until = NULL WHERE tenant_id = $1 AND application_id = $2`, t.ID, a); err != nil {
		return err
	}
	return wake(tx, t.ID, a)
}
