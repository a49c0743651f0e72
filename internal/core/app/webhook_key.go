package app

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The signature schemes of Standard Webhooks 1.0.
const (
	WebhookV1  = "v1"  // HMAC-SHA-256 with a secret that the endpoint has too
	WebhookV1a = "v1a" // Ed25519: the endpoint has the public key alone
)

const (
	secretPrefix  = "whsec_"
	privatePrefix = "whsk_"
	publicPrefix  = "whpk_"
)

// WebhookKey is what signs for a webhook: the secret of v1, or the seed of the
// key pair of v1a (RFC 8032, 5.1.5).
type WebhookKey struct {
	Scheme string
	Key    []byte
	Since  time.Time // zero where it lies outside
	Until  time.Time // zero: it is the current one, or lies outside
}

// Sign signs a text: "v1," or "v1a," and the signature in base64.
func (k WebhookKey) Sign(text []byte) string {
	if k.Scheme == WebhookV1a {
		return WebhookV1a + "," + base64.StdEncoding.EncodeToString(ed25519.Sign(ed25519.NewKeyFromSeed(k.Key), text))
	}
	mac := hmac.New(sha256.New, k.Key)
	mac.Write(text)
	return WebhookV1 + "," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Public is the public half of a key pair, "whpk_" and 32 bytes in base64; ""
// for a secret.
func (k WebhookKey) Public() string {
	if k.Scheme != WebhookV1a {
		return ""
	}
	public := ed25519.NewKeyFromSeed(k.Key).Public().(ed25519.PublicKey)
	return publicPrefix + base64.StdEncoding.EncodeToString(public)
}

// handed is what the endpoint gets of a new key: the secret, or the public half.
func (k WebhookKey) handed() string {
	if k.Scheme == WebhookV1a {
		return k.Public()
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(k.Key)
}

// parseWebhookKey reads a secret ("whsec_", 24 to 64 bytes) or a private key
// ("whsk_", 64 bytes: the seed and its public half, or the seed alone).
func parseWebhookKey(word string) (WebhookKey, error) {
	coded, scheme := strings.CutPrefix(word, secretPrefix)
	k := WebhookKey{Scheme: WebhookV1}
	if !scheme {
		if coded, scheme = strings.CutPrefix(word, privatePrefix); !scheme {
			return k, ErrBadWebhook
		}
		k.Scheme = WebhookV1a
	}
	raw, err := base64.StdEncoding.DecodeString(coded)
	k.Key = raw
	switch {
	case err != nil:
		return k, ErrBadWebhook
	case k.Scheme == WebhookV1 && (len(raw) < 24 || len(raw) > 64):
		return k, ErrBadWebhook
	case k.Scheme == WebhookV1a && len(raw) == ed25519.PrivateKeySize:
		k.Key = raw[:ed25519.SeedSize]
		if !secret.Equal(ed25519.NewKeyFromSeed(k.Key), raw) {
			return k, ErrBadWebhook // two halves that do not belong together
		}
	case k.Scheme == WebhookV1a && len(raw) != ed25519.SeedSize:
		return k, ErrBadWebhook
	}
	return k, nil
}

// OutsideKeys reads the signing keys that lie where the settings say. It reads
// a file: never call it inside a transaction. Faults: bad_webhook_secret, those
// of tenant.SecretRef.
func (w *Webhook) OutsideKeys() ([]WebhookKey, error) {
	text, err := w.Secret.Resolve()
	if err != nil {
		return nil, err
	}
	var out []WebhookKey
	for _, word := range strings.Fields(text) {
		k, err := parseWebhookKey(word)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// WebhookKeys opens the signing keys of a webhook that are alive, the newest
// first. There are none for one whose secret lies outside.
func WebhookKeys(tx *db.Tx, t *tenant.Tenant, a ID) ([]WebhookKey, error) {
	rows, err := db.All[webhookSecret](tx, `FROM webhook_secret WHERE tenant_id = $1 AND application_id = $2
		AND (expires_at IS NULL OR expires_at > $3) ORDER BY id DESC`, t.ID, a, tx.Now)
	if err != nil {
		return nil, err
	}
	out := make([]WebhookKey, len(rows))
	for i, r := range rows {
		out[i] = WebhookKey{Scheme: r.scheme, Since: r.createdAt, Until: r.expiresAt}
		if out[i].Key, err = t.Key("webhook").Open(r.sealed, r.id[:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
