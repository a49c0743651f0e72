package login_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// A verdict that is enforced has the journey wait, and says so in plain words.
func TestHold_WaitsAndThenGoesOn(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) {
		s.Risk = tenant.Risk{Mode: "enforce", StepUp: 1, Delay: 1, Deny: 1000}
	})
	d.mia("mia@example.test", "")
	d.browser().first("mia@example.test") // the first browser of a customer may be suspicious or not
	d.Wait(time.Hour)
	b := d.browser().first("mia@example.test").says(200, "One moment", "You can go on in 30 seconds", "making sure that it is you")
	if strings.Contains(b.body, "score") || b.session() != "" {
		t.Error("it says too much, or does not wait")
	}
	for _, word := range []string{"continue", "code", "offer"} {
		if b.step(word, "action", "continue", "code", rightCode); b.session() != "" {
			t.Fatalf("%s does not wait", word)
		}
	}
	d.Wait(31 * time.Second)
	b.step("continue", "action", "continue").arrives("/account")
}

func TestRiskDenied_IsAPageWithAWayOn(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) {
		s.Risk = tenant.Risk{Mode: "enforce", Block: []string{"203.0.113.0/24"}}
	})
	d.mia("mia@example.test", "")
	b := d.browser().first("mia@example.test").says(200, "We stopped this sign-in", "Sign in with a code")
	if b.session() != "" {
		t.Error("a denied sign-in is in")
	}
	b.step("refuse", "action", "another").says(200, `name="identifier"`)
	own := d.browser()
	own.peer = "198.51.100.4:9"
	own.first("mia@example.test").arrives("/account")
}
