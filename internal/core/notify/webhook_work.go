package notify

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Call posts one webhook through the guarded client of base/outbound, which
// follows no redirect. An error is a fault of that client.
type Call func(ctx context.Context, url string, header map[string]string, body []byte) (Answer, error)

// Answer is what an endpoint answered. Its body is of no interest.
type Answer struct {
	Status     int
	RetryAfter time.Duration // zero: it did not say
}

// What bounds the sending: endpoints at once on a node, deliveries of one
// endpoint at once, and how long an answer may take.
const (
	webhookLanes   = 32
	webhookBatch   = 16
	WebhookTimeout = 15 * time.Second
)

// Works are the jobs that send webhooks. Each endpoint has one, so that a slow
// one takes one place and not those of the others.
func (w Webhooks) Works() []journal.Work {
	return []journal.Work{
		{Kind: WebhookKind, Claim: w.claim, Do: w.do, Finish: w.finish, Parallel: webhookLanes, Timeout: time.Minute},
		{Kind: webhookWakeKind, Finish: w.rise},
	}
}

// rise begins the sending that was put off to now.
func (w Webhooks) rise(tx *db.Tx, j *journal.Job, _ error) error {
	var l lane
	if err := json.Unmarshal(j.Payload, &l); err != nil {
		return err
	}
	return wake(tx, tenant.ID(j.Tenant), l.Application)
}

// run is one turn of an endpoint. It travels with the job in memory alone.
type run struct {
	hook    app.Webhook
	name    string // of the application
	now     time.Time
	keys    []app.WebhookKey
	parcels []*parcel
	idle    string // why nothing is sent, if so
	reason  string // of turning the endpoint off, if so
}

// parcel is one delivery of a turn, with what is told and what came of it.
type parcel struct {
	Delivery
	body     []byte
	withheld bool
	answer   Answer
	failure  string // code of what kept it from an answer
}

// Why an endpoint rests.
const (
	idleGone     = "webhook_gone"      // the application, or its webhook, is not there any more
	idleOff      = "webhook_disabled"  // the application or the endpoint is turned off
	idleNoSecret = "webhook_no_secret" // nothing to sign with
	idleHold     = "webhook_held"      // the endpoint asked for a pause
)

// claim finds what is due for an endpoint and asks the gate what may be told.
func (w Webhooks) claim(tx *db.Tx, j *journal.Job) error {
	var l lane
	if err := json.Unmarshal(j.Payload, &l); err != nil {
		return errNoDraft.Because(err)
	}
	t, ok := w.House.ByID(tenant.ID(j.Tenant))
	if !ok {
		return errNoTenant
	}
	r := &run{now: tx.Now}
	j.Carry = r
	a, err := app.Get(tx, t, l.Application)
	switch {
	case errors.Is(err, app.ErrNotFound) || err == nil && a.Settings.Webhook == nil:
		r.idle = idleGone
		return nil
	case err != nil:
		return err
	}
	r.hook, r.name = *a.Settings.Webhook, a.Name
	e, err := endpoint(tx, t.ID, &a)
	switch {
	case err != nil:
		return err
	case !a.Enabled || !e.DisabledAt.IsZero():
		r.idle = idleOff
		return nil
	case e.HoldUntil.After(tx.Now):
		r.idle = idleHold
		return nil
	}
	return r.load(tx, t, &a, e)
}

// load takes the deliveries of a turn: one alone, as long as the endpoint fails.
func (r *run) load(tx *db.Tx, t *tenant.Tenant, a *app.Application, e Endpoint) (err error) {
	if r.hook.Secret == "" {
		if r.keys, err = app.WebhookKeys(tx, t, a.ID); err != nil {
			return err
		}
		if len(r.keys) == 0 {
			r.idle = idleNoSecret
			return nil
		}
	}
	size := webhookBatch
	if e.Failures > 0 {
		size = 1
	}
	due, err := db.All[Delivery](tx, `FROM webhook_delivery WHERE tenant_id = $1 AND application_id = $2 AND state = 'waiting'
		AND next_at IS NOT NULL AND next_at <= $3 ORDER BY next_at, position LIMIT $4`, t.ID, a.ID, tx.Now, size)
	if err != nil {
		return err
	}
	for _, d := range due {
		p := &parcel{Delivery: d}
		p.body, err = d.body(tx, t, a)
		if errors.Is(err, errWithheld) {
			p.withheld, err = true, nil
		}
		if err != nil {
			return err
		}
		r.parcels = append(r.parcels, p)
	}
	return nil
}

// do signs and sends.
func (w Webhooks) do(ctx context.Context, j *journal.Job) error {
	r, ok := j.Carry.(*run)
	if !ok {
		return errNoDraft
	}
	if r.idle != "" {
		return nil
	}
	if r.hook.Secret != "" {
		keys, err := r.hook.OutsideKeys()
		if err != nil || len(keys) == 0 {
			r.idle = idleNoSecret
			return nil
		}
		r.keys = keys
	}
	var all sync.WaitGroup
	for _, p := range r.parcels {
		if !p.withheld {
			all.Go(func() { w.send(ctx, r, p) })
		}
	}
	all.Wait()
	return context.Cause(ctx)
}

// send posts one delivery. A defect in it is a failure of that delivery alone.
func (w Webhooks) send(ctx context.Context, r *run, p *parcel) {
	defer func() {
		if recover() != nil {
			p.failure = "internal"
		}
	}()
	header := signedHeader(r.keys, p.ID.String(), r.now, p.body)
	answer, err := w.Call(ctx, r.hook.URL, header, p.body)
	p.answer = answer
	if err != nil {
		p.failure = fault.Of(err).Code
	}
}
