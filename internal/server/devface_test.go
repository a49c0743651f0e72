package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/server/servertest"
)

func TestTheInboxTellsProgramsWhatWasSent(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		servertest.NewBrowser(t).Get(h.URL+"/signin").Submit("identifier", "ada@example.com")
		r, _ := http.NewRequest(http.MethodGet, h.URL+"/dev/inbox.json?to=ada@example.com", nil)
		status, body := h.Do(r)
		var list []map[string]string
		if err := json.Unmarshal(body, &list); err != nil || status != http.StatusOK || len(list) != 1 {
			t.Fatalf("%d %v %s", status, err, body)
		}
		m := list[0]
		if m["to"] != "ada@example.com" || len(m["code"]) != 6 || !strings.HasPrefix(m["link"], h.URL+"/signin/link?t=") ||
			!strings.HasPrefix(strings.ReplaceAll(m["subject"], " ", ""), m["code"]) || m["text"] == "" || m["html"] == "" {
			t.Fatalf("the message: %v", m)
		}
	})
}

func TestTheClockOfDevelopmentIsTurnedByProgramsAndNotByOtherSites(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		turn := func(body string, header ...string) (int, map[string]time.Time) {
			r, _ := http.NewRequest(http.MethodPost, h.URL+"/dev/clock", strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			status, text := h.Do(r)
			var out map[string]time.Time
			_ = json.Unmarshal(text, &out) // refusals are no instants
			return status, out
		}
		before := h.DB.Now()
		status, out := turn(`{"advance":"90s"}`)
		if status != http.StatusOK || out["now"].Sub(before) < 90*time.Second {
			t.Fatalf("%d %v, before %v", status, out, before)
		}
		for _, bad := range []string{`{"advance":"-1s"}`, `{"advance":"soon"}`, `{}`, `nonsense`} {
			if status, _ := turn(bad); status != http.StatusBadRequest {
				t.Errorf("%s: %d", bad, status)
			}
		}
		if status, _ := turn(`{"advance":"1h"}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); status != http.StatusForbidden {
			t.Errorf("another site turned the clock: %d", status)
		}
	})
}
