package risk

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// enforced is the policy by default, in force.
func enforced() Policy { return NewPolicy(tenant.Risk{Mode: Enforce}) }

// hears checks at which attempts a signal speaks, how loud, and that it is heard
// in the verdict by its name and weight.
func hears(t *testing.T, s signal, cases map[int][]Attempt) {
	t.Helper()
	if len(cases[0]) == 0 || len(cases) < 2 {
		t.Fatal("a signal needs cases in which it speaks and cases in which it is silent")
	}
	if known, ok := signalNamed(s.name); !ok || known.words != s.words || s.words == "" {
		t.Fatalf("%s is not among the signals", s.name)
	}
	for share, attempts := range cases {
		for _, a := range attempts {
			if got := s.share(a); got != share {
				t.Errorf("%s speaks with %d%% instead of %d%% of its voice at %+v", s.name, got, share, a)
			}
			v := Assess(a, enforced())
			i := slices.IndexFunc(v.Reasons, func(r Reason) bool { return r.Code == s.name })
			if points := s.weight * share / 100; (i >= 0) != (points > 0) || i >= 0 && v.Reasons[i].Points != points {
				t.Errorf("%s should count %d points in %+v", s.name, points, v)
			}
		}
	}
}

func TestNothingKnownIsNothingWrong(t *testing.T) {
	t.Parallel()
	if v := Assess(Attempt{}, enforced()); v.Action != Allow || v.Score != 0 || v.Reasons != nil {
		t.Errorf("the empty attempt is %+v", v)
	}
	home := Attempt{Action: "signin", Method: "password", History: 40, KnownDevice: true, KnownNetwork: true}
	if v := Assess(home, enforced()); v.Score != 0 {
		t.Errorf("a customer at home is %+v", v)
	}
}

func TestVerdictsByScore(t *testing.T) {
	t.Parallel()
	cafe := Attempt{Action: "signin", Method: "password", History: 9, KnownDevice: true}
	phone := Attempt{Action: "signin", Method: "password", History: 9, KnownNetwork: true}
	abroad := Attempt{Action: "signin", Method: "password", History: 9, NewCountry: true}
	thief := abroad
	thief.Kilometres, thief.Minutes = 6000, 60
	robot := thief
	robot.Automation = []string{Headless}
	for _, c := range []struct {
		name string
		a    Attempt
		want Level
	}{
		{"a known browser in a café", cafe, Allow},
		{"a new telephone at home", phone, Allow},
		{"a new browser in a new country", abroad, StepUp},
		{"the same, an hour after a sign-in far away", thief, Delay},
		{"the same, and by a program", robot, Deny},
	} {
		if v := Assess(c.a, enforced()); v.Action != c.want {
			t.Errorf("%s: %+v, want %s", c.name, v, c.want)
		}
	}
}

func TestEachThresholdBeginsAtItsScore(t *testing.T) {
	t.Parallel()
	a := Attempt{History: 1, KnownNetwork: true} // new_device alone
	for points, want := range map[int]Level{0: Allow, 9: Allow, 10: StepUp, 19: StepUp, 20: Delay, 29: Delay, 30: Deny, 100: Deny} {
		p := NewPolicy(tenant.Risk{StepUp: 10, Delay: 20, Deny: 30, Weights: map[string]int{"new_device": points}})
		if v := Assess(a, p); v.Action != want || v.Score != points {
			t.Errorf("%d points: %+v, want %s", points, v, want)
		}
	}
}

