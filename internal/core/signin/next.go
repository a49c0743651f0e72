package signin

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

// questions stand in the order in which they are asked. The first one that has
// something to ask decides; if none has, the journey is done.
//
// Until proven has let the journey pass, nothing that a question reads may
// differ between an address that is known and one that is not.
var questions = append(slices.Clone(door), age, documents, newcomersChoices, account, username, enrol, fields, scopes, wanted, choices, offer)

// door are the questions that need to know no more of the World than who the
// journey is about, which sessions there are, and what was and must be proven.
var door = []func(Facts, Policy) Step{
	cancelled,
	young,
	who,
	judged,
	proven,
	rightOne,
	newcomer,
	barred,
	second,
	enrol,
	standing,
	newPassword,
}

// Next says which step comes next. It is pure.
func Next(f Facts, p Policy) Step {
	s := ask(f, p)
	if f.Prompt.None {
		return quiet(s)
	}
	return s
}

// AtTheDoor says which step comes next as far as the first questions go, before
// anything is looked up that only matters to somebody who has proven who they
// are. If none of them has anything to ask, ok is false.
func AtTheDoor(f Facts, p Policy) (s Step, ok bool) {
	if f.Kind == Address {
		return Next(f, p), true // there are no other questions
	}
	s = first(door, f, p)
	if s.Name != "" && f.Prompt.None {
		s = quiet(s)
	}
	return s, s.Name != ""
}

func ask(f Facts, p Policy) Step {
	list := questions
	if f.Kind == Address {
		list = door[:5] // cancelled, young, who, judged, proven: the address is nobody's yet
	}
	if s := first(list, f, p); s.Name != "" {
		return s
	}
	known, _ := Answering(f, p)
	return Step{Name: Done, Session: known.Session}
}

func first(list []func(Facts, Policy) Step, f Facts, p Policy) Step {
	for _, q := range list {
		if s := q(f, p); s.Name != "" {
			return s
		}
	}
	return Step{}
}

func cancelled(f Facts, _ Policy) Step {
	if f.Cancelled {
		return refuse(AccessDenied)
	}
	return Step{}
}

// young ends the journey of who said that they are too young: whatever is typed
// in it afterwards changes nothing.
func young(f Facts, _ Policy) Step {
	if f.Young {
		return refuse(TooYoung)
	}
	return Step{}
}

func who(f Facts, p Policy) Step {
	if _, ok := Answering(f, p); ok || f.Identifier != nil || !f.Holder.IsZero() {
		return Step{}
	}
	if chooses(f) {
		return Step{Name: Choose}
	}
	return Step{Name: Identify}
}

// chooses reports whether the account chooser is of use: there is somebody to
// choose, and nothing in the request names somebody already.
func chooses(f Facts) bool {
	if f.Kind != SignIn || f.Another || len(f.World.Sessions) == 0 || f.Session != (session.ID{}) {
		return false
	}
	if f.Prompt.Select {
		return true
	}
	return !f.Prompt.Create && !f.Prompt.Login && f.Hint == "" && f.Pinned.IsZero()
}

// Answering returns the session of this browser that answers the request
// without new proof, if there is one.
func Answering(f Facts, p Policy) (Known, bool) {
	if f.Kind != SignIn || f.Prompt.Login || f.Prompt.Create || f.Identifier != nil || !f.Holder.IsZero() || f.Another {
		return Known{}, false
	}
	fresh := usable(f)
	if f.Session != (session.ID{}) {
		return one(fresh, func(k Known) bool { return k.Session == f.Session })
	}
	if f.Prompt.Select {
		return Known{}, false
	}
	if !f.Pinned.IsZero() {
		return one(fresh, func(Known) bool { return true })
	}
	alone := len(fresh) == 1 && len(f.World.Sessions) == 1
	if alone && f.Hint == "" && p.Silent || len(fresh) == 1 && f.Prompt.None {
		return fresh[0], true
	}
	return Known{}, false
}

func one(list []Known, want func(Known) bool) (Known, bool) {
	for _, k := range list {
		if want(k) {
			return k, true
		}
	}
	return Known{}, false
}

// usable are the sessions that are fresh enough and of the right customer.
func usable(f Facts) []Known {
	var out []Known
	for _, k := range f.World.Sessions {
		old := f.Aged && f.World.Now.Sub(k.AuthenticatedAt) > f.MaxAge.Truncate(time.Second)
		if old || !f.Pinned.IsZero() && k.Customer != f.Pinned {
			continue
		}
		out = append(out, k)
	}
	return out
}

// proven asks for the first proof. A code or a passkey stands alone; a password
// that does not is followed by a code, unless a stronger second factor comes
// anyway. An account that is being recovered opens to nothing but its mailbox.
func proven(f Facts, p Policy) Step {
	if _, ok := Answering(f, p); ok {
		return Step{}
	}
	if _, ok := f.Proven(Code); ok {
		return Step{}
	}
	recovering := f.World.Account.State == customer.Recovery
	if _, ok := f.Proven(Passkey); ok && f.Kind != Address {
		if !recovering {
			return Step{}
		}
		if f.Identifier == nil {
			return Step{Name: Again}
		}
	}
	if f.Kind == Recover || f.Kind == Address || f.Method != Password || !p.Password {
		return Step{Name: Code}
	}
	if _, ok := f.Proven(Password); !ok {
		return Step{Name: Password}
	}
	if recovering || f.World.Account.Unproven || !unaided(f, p) {
		return Step{Name: Code}
	}
	return Step{}
}

