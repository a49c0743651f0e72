package server_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// giveApp sets an authenticator app up for an address and returns its key.
func giveApp(t *testing.T, h *servertest.House, address string) (key string) {
	t.Helper()
	who := idOf(t, h, address)
	var setup credential.TOTPSetup
	h.Update(func(tx *db.Tx) (err error) {
		setup, err = credential.BeginTOTP(tx, h.Tenant(), who, address)
		return err
	})
	h.Update(func(tx *db.Tx) error {
		return credential.ConfirmTOTP(tx, h.Tenant(), who, setup.ID, appCode(t, setup.Secret, h.Clock.Now()))
	})
	h.Advance(time.Minute)
	return setup.Secret
}

// TestExplain_SaysWhichStepComesNextAndWhy: what it says is what a sign-in asks.
func TestExplain_SaysWhichStepComesNextAndWhy(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		signedUp(t, h, ann)
		shop, other := h.Apps["web"], h.Apps["spa"]
		h.Configure(func(s *tenant.Settings) {
			s.Assurance.Grace = tenant.Duration(24 * time.Hour)
			s.Assurance.Rules = []tenant.AssuranceRule{
				{Application: shop.ClientID, Need: "multi"},
				{Risk: "high", Need: "phishing-resistant", Within: tenant.Duration(time.Minute)},
				{Action: "export", Need: "multi"},
			}
		})
		ask := func(e server.Explaining) server.Explained {
			t.Helper()
			e.Customer = ann
			out, err := h.Explain(t.Context(), h.Tenant(), e)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		rules := func(e server.Explained) (n []int) {
			for _, r := range e.Rules {
				n = append(n, r.Rule)
			}
			return n
		}
		free := ask(server.Explaining{App: &other.Application})
		if free.Need != "" || len(free.Rules) != 0 || free.After[0].Next != "done" || free.After[0].Worth != levelSingle || len(free.Why) != 1 {
			t.Errorf("no rule: %+v", free)
		}
		bound := ask(server.Explaining{App: &shop.Application})
		if bound.Need != levelMulti || !slices.Equal(rules(bound), []int{1}) || bound.After[0].Next != "enrol" ||
			!slices.Contains(bound.After[0].SetUp, "totp") || !bound.After[0].Skip || bound.GraceUntil.IsZero() {
			t.Errorf("a rule, and nothing to meet it with: %+v", bound)
		}
		if export := ask(server.Explaining{Action: "export"}); !slices.Equal(rules(export), []int{3}) || export.Within != "10m" {
			t.Errorf("an action: %+v", export)
		}
		if risky := ask(server.Explaining{Risk: "high"}); !slices.Equal(rules(risky), []int{2}) || risky.Need != levelResistant || risky.Within != "1m" {
			t.Errorf("a risk: %+v", risky)
		}
		giveApp(t, h, ann)
		bound = ask(server.Explaining{App: &shop.Application})
		if bound.After[0].Next != "second" || !slices.Equal(bound.After[0].Enough, []string{"totp"}) || bound.Has.TOTPs != 1 {
			t.Errorf("a rule, and an app to meet it with: %+v", bound)
		}
		if free = ask(server.Explaining{App: &other.Application}); free.Need != levelMulti || !strings.Contains(strings.Join(free.Why, " "), "authenticator app") {
			t.Errorf("who has a second factor is asked for it: %+v", free)
		}
		if denied := ask(server.Explaining{Risk: "deny"}); denied.After[0].Next != "refuse" || denied.After[0].Reason != "risk_denied" {
			t.Errorf("a verdict that ends the journey: %+v", denied)
		}
		for _, e := range []server.Explaining{{Customer: ann, Action: "fly"}, {Customer: ann, Risk: "grave"}, {Customer: bob}} {
			if _, err := h.Explain(t.Context(), h.Tenant(), e); err == nil {
				t.Errorf("%+v is explained", e)
			}
		}
	})
}
