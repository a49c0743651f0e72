package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Explaining says what is to be explained.
type Explaining struct {
	Customer string           // an id, or an exact address, number or user name
	App      *app.Application // nil: the house's own pages
	Action   string           // one of the policy's actions; "": signin
	Risk     string           // "", "elevated", "high", or a verdict
}

// Explained is what the policy asks of one customer in one circumstance, why,
// and what comes next after each first proof that they could give.
type Explained struct {
	Customer    string        `json:"customer"`
	Application string        `json:"application,omitempty"`
	Action      string        `json:"action"`
	Risk        string        `json:"risk,omitempty"`
	Rules       []ExplainRule `json:"rules"`
	Need        string        `json:"need,omitempty"`             // acr that must be reached; none: the first proof is enough
	Wish        string        `json:"wish,omitempty"`             // acr that is tried for and done without
	Within      string        `json:"within,omitempty"`           // how old a proof may be
	Age         string        `json:"application_age,omitempty"`  // how old a sign-in may be at the application
	Rest        string        `json:"application_rest,omitempty"` // how long it may rest unused there
	GraceUntil  time.Time     `json:"grace_until,omitzero"`       // until when setting up a factor may be put off
	Why         []string      `json:"why"`
	Has         ExplainHas    `json:"has"`
	After       []ExplainStep `json:"after"`
}

// ExplainRule is a rule that fits, by its place in the settings from 1.
type ExplainRule struct {
	Rule int `json:"rule"`
	tenant.AssuranceRule
}

// ExplainHas is what the customer could prove.
type ExplainHas struct {
	Password      bool     `json:"password"`
	Passkeys      int64    `json:"passkeys"`
	TOTPs         int64    `json:"totps"`
	RecoveryCodes int64    `json:"recovery_codes"`
	Roles         []string `json:"roles,omitempty"`
}

// ExplainStep is what comes after a first proof.
type ExplainStep struct {
	Proof  string   `json:"proof"`
	Worth  string   `json:"worth"`            // acr of it
	Next   string   `json:"next"`             // the step, as the flow names it; "done": signed in
	Reason string   `json:"reason,omitempty"` // why the journey ends, where it does
	Enough []string `json:"enough,omitempty"` // one more of these would do
	SetUp  []string `json:"set_up,omitempty"` // one of these would do, once set up
	Skip   bool     `json:"may_put_off,omitempty"`
}

// Explain says which step comes next for a customer, and why. It asks the same
// questions as a sign-in and changes nothing.
func (b *Base) Explain(ctx context.Context, t *tenant.Tenant, ask Explaining) (out Explained, err error) {
	if err := checkExplaining(ask); err != nil {
		return out, err
	}
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ask.Customer)
		if err != nil {
			return err
		}
		out, err = explain(tx, t, id, ask)
		return err
	})
	return out, err
}

var (
	policyActions = []string{
		access.ActSignIn, access.ActPassword, access.ActAddress, access.ActFactor, access.ActClose, access.ActRecover, access.ActExport,
	}
	// policyRisks are the words of rules and of verdicts, with the verdict that a
	// journey would carry.
	policyRisks = map[string]string{"": "", "allow": "", "elevated": "step_up", "step_up": "step_up", "high": "delay", "delay": "delay", "deny": "deny"}
)

func checkExplaining(ask Explaining) error {
	if ask.Action != "" && !slices.Contains(policyActions, ask.Action) {
		return failed("There is no action "+ask.Action+".", "The actions are signin, password, address, factor, close, recover and export.", nil)
	}
	if _, known := policyRisks[ask.Risk]; !known {
		return failed("There is no risk "+ask.Risk+".", "It is elevated or high, or a verdict: step_up, delay or deny.", nil)
	}
	return nil
}

// explain surveys the journey of somebody in whose browser a session stands that
// is worth nothing, and then asks what comes next if it were worth each proof.
func explain(tx *db.Tx, t *tenant.Tenant, id customer.ID, ask Explaining) (Explained, error) {
	s := session.Session{TenantID: t.ID, CustomerID: id, AuthenticatedAt: tx.Now}
	s.ID[0] = 1 // any id that is nobody's
	f := signin.Flow{Facts: signin.Facts{
		Kind: signin.SignIn, Session: s.ID, Action: ask.Action, Verdict: policyRisks[ask.Risk], Capable: true,
	}}
	out := Explained{Customer: id.String(), Action: ask.Action, Risk: ask.Risk, Rules: []ExplainRule{}, Why: []string{}}
	if out.Action == "" {
		out.Action = access.ActSignIn
	}
	if a := ask.App; a != nil {
		out.Application, f.Request.Application = a.ClientID(), a.ID
		if list := a.Settings.DefaultACRValues; len(list) > 0 {
			f.ACR = list[0]
		}
	}
	policy := signin.PolicyOf(t)
	policy.Silent = true
	if _, err := account.Survey(tx, t, &f, policy, []session.Session{s}); err != nil {
		return out, err
	}
	if err := out.policy(tx, t, &f, ask); err != nil {
		return out, err
	}
	if err := out.has(tx, t, id); err != nil {
		return out, err
	}
	out.reasons(&f, ask)
	for _, p := range out.firsts(t) {
		out.After = append(out.After, after(f, policy, p))
	}
	return out, nil
}

