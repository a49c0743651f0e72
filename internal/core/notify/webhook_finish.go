package notify

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// pauses are those between attempts (Standard Webhooks 1.0, deliverability and
// reliability): ten attempts in some 76 hours.
var pauses = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
	10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

const (
	failingFor  = 5 * 24 * time.Hour // an endpoint that takes nothing for so long is turned off
	longestHold = 24 * time.Hour
	shortHold   = 5 * time.Second
	usualHold   = 5 * time.Minute
	secretHold  = time.Minute
)

// WebhookDisabled is told when the house stops sending to an endpoint.
type WebhookDisabled struct {
	Reason string `json:"reason"` // code of the last failure; "gone" where the endpoint said so itself (410)
}

// EventName names the event.
func (WebhookDisabled) EventName() string { return "webhook.disabled" }

// finish writes what came of a turn, once, and has the next one begin when
// something is due.
func (w Webhooks) finish(tx *db.Tx, j *journal.Job, _ error) error {
	r, ok := j.Carry.(*run)
	if !ok || j.State != journal.Done {
		return nil
	}
	var l lane
	if err := json.Unmarshal(j.Payload, &l); err != nil {
		return err
	}
	t := tenant.ID(j.Tenant)
	if err := ring(tx, t, l.Application, tx.Now); err != nil {
		return err
	}
	if r.idle == idleGone || r.idle == idleOff {
		return failWaiting(tx, t, l.Application, r.idle)
	}
	off, err := r.fare(tx, t, l.Application)
	if err == nil && off {
		err = w.tellStaff(tx, t, l.Application, r)
	}
	if err != nil {
		return err
	}
	for _, p := range r.parcels {
		if r.idle != "" {
			break
		}
		ended := *p // the transaction may run again
		if err := ended.end(tx); err != nil {
			return err
		}
	}
	if off {
		return failWaiting(tx, t, l.Application, idleOff)
	}
	return again(tx, t, l.Application)
}

// again begins the next turn: at once, when it is due, or not at all.
func again(tx *db.Tx, t tenant.ID, a app.ID) error {
	first, _, err := db.Value[int64](tx, `SELECT cast(coalesce(min(next_at), 0) AS BIGINT) FROM webhook_delivery
		WHERE tenant_id = $1 AND application_id = $2 AND state = 'waiting' AND next_at IS NOT NULL`, t, a)
	if err != nil || first == 0 {
		return err
	}
	at := time.UnixMicro(first)
	e, _, err := db.Find[Endpoint](tx, `FROM webhook_endpoint WHERE tenant_id = $1 AND application_id = $2`, t, a)
	if err != nil {
		return err
	}
	if e.HoldUntil.After(at) {
		at = e.HoldUntil
	}
	if at.After(tx.Now) {
		return wakeAt(tx, t, a, at)
	}
	return wake(tx, t, a)
}

// endpoint is how the application's endpoint fares; another address begins anew.
func endpoint(tx *db.Tx, t tenant.ID, a *app.Application) (Endpoint, error) {
	e, _, err := db.Find[Endpoint](tx, `FROM webhook_endpoint WHERE tenant_id = $1 AND application_id = $2`, t, a.ID)
	if a.Settings.Webhook == nil || e.URL != a.Settings.Webhook.URL {
		e = Endpoint{TenantID: t, Application: a.ID}
	}
	return e, err
}

// fare notes how the endpoint fared in a turn, and tells whether it is turned
// off now.
func (r *run) fare(tx *db.Tx, t tenant.ID, a app.ID) (off bool, err error) {
	e, _, err := db.Find[Endpoint](tx, `FROM webhook_endpoint WHERE tenant_id = $1 AND application_id = $2`, t, a)
	if err != nil {
		return false, err
	}
	if e.URL != r.hook.URL {
		e = Endpoint{TenantID: t, Application: a, URL: r.hook.URL}
	}
	switch r.idle {
	case idleHold:
		return false, nil
	case idleNoSecret:
		e.Reason, e.HoldUntil = r.idle, tx.Now.Add(secretHold)
	default:
		off = e.judge(r.parcels, tx.Now)
	}
	if off {
		e.DisabledAt = tx.Now
		r.reason = e.Reason
		if err := note(tx, t, a, WebhookDisabled{Reason: e.Reason}); err != nil {
			return true, err
		}
	}
	return off, e.store(tx)
}

// tellStaff writes to the tenant's staff that an endpoint was turned off: which
// application's, when and for what, and nothing of a customer. Once, since an
// endpoint that is off is not turned off again.
func (w Webhooks) tellStaff(tx *db.Tx, id tenant.ID, a app.ID, r *run) error {
	t, ok := w.House.ByID(id)
	if !ok {
		return nil
	}
	to := cmp.Or(t.Settings.StaffMail, t.Settings.Privacy.Officer.Mail)
	if to == "" {
		return nil // doctor and journal tell
	}
	d := Draft{Template: WebhookOff, Channel: Email, Locale: t.Locale(), To: to, Values: map[string]string{
		"application": r.name, "client": a.String(), "reason": r.reason, "time": tx.Now.Format(time.RFC3339),
	}}
	d.Flow = [16]byte(customer.NewID(tx.Now))
	d.Key = customer.NewFlowKey(t, d.Flow)
	return Send(tx, t, d)
}

func note(tx *db.Tx, t tenant.ID, a app.ID, e journal.Event) error {
	return journal.Append(tx, journal.Entry{
		Tenant: t, Subject: a, Application: a, Actor: journal.Actor{Kind: "system"}, Class: journal.Config, Event: e,
	})
}

