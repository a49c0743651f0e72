package app

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Webhook is where an application hears what happens to its customers, in the
// way of Standard Webhooks 1.0.
type Webhook struct {
	URL string `json:"url" yaml:"url"`
	// Events are the types that it hears of, those of WebhookEvents; all if empty.
	Events []string `json:"events,omitempty" yaml:"events,omitempty"`
	// AcknowledgeWithin is how long it may take to acknowledge a withdrawal or
	// an erasure before that stands out; 72h if 0.
	AcknowledgeWithin tenant.Duration `json:"acknowledge_within,omitempty" yaml:"acknowledge_within,omitempty"`
	// Secret says where the signing secret lies, for who keeps it elsewhere:
	// one "whsec_" secret, or several with blanks between, which all sign. If
	// empty, `cardea webhook rotate-secret` draws one.
	Secret tenant.SecretRef `json:"secret,omitempty" yaml:"secret,omitempty"`
}

// The types of events that a webhook may tell.
const (
	ConsentGiven         = "consent.given"
	ConsentWithdrawn     = "consent.withdrawn"
	ConsentObjected      = "consent.objected"
	ConsentExpired       = "consent.expired"
	PreferenceChanged    = "preference.changed"
	CustomerRegistered   = "customer.registered"
	CustomerUpdated      = "customer.updated"
	CustomerClosed       = "customer.closed"
	CustomerReopened     = "customer.reopened"
	CustomerRestricted   = "customer.restricted"
	CustomerUnrestricted = "customer.unrestricted"
	CustomerErased       = "customer.erased"
)

// WebhookEvents lists the types.
func WebhookEvents() []string {
	return []string{
		ConsentGiven, ConsentWithdrawn, ConsentObjected, ConsentExpired, PreferenceChanged, CustomerRegistered,
		CustomerUpdated, CustomerClosed, CustomerReopened, CustomerRestricted, CustomerUnrestricted, CustomerErased,
	}
}

const (
	webhookOverlap = 7 * 24 * time.Hour
	webhookPrefix  = "whsec_"
	acknowledge    = 72 * time.Hour
)

// The faults of webhooks.
var (
	ErrNoWebhook  = fault.New(fault.Conflict, "no_webhook", "This application has no webhook. Give it one in cardea.yaml, under webhook.")
	ErrBadWebhook = fault.New(fault.Invalid, "bad_webhook_secret", "A webhook secret is whsec_ with 24 to 64 bytes in base64 after it.")
	ErrOutside    = fault.New(fault.Conflict, "webhook_secret_outside", "The secret of this webhook lies where its settings say. Put the new one there, before the former one.")
)

// Hears reports whether the application hears of events of a type.
func (a *Application) Hears(event string) bool {
	w := a.Settings.Webhook
	return w != nil && w.URL != "" && (len(w.Events) == 0 || slices.Contains(w.Events, event))
}

// Within is how long an acknowledgement may take.
func (w *Webhook) Within() time.Duration { return w.AcknowledgeWithin.Or(acknowledge) }

func (a *Application) checkWebhook(t *tenant.Tenant) error {
	w := a.Settings.Webhook
	if w == nil {
		return nil
	}
	if !tenant.ValidURL(w.URL, t.Loopback()) {
		return ErrBadURL.At("webhook.url")
	}
	seen := map[string]bool{}
	for _, e := range w.Events {
		if !slices.Contains(WebhookEvents(), e) || seen[e] {
			return ErrBadSettings.At("webhook.events")
		}
		seen[e] = true
	}
	if d := w.Within(); d < time.Minute || d > 90*24*time.Hour {
		return ErrBadSettings.At("webhook.acknowledge_within")
	}
	return w.Secret.Check("webhook.secret")
}

var webhooks = tenant.NewCache[struct{}, []*Application](1)

