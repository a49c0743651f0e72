package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/outbound"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// ear is an application's HTTP server on loopback that verifies what it is told.
type ear struct {
	*httptest.Server
	h      *servertest.House
	t      *testing.T
	secret string
	mu     sync.Mutex
	heard  []hookCall
	answer func(http.ResponseWriter, hookCall) // nil: 204
}

type hookCall struct {
	id, body string
	Type     string
	Data     struct {
		Sub     string
		Purpose string
		Values  map[string]any
	}
}

func newEar(t *testing.T, h *servertest.House) *ear {
	t.Helper()
	e := &ear{h: h, t: t}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

// ServeHTTP takes what is signed and answers 204, or as the test says.
func (e *ear) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c := hookCall{id: r.Header.Get("webhook-id"), body: string(body)}
	call := notify.Signed{ID: c.id, Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"), Body: body}
	if err := call.Verify([]app.WebhookKey{{Scheme: app.WebhookV1, Key: e.key()}}, e.h.Clock.Now()); err != nil {
		e.t.Errorf("%s: %v", body, err)
	}
	if err := json.Unmarshal(body, &c); err != nil || r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost {
		e.t.Errorf("%s %s: %v", r.Method, body, err)
	}
	e.mu.Lock()
	e.heard = append(e.heard, c)
	answer := e.answer
	e.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(w, c)
}

func (e *ear) key() []byte {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.secret, "whsec_"))
	if err != nil || len(b) < 24 {
		e.t.Errorf("%q: %v", e.secret, err)
	}
	return b
}

func (e *ear) answers(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = func(w http.ResponseWriter, _ hookCall) { w.WriteHeader(status) }
}

// told settles the house and takes what was heard.
func (e *ear) told() []hookCall {
	e.t.Helper()
	e.h.Settle()
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.heard
	e.heard = nil
	return out
}

func types(list []hookCall) string {
	var out []string
	for _, c := range list {
		out = append(out, c.Type)
	}
	return strings.Join(out, " ")
}

// hooked gives an application a webhook at the ear.
func (e *ear) hooked(c *servertest.Client, change ...func(*app.Settings)) *ear {
	e.t.Helper()
	e.h.Update(func(tx *db.Tx) error {
		a, err := app.Get(tx, e.h.Tenant(), c.ID)
		if err != nil {
			return err
		}
		a.Settings.Webhook = &app.Webhook{URL: e.URL + "/hook"}
		for _, f := range change {
			f(&a.Settings)
		}
		_, err = app.Change(tx, e.h.Tenant(), a)
		return err
	})
	var err error
	if e.secret, err = e.h.RotateWebhookSecret(e.t.Context(), e.h.Tenant(), c.ID); err != nil {
		e.t.Fatal(err)
	}
	reload(e.t, e.h)
	return e
}

func reload(t *testing.T, h *servertest.House) {
	t.Helper()
	if err := h.House.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// letterTo publishes a purpose by consent that hands data to an application.
func letterTo(t *testing.T, h *servertest.House, to *servertest.Client) {
	t.Helper()
	h.Update(func(tx *db.Tx) error {
		_, err := consent.PutPurpose(tx, h.Tenant(), consent.Purpose{
			ID: "letter", Version: 1, Basis: consent.ByConsent, Recipients: []consent.Recipient{{Application: to.ClientID}},
			Words: map[string]consent.Words{"en": {Title: "Garden letter", Text: "We write to you once a month."}},
		})
		return err
	})
	reload(t, h)
}

func usesLetter(s *app.Settings) { s.Purposes = []string{"account", "letter"} }

func chooses(t *testing.T, h *servertest.House, b *servertest.Browser, decision string) {
	t.Helper()
	h.Advance(time.Second)
	p := b.Post(h.URL+"/account/consents", url.Values{"purpose": {"letter"}, "version": {"1"}, "decision": {decision}})
	if p.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", decision, p.Status, p.Text())
	}
}

