package api

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// PathAcknowledgements is where an application says that it has acted on what a
// webhook told it.
const PathAcknowledgements = "/v1/webhook-acknowledgements"

const bySignature = "authenticated by a signature over the body, with the secret of the webhook's endpoint, or by an access token in the Authorization header; no browser has the one or adds the other"

// scopeAcknowledge is the scope with which an application acknowledges that has
// the public half of a key pair alone, and so nothing to sign with.
const scopeAcknowledge = "webhook:acknowledge"

// longestAcknowledgement is the most bytes of such a call.
const longestAcknowledgement = 8 << 10

// acknowledgement is a call of an application, in the form of a webhook.
type acknowledgement struct {
	Type string `json:"type"` // "webhook.acknowledged"
	Data struct {
		WebhookID string `json:"webhook_id"`
	} `json:"data"`
}

var errAcknowledgement = fault.New(fault.Invalid, "bad_acknowledgement", `Send {"type":"webhook.acknowledged","data":{"webhook_id":"whk_…"}}.`)

// acknowledge notes that an application has acted on a webhook. The signature
// is looked at before anything is told, also whether there is such a webhook.
func (a *API) acknowledge(w http.ResponseWriter, r *http.Request) error {
	t := of(r)
	call := notify.Signed{
		ID: r.Header.Get(notify.HeaderWebhookID), Timestamp: r.Header.Get(notify.HeaderWebhookTimestamp),
		Signature: r.Header.Get(notify.HeaderWebhookSignature),
	}
	switch {
	case call.Signature == "" && r.Header.Get("Authorization") != "":
		return a.acknowledgeByToken(w, r)
	case call.ID == "" || call.Timestamp == "" || call.Signature == "":
		return notify.ErrBadSignature
	}
	hook, err := readAcknowledgement(r, &call)
	if err != nil {
		return err
	}
	var keys []app.WebhookKey
	var who *app.Application
	known := false
	err = a.DB.View(r.Context(), func(tx *db.Tx) error {
		who, keys, known, err = notify.WebhookKeys(tx, t, hook)
		return err
	})
	if err != nil {
		return err
	}
	if known && who.Settings.Webhook.Secret != "" {
		if keys, err = who.Settings.Webhook.OutsideKeys(); err != nil {
			return err
		}
	}
	if err := call.Verify(keys, a.DB.Now()); err != nil {
		return err
	}
	err = a.DB.Update(r.Context(), func(tx *db.Tx) error { return notify.Acknowledge(tx, t, who.ID, hook) })
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// acknowledgeByToken is acknowledge for who calls with an access token of the
// application that the webhook was for.
func (a *API) acknowledgeByToken(w http.ResponseWriter, r *http.Request) error {
	who, err := a.Caller(r, scopeAcknowledge)
	if err != nil {
		return err
	}
	hook, err := readAcknowledgement(r, &notify.Signed{})
	if err != nil {
		return err
	}
	err = a.DB.Update(r.Context(), func(tx *db.Tx) error { return notify.Acknowledge(tx, of(r), who.ID, hook) })
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readAcknowledgement reads the body, byte for byte as it is signed, and which
// webhook it names.
func readAcknowledgement(r *http.Request, call *notify.Signed) (hook notify.WebhookID, err error) {
	if call.Body, err = io.ReadAll(r.Body); err != nil {
		return hook, fault.Of(err)
	}
	var said acknowledgement
	if json.Unmarshal(call.Body, &said) != nil || said.Type != "webhook.acknowledged" {
		return hook, errAcknowledgement
	}
	if hook, err = notify.ParseWebhookID(said.Data.WebhookID); err != nil {
		return hook, errAcknowledgement
	}
	return hook, nil
}
