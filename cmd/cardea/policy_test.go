package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/server"
)

// TestPolicyExplainSpeaksToPeopleAndPrograms: a policy that was applied from a
// file is explained for a customer, in words and in JSON.
func TestPolicyExplainSpeaksToPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.customer("mia@example.test")
	shop := read[appView](t, d.must("app", "create", "web", "--name", "Shop", "--redirect", "https://shop.example/cb",
		"--session-idle", "1h", "--session-absolute", "8h", "--acr-value", "urn:cardea:acr:phishing-resistant", "--json"))
	if shop.SessionIdle.String() != "1h" || shop.SessionAbsolute.String() != "8h" || len(shop.ACRValues) != 1 {
		t.Errorf("%+v", shop)
	}
	file := filepath.Join(t.TempDir(), "cardea.yaml")
	text := "version: 1\ntenants:\n- slug: fern\n  settings:\n    assurance:\n      grace: 14d\n      rules:\n" +
		"      - {application: " + shop.ClientID + ", need: multi, within: 10m}\n      - {action: export, need: phishing-resistant}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d.must("apply", "-f", file)
	e := read[server.Explained](t, d.must("policy", "explain", "--customer", "mia@example.test", "--app", "shop", "--json"))
	if e.Need != "urn:cardea:acr:multi" || e.Wish != "urn:cardea:acr:phishing-resistant" || e.Within != "10m" || e.Age != "8h" || e.Rest != "1h" ||
		len(e.Rules) != 1 || e.Rules[0].Rule != 1 || e.GraceUntil.IsZero() || len(e.After) == 0 {
		t.Errorf("%+v", e)
	}
	words := d.must("policy", "explain", "--customer", "mia@example.test", "--app", shop.ClientID)
	for _, w := range []string{"rule 1: with application " + shop.ClientID + ": needs multi within 10m", "nothing but an address", "setting up:", "Why:", "8h"} {
		if !strings.Contains(words, w) {
			t.Errorf("%q is not said:\n%s", w, words)
		}
	}
	if words = d.must("policy", "explain", "--customer", "mia@example.test"); !strings.Contains(words, "nothing: signed in") {
		t.Errorf("without a rule:\n%s", words)
	}
	d.fails(1, "no such customer", "policy", "explain", "--customer", "bob@example.test")
	d.fails(1, "There is no action", "policy", "explain", "--customer", "mia@example.test", "--action", "fly")
}
