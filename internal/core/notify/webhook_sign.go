package notify

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
)

// The header fields of Standard Webhooks 1.0.
const (
	HeaderWebhookID        = "webhook-id"
	HeaderWebhookTimestamp = "webhook-timestamp"
	HeaderWebhookSignature = "webhook-signature"
)

// webhookTolerance is how old or early a signed call may be.
const webhookTolerance = 5 * time.Minute

// ErrBadSignature is told for a call that is not signed with a living secret of
// the endpoint, or not now.
var ErrBadSignature = fault.New(fault.Unauthenticated, "bad_signature", "The call is not signed with a secret of this endpoint, or its timestamp is not within five minutes of now.")

// signed is what is signed: "id.timestamp.body" (Standard Webhooks 1.0,
// signature scheme).
func signed(id, timestamp string, body []byte) []byte {
	return append([]byte(id+"."+timestamp+"."), body...)
}

// Sign makes the signature of a call at an instant, as an endpoint makes it that
// acknowledges: with the secret of v1.
func Sign(key []byte, id string, at time.Time, body []byte) string {
	return app.WebhookKey{Scheme: app.WebhookV1, Key: key}.Sign(signed(id, strconv.FormatInt(at.Unix(), 10), body))
}

// signedHeader is the header of a webhook that is sent at an instant: one
// signature for each living key, blanks between.
func signedHeader(keys []app.WebhookKey, id string, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	list := make([]string, len(keys))
	for i, k := range keys {
		list[i] = k.Sign(signed(id, stamp, body))
	}
	return map[string]string{
		HeaderWebhookID: id, HeaderWebhookTimestamp: stamp, HeaderWebhookSignature: strings.Join(list, " "),
	}
}

// Signed is a call that is signed in the way of Standard Webhooks.
type Signed struct {
	ID, Timestamp, Signature string // header fields
	Body                     []byte
}

// Verify reports whether one of the signatures is by one of the keys, and the
// timestamp within five minutes of now. Only secrets of v1 count: of a key pair
// the caller has but the public half. It fails with ErrBadSignature.
func (s Signed) Verify(keys []app.WebhookKey, now time.Time) error {
	at, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil || s.ID == "" || len(s.ID) > 200 || strings.Contains(s.ID, ".") || now.Sub(time.Unix(at, 0)).Abs() > webhookTolerance {
		return ErrBadSignature
	}
	good := false
	for _, k := range keys {
		if k.Scheme != app.WebhookV1 {
			continue
		}
		want := []byte(k.Sign(signed(s.ID, s.Timestamp, s.Body)))
		for _, one := range strings.Fields(s.Signature) {
			good = secret.Equal(want, []byte(one)) || good
		}
	}
	if !good {
		return ErrBadSignature
	}
	return nil
}
