package signin

import "github.com/cardea-id/cardea/internal/core/session"

// Name names a step. Pages are shown to a person; acts are done by the caller
// at once, who then asks Next again.
type Name string

// The pages.
const (
	Choose   Name = "choose"   // which of the accounts in this browser
	Identify Name = "identify" // who are you
	Code     Name = "code"     // the code, or the link, that was sent
	Password Name = "password" // the password
	Second   Name = "second"   // a second factor: Facts.Way says which, "" which is usual
	Hold     Name = "hold"     // not before Facts.HoldUntil
	Reopen   Name = "reopen"   // the account is closing: keep it after all?
	Reset    Name = "reset"    // choose a new password
	Age      Name = "age"      // is the newcomer old enough to make an account alone?
	Terms    Name = "terms"    // accept the documents that are new
	Choices  Name = "choices"  // consent to purposes and topics, or not: at sign-up, and again when a consent ends
	Username Name = "username" // choose a username, or skip
	Profile  Name = "profile"  // fields that the catalogue requires
	Ask      Name = "ask"      // fields that the application wants, with what for
	Enrol    Name = "enrol"    // set up a stronger way to sign in; Facts.MaySkip
	Consent  Name = "consent"  // what the application asks for
	Offer    Name = "offer"    // create a passkey for the next time?
	Refuse   Name = "refuse"   // the journey ends here; Reason says why
)

// Passkey is the step of a proof that any page up to Second may lead to, and no
// page of its own.
const Passkey Name = "passkey"

// The acts.
const (
	Again    Name = "again"    // account.Again: the session is no answer, its customer proves an address
	Restore  Name = "restore"  // account.Restore: an account in recovery without passwords comes back by proof alone
	Register Name = "register" // account.Register
	Done     Name = "done"     // Session names the session to use, or none: account.SignIn
)

// Step is what comes next. It is comparable.
type Step struct {
	Name    Name
	Reason  Reason     // of Refuse
	Session session.ID // of Done: the session of this browser that answers; zero: the proofs of the flow open a new one
}

// Reason says why a journey ends. The first group are the codes of OpenID
// Connect Core 1.0, section 3.1.2.6, and RFC 6749, section 4.1.2.1.
type Reason string

// The reasons.
const (
	AccessDenied       Reason = "access_denied"
	LoginRequired      Reason = "login_required"
	ChoiceRequired     Reason = "account_selection_required"
	ConsentRequired    Reason = "consent_required"
	InteractionNeeded  Reason = "interaction_required"
	CustomerLocked     Reason = "customer_locked"
	RegistrationClosed Reason = "registration_closed"
	Unmet              Reason = "unmet_authentication_requirements" // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
	RiskDenied         Reason = "risk_denied"
	AddressRefused     Reason = "address_refused"
	OtherAccount       Reason = "other_account"
	TooYoung           Reason = "too_young"
)

// Act reports whether the step is done by the caller without showing a page.
func (s Step) Act() bool {
	return s.Name == Again || s.Name == Restore || s.Name == Register || s.Name == Done
}

func refuse(why Reason) Step { return Step{Name: Refuse, Reason: why} }

// quiet turns every page into the error that prompt=none promises
// (OpenID Connect Core 1.0, section 3.1.2.1).
func quiet(s Step) Step {
	switch s.Name {
	case Done, Refuse:
		return s
	case Choose:
		return refuse(ChoiceRequired)
	case Identify, Code, Password, Again:
		return refuse(LoginRequired)
	case Consent:
		return refuse(ConsentRequired)
	}
	return refuse(InteractionNeeded)
}
