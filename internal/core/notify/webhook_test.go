package notify_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// heard is one call that an endpoint got.
type heard struct {
	url  string
	head map[string]string
	body string
	said struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
}

func (h *heard) id() string { return h.head[notify.HeaderWebhookID] }

// sub and the other members as text.
func (h *heard) data(name string) string {
	if v, ok := h.said.Data[name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// world is a house whose applications' endpoints are played by the test.
type world struct {
	*coretest.House
	t       *testing.T
	loop    *journal.Loop
	secrets map[string]string // by client id

	mu     sync.Mutex
	calls  []heard
	answer func(heard) (notify.Answer, error) // nil: 200
}

func newWorld(t *testing.T, h *coretest.House) *world {
	t.Helper()
	w := &world{House: h, t: t, secrets: map[string]string{}}
	w.loop = w.node("test")
	w.drain() // readers begin with what happens from here on
	return w
}

func (w *world) node(name string) *journal.Loop {
	hooks := notify.Webhooks{House: w.House.House, Call: w.call}
	return journal.NewLoop(w.D, name, hooks.Works(), []journal.Reader{hooks.Reader()}, journal.Options{Alone: true})
}

func (w *world) call(_ context.Context, url string, header map[string]string, body []byte) (notify.Answer, error) {
	h := heard{url: url, head: header, body: string(body)}
	if err := json.Unmarshal(body, &h.said); err != nil {
		w.t.Errorf("%s: %v", body, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, h)
	if w.answer == nil {
		return notify.Answer{Status: 200}, nil
	}
	return w.answer(h)
}

// hook registers an application with a webhook and draws its secret.
func (w *world) hook(name string, firstParty bool, change ...func(*app.New)) *app.Application {
	w.t.Helper()
	a := w.App(firstParty, append([]func(*app.New){func(n *app.New) {
		n.Name = name
		n.Settings.Webhook = &app.Webhook{URL: "https://" + name + ".example/hook"}
	}}, change...)...)
	w.rotate(a)
	if err := w.House.House.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) rotate(a *app.Application) {
	w.t.Helper()
	w.Update(func(tx *db.Tx) (err error) {
		w.secrets[a.ClientID()], err = app.RotateWebhookSecret(tx, w.T(), a.ID)
		return err
	})
}

// knows draws the customer's sub for an application.
func (w *world) knows(a *app.Application, c customer.ID) (sub string) {
	w.t.Helper()
	w.Update(func(tx *db.Tx) (err error) { sub, err = customer.Subject(tx, w.T(), a, c); return err })
	return sub
}

func (w *world) drain() {
	w.t.Helper()
	if err := w.loop.Drain(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// later turns the clock and does what comes due.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.Wait(d)
	w.drain()
}

// told drains and takes what was heard since the last time.
func (w *world) told() []heard {
	w.t.Helper()
	w.drain()
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.calls
	w.calls = nil
	return out
}

// kinds are the types of what was told, in its order.
func kinds(list []heard) string {
	var out []string
	for _, h := range list {
		out = append(out, h.said.Type)
	}
	return strings.Join(out, " ")
}

func (w *world) fails(status int) {
	w.answer = func(heard) (notify.Answer, error) { return notify.Answer{Status: status}, nil }
}

// letter publishes the purpose "letter", by consent, for the field shoe_size.
func (w *world) letter(recipients ...*app.Application) {
	w.t.Helper()
	p := consent.Purpose{
		ID: "letter", Version: 1, Basis: consent.ByConsent, Fields: []string{"shoe_size"},
		Words: map[string]consent.Words{"en": {Title: "Letter", Text: "We write to you."}},
	}
	for _, a := range recipients {
		p.Recipients = append(p.Recipients, consent.Recipient{Application: a.ClientID()})
	}
	w.Update(func(tx *db.Tx) error {
		field := catalog.Field{
			Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Scope: "profile",
			Viewers: []string{"customer", "application"}, Editors: []string{"customer"}, Purposes: []string{"letter"},
		}
		if err := catalog.Put(tx, w.T(), []catalog.Field{field}); err != nil {
			return err
		}
		_, err := consent.PutPurpose(tx, w.T(), p)
		return err
	})
	if err := w.House.House.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decide(c customer.ID, decision string) {
	w.t.Helper()
	w.Update(func(tx *db.Tx) error {
		_, err := consent.Decide(tx, w.T(), consent.Choice{
			Customer: c, Purpose: "letter", Decision: decision, Version: 1, Locale: "en", Surface: "portal", Method: "button",
		})
		return err
	})
}

func (w *world) set(c customer.ID, field, value string) {
	w.t.Helper()
	w.Wait(time.Millisecond)
	w.Update(func(tx *db.Tx) error { return customer.SetField(tx, w.T(), c, field, value, customer.SourceHouse) })
}

func (w *world) ledger(c customer.ID) (list []notify.Acknowledgement) {
	w.t.Helper()
	w.View(func(tx *db.Tx) (err error) { list, err = notify.Acknowledgements(tx, w.T(), c); return err })
	return list
}

func (w *world) deliveries() (list []notify.Delivery) {
	w.t.Helper()
	w.View(func(tx *db.Tx) (err error) {
		list, err = notify.Deliveries(tx, w.T(), notify.Wanted{Limit: 1000})
		return err
	})
	return list
}

func declares(purposes ...string) func(*app.New) {
	return func(n *app.New) { n.Settings.Purposes = purposes }
}

func hears(events ...string) func(*app.New) {
	return func(n *app.New) { n.Settings.Webhook.Events = events }
}

func key(t *testing.T, secret string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || !strings.HasPrefix(secret, "whsec_") || len(b) != 32 {
		t.Fatalf("%q: %v", secret, err)
	}
	return b
}

// verify is what an endpoint does with a call.
func (h *heard) verify(now time.Time, secrets ...[]byte) error {
	var keys []app.WebhookKey
	for _, s := range secrets {
		keys = append(keys, app.WebhookKey{Scheme: app.WebhookV1, Key: s})
	}
	return notify.Signed{
		ID: h.id(), Timestamp: h.head[notify.HeaderWebhookTimestamp], Signature: h.head[notify.HeaderWebhookSignature], Body: []byte(h.body),
	}.Verify(keys, now)
}
