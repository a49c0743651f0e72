package notify

import "time"

// Template names what a message says. Its words stand in face/mail.
type Template string

// The messages of the house. An alarm is the link that says "this was not me".
const (
	CodeSignIn         Template = "code_signin"          // code, link
	CodeSignUp         Template = "code_signup"          // the same for an address that nobody has
	CodeRecover        Template = "code_recover"         // code, link
	CodeRecoverUnknown Template = "code_recover_unknown" // the same for an address that nobody has
	CodeStepUp         Template = "code_stepup"          // code, link
	CodeVerify         Template = "code_verify"          // code, link
	CodeSecond         Template = "code_second"          // code
	PasswordChanged    Template = "password_changed"     // link of the alarm
	AddressAdded       Template = "address_added"        // address, link to undo, hours
	AddressChanged     Template = "address_changed"      // address, link to undo, hours
	AddressRemoved     Template = "address_removed"      // address, link to undo, hours
	AddressRestored    Template = "address_restored"     // link to sign in
	AccountClosing     Template = "account_closing"      // date, link to sign in
	AccountReopened    Template = "account_reopened"     // link to the account
	AccountErased      Template = "account_erased"       // link to the page of the erasure
	ErasureHeld        Template = "erasure_held"
	SessionsEnded      Template = "sessions_ended"   // link of the alarm
	RecoveryStarted    Template = "recovery_started" // link to sign in
	RecoveryWaiting    Template = "recovery_waiting" // time from when on it works, link that stops it
	RecoveryStopped    Template = "recovery_stopped" // link of the alarm
	Recovered          Template = "recovered"        // after (wait, proof), link of the alarm
	AccountSecured     Template = "account_secured"  // link to recover
	NewDevice          Template = "new_device"       // browser, system, time, link of the alarm
	FactorAdded        Template = "factor_added"     // factor (passkey, app, codes), link of the alarm
	FactorRemoved      Template = "factor_removed"   // factor, link of the alarm
	ArchiveReady       Template = "archive_ready"    // date until which it is kept, link to the privacy centre
	CaseOpened         Template = "case_opened"      // kind, reference, date it is due, link to it
	CaseWaiting        Template = "case_waiting"     // the same, reason: what is needed
	CaseAnswered       Template = "case_answered"    // kind, reference, link
	CaseExtended       Template = "case_extended"    // kind, reference, date, reason, link
	CaseDecided        Template = "case_decided"     // kind, reference, outcome, reason, link
	CaseDue            Template = "case_due"         // to the officer: kind, reference, date, when (soon, overdue)
	ConsentEnding      Template = "consent_ending"   // topic (what it is for), date on which it ends, link to the consents
	ConsentReceipt     Template = "consent_receipt"  // topic (what was decided on), link to the receipt
	TopicConfirm       Template = "topic_confirm"    // topic, link to confirm
	InactiveWarning    Template = "inactive_warning" // date of the closing, link to sign in
	InactiveClosing    Template = "inactive_closing" // date of the erasure, link to sign in
	WebhookOff         Template = "webhook_off"      // to staff: application, reason (code), time, client (id)
	Bootstrap          Template = "bootstrap"        // link, hours
	Test               Template = "test"
)

// Templates lists every template, for tests and for the gallery.
func Templates() []Template {
	return []Template{
		CodeSignIn, CodeSignUp, CodeRecover, CodeRecoverUnknown, CodeStepUp, CodeVerify, CodeSecond,
		PasswordChanged, AddressAdded, AddressChanged, AddressRemoved, AddressRestored,
		AccountClosing, AccountReopened, AccountErased, ErasureHeld, SessionsEnded, RecoveryStarted,
		RecoveryWaiting, RecoveryStopped, Recovered, AccountSecured, NewDevice, FactorAdded, FactorRemoved,
		ArchiveReady, CaseOpened, CaseWaiting, CaseAnswered, CaseExtended, CaseDecided, CaseDue, ConsentEnding, ConsentReceipt, TopicConfirm, InactiveWarning, InactiveClosing,
		WebhookOff, Bootstrap, Test,
	}
}

// HasCode reports whether the message carries a code. Such a message is of no
// use after its code has expired.
func (t Template) HasCode() bool {
	switch t {
	case CodeSignIn, CodeSignUp, CodeRecover, CodeRecoverUnknown, CodeStepUp, CodeVerify, CodeSecond:
		return true
	}
	return false
}

// life is how long a message without a code is worth sending: an undo link
// lives 72 hours, and a notice that is three days late helps nobody.
const life = 72 * time.Hour

// known tells the templates of the house from a slip of the pen.
func (t Template) known() bool {
	for _, k := range Templates() {
		if k == t {
			return true
		}
	}
	return false
}