// unaided reports whether the password needs no code beside it: because the tenant
// says so and risk does not object, or because of a factor that is worth more.
func unaided(f Facts, p Policy) bool {
	if p.Alone && f.Verdict == "" {
		return true
	}
	if f.World.Trusted && f.Verdict == "" && !f.World.Need.Hard {
		return true
	}
	_, done := f.Proven(Second)
	return done || len(f.Enough(session.Multi, f.World.Ways)) > 0 && session.Meets(f.World.Need.ACR, session.Multi)
}

func rightOne(f Facts, _ Policy) Step {
	if f.Pinned.IsZero() || f.World.Account.ID == f.Pinned {
		return Step{}
	}
	if f.Kind == Confirm {
		return refuse(OtherAccount)
	}
	return refuse(LoginRequired)
}

func newcomer(f Facts, p Policy) Step {
	switch {
	case !f.World.Account.ID.IsZero():
		return Step{}
	case p.Closed:
		return refuse(RegistrationClosed)
	case f.World.Refused || f.Identifier == nil || f.Identifier.Kind == "username":
		return refuse(AddressRefused)
	}
	return Step{}
}

// barred refuses before anything more is asked of somebody who cannot get in.
func barred(f Facts, _ Policy) Step {
	switch f.World.Account.State {
	case "", customer.Active, customer.Closing, customer.Recovery:
		return Step{}
	}
	return refuse(CustomerLocked)
}

func standing(f Facts, p Policy) Step {
	switch f.World.Account.State {
	case customer.Closing:
		return Step{Name: Reopen}
	case customer.Recovery:
		if p.Password {
			return Step{Name: Reset}
		}
		return Step{Name: Restore}
	}
	return Step{}
}

func newPassword(f Facts, p Policy) Step {
	known := !f.World.Account.ID.IsZero()
	if known && p.Password && !f.Reset && (f.Kind == Recover || f.World.Account.MustChange) {
		return Step{Name: Reset}
	}
	return Step{}
}

// age is asked of newcomers alone, and before anything else that is kept of them.
func age(f Facts, p Policy) Step {
	if p.Age && f.World.Account.ID.IsZero() && f.OfAge == nil {
		return Step{Name: Age}
	}
	return Step{}
}

// newcomersChoices come before the account, so that what is consented to is
// written with it.
func newcomersChoices(f Facts, _ Policy) Step {
	if f.World.Account.ID.IsZero() && len(f.World.Choices) > 0 && !f.skipped(Choices) {
		return Step{Name: Choices}
	}
	return Step{}
}

// documents come before the account, so that nobody has one without having
// accepted what its tenant asks for.
func documents(f Facts, _ Policy) Step {
	if f.Kind == Confirm {
		return Step{}
	}
	if f.World.Later && (f.skipped(Terms) || f.Prompt.None) {
		return Step{}
	}
	for _, d := range f.World.Terms {
		if !accepted(f.Accepted, d) {
			return Step{Name: Terms}
		}
	}
	return Step{}
}

func accepted(list []Acceptance, d Acceptance) bool {
	for _, a := range list {
		if a.Kind == d.Kind && a.Version == d.Version {
			return true
		}
	}
	return false
}

func account(f Facts, _ Policy) Step {
	if f.World.Account.ID.IsZero() {
		return Step{Name: Register}
	}
	return Step{}
}

func username(f Facts, p Policy) Step {
	if p.Username && f.Registered && !f.World.Username && !f.skipped(Username) {
		return Step{Name: Username}
	}
	return Step{}
}

func fields(f Facts, _ Policy) Step {
	if len(f.World.Fields) > 0 && f.Kind != Confirm {
		return Step{Name: Profile}
	}
	return Step{}
}

func scopes(f Facts, _ Policy) Step {
	if !f.World.Client || f.Consented {
		return Step{}
	}
	if len(f.World.Scopes) > 0 || f.Prompt.Consent {
		return Step{Name: Consent}
	}
	return Step{}
}

// wanted are the fields that the application wants. What is needed is asked of
// everybody, the rest only of who may be asked for more.
func wanted(f Facts, _ Policy) Step {
	if len(f.World.Asks) > 0 && (f.World.Asks[0].Needed || f.Askable()) {
		return Step{Name: Ask}
	}
	return Step{}
}

// choices asks again for consent that ends, or was never asked for.
func choices(f Facts, _ Policy) Step {
	if len(f.World.Choices) > 0 && f.Askable() {
		return Step{Name: Choices}
	}
	return Step{}
}

// Askable reports whether the customer may be asked for more than is needed:
// once in a sign-in in which they have just proven who they are, and never in
// the one that made the account.
func (f *Facts) Askable() bool {
	return f.Kind == SignIn && f.Fresh() && !f.Registered && !f.Prompt.None && !f.skipped(Ask) && !f.skipped(Choices)
}
