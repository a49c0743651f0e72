package server

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// webhooks is the wiring of what applications are told.
func (s *Server) webhooks() notify.Webhooks {
	return notify.Webhooks{House: s.House, Call: s.callWebhook}
}

// readers are what follows the journal.
func (s *Server) readers() []journal.Reader { return []journal.Reader{s.webhooks().Reader()} }

// longestAnswer is the most bytes of an endpoint's answer that are read; what
// they say is of no interest.
const longestAnswer = 64 << 10

func (s *Server) callWebhook(ctx context.Context, url string, header map[string]string, body []byte) (notify.Answer, error) {
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	got, err := s.Outbound.Limit(longestAnswer, notify.WebhookTimeout).Post(ctx, url, "application/json", body, h)
	if err != nil {
		return notify.Answer{}, err
	}
	return notify.Answer{Status: got.Status, RetryAfter: retryAfter(got.Header.Get("Retry-After"), s.Clock.Now())}, nil
}

// retryAfter reads Retry-After (RFC 9110, 10.2.3): seconds or a date.
func retryAfter(text string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// Hook is an application's webhook as an operator sees it.
type Hook struct {
	Application       string    `json:"application"`
	ClientID          string    `json:"client_id"`
	URL               string    `json:"url"`
	Events            []string  `json:"events"`
	AcknowledgeWithin string    `json:"acknowledge_within"`
	State             string    `json:"state"` // "on", "failing", "no_secret", "disabled"
	Reason            string    `json:"reason,omitempty"`
	FailingSince      time.Time `json:"failing_since,omitzero"`
	DisabledAt        time.Time `json:"disabled_at,omitzero"`
	HoldUntil         time.Time `json:"hold_until,omitzero"`
	Waiting           int64     `json:"waiting"`
	Failed            int64     `json:"failed"`
}

// The states of a hook.
const (
	hookOn       = "on"
	hookFailing  = "failing"
	hookNoSecret = "no_secret"
	hookDisabled = "disabled"
)

func hookOf(s notify.Standing) Hook {
	w := s.App.Settings.Webhook
	h := Hook{
		Application: s.App.Name, ClientID: s.App.ClientID(), URL: w.URL, Events: w.Events, AcknowledgeWithin: tenant.Duration(w.Within()).String(),
		State: hookOn, Reason: s.Endpoint.Reason, FailingSince: s.Endpoint.FailingSince, DisabledAt: s.Endpoint.DisabledAt,
		HoldUntil: s.Endpoint.HoldUntil, Waiting: s.Waiting, Failed: s.Failed,
	}
	if len(h.Events) == 0 {
		h.Events = app.WebhookEvents()
	}
	switch {
	case !s.App.Enabled || !h.DisabledAt.IsZero():
		h.State = hookDisabled
	case !s.Signed:
		h.State = hookNoSecret
	case !h.FailingSince.IsZero():
		h.State = hookFailing
	}
	return h
}

// Webhooks lists a tenant's webhooks and how they fare.
func (b *Base) Webhooks(ctx context.Context, t *tenant.Tenant) (out []Hook, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		list, err := notify.Standings(tx, t)
		out = []Hook{}
		for _, s := range list {
			out = append(out, hookOf(s))
		}
		return err
	})
	return out, err
}

// Delivered is a delivery as an operator sees it. It names the customer by the
// house's own id, which no application knows.
type Delivered struct {
	ID         string       `json:"id"`
	ClientID   string       `json:"client_id"`
	Customer   string       `json:"customer"`
	Type       string       `json:"type"`
	Facts      notify.Facts `json:"facts"`
	State      string       `json:"state"`
	Attempts   int64        `json:"attempts"`
	Status     int64        `json:"status,omitempty"`
	Reason     string       `json:"reason,omitempty"`
	NextAt     time.Time    `json:"next_at,omitzero"`
	HappenedAt time.Time    `json:"happened_at"`
	ChangedAt  time.Time    `json:"changed_at"`
}

// Deliveries lists deliveries, the newest first.
func (b *Base) Deliveries(ctx context.Context, t *tenant.Tenant, w notify.Wanted) (out []Delivered, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		list, err := notify.Deliveries(tx, t, w)
		out = []Delivered{}
		for _, d := range list {
			out = append(out, Delivered{
				d.ID.String(), d.Application.String(), d.CustomerID.String(), d.Type, d.Facts, d.State, d.Attempts, d.Status, d.Reason,
				d.NextAt, d.HappenedAt, d.ChangedAt,
			})
		}
		return err
	})
	return out, err
}

// replayBatch is how many deliveries are begun again in one transaction.
const replayBatch = 1000

// ReplayWebhook sends one delivery again, under its id.
func (b *Base) ReplayWebhook(ctx context.Context, t *tenant.Tenant, ref string) error {
	w, err := notify.ParseWebhookID(ref)
	if err != nil {
		return err
	}
	return b.DB.Update(ctx, func(tx *db.Tx) error {
		_, err := notify.Replay(tx, t, w)
		return err
	})
}

// ReplayFailed sends again everything that was given up since an instant, and
// tells how much that is.
func (b *Base) ReplayFailed(ctx context.Context, t *tenant.Tenant, a app.ID, since time.Time) (all int64, err error) {
	for {
		var n int64
		err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
			n, err = notify.ReplayFailed(tx, t, a, since, replayBatch)
			return err
		})
		all += n
		if err != nil || n < replayBatch {
			return all, err
		}
	}
}