// acknowledges sends a call that is signed with the ear's secret.
func (e *ear) acknowledges(id string, change ...func(head http.Header, body string) string) reply {
	e.t.Helper()
	body := fmt.Sprintf(`{"type":"webhook.acknowledged","timestamp":%q,"data":{"webhook_id":%q}}`, e.h.Clock.Now().UTC().Format(time.RFC3339), id)
	head := http.Header{}
	head.Set("Content-Type", "application/json")
	head.Set("webhook-id", "msg_1")
	head.Set("webhook-timestamp", strconv.FormatInt(e.h.Clock.Now().Unix(), 10))
	head.Set("webhook-signature", notify.Sign(e.key(), "msg_1", e.h.Clock.Now(), []byte(body)))
	for _, f := range change {
		body = f(head, body)
	}
	return probe{Method: http.MethodPost, Target: "/v1/webhook-acknowledgements", Header: head, Body: body}.send(e.t, e.h)
}

func ledgerOf(h *servertest.House, c customer.ID) (list []notify.Acknowledgement) {
	h.View(func(tx *db.Tx) (err error) { list, err = notify.Acknowledgements(tx, h.Tenant(), c); return err })
	return list
}

// CO-08, PV-04: a person takes a consent back in the account; both recipients
// are told and acknowledge, one of them later. Then the person is erased, and
// both hear of that when there is nobody any more.
func TestAWithdrawalAndAnErasureReachTwoRecipientsAndBothAcknowledge(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		shop, partner := newEar(t, h).hooked(h.Apps["web"], usesLetter), newEar(t, h).hooked(h.Apps["partner"])
		letterTo(t, h, h.Apps["partner"])
		b := servertest.NewBrowser(t)
		for _, c := range []string{"web", "partner"} {
			if tokens := h.Redeem(h.Apps[c], h.Authorize(b, h.Apps[c], ann).Get("code")); tokens.IDToken == "" {
				t.Fatalf("%+v", tokens)
			}
		}
		who := idOf(t, h, ann)
		chooses(t, h, b, "given")
		shop.told()
		partner.told()
		partner.answers(http.StatusAccepted)
		chooses(t, h, b, "withdrawn")
		inShop := shop.told()
		inPartner := partner.told()
		if types(inShop) != app.ConsentWithdrawn || types(inPartner) != app.ConsentWithdrawn || inShop[0].Data.Purpose != "letter" || inShop[0].Data.Sub == inPartner[0].Data.Sub {
			t.Fatalf("%v %v", inShop, inPartner)
		}
		if got := partner.acknowledges(inPartner[0].id); got.Status != http.StatusNoContent {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		for _, a := range ledgerOf(h, who) {
			if a.Type == app.ConsentWithdrawn && (a.State != notify.Acknowledged || a.AcknowledgedAt.IsZero()) {
				t.Errorf("%+v", a)
			}
		}
		h.Update(func(tx *db.Tx) error {
			now, err := customer.SetState(tx, h.Tenant(), who, []customer.State{customer.Active}, customer.Closing, "customer")
			if err != nil {
				return err
			}
			return privacy.Schedule(tx, h.Tenant(), who, now.CloseAt)
		})
		h.Settle()
		h.Advance(15 * 24 * time.Hour)
		for e, sub := range map[*ear]string{shop: inShop[0].Data.Sub, partner: inPartner[0].Data.Sub} {
			got := e.told()
			if types(got) != "customer.closed customer.erased" || got[1].Data.Sub != sub || strings.Contains(got[1].body, ann) {
				t.Errorf("%v", got)
				continue
			}
			if e == partner {
				if got := e.acknowledges(got[1].id); got.Status != http.StatusNoContent {
					t.Errorf("%d %s", got.Status, got.Body)
				}
			}
		}
		erased := 0
		for _, a := range ledgerOf(h, who) {
			if a.Type == app.CustomerErased && a.State == notify.Acknowledged {
				erased++
			}
		}
		if erased != 2 || exists(h, ann) {
			t.Errorf("%d acknowledged", erased)
		}
	})
}