// policy writes which rules fit and what they need together.
func (e *Explained) policy(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, ask Explaining) error {
	roles, err := access.Roles(tx, t, f.World.Account.ID)
	if err != nil {
		return err
	}
	for _, r := range roles {
		e.Has.Roles = append(e.Has.Roles, string(r))
	}
	r := access.Required(t.Settings.Assurance, access.Circumstance{
		Application: f.Request.Application, Roles: e.Has.Roles, Action: ask.Action, Risk: ask.Risk,
	})
	for _, i := range r.Rules {
		e.Rules = append(e.Rules, ExplainRule{i + 1, t.Settings.Assurance.Rules[i]})
	}
	n := f.World.Need
	e.Need, e.Wish = n.ACR, n.Wish
	if r.Grace > 0 && n.Grace.After(tx.Now) {
		e.GraceUntil = n.Grace
	}
	if e.Action != access.ActSignIn && (r.Within == 0 || r.Within > account.Fresh) {
		r.Within = account.Fresh
	}
	e.Within = span(r.Within)
	if ask.App != nil {
		e.Age, e.Rest = span(oldest(ask.App.Settings)), span(time.Duration(ask.App.Settings.SessionIdle))
	}
	return nil
}

func oldest(s app.Settings) time.Duration {
	age := time.Duration(s.DefaultMaxAge)
	if most := time.Duration(s.SessionAbsolute); most > 0 && (age == 0 || most < age) {
		age = most
	}
	return age
}

func span(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return tenant.Duration(d).String()
}

func (e *Explained) has(tx *db.Tx, t *tenant.Tenant, id customer.ID) error {
	f, err := credential.FactorsOf(tx, t, id)
	if err != nil {
		return err
	}
	changed, err := credential.PasswordChanged(tx, t, id)
	e.Has.Password, e.Has.Passkeys, e.Has.TOTPs, e.Has.RecoveryCodes = !changed.IsZero(), f.Passkeys, f.TOTPs, f.RecoveryCodes
	return err
}

// reasons says in words where the need comes from.
func (e *Explained) reasons(f *signin.Flow, ask Explaining) {
	why := func(format string, args ...any) { e.Why = append(e.Why, fmt.Sprintf(format, args...)) }
	for _, r := range e.Rules {
		why("rule %d of settings.assurance.rules fits and needs %s", r.Rule, r.Need)
	}
	if len(e.Rules) == 0 {
		why("no rule of settings.assurance.rules fits")
	}
	if e.Has.TOTPs > 0 {
		why("the customer has an authenticator app, and is asked for a second factor wherever they sign in")
	}
	if policyRisks[ask.Risk] != "" {
		why("the sign-in is suspicious: who has a second factor is asked for it, and no trusted browser makes up for it")
	}
	if e.Wish != "" {
		why("the application would like %s, and does without it where the customer has no way to it", e.Wish)
	}
	if f.World.Need.ACR != "" && !f.World.Need.Hard {
		why("a browser that the customer trusts makes up for the second factor")
	}
	if e.Action != access.ActSignIn {
		why("what changes an account wants a proof of the last %s", e.Within)
	}
}

// first is a way in and what it proves.
type first struct {
	name    string
	methods []session.Method
}

// firsts are the first proofs that the customer could give.
func (e *Explained) firsts(t *tenant.Tenant) []first {
	list := []first{{"code", []session.Method{session.OTPEmail}}}
	if e.Has.Password && !t.Settings.Password.Off {
		p := first{"password", []session.Method{session.Password}}
		if !t.Settings.Password.Alone {
			p = first{"password and code", []session.Method{session.Password, session.OTPEmail}}
		}
		list = append(list, p)
	}
	if e.Has.Passkeys > 0 {
		list = append(list, first{"passkey", []session.Method{session.Passkey}})
	}
	return list
}

// after asks what comes next once the proof is given.
func after(f signin.Flow, policy signin.Policy, p first) ExplainStep {
	f.World.Standing = nil
	for _, m := range p.methods {
		f.World.Standing = append(f.World.Standing, session.Proof{Method: m, At: f.World.Now})
	}
	step := signin.Next(f.Facts, policy)
	out := ExplainStep{Proof: p.name, Worth: session.Assure(f.World.Standing).ACR, Next: string(step.Name), Reason: string(step.Reason)}
	switch step.Name {
	case signin.Second:
		out.Enough = words(f.Seconds())
	case signin.Enrol, signin.Again: // Again: an address is proven anew before a factor is set up
		out.Next, out.SetUp, out.Skip = string(signin.Enrol), words(f.Lacking()), f.MaySkip()
	}
	return out
}

func words(list []session.Method) (out []string) {
	for _, m := range list {
		out = append(out, string(m))
	}
	return out
}
