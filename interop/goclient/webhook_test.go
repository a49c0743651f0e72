package goclient_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/oauth2"
)

// delivery is a call as it came.
type delivery struct {
	head http.Header
	body []byte
}

// listener is an endpoint that keeps what it is sent.
func listener(t *testing.T) (*httptest.Server, chan delivery) {
	t.Helper()
	heard := make(chan delivery, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- delivery{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server, heard
}

// hook registers an application with a webhook.
func hook(t *testing.T, name, address string) {
	t.Helper()
	doc, err := json.Marshal(map[string]any{"version": 1, "tenants": []any{map[string]any{
		"slug": "fern", "applications": []any{map[string]any{
			"name": name, "kind": "service", "allowed_scopes": []string{"email"}, "webhook": map[string]any{"url": address, "events": []string{"customer.registered"}},
		}}}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	if err := os.WriteFile(file, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := house.Cardea("apply", "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func rotate(t *testing.T, name string) *webhooks.Webhook {
	t.Helper()
	out, err := house.Cardea("webhook", "rotate-secret", "--app", name, "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Secret string `json:"webhook_secret"`
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w, err := webhooks.NewWebhook(answer.Secret)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The library of Standard Webhooks verifies what the house sends, also while
// two secrets sign, and refuses what was changed on the way.
func TestTheLibraryOfStandardWebhooksVerifiesWhatIsTold(t *testing.T) {
	const name = "Go webhook listener"
	server, heard := listener(t)
	hook(t, name, server.URL+"/hook")
	former := rotate(t, name)
	current := rotate(t, name)
	time.Sleep(1500 * time.Millisecond) // the running server looks once a second
	address := somebody()
	configure(t, client(t, "web"), oauth2.AuthStyleInHeader).signIn(t, newBrowser(t), address)
	var d delivery
	select {
	case d = <-heard:
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was told")
	}
	for what, w := range map[string]*webhooks.Webhook{"the former secret": former, "the current secret": current} {
		if err := w.Verify(d.body, d.head); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := current.Verify(append(d.body, ' '), d.head); err == nil {
		t.Error("the library takes a changed body")
	}
	var event struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct {
			Sub    string            `json:"sub"`
			Values map[string]string `json:"values"`
		} `json:"data"`
	}
	if err := json.Unmarshal(d.body, &event); err != nil || event.Type != "customer.registered" || event.Data.Sub == "" || event.Timestamp.IsZero() ||
		event.Data.Values["email"] != address {
		t.Errorf("%s: %v", d.body, err)
	}
}
