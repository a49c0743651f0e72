package access

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The levels of assurance in the URNs that applications know them by
// (OpenID Connect Core 1.0, section 2, acr). The session room computes them from
// what was proven; this room only says which of them is needed, and stands below
// it on the stairs.
const (
	Single    = "urn:cardea:acr:single"
	Multi     = "urn:cardea:acr:multi"
	Resistant = "urn:cardea:acr:phishing-resistant"
)

// needs are the words of the settings, from the weakest.
var needs = []struct{ word, acr string }{
	{"single", Single}, {"multi", Multi}, {"phishing-resistant", Resistant},
}

// The actions that a rule can name. An action that is not a sign-in is done by
// somebody who is signed in.
const (
	ActSignIn   = "signin"
	ActPassword = "password" // choosing another password
	ActAddress  = "address"  // adding, changing or removing an address
	ActFactor   = "factor"   // adding or removing a passkey or a second factor
	ActClose    = "close"    // closing the account
	ActRecover  = "recover"  // coming back without what was lost
	ActExport   = "export"   // taking one's data away
)

// Circumstance is what somebody is about to do, where, and how suspicious it
// looks.
type Circumstance struct {
	Application app.ID   // which application it is for; zero: the house's own pages
	Roles       []string // those that the customer holds
	Action      string   // one of the actions; ActSignIn if empty
	// Risk is "", "elevated" or "high", or the verdict itself: "allow",
	// "step_up", "delay" or "deny". A word that is none of them is high.
	Risk string
}

// Requirement is what the policy asks for in a circumstance.
type Requirement struct {
	ACR    string        // the level that the session must have; "": any
	Within time.Duration // how old its proof may be; 0: any age
	Rules  []int         // the rules that fit, by their place in the settings, from 0
	Grace  time.Duration // for how long somebody without a second factor may put off setting one up
}

// Required applies the tenant's policy. Every rule that fits counts: the
// strongest need and the shortest age, which may come of two different rules. A
// rule can therefore never make another one weaker, and the order of rules says
// nothing. It is pure.
func Required(a tenant.Assurance, c Circumstance) Requirement {
	r := Requirement{Grace: time.Duration(a.Grace)}
	strongest := -1
	for i, rule := range a.Rules {
		if !fits(rule, c) {
			continue
		}
		r.Rules = append(r.Rules, i)
		strongest = max(strongest, rank(rule.Need))
		if w := time.Duration(rule.Within); w > 0 && (r.Within == 0 || w < r.Within) {
			r.Within = w
		}
	}
	if strongest >= 0 {
		r.ACR = needs[strongest].acr
	}
	return r
}

// fits reports whether all conditions of the rule hold.
func fits(rule tenant.AssuranceRule, c Circumstance) bool {
	action := c.Action
	if action == "" {
		action = ActSignIn
	}
	switch {
	case rule.Application != "" && (c.Application.IsZero() || rule.Application != c.Application.String()),
		rule.Role != "" && !slices.Contains(c.Roles, rule.Role),
		rule.Action != "" && rule.Action != action,
		rule.Risk != "" && severity(c.Risk) < severity(rule.Risk):
		return false
	}
	return true
}

// rank is the place of a need among the levels. Settings hold no other word; if
// ever they do, the strongest is asked for rather than none.
func rank(need string) int {
	for i, n := range needs {
		if n.word == need {
			return i
		}
	}
	return len(needs) - 1
}

func severity(risk string) int {
	switch risk {
	case "", "allow":
		return 0
	case "elevated", "step_up":
		return 1
	}
	return 2
}
