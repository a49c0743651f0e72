package app

import (
	"cmp"
	"slices"
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
	// Signature is the scheme that the next key is drawn for: "v1" (a secret that
	// both sides have; also if empty) or "v1a" (a key pair, of which the endpoint
	// has the public half).
	Signature string `json:"signature,omitempty" yaml:"signature,omitempty"`
	// Secret says where the signing secret lies, for who keeps it elsewhere:
	// one "whsec_" secret or "whsk_" private key, or several with blanks between,
	// which all sign. If empty, `cardea webhook rotate-secret` draws one.
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
	acknowledge    = 72 * time.Hour
)

// The faults of webhooks.
var (
	ErrNoWebhook  = fault.New(fault.Conflict, "no_webhook", "This application has no webhook. Give it one in cardea.yaml, under webhook.")
	ErrBadWebhook = fault.New(fault.Invalid, "bad_webhook_secret", "A webhook secret is whsec_ with 24 to 64 bytes in base64 after it, a private key whsk_ with 64.")
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
	if w.Signature != "" && w.Signature != WebhookV1 && w.Signature != WebhookV1a {
		return ErrBadSettings.At("webhook.signature")
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
	scheme      string
	sealed      []byte
	createdAt   time.Time
	expiresAt   time.Time
}

// Fields names the columns.
func (s *webhookSecret) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.tenant}, {Column: "application_id", Ptr: &s.application}, {Column: "id", Ptr: &s.id},
		{Column: "scheme", Ptr: &s.scheme}, {Column: "sealed", Ptr: &s.sealed}, {Column: "created_at", Ptr: &s.createdAt}, {Column: "expires_at", Ptr: &s.expiresAt},
	}
}

// WebhookRotated is told when a webhook gets a new secret or key pair.
type WebhookRotated struct {
	Scheme string `json:"scheme"`
}

// EventName names the event.
func (WebhookRotated) EventName() string { return "application.webhook_secret_rotated" }

// RotateWebhookSecret draws the key of a webhook anew and returns what its
// endpoint needs of it: the secret of v1, this once, or the public key of v1a,
// whose private half nobody ever sees. The former one, of either scheme, signs beside it for seven days; any older one ends at
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
	k := WebhookKey{Scheme: cmp.Or(found.Settings.Webhook.Signature, WebhookV1), Key: secret.Random(32)}
	s := webhookSecret{tenant: t.ID, application: a, id: id.New[secretKind](tx.Now), scheme: k.Scheme, createdAt: tx.Now}
	s.sealed = t.Key("webhook").Seal(k.Key, s.id[:])
	if err := db.Insert(tx, "webhook_secret", s); err != nil {
		return "", err
	}
	return k.handed(), note(tx, &found, WebhookRotated{k.Scheme}, journal.Security)
}

func dropWebhookSecrets(tx *db.Tx, t *tenant.Tenant, a ID) error {
	_, err := tx.Exec(`DELETE FROM webhook_secret WHERE tenant_id = $1 AND application_id = $2`, t.ID, a)
	return err
}
