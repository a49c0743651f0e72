package signin

import (
	"time"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Kind says what a journey is for.
type Kind string

// The kinds of journey.
const (
	SignIn  Kind = "signin"  // the one door
	Recover Kind = "recover" // the way in is lost: prove the address, choose a new password
	Confirm Kind = "confirm" // fresh proof by somebody who is signed in, before something dangerous
	Address Kind = "address" // proof of an address that the pinned customer wants to have
)

// Prompt is what the application asked for (OpenID Connect Core 1.0, section
// 3.1.2.1; Initiating User Registration 1.0 for create).
type Prompt struct {
	Login   bool `json:"login,omitempty"`
	Create  bool `json:"create,omitempty"`
	Select  bool `json:"select,omitempty"`
	Consent bool `json:"consent,omitempty"`
	None    bool `json:"none,omitempty"`
}

// Facts is everything that a journey knows. The exported members except Here
// and World rest sealed in the flow row; steps write them.
type Facts struct {
	Kind       Kind          `json:"kind"`
	Prompt     Prompt        `json:"prompt,omitzero"`
	Aged       bool          `json:"aged,omitempty"`    // MaxAge counts
	MaxAge     time.Duration `json:"max_age,omitempty"` // how long ago the session's proof may be
	Pinned     customer.ID   `json:"pinned,omitzero"`   // only this customer may answer (id_token_hint, Confirm)
	Hint       string        `json:"hint,omitempty"`    // login_hint, to fill the field
	Locale     string        `json:"locale,omitempty"`
	Remember   bool          `json:"remember,omitempty"` // keep me signed in
	Session    session.ID    `json:"session,omitzero"`   // picked in the chooser
	Another    bool          `json:"another,omitempty"`  // use another account
	Identifier *Identifier   `json:"identifier,omitempty"`
	Holder     customer.ID   `json:"holder,omitzero"`    // whose passkey came without an identifier
	Replaces   []byte        `json:"replaces,omitempty"` // of Address: digest of the identifier that the new one takes the place of
	Primary    bool          `json:"primary,omitempty"`  // of Address: the new one becomes the primary
	Method     Name          `json:"method,omitempty"`   // Password, or Code, which is also what "" means
	SentAt     time.Time     `json:"sent_at,omitzero"`   // when the last message of this flow was asked for
	Proofs     []Proof       `json:"proofs,omitempty"`

	Way          session.Method `json:"way,omitempty"`           // the second factor that was chosen: TOTP, OTPSMS, Recovery
	SecondSentAt time.Time      `json:"second_sent_at,omitzero"` // when its message was asked for
	SecondTo     [32]byte       `json:"second_to,omitzero"`      // digest of the number that it went to
	Trust        bool           `json:"trust,omitempty"`         // "don't ask on this device"
	Capable      bool           `json:"capable,omitempty"`       // the browser can make passkeys
	Enrolling    [16]byte       `json:"enrolling,omitzero"`      // the TOTP generator that is being set up
	Verdict      string         `json:"verdict,omitempty"`       // what risk made of the first proof: "step_up", "delay", "deny"
	HoldUntil    time.Time      `json:"hold_until,omitzero"`     // of "delay"
	Reasons      []string       `json:"reasons,omitempty"`       // why, by the codes of risk, the heaviest first

	Accepted   []Acceptance `json:"accepted,omitempty"`
	Young      bool         `json:"young,omitempty"`      // somebody in this journey is too young: it leads nowhere any more
	OfAge      *OfAge       `json:"of_age,omitempty"`     // the newcomer is old enough
	Chosen     []Choice     `json:"chosen,omitempty"`     // what was consented to before there was an account
	ChosenBy   string       `json:"chosen_by,omitempty"`  // how: "checkbox", "button"
	Registered bool         `json:"registered,omitempty"` // the account was made in this flow
	Reset      bool         `json:"reset,omitempty"`      // a new password was chosen in this flow
	Skipped    []Name       `json:"skipped,omitempty"`    // steps that may be left out and were
	Consented  bool         `json:"consented,omitempty"`
	Cancelled  bool         `json:"cancelled,omitempty"`
	Action     string       `json:"action,omitempty"`    // of Confirm: what is to be done, in the words of tenant.AssuranceRule
	ACR        string       `json:"acr,omitempty"`       // the assurance that the application asks for
	Essential  bool         `json:"essential,omitempty"` // and cannot do without
	Outcome    *Outcome     `json:"outcome,omitempty"`   // how the journey ended; written by End

	Here  Context `json:"-"` // the flow that these facts belong to; set by Load
	World World   `json:"-"` // looked up afresh for every request; see account.Survey
}

// Identifier is what was typed, in its canonical form.
type Identifier struct {
	Kind   string   `json:"kind"` // "email", "phone", "username"
	Value  string   `json:"value"`
	Digest [32]byte `json:"digest"`
}

// Outcome is how a journey ended: in a session, or with a reason.
type Outcome struct {
	Customer customer.ID `json:"customer,omitzero"`
	Session  session.ID  `json:"session,omitzero"`
	Reason   Reason      `json:"reason,omitempty"`
}

// Acceptance is a document that was accepted in this flow before there was an
// account to write it to.
type Acceptance struct {
	Kind    string `json:"kind"`
	Version int64  `json:"version"`
	Locale  string `json:"locale"`
}

// OfAge is that a newcomer is old enough, and how that was told.
type OfAge struct {
	Country   string `json:"country,omitempty"`
	Years     int    `json:"years"`               // the age that counts there
	Method    string `json:"method"`              // tenant.AskBirthdate or AskStatement
	Birthdate string `json:"birthdate,omitempty"` // if the catalogue requires it, else it is forgotten
}

// Choice is something that may be consented to: a purpose in a version, or a
// topic on a channel.
type Choice struct {
	Purpose string `json:"purpose,omitempty"`
	Version int64  `json:"version,omitempty"`
	Topic   string `json:"topic,omitempty"`
	Channel string `json:"channel,omitempty"`
	Denied  bool   `json:"denied,omitempty"` // of Chosen: it was said no to in so many words
}

// Wanted is a field that the application asks for.
type Wanted struct {
	Field   string
	Purpose string
	Needed  bool
	Consent *Choice // to be given beside it: the purpose rests on consent and does not hold
}

// Context is what a proof is good for (security law 3). It is compared as a
// whole: a proof counts if its context equals the one that the step expects.
type Context struct {
	Tenant   tenant.ID   `json:"tenant"`
	Flow     ID          `json:"flow"`
	Browser  [32]byte    `json:"browser"`           // digest of the browser's secret for this flow
	Step     Name        `json:"step"`              // Code or Password
	Purpose  string      `json:"purpose"`           // "signin", "recover", "stepup", "address"
	Customer customer.ID `json:"customer,omitzero"` // who held the identifier when the proof was asked for; zero: nobody
	Target   [32]byte    `json:"target"`            // digest of the identifier
	Since    int64       `json:"since,omitempty"`   // when the account's password was set, in microseconds: a reset ends what was proven before

	// State is that of the account: what was proven before it was secured, by an
	// alarm or by staff, does not get it back.
	State customer.State `json:"state,omitempty"`
}

// Proof is one thing that was proven in this flow.
type Proof struct {
	Context
	Method     string    `json:"method"` // "pwd", "otp_email", "otp_sms", "link": as session proofs name it
	Credential [16]byte  `json:"credential,omitzero"`
	At         time.Time `json:"at"`
	Expires    time.Time `json:"expires"`
}

// ProofLife is how long a proof counts within its flow.
const ProofLife = 15 * time.Minute

// World is what the house knows at this moment about the journey's people. It
// is never stored.
type World struct {
	Now      time.Time
	Sessions []Known          // alive sessions that this browser holds
	Account  Account          // whom the chosen session or the identifier names; zero: nobody
	Terms    []Acceptance     // documents that this account (or a new one) has yet to accept
	Later    bool             // Terms may be put off
	Username bool             // the account has a username
	Fields   []string         // required fields without a value
	Asks     []Wanted         // fields that the application asks for now, the needed ones first; two at most
	Choices  []Choice         // what may be consented to now
	Scopes   []string         // scopes that a third-party application asks for and was not granted yet
	Client   bool             // an application began this journey
	Need     Need             // the proof that this journey needs
	Standing []session.Proof  // what was proven in the session that answers, or that Confirm is about
	Ways     []session.Method // second factors that the account has
	Setups   []session.Method // second factors that could be set up here
	Trusted  bool             // this browser may skip what is not Hard
	Offer    bool             // a passkey is worth an offer
	Refused  bool             // the tenant's rules let nobody register with this address
	Surveyed bool             // all of this was looked up, in this transaction, for this Identifier
}

// Need is which assurance a journey needs, by the policy of the moment.
type Need struct {
	ACR   string    // must be reached; "": nothing beyond the first proof
	Hard  bool      // a trusted device does not make up for it
	Wish  string    // is tried for, and done without if the customer has no way to it
	After time.Time // proofs before count no more; zero: all do
	Grace time.Time // until then, setting up a way may be put off
}

// Known is a session that this browser holds.
type Known struct {
	Session         session.ID
	Customer        customer.ID
	AuthenticatedAt time.Time
}

// Account is the standing of a customer.
type Account struct {
	ID         customer.ID
	State      customer.State
	MustChange bool  // the password is to be replaced at the next sign-in
	Since      int64 // when the password was set, in microseconds; 0: there is none
	Unproven   bool  // nobody has ever proven an address of it: a password is not enough (H113)
}

// Policy is what the tenant wants at its door.
type Policy struct {
	Password bool // passwords exist here
	Alone    bool // a password alone opens a session
	Passkeys bool // passkeys exist here
	Username bool // usernames exist here
	Closed   bool // nobody may register
	Silent   bool // one alive session in the browser answers without the chooser
	Age      bool // newcomers are asked for their age
}

// PolicyOf reads the tenant's settings. Silent is the caller's to set.
func PolicyOf(t *tenant.Tenant) Policy {
	s := t.Settings
	return Policy{
		Password: !s.Password.Off,
		Alone:    s.Password.Alone,
		Passkeys: !s.Passkeys.Off,
		Username: s.Identifiers.Username,
		Closed:   s.Registration.Closed,
		Age:      s.Registration.Age.Ask != "",
	}
}

// Purpose is the purpose of the codes that this kind of journey sends.
func (k Kind) Purpose() string {
	switch k {
	case Recover:
		return "recover"
	case Confirm:
		return "stepup"
	case Address:
		return "address"
	}
	return "signin"
}

// Expect is the context that a proof of the step must have now.
func (f *Facts) Expect(step Name) Context {
	c := f.Here
	c.Step, c.Purpose, c.Customer = step, f.Kind.Purpose(), f.World.Account.ID
	c.Since, c.State = f.World.Account.Since, f.World.Account.State
	if f.Kind == Address {
		c.Customer, c.State = f.Pinned, ""
	}
	if f.Identifier != nil && (step == Code || step == Password) {
		c.Target = f.Identifier.Digest
	}
	return c
}

// Proven returns the proof of the step that counts now.
func (f *Facts) Proven(step Name) (Proof, bool) {
	if f.Identifier == nil && (step == Code || step == Password) {
		return Proof{}, false
	}
	want := f.Expect(step)
	for _, p := range f.Proofs {
		if p.Context == want && !f.World.Now.Before(p.At) && f.World.Now.Before(p.Expires) {
			return p, true
		}
	}
	return Proof{}, false
}

// Valid returns every proof that counts now, for the session that they open.
func (f *Facts) Valid() []Proof {
	var out []Proof
	for _, step := range []Name{Code, Password, Passkey, Second} {
		if p, ok := f.Proven(step); ok {
			out = append(out, p)
		}
	}
	return out
}

// Identified writes whom the visitor named. What was proven or picked for
// somebody else is forgotten. A journey of somebody too young keeps no name.
func (f *Facts) Identified(i Identifier) {
	if f.Young || f.Identifier != nil && f.Identifier.Digest == i.Digest {
		return
	}
	f.Identifier, f.Holder, f.Session, f.Method, f.SentAt = &i, customer.ID{}, session.ID{}, "", time.Time{}
	f.forget()
	f.Another, f.World.Surveyed = true, false
}

// Picked writes which session the visitor chose.
func (f *Facts) Picked(s session.ID) {
	f.Session, f.Identifier, f.Holder, f.Another, f.World.Surveyed = s, nil, customer.ID{}, false, false
	f.forget()
}

// Held writes that a passkey of the customer was shown. If it is not that of
// whom was named, the passkey decides: it proves, and the name does not.
func (f *Facts) Held(c customer.ID) {
	if !f.World.Account.ID.IsZero() && f.World.Account.ID == c {
		f.Holder = c
		return
	}
	f.forget()
	f.Identifier, f.Holder, f.Session, f.Another, f.World.Surveyed = nil, c, session.ID{}, true, false
}

// forget drops what was proven and decided about somebody else.
func (f *Facts) forget() {
	f.Proofs, f.Way, f.SecondSentAt, f.SecondTo = nil, "", time.Time{}, [32]byte{}
	f.Enrolling, f.Verdict, f.HoldUntil, f.Reasons = [16]byte{}, "", time.Time{}, nil
	f.Accepted, f.Skipped, f.OfAge, f.Chosen = nil, nil, nil, nil
	f.Registered, f.Reset, f.Consented, f.Trust = false, false, false, false
}

// Prove writes a proof of the step for the context that holds now.
func (f *Facts) Prove(step Name, method string, credential [16]byte) {
	c := f.Expect(step)
	kept := f.Proofs[:0:0]
	for _, p := range f.Proofs {
		if p.Step != step {
			kept = append(kept, p)
		}
	}
	now := f.World.Now
	f.Proofs = append(kept, Proof{Context: c, Method: method, Credential: credential, At: now, Expires: now.Add(ProofLife)})
}

// TooYoung writes that the newcomer is too young, and forgets everything else
// that was told of them. Nothing in this journey undoes it.
func (f *Facts) TooYoung() {
	f.forget()
	f.Identifier, f.Holder, f.Hint, f.Method, f.SentAt = nil, customer.ID{}, "", "", time.Time{}
	f.Young, f.World.Surveyed = true, false
}

// Became writes that the nobody who proved the identifier is a customer now.
// What was proven for nobody counts for that customer from here on.
func (f *Facts) Became(id customer.ID) {
	f.Stands(Account{ID: id, State: customer.Active})
	f.Registered = true
}

// Stands writes how the account stands after an act of this journey that would
// end what was proven for it: what this journey itself has proven goes on
// counting, what others have does not.
func (f *Facts) Stands(a Account) {
	proofs := f.Valid()
	for i := range proofs {
		proofs[i].Customer, proofs[i].Since, proofs[i].State = a.ID, a.Since, a.State
	}
	f.Proofs, f.World.Account = proofs, a
}

// Skip writes that an optional step was left out.
func (f *Facts) Skip(step Name) {
	if !f.skipped(step) {
		f.Skipped = append(f.Skipped, step)
	}
}

func (f *Facts) skipped(step Name) bool {
	for _, s := range f.Skipped {
		if s == step {
			return true
		}
	}
	return false
}