// H208, on the wire: only who has the endpoint's secret acknowledges, now, and
// once; nothing tells whether there is such a webhook.
func TestH208_AnAcknowledgementIsSignedFreshAndTakenOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		shop, other := newEar(t, h).hooked(h.Apps["web"], usesLetter), newEar(t, h).hooked(h.Apps["spa"])
		letterTo(t, h, h.Apps["partner"])
		b := servertest.NewBrowser(t)
		h.Redeem(h.Apps["web"], h.Authorize(b, h.Apps["web"], ann).Get("code"))
		shop.answers(http.StatusAccepted)
		chooses(t, h, b, "given")
		told := shop.told()
		call := told[len(told)-1]
		for what, got := range map[string]reply{
			"another endpoint's secret": other.acknowledges(call.id),
			"no such webhook":           shop.acknowledges("whk_00000000000000000000000001"),
			"six minutes old": shop.acknowledges(call.id, func(head http.Header, body string) string {
				at := h.Clock.Now().Add(-6 * time.Minute)
				head.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
				head.Set("webhook-signature", notify.Sign(shop.key(), "msg_1", at, []byte(body)))
				return body
			}),
			"another time than was signed": shop.acknowledges(call.id, func(head http.Header, body string) string {
				head.Set("webhook-timestamp", strconv.FormatInt(h.Clock.Now().Unix()+1, 10))
				return body
			}),
			"another body than was signed": shop.acknowledges(call.id, func(_ http.Header, body string) string { return body + " " }),
			"no signature": shop.acknowledges(call.id, func(head http.Header, body string) string {
				head.Del("webhook-signature")
				return body
			}),
		} {
			if got.Status != http.StatusUnauthorized || !strings.Contains(got.Body, "bad_signature") {
				t.Errorf("%s: %d %s", what, got.Status, got.Body)
			}
		}
		if got := shop.acknowledges(call.id, func(head http.Header, _ string) string {
			head.Set("webhook-signature", notify.Sign(shop.key(), "msg_1", h.Clock.Now(), []byte(call.body)))
			return call.body // what the house itself sent, thrown back at it
		}); got.Status != http.StatusBadRequest {
			t.Errorf("%d %s", got.Status, got.Body)
		}
		if got := shop.acknowledges(call.id); got.Status != http.StatusNoContent {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		if got := shop.acknowledges(call.id); got.Status != http.StatusConflict || !strings.Contains(got.Body, "webhook_acknowledged") {
			t.Errorf("once more: %d %s", got.Status, got.Body)
		}
	})
}

// What lies in the database and in the log holds no secret, no signature and no
// value that was told.
func TestH208_NeitherSecretsNorWhatIsToldRestInTheClear(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		shop := newEar(t, h).hooked(h.Apps["web"])
		b := servertest.NewBrowser(t)
		h.Redeem(h.Apps["web"], h.Authorize(b, h.Apps["web"], ann).Get("code"))
		shop.answers(http.StatusServiceUnavailable)
		h.Update(func(tx *db.Tx) error {
			return customer.SetField(tx, h.Tenant(), idOf(t, h, ann), "given_name", "Canarybird", customer.SourceHouse)
		})
		got := shop.told()
		if len(got) == 0 || !strings.Contains(got[len(got)-1].body+got[0].body, ann) {
			t.Fatalf("%v", got)
		}
		h.Advance(time.Hour)
		shop.answers(http.StatusNoContent)
		h.Advance(10 * time.Hour)
		if got := shop.told(); !strings.Contains(fmt.Sprint(got), "Canarybird") {
			t.Fatalf("%v", got)
		}
		secret := strings.TrimPrefix(shop.secret, "whsec_")
		for _, table := range tables(t, h) {
			for _, row := range dumped(t, h, table) {
				for column, v := range row {
					text := fmt.Sprint(v)
					raw, isRaw := v.([]byte)
					if strings.Contains(text, secret) || strings.Contains(text, "Canarybird") || isRaw && (bytes.Contains(raw, shop.key()) || bytes.Contains(raw, []byte("Canarybird"))) {
						t.Errorf("%s.%s holds it in the clear", table, column)
					}
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(log.String(), secret) || strings.Contains(log.String(), "Canarybird") || strings.Contains(log.String(), "v1,") {
			t.Error("the log holds it")
		}
		if !strings.Contains(log.String(), `"kind":"webhook"`) {
			t.Error("nothing was logged")
		}
	}, servertest.Options{Base: func(o *server.Opening) { o.Log = server.NewLog(&locked{&mu, &log}, "info") }})
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

// Write writes alone.
func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// A redirect is a failure, and nobody goes where it leads.
func TestH208_ARedirectIsAFailure(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		var led atomic.Int64
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { led.Add(1) }))
		defer elsewhere.Close()
		shop := newEar(t, h).hooked(h.Apps["web"])
		shop.answer = func(w http.ResponseWriter, _ hookCall) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
		signedUp(t, h, ann)
		if n := len(shop.told()); n == 0 || led.Load() != 0 {
			t.Fatalf("%d told, %d led on", n, led.Load())
		}
		list, err := h.Deliveries(t.Context(), h.Tenant(), notify.Wanted{Limit: 10})
		if err != nil || list[0].State != notify.WebhookWaiting || list[0].Reason != "outbound_redirect" {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// H205: an endpoint inside the company's network is not called without the
// operator's word, whatever an application's settings say.
func TestH205_AWebhookDoesNotReachInside(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		var calls atomic.Int64
		h.Outbound = outbound.New(outbound.Options{}) // as in production: cardea dev may call loopback
		shop := newEar(t, h)
		shop.answer = func(http.ResponseWriter, hookCall) { calls.Add(1) }
		shop.hooked(h.Apps["web"])
		signedUp(t, h, ann)
		h.Settle()
		list, err := h.Deliveries(t.Context(), h.Tenant(), notify.Wanted{Limit: 10})
		if err != nil || len(list) == 0 || !strings.HasPrefix(list[0].Reason, "outbound_") || calls.Load() != 0 {
			t.Errorf("%+v %v, %d calls", list, err, calls.Load())
		}
	})
}