// HookKey is a signing key of a webhook as an operator sees it.
type HookKey struct {
	Scheme string    `json:"scheme"`
	Public string    `json:"public_key,omitempty"` // of v1a
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"` // zero: the current one
}

// WebhookKeys lists the keys that sign for a webhook, the newest first.
func (b *Base) WebhookKeys(ctx context.Context, t *tenant.Tenant, a app.ID) ([]HookKey, error) {
	var found app.Application
	var keys []app.WebhookKey
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		if found, err = app.Get(tx, t, a); err != nil {
			return err
		}
		keys, err = app.WebhookKeys(tx, t, a)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case found.Settings.Webhook == nil:
		return nil, app.ErrNoWebhook
	case found.Settings.Webhook.Secret != "":
		if keys, err = found.Settings.Webhook.OutsideKeys(); err != nil {
			return nil, err
		}
	}
	out := []HookKey{}
	for _, k := range keys {
		out = append(out, HookKey{k.Scheme, k.Public(), k.Since, k.Until})
	}
	return out, nil
}

// RotateWebhookSecret draws a webhook's key anew and returns what its endpoint
// needs of it: the secret, this once, or the public key.
// What waited for a secret is sent.
func (b *Base) RotateWebhookSecret(ctx context.Context, t *tenant.Tenant, a app.ID) (secret string, err error) {
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		if secret, err = app.RotateWebhookSecret(tx, t, a); err != nil {
			return err
		}
		return notify.Hasten(tx, t, a)
	})
	return secret, err
}

// AcknowledgementLine is a line of the ledger as an operator sees it.
type AcknowledgementLine struct {
	ID             string    `json:"id"`
	Customer       string    `json:"customer"`
	Application    string    `json:"application"`
	ClientID       string    `json:"client_id"`
	Type           string    `json:"type"`
	About          string    `json:"about,omitempty"`
	State          string    `json:"state"`
	HappenedAt     time.Time `json:"happened_at"`
	DueAt          time.Time `json:"due_at,omitzero"`
	ToldAt         time.Time `json:"told_at,omitzero"`
	AcknowledgedAt time.Time `json:"acknowledged_at,omitzero"`
	Overdue        bool      `json:"overdue"`
}

// Acknowledgements lists what applications have yet to acknowledge, the oldest
// first, or all lines of one customer, an erased one too.
func (b *Base) Acknowledgements(ctx context.Context, t *tenant.Tenant, of string, overdue bool, limit int) (out []AcknowledgementLine, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		list, err := acknowledgements(tx, t, of, overdue, limit)
		out = []AcknowledgementLine{}
		for _, a := range list {
			out = append(out, AcknowledgementLine{
				a.ID.String(), a.CustomerID.String(), a.Application, a.ApplicationID.String(), a.Type, a.About, a.State, a.HappenedAt,
				a.DueAt, a.ToldAt, a.AcknowledgedAt, a.Overdue(tx.Now),
			})
		}
		return err
	})
	return out, err
}

func acknowledgements(tx *db.Tx, t *tenant.Tenant, of string, overdue bool, limit int) ([]notify.Acknowledgement, error) {
	if of == "" {
		return notify.Outstanding(tx, t, overdue, limit)
	}
	id, err := customer.ParseID(of)
	if err != nil {
		return nil, err
	}
	list, err := notify.Acknowledgements(tx, t, id)
	if !overdue || err != nil {
		return list, err
	}
	var late []notify.Acknowledgement
	for _, a := range list {
		if a.Overdue(tx.Now) {
			late = append(late, a)
		}
	}
	return late, nil
}

// webhooks looks at the endpoints of a tenant and at what they owe.
func (d *doctor) webhooks(ctx context.Context, t *tenant.Tenant) {
	list, err := d.base.Webhooks(ctx, t)
	if err != nil {
		d.told("webhooks", "", err)
		return
	}
	for _, h := range list {
		d.webhook("tenant "+t.Slug+" webhook "+h.Application, h)
	}
	var late int64
	err = d.base.DB.View(ctx, func(tx *db.Tx) (err error) {
		late, err = notify.CountOverdue(tx, t)
		return err
	})
	if err == nil && late > 0 {
		d.note("tenant "+t.Slug+" acknowledgements", Warning, strconv.FormatInt(late, 10)+" are overdue",
			"See 'cardea webhook acknowledgements --overdue --tenant "+t.Slug+"', and ask those applications.")
	}
}

func (d *doctor) webhook(name string, h Hook) {
	switch h.State {
	case hookDisabled:
		d.note(name, Problem, "nothing is sent to it: "+h.Reason, "Mend the endpoint, then run 'cardea webhook replay --app "+h.ClientID+" --failed'.")
	case hookNoSecret:
		d.note(name, Problem, "nothing can be signed for it", "Run 'cardea webhook rotate-secret --app "+h.ClientID+"' and give the endpoint the secret.")
	case hookFailing:
		d.note(name, Warning, "it has taken nothing since "+h.FailingSince.UTC().Format(time.RFC3339)+": "+h.Reason, "Look at the endpoint; what waits is sent when it answers again.")
	default:
		d.note(name, Fine, h.URL, "")
	}
	if h.Failed > 0 {
		d.note(name+" deliveries", Warning, strconv.FormatInt(h.Failed, 10)+" were given up", "Run 'cardea webhook replay --app "+h.ClientID+" --failed' when the endpoint works.")
	}
}
