package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/server"
)

// judge keeps what the house thinks of attempts of a customer.
func (d *desk) judge(who string, attempts ...risk.Attempt) {
	d.t.Helper()
	b := d.house()
	fern, err := b.Tenant("fern")
	if err != nil {
		d.t.Fatal(err)
	}
	var cus customer.ID
	if err := cus.UnmarshalText([]byte(who)); err != nil {
		d.t.Fatal(err)
	}
	err = b.DB.Update(context.Background(), func(tx *db.Tx) error {
		for _, a := range attempts {
			if err := risk.Store(tx, fern, risk.Kept{Customer: cus, Attempt: a, Verdict: risk.Assess(a, risk.PolicyOf(fern))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) file(text string) string {
	d.t.Helper()
	path := filepath.Join(d.t.TempDir(), "policy.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

var (
	atHome = risk.Attempt{Action: "signin", Method: "password", History: 9, KnownDevice: true, KnownNetwork: true}
	moved  = risk.Attempt{Action: "signin", Method: "password", History: 9}
	abroad = risk.Attempt{Action: "signin", Method: "password", History: 9, NewCountry: true}
)

func TestACustomerIsShownWithVerdictsInWords(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada := d.customer("ada@example.com")
	if out := d.must("risk", "list", "--customer", ada); !strings.Contains(out, "Nothing was judged") {
		t.Errorf("of a new customer it says\n%s", out)
	}
	d.judge(ada, atHome, abroad)
	for _, out := range []string{
		d.must("customer", "show", ada, "--reason", "a call"),
		d.must("risk", "list", "--customer", "ada@example.com"),
	} {
		for _, want := range []string{"step_up (only watched)", "has not signed in from this country before.", "allow"} {
			if !strings.Contains(out, want) {
				t.Errorf("there is no %q in\n%s", want, out)
			}
		}
	}
	list := read[[]server.Judged](t, d.must("risk", "list", "--customer", ada, "--json", "--most", "1"))
	if len(list) != 1 || list[0].Customer != ada {
		t.Errorf("in JSON it is %+v", list)
	}
	person := read[server.Person](t, d.must("customer", "show", ada, "--reason", "a call", "--json"))
	if len(person.Verdicts) != 2 {
		t.Errorf("with the customer come %+v", person.Verdicts)
	}
	d.fails(1, "no such customer", "risk", "list", "--customer", "nobody@example.com")
}

func TestReplayTellsWhatAnotherPolicyWouldHaveDone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ada := d.customer("ada@example.com")
	d.judge(ada, atHome, moved, moved, abroad)
	same := read[server.Replayed](t, d.must("risk", "replay", "--policy", d.file(""), "--json"))
	if same.Attempts != 4 || same.Changes != 0 || same.Before["allow"] != 3 || same.After["step_up"] != 1 {
		t.Errorf("by the same policy: %+v", same)
	}
	strict := d.file("mode: enforce\nweights:\n  new_device: 50\n  new_country: 90\nstep_up: 20\n")
	r := read[server.Replayed](t, d.must("risk", "replay", "--since", "1d", "--policy", strict, "--tenant", "fern", "--json"))
	if r.Changes != 3 || len(r.Changed) != 3 || r.After["delay"] != 2 || r.After["deny"] != 1 || r.After["allow"] != 1 {
		t.Errorf("by a stricter one: %+v", r)
	}
	for _, c := range r.Changed {
		if c.After.Reasons[0].Points < 50 || c.Before.Verdict == c.After.Verdict || c.Before.ID != c.After.ID {
			t.Errorf("a change is %+v", c)
		}
	}
	if few := read[server.Replayed](t, d.must("risk", "replay", "--policy", strict, "--most", "1", "--json")); few.Changes != 3 || len(few.Changed) != 1 {
		t.Errorf("at most one: %+v", few)
	}
	out := d.must("risk", "replay", "--policy", strict)
	for _, want := range []string{"4 attempts", "3 would have", "new_device 50, new_network 10", ada, "step_up 45"} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	if out := d.must("risk", "replay", "--policy", strict, "--since", "0s"); !strings.Contains(out, "0 attempts") {
		t.Errorf("of no time at all:\n%s", out)
	}
	if len(read[[]server.Judged](t, d.must("risk", "list", "--customer", ada, "--json"))) != 4 {
		t.Error("a replay left something behind")
	}
}

func TestH220_AMisspeltPolicyIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, text := range []string{"wieghts: {}", "weights: {new_devise: 10}", "weights: {new_device: 101}", "step_up: 80\ndelay: 40", "block: [192.0.2.1/24]", "- 1"} {
		d.fails(1, "is not right", "risk", "replay", "--policy", d.file(text))
	}
	d.fails(1, "cannot be read", "risk", "replay", "--policy", "/nowhere.yaml")
	d.fails(2, "not understood", "risk", "replay", "--policy", "x.yaml", "--since", "a while")
	d.fails(1, "weights.new_devise", "apply", "-f", d.file("version: 1\ntenants:\n  - slug: fern\n    settings:\n      risk: {weights: {new_devise: 10}}\n"))
}