// An endpoint that does not answer keeps nobody else waiting.
func TestASlowEndpointHoldsUpNobodyElse(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		slow, quick := newEar(t, h).hooked(h.Apps["web"]), newEar(t, h).hooked(h.Apps["spa"])
		served := make(chan struct{})
		var once sync.Once
		slow.answer = func(w http.ResponseWriter, _ hookCall) {
			select {
			case <-served: // answers only when the other one has been told
				w.WriteHeader(http.StatusNoContent)
			case <-time.After(10 * time.Second):
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
		quick.answer = func(w http.ResponseWriter, _ hookCall) {
			once.Do(func() { close(served) })
			w.WriteHeader(http.StatusNoContent)
		}
		for _, address := range []string{ann, bob, mallet} {
			signedUp(t, h, address)
		}
		h.Settle()
		list, err := h.Deliveries(t.Context(), h.Tenant(), notify.Wanted{Limit: 50})
		if err != nil || len(list) < 6 {
			t.Fatalf("%d %v", len(list), err)
		}
		for _, d := range list {
			if d.State != notify.WebhookDelivered {
				t.Errorf("%+v", d)
			}
		}
	})
}

func TestTheDoctorTellsOfWebhooks(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		shop := newEar(t, h).hooked(h.Apps["web"], usesLetter)
		letterTo(t, h, h.Apps["partner"])
		b := servertest.NewBrowser(t)
		h.Redeem(h.Apps["web"], h.Authorize(b, h.Apps["web"], ann).Get("code"))
		shop.answers(http.StatusGone)
		chooses(t, h, b, "given")
		h.Advance(80 * time.Hour)
		list, err := h.Webhooks(t.Context(), h.Tenant())
		if err != nil || len(list) != 1 || list[0].State != "disabled" || list[0].Failed == 0 || list[0].Reason != "gone" {
			t.Fatalf("%+v %v", list, err)
		}
		found := fmt.Sprint(server.Doctor(t.Context(), h.Base.Config))
		for _, word := range []string{"nothing is sent to it: gone", "were given up", "1 are overdue"} {
			if !strings.Contains(found, word) {
				t.Errorf("%q is not in %s", word, found)
			}
		}
		shop.answers(http.StatusNoContent)
		n, err := h.ReplayFailed(t.Context(), h.Tenant(), h.Apps["web"].ID, time.Unix(0, 0))
		if err != nil || n == 0 || int64(len(shop.told())) < n {
			t.Errorf("%d %v", n, err)
		}
		lines, err := h.Acknowledgements(t.Context(), h.Tenant(), idOf(t, h, ann).String(), false, 10)
		if err != nil || len(lines) == 0 || lines[0].State != notify.Acknowledged {
			t.Errorf("%+v %v", lines, err)
		}
	})
}