func TestABlockedNetworkIsDeniedWhateverTheThresholds(t *testing.T) {
	t.Parallel()
	p := NewPolicy(tenant.Risk{Deny: 1000, Delay: 1000, StepUp: 1000})
	if v := Assess(Attempt{Blocked: true, Trusted: true, KnownDevice: true, Method: "passkey"}, p); v.Action != Deny {
		t.Errorf("a blocked network is %+v", v)
	}
	p.Weights["blocked_network"] = 0
	if v := Assess(Attempt{Blocked: true}, p); v.Action != Allow {
		t.Errorf("a silenced signal makes %+v", v)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	bad := Attempt{Blocked: true}
	for mode, want := range map[string]struct {
		action, acted Level
		off           bool
	}{
		"":      {Deny, Allow, false}, // monitor is what a tenant begins with
		Monitor: {Deny, Allow, false},
		Enforce: {Deny, Deny, false},
		Off:     {Allow, Allow, true},
	} {
		p := NewPolicy(tenant.Risk{Mode: mode})
		v := Assess(bad, p)
		if v.Action != want.action || v.Acted() != want.acted || p.Off() != want.off {
			t.Errorf("mode %q gives %+v, acted on as %s", mode, v, v.Acted())
		}
	}
	if (Verdict{}).Acted() != Allow || !(Policy{}).Off() || Assess(bad, Policy{}).Action != Allow {
		t.Error("the zero values do something")
	}
}

func TestNoNoiseOfStrangersCountsAgainstAKnownBrowserOrAPasskey(t *testing.T) {
	t.Parallel()
	noise := Attempt{Method: "password", History: 5, Accounts: 10000, Tries: 10000, Attack: true, KnownNetwork: true}
	for name, change := range map[string]func(*Attempt){
		"known browser": func(a *Attempt) { a.KnownDevice = true },
		"passkey":       func(a *Attempt) { a.KnownDevice, a.Method = true, "passkey" },
		"passkey from anywhere": func(a *Attempt) {
			a.KnownNetwork, a.Method = false, "passkey"
		},
	} {
		a := noise
		change(&a)
		if v := Assess(a, enforced()); v.Action != Allow {
			t.Errorf("%s: strangers' noise makes it %+v", name, v)
		}
	}
}

func TestMoreSuspicionNeverHelps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := Attempt{History: 3, KnownDevice: r.IntN(2) == 0, KnownNetwork: r.IntN(2) == 0, Tries: r.IntN(60), Accounts: r.IntN(60), Minutes: 30}
		before := Assess(a, enforced())
		b := a
		b.KnownDevice, b.KnownNetwork = false, false
		b.Attack, b.Breached, b.NewCountry, b.UnusualHour = true, true, true, true
		b.Tries += r.IntN(20)
		b.Accounts += r.IntN(20)
		b.Kilometres += 4000
		b.Automation = append(b.Automation, Hasty)
		if after := Assess(b, enforced()); after.Score < before.Score || before.Action.Worse(after.Action) {
			t.Fatalf("%+v is %+v, but %+v is %+v", a, before, b, after)
		}
	}
}

func TestAnAttemptComesBackFromItsRow(t *testing.T) {
	t.Parallel()
	want := Attempt{
		Action: "signin", Method: "password", History: 1, KnownDevice: true, KnownNetwork: true, NewCountry: true, UnusualHour: true,
		Kilometres: 2, Minutes: 3, Breached: true, Automation: []string{Robot}, Accounts: 4, Tries: 5, Attack: true,
		Repute: "tor", Blocked: true, Trusted: true,
	}
	v := reflect.ValueOf(want)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Fatalf("the test leaves out %s", v.Type().Field(i).Name)
		}
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Attempt
	if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s comes back as %+v (%v)", text, got, err)
	}
}

func TestH220_WeightsOfUnknownSignalsAreRefused(t *testing.T) {
	t.Parallel()
	if err := CheckWeights(tenant.Risk{Weights: Weights()}); err != nil {
		t.Errorf("our own names are refused: %v", err)
	}
	err := CheckWeights(tenant.Risk{Weights: map[string]int{"new_devise": 90}})
	if f := fault.Of(err); f == nil || f.Code != tenant.ErrBadSetting.Code {
		t.Errorf("a misspelt signal gives %v", err)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for i, l := range levels {
		for j, m := range levels {
			if l.Worse(m) != (i > j) {
				t.Errorf("%s worse than %s: %v", l, m, l.Worse(m))
			}
		}
	}
	if Allow.Grade() != "" || StepUp.Grade() != "elevated" || Delay.Grade() != "high" || Deny.Grade() != "high" {
		t.Error("the grades are not those of the assurance rules")
	}
}