func (e *Endpoint) store(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE webhook_endpoint SET url = $3, failures = $4, failing_since = $5, hold_until = $6, disabled_at = $7, reason = $8
		WHERE tenant_id = $1 AND application_id = $2`,
		e.TenantID, e.Application, e.URL, e.Failures, e.FailingSince, e.HoldUntil, e.DisabledAt, e.Reason)
	return err
}

// judge looks at the answers of a turn. Anything that was taken clears the
// endpoint; a failure that is its own, rather than the delivery's, has it left
// in peace for a while.
func (e *Endpoint) judge(parcels []*parcel, now time.Time) (off bool) {
	var busy, failed, taken, gone bool
	var pause time.Duration
	for _, p := range parcels {
		if p.withheld {
			continue
		}
		switch {
		case p.took():
			taken = true
			continue
		case p.answer.Status == statusGone && p.failure == "":
			gone = true
		}
		failed = true
		e.Reason = p.why()
		busy = busy || p.busy()
		pause = max(pause, p.answer.RetryAfter)
	}
	if taken {
		e.Failures, e.FailingSince, e.HoldUntil = 0, time.Time{}, time.Time{}
		if !failed {
			e.Reason = ""
		}
	}
	if gone {
		return true
	}
	if !failed || taken && pause == 0 {
		return false
	}
	if e.FailingSince.IsZero() && !taken {
		e.FailingSince = now
	}
	if busy {
		e.Failures++
		e.HoldUntil = now.Add(min(max(pause, min(shortHold<<min(e.Failures-1, 20), usualHold)), longestHold))
	}
	return !e.FailingSince.IsZero() && now.Sub(e.FailingSince) >= failingFor
}

const (
	statusAccepted = 202
	statusTimeout  = 408
	statusGone     = 410
	statusTooMany  = 429
	statusServer   = 500
)

// took reports whether the endpoint took the delivery: any 2xx, and nothing else.
func (p *parcel) took() bool {
	return p.failure == "" && p.answer.Status >= 200 && p.answer.Status < 300
}

// busy reports whether the endpoint is at fault, rather than what was told.
func (p *parcel) busy() bool {
	s := p.answer.Status
	return p.failure != "" || s == statusTimeout || s == statusTooMany || s >= statusServer
}

func (p *parcel) why() string {
	switch {
	case p.failure != "":
		return p.failure
	case p.answer.Status == statusGone:
		return "gone"
	}
	return fmt.Sprintf("status_%d", p.answer.Status)
}

// end brings a delivery to where the turn has left it. One that was erased or
// acknowledged meanwhile stays as it is.
func (p *parcel) end(tx *db.Tx) error {
	p.judge(tx.Now)
	n, err := tx.Exec(`UPDATE webhook_delivery SET state = $5, attempts = $6, next_at = $7, status = $8, reason = $9, sub = $10, changed_at = $11
		WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3 AND position = $4 AND id = $12 AND state = 'waiting'`,
		p.TenantID, p.CustomerID, p.Application, p.Position, p.State, p.Attempts, p.NextAt, p.Status, p.Reason, p.Subject, tx.Now, p.ID)
	if err != nil || n == 0 || p.State == WebhookWaiting {
		return err
	}
	switch p.State {
	case WebhookDelivered, WebhookReceived:
		err = answered(tx, p.TenantID, p.CustomerID, p.ID, p.State == WebhookDelivered)
	case WebhookWithheld:
		err = supersede(tx, p.TenantID, p.ID)
	}
	if err != nil {
		return err
	}
	return advance(tx, p.TenantID, p.CustomerID, p.Application)
}

// judge says what became of a delivery. An erasure that was acknowledged is not
// sent again, so nothing has to know whom it was about any more.
func (p *parcel) judge(now time.Time) {
	p.NextAt = time.Time{}
	if p.withheld {
		p.State, p.Reason = WebhookWithheld, "withheld"
		return
	}
	p.Attempts++
	p.Status, p.Reason = int64(p.answer.Status), ""
	switch {
	case p.took() && p.answer.Status == statusAccepted:
		p.State = WebhookReceived
	case p.took():
		p.State, p.Subject = WebhookDelivered, ""
	case int(p.Attempts) > len(pauses):
		p.State, p.Reason = WebhookFailed, p.why()
	default:
		p.Reason = p.why()
		p.NextAt = now.Add(max(jitter(pauses[p.Attempts-1]), min(p.answer.RetryAfter, longestHold)))
	}
}

// jitter adds up to a tenth, so that what failed together does not come back
// together.
func jitter(d time.Duration) time.Duration {
	chance := binary.BigEndian.Uint64(secret.Random(8))
	return d + time.Duration(chance%uint64(d/10))
}

// supersede closes the line of what the application is not to know any more.
func supersede(tx *db.Tx, t tenant.ID, w WebhookID) error {
	_, err := tx.Exec(`UPDATE webhook_acknowledgement SET state = $3, due_at = NULL WHERE tenant_id = $1 AND id = $2
		AND state IN ('open', 'told')`, t, w, Superseded)
	return err
}

// failWaiting gives up, for now, everything that waits for an endpoint: it can
// be replayed.
func failWaiting(tx *db.Tx, t tenant.ID, a app.ID, reason string) error {
	_, err := tx.Exec(`UPDATE webhook_delivery SET state = 'failed', next_at = NULL, reason = $3, changed_at = $4
		WHERE tenant_id = $1 AND application_id = $2 AND state = 'waiting'`, t, a, reason, tx.Now)
	return err
}
