package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Event is what the issuer tells of a customer.
type Event struct {
	ID        string    `json:"-"` // the same over all attempts and replays
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      struct {
		Subject string         `json:"sub"`
		Purpose string         `json:"purpose"`
		Scope   string         `json:"scope"`
		Topic   string         `json:"topic"`
		Channel string         `json:"channel"`
		On      *bool          `json:"on"`
		Fields  []string       `json:"fields"`
		Values  map[string]any `json:"values"`
	} `json:"data"`
}

// Hook is the endpoint of a webhook (Standard Webhooks 1.0): it takes what is
// signed with its secret, each event once.
type Hook struct {
	Issuer string
	Secret string           // whsec_…, from `cardea webhook rotate-secret`
	Client *http.Client     // nil: http.DefaultClient
	Now    func() time.Time // nil: time.Now
	// Act does what an event asks for. Nil means done, which is acknowledged by
	// the answer; ErrLater that it is done later, and acknowledged by Acknowledge;
	// any other error has it sent again.
	Act func(Event) error

	mu   sync.Mutex
	seen map[string]bool
	last []string
}

// ErrLater is returned by Act for what takes longer than an answer may.
var ErrLater = errors.New("later")

// remembered is how many ids a hook knows again. What comes once more after
// that is acted on once more, so Act must bear it.
const remembered = 10_000

// ServeHTTP takes one event.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil || !h.signed(r.Header, body) {
		http.Error(w, "not signed with our secret, or not now", http.StatusUnauthorized)
		return
	}
	e := Event{ID: r.Header.Get("webhook-id")}
	if err := json.Unmarshal(body, &e); err != nil {
		http.Error(w, "not an event", http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.seen[e.ID] {
		switch err := h.Act(e); {
		case errors.Is(err, ErrLater):
			w.WriteHeader(http.StatusAccepted)
			return
		case err != nil:
			http.Error(w, "try again", http.StatusInternalServerError)
			return
		}
		h.remember(e.ID)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (h *Hook) remember(id string) {
	if h.seen[id] {
		return
	}
	if h.seen == nil {
		h.seen = map[string]bool{}
	}
	h.seen[id], h.last = true, append(h.last, id)
	if len(h.last) > remembered {
		delete(h.seen, h.last[0])
		h.last = h.last[1:]
	}
}

// signed reports whether one of the signatures is by our secret, over this very
// body, within five minutes of now.
func (h *Hook) signed(head http.Header, body []byte) bool {
	stamp := head.Get("webhook-timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || h.now().Sub(time.Unix(at, 0)).Abs() > 5*time.Minute {
		return false
	}
	want := []byte(h.sign(head.Get("webhook-id"), stamp, body))
	for _, one := range strings.Fields(head.Get("webhook-signature")) {
		if hmac.Equal(want, []byte(one)) {
			return true
		}
	}
	return false
}

func (h *Hook) sign(id, stamp string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return "" // no signature is empty
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (h *Hook) now() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

// Acknowledge tells the issuer that an event which Act put off is acted on now.
func (h *Hook) Acknowledge(ctx context.Context, id string) error {
	body, err := json.Marshal(map[string]any{"type": "webhook.acknowledged", "timestamp": h.now().UTC(), "data": map[string]string{"webhook_id": id}})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Issuer+"/v1/webhook-acknowledgements", bytes.NewReader(body))
	if err != nil {
		return err
	}
	own, stamp := "msg_"+rand.Text(), strconv.FormatInt(h.now().Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("webhook-id", own)
	r.Header.Set("webhook-timestamp", stamp)
	r.Header.Set("webhook-signature", h.sign(own, stamp, body))
	client := h.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent && answer.StatusCode != http.StatusConflict { // 409: it knew
		return fmt.Errorf("the issuer answered %s", answer.Status)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remember(id)
	return nil
}
