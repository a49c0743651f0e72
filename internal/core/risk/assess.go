package risk

import (
	"fmt"
	"maps"
	"slices"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Level is what a verdict asks for.
type Level string

// The levels, from the mildest to the worst.
const (
	Allow  Level = "allow"
	StepUp Level = "step_up" // one more proof
	Delay  Level = "delay"   // one more proof, and a wait that robots pay for
	Deny   Level = "deny"
)

var levels = []Level{Allow, StepUp, Delay, Deny}

// Worse tells whether l is worse than other.
func (l Level) Worse(other Level) bool {
	return slices.Index(levels, l) > slices.Index(levels, other)
}

// Grade is the level in the words of the assurance rules: "", "elevated" or
// "high".
func (l Level) Grade() string {
	switch l {
	case StepUp:
		return "elevated"
	case Delay, Deny:
		return "high"
	}
	return ""
}

// Policy says how heavy each signal is and from which score on what happens.
// The zero Policy is off.
type Policy struct {
	Mode                string // "off", "monitor" or "enforce"; "" is off
	Weights             map[string]int
	StepUp, Delay, Deny int
}

// The modes of a policy.
const (
	Off     = "off"
	Monitor = "monitor"
	Enforce = "enforce"
)

// PolicyOf is the policy of a tenant.
func PolicyOf(t *tenant.Tenant) Policy { return NewPolicy(t.Settings.Risk) }

// NewPolicy is the policy that settings mean: what they leave out is as it is
// by default.
func NewPolicy(r tenant.Risk) Policy {
	p := Policy{Mode: r.Mode, Weights: Weights()}
	if p.Mode == "" {
		p.Mode = Monitor
	}
	maps.Copy(p.Weights, r.Weights)
	p.StepUp, p.Delay, p.Deny = r.Thresholds()
	return p
}

// CheckWeights refuses weights of signals that there are not: a protection that
// is misspelt is one that somebody believes in.
func CheckWeights(r tenant.Risk) error {
	for _, name := range slices.Sorted(maps.Keys(r.Weights)) {
		if _, ok := signalNamed(name); !ok {
			return tenant.ErrBadSetting.At("settings.risk.weights." + name)
		}
	}
	return nil
}

// Off tells that no verdict is to be made.
func (p Policy) Off() bool { return p.Mode != Monitor && p.Mode != Enforce }

// Reason is one thing that spoke against an attempt. Its code is stable, and is
// the name of the signal.
type Reason struct {
	Code   string `json:"code"`
	Points int    `json:"points"`
}

// Words is the reason as one sentence for staff. Faces have their own words for
// customers.
func (r Reason) Words() string {
	if s, ok := signalNamed(r.Code); ok {
		return s.words
	}
	return fmt.Sprintf("A signal called %s spoke, which this release does not have.", r.Code)
}

// Verdict is what is thought of an attempt, and why.
type Verdict struct {
	Action   Level    `json:"action"`
	Score    int      `json:"score"`             // the sum of the points
	Reasons  []Reason `json:"reasons,omitempty"` // the heaviest first
	Enforced bool     `json:"enforced"`          // the policy asks for it to be acted on; otherwise it is only kept
}

// Acted is the level that is to be acted on: Allow unless enforced.
func (v Verdict) Acted() Level {
	if v.Enforced && v.Action != "" {
		return v.Action
	}
	return Allow
}

// Assess makes up its mind about an attempt. It reads nothing but what it is
// given, so it says the same today and in a replay.
func Assess(a Attempt, p Policy) Verdict {
	v := Verdict{Action: Allow}
	if p.Off() {
		return v
	}
	v.Enforced = p.Mode == Enforce
	least := Allow
	for _, s := range signals {
		points := p.Weights[s.name] * s.share(a) / 100
		if points <= 0 {
			continue
		}
		v.Score += points
		v.Reasons = append(v.Reasons, Reason{Code: s.name, Points: points})
		if s.least.Worse(least) {
			least = s.least
		}
	}
	slices.SortStableFunc(v.Reasons, func(a, b Reason) int { return b.Points - a.Points })
	v.Action = p.level(v.Score)
	if least.Worse(v.Action) {
		v.Action = least
	}
	return v
}

func (p Policy) level(score int) Level {
	switch {
	case score >= p.Deny:
		return Deny
	case score >= p.Delay:
		return Delay
	case score >= p.StepUp:
		return StepUp
	}
	return Allow
}