// Webhooks lists the applications that have a webhook, disabled ones too, from
// memory where it can.
func (Book) Webhooks(tx *db.Tx, t *tenant.Tenant) ([]*Application, error) {
	return webhooks.Get(tx, t, struct{}{}, func() ([]*Application, error) {
		list, err := List(tx, t)
		var out []*Application
		for i := range list {
			if list[i].Settings.Webhook != nil {
				out = append(out, &list[i])
			}
		}
		return out, err
	})
}

// webhookSecret is a signing secret as it rests.
type webhookSecret struct {
	tenant      tenant.ID
	application ID
	id          id.ID[secretKind]
	sealed      []byte
	createdAt   time.Time
	expiresAt   time.Time
}

// Fields names the columns.
func (s *webhookSecret) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.tenant}, {Column: "application_id", Ptr: &s.application}, {Column: "id", Ptr: &s.id},
		{Column: "sealed", Ptr: &s.sealed}, {Column: "created_at", Ptr: &s.createdAt}, {Column: "expires_at", Ptr: &s.expiresAt},
	}
}

// WebhookRotated is told when a webhook gets a new secret.
type WebhookRotated struct{}

// EventName names the event.
func (WebhookRotated) EventName() string { return "application.webhook_secret_rotated" }

// RotateWebhookSecret draws the secret of a webhook anew and returns it this
// once. The former one signs beside it for seven days; any older one ends at
// once. Faults: application_not_found, no_webhook, webhook_secret_outside.
func RotateWebhookSecret(tx *db.Tx, t *tenant.Tenant, a ID) (string, error) {
	found, err := Get(tx, t, a)
	switch {
	case err != nil:
		return "", err
	case found.Settings.Webhook == nil:
		return "", ErrNoWebhook
	case found.Settings.Webhook.Secret != "":
		return "", ErrOutside
	}
	if _, err := tx.Exec(`DELETE FROM webhook_secret WHERE tenant_id = $1 AND application_id = $2 AND expires_at IS NOT NULL`, t.ID, a); err != nil {
		return "", err
	}
	if _, err := tx.Exec(`UPDATE webhook_secret SET expires_at = $3 WHERE tenant_id = $1 AND application_id = $2`,
		t.ID, a, tx.Now.Add(webhookOverlap)); err != nil {
		return "", err
	}
	key := secret.Random(32)
	s := webhookSecret{tenant: t.ID, application: a, id: id.New[secretKind](tx.Now), createdAt: tx.Now}
	s.sealed = t.Key("webhook").Seal(key, s.id[:])
	if err := db.Insert(tx, "webhook_secret", s); err != nil {
		return "", err
	}
	return webhookPrefix + base64.StdEncoding.EncodeToString(key), note(tx, &found, WebhookRotated{}, journal.Security)
}

// WebhookKeys opens the signing keys of a webhook that are alive, the newest
// first. There are none for one whose secret lies outside.
func WebhookKeys(tx *db.Tx, t *tenant.Tenant, a ID) ([][]byte, error) {
	rows, err := db.All[webhookSecret](tx, `FROM webhook_secret WHERE tenant_id = $1 AND application_id = $2
		AND (expires_at IS NULL OR expires_at > $3) ORDER BY id DESC`, t.ID, a, tx.Now)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(rows))
	for i, r := range rows {
		if out[i], err = t.Key("webhook").Open(r.sealed, r.id[:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// OutsideKeys reads the signing keys that lie where the settings say. It reads
// a file: never call it inside a transaction. Faults: bad_webhook_secret, those
// of tenant.SecretRef.
func (w *Webhook) OutsideKeys() ([][]byte, error) {
	text, err := w.Secret.Resolve()
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, word := range strings.Fields(text) {
		coded, ok := strings.CutPrefix(word, webhookPrefix)
		key, err := base64.StdEncoding.DecodeString(coded)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, ErrBadWebhook
		}
		out = append(out, key)
	}
	return out, nil
}

func dropWebhookSecrets(tx *db.Tx, t *tenant.Tenant, a ID) error {
	_, err := tx.Exec(`DELETE FROM webhook_secret WHERE tenant_id = $1 AND application_id = $2`, t.ID, a)
	return err
}
