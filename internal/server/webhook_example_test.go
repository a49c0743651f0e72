package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/cardea-id/cardea/examples/api"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// The endpoint that people copy verifies, acts once, and acknowledges later.
func TestTheExampleOfAnEndpointActsOnceAndAcknowledgesLater(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		var acted []api.Event
		hook := &api.Hook{Issuer: h.URL, Now: h.Clock.Now, Act: func(e api.Event) error {
			acted = append(acted, e)
			if e.Type == app.ConsentWithdrawn {
				return api.ErrLater
			}
			return nil
		}}
		server := httptest.NewServer(hook)
		defer server.Close()
		e := &ear{Server: server, h: h, t: t}
		e.hooked(h.Apps["web"], usesLetter)
		hook.Secret = e.secret
		letterTo(t, h, h.Apps["partner"])
		b := servertest.NewBrowser(t)
		h.Redeem(h.Apps["web"], h.Authorize(b, h.Apps["web"], ann).Get("code"))
		chooses(t, h, b, "given")
		chooses(t, h, b, "withdrawn")
		h.Settle()
		last := acted[len(acted)-1]
		if last.Type != app.ConsentWithdrawn || last.Data.Purpose != "letter" || last.Data.Subject == "" {
			t.Fatalf("%+v", last)
		}
		for range 2 { // the second time the issuer knows already
			if err := hook.Acknowledge(context.Background(), last.ID); err != nil {
				t.Fatal(err)
			}
		}
		open := 0
		for _, a := range ledgerOf(h, idOf(t, h, ann)) {
			if a.State != notify.Acknowledged {
				open++
			}
		}
		if open != 0 {
			t.Errorf("%d are open", open)
		}
		before := len(acted)
		if err := h.ReplayWebhook(t.Context(), h.Tenant(), acted[before-1].ID); err != nil {
			t.Fatal(err)
		}
		h.Settle()
		if len(acted) != before {
			t.Errorf("%s was acted on twice", acted[before].Type)
		}
		r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
		w := httptest.NewRecorder()
		if hook.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
			t.Errorf("%d without a signature", w.Code)
		}
	})
}
