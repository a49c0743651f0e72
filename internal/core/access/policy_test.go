package access_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var shopApp, bankApp = appID(1), appID(2)

func appID(n byte) (made app.ID) {
	made[15] = n
	return made
}

func rule(need string, change ...func(*tenant.AssuranceRule)) tenant.AssuranceRule {
	r := tenant.AssuranceRule{Need: need}
	for _, c := range change {
		c(&r)
	}
	return r
}

func in(a app.ID) func(*tenant.AssuranceRule) {
	return func(r *tenant.AssuranceRule) { r.Application = a.String() }
}
func role(name string) func(*tenant.AssuranceRule) {
	return func(r *tenant.AssuranceRule) { r.Role = name }
}
func act(name string) func(*tenant.AssuranceRule) {
	return func(r *tenant.AssuranceRule) { r.Action = name }
}
func risky(level string) func(*tenant.AssuranceRule) {
	return func(r *tenant.AssuranceRule) { r.Risk = level }
}
func within(d time.Duration) func(*tenant.AssuranceRule) {
	return func(r *tenant.AssuranceRule) { r.Within = tenant.Duration(d) }
}

// TestPolicyTakesEveryRuleThatFits walks the table: which rules fit, and what
// they ask for together.
func TestPolicyTakesEveryRuleThatFits(t *testing.T) {
	t.Parallel()
	rules := func(r ...tenant.AssuranceRule) []tenant.AssuranceRule { return r }
	bank := access.Circumstance{Application: bankApp}
	for name, c := range map[string]struct {
		rules  []tenant.AssuranceRule
		in     access.Circumstance
		acr    string
		within time.Duration
		fit    []int
	}{
		"no rule asks for nothing":              {nil, bank, "", 0, nil},
		"a rule without conditions fits always": {rules(rule("multi")), bank, access.Multi, 0, []int{0}},
		"single is a need too":                  {rules(rule("single", within(time.Hour))), bank, access.Single, time.Hour, []int{0}},
		"another application":                   {rules(rule("multi", in(shopApp))), bank, "", 0, nil},
		"this application":                      {rules(rule("multi", in(bankApp))), bank, access.Multi, 0, []int{0}},
		"no application at all":                 {rules(rule("multi", in(bankApp))), access.Circumstance{}, "", 0, nil},
		"a role that is not held":               {rules(rule("multi", role("operator"))), access.Circumstance{Roles: []string{"support"}}, "", 0, nil},
		"one of the roles held": {rules(rule("multi", role("operator"))), access.Circumstance{Roles: []string{"support", "operator"}},
			access.Multi, 0, []int{0}},
		"an action is a sign-in if none is told": {rules(rule("multi", act("signin")), rule("phishing-resistant", act("export"))), bank,
			access.Multi, 0, []int{0}},
		"a rule for any action fits a dangerous one": {rules(rule("multi"), rule("single", act("close"), within(time.Minute))),
			access.Circumstance{Action: access.ActClose}, access.Multi, time.Minute, []int{0, 1}},
		"the strongest need and the shortest age of different rules": {
			rules(rule("multi", within(time.Hour)), rule("single", within(time.Minute)), rule("phishing-resistant")), bank,
			access.Resistant, time.Minute, []int{0, 1, 2}},
		"a later weaker rule takes nothing away": {rules(rule("phishing-resistant"), rule("single", in(bankApp))), bank,
			access.Resistant, 0, []int{0, 1}},
		"no suspicion":                       {rules(rule("multi", risky("elevated"))), access.Circumstance{Risk: "allow"}, "", 0, nil},
		"elevated":                           {rules(rule("multi", risky("elevated"))), access.Circumstance{Risk: "elevated"}, access.Multi, 0, []int{0}},
		"worse than elevated":                {rules(rule("multi", risky("elevated"))), access.Circumstance{Risk: "high"}, access.Multi, 0, []int{0}},
		"elevated is not high":               {rules(rule("multi", risky("high"))), access.Circumstance{Risk: "elevated"}, "", 0, nil},
		"the verdict step up is elevated":    {rules(rule("multi", risky("elevated"))), access.Circumstance{Risk: "step_up"}, access.Multi, 0, []int{0}},
		"the verdict step up is not high":    {rules(rule("multi", risky("high"))), access.Circumstance{Risk: "step_up"}, "", 0, nil},
		"the verdict delay is high":          {rules(rule("multi", risky("high"))), access.Circumstance{Risk: "delay"}, access.Multi, 0, []int{0}},
		"the verdict deny is high":           {rules(rule("multi", risky("high"))), access.Circumstance{Risk: "deny"}, access.Multi, 0, []int{0}},
		"a risk that nobody knows is high":   {rules(rule("multi", risky("high"))), access.Circumstance{Risk: "?"}, access.Multi, 0, []int{0}},
		"a need that nobody knows is most":   {rules(rule("?")), bank, access.Resistant, 0, []int{0}},
		"all conditions of a rule must hold": {rules(rule("multi", in(bankApp), role("operator"), act("export"), risky("high"))), bank, "", 0, nil},
		"all conditions of a rule do hold": {rules(rule("multi", in(bankApp), role("operator"), act("export"), risky("high"))),
			access.Circumstance{Application: bankApp, Roles: []string{"operator"}, Action: "export", Risk: "high"}, access.Multi, 0, []int{0}},
	} {
		got := access.Required(tenant.Assurance{Rules: c.rules, Grace: tenant.Duration(time.Hour)}, c.in)
		if got.ACR != c.acr || got.Within != c.within || !slices.Equal(got.Rules, c.fit) || got.Grace != time.Hour {
			t.Errorf("%s: %+v, want %q within %v by %v", name, got, c.acr, c.within, c.fit)
		}
	}
}

// TestNoRuleWeakensAnother draws random policies: one more rule, at whatever
// place, never asks for less, and the order of rules says nothing.
func TestNoRuleWeakensAnother(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	draw := func() tenant.AssuranceRule {
		return tenant.AssuranceRule{
			Application: pick("", shopApp.String()), Role: pick("", "operator"), Action: pick("", "signin", "export"),
			Risk: pick("", "elevated", "high"), Need: pick("single", "multi", "phishing-resistant"),
			Within: tenant.Duration(time.Duration(r.IntN(3)) * time.Minute),
		}
	}
	order := []string{"", access.Single, access.Multi, access.Resistant}
	for range 2000 {
		var before tenant.Assurance
		for range r.IntN(5) {
			before.Rules = append(before.Rules, draw())
		}
		after := tenant.Assurance{Rules: slices.Insert(slices.Clone(before.Rules), r.IntN(len(before.Rules)+1), draw())}
		c := access.Circumstance{Application: shopApp, Action: pick("", "signin", "export"), Risk: pick("", "elevated", "high")}
		a, b := access.Required(before, c), access.Required(after, c)
		if slices.Index(order, b.ACR) < slices.Index(order, a.ACR) || a.Within > 0 && (b.Within == 0 || b.Within > a.Within) {
			t.Fatalf("%+v became %+v by one more rule: %+v", a, b, after.Rules)
		}
		slices.Reverse(after.Rules)
		if d := access.Required(after, c); d.ACR != b.ACR || d.Within != b.Within {
			t.Fatalf("the order of rules changed %+v to %+v", b, d)
		}
	}
}
