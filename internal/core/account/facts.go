package account

import (
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const (
	asAccount = "as long as the account"
	digested  = "keyed digest alone"
	readable  = "readable in the database, without a name"
)

func days(d time.Duration) string { return fmt.Sprintf("%d days", int(d.Hours()/24)) }

func kept(d tenant.Duration) string {
	if d == 0 {
		return asAccount
	}
	return days(time.Duration(d))
}

var (
	running = []string{catalog.PurposeAccount}
	helped  = []string{catalog.PurposeAccount, catalog.PurposeSupport}
	proving = []string{catalog.PurposePrivacy}
	shown   = []string{catalog.Customer, "staff:operator", "staff:support", "staff:privacy"}
	unshown = []string{catalog.Customer}
)

// Facts are what the house notes of customers beyond the fields of the
// catalogue, with how long it is kept under the tenant's settings: the other
// half of what records of processing tell.
func Facts(t *tenant.Tenant) []catalog.Fact {
	var out []catalog.Fact
	for _, f := range append(signInFacts(), recordFacts(t)...) {
		out = append(out, catalog.Fact(f))
	}
	return out
}

// fact is catalog.Fact, written as a line of a table.
type fact catalog.Fact

func signInFacts() []fact {
	return []fact{
		{"account", "state of the account, when it was made and last used", catalog.Technical, catalog.ByHouse, helped, shown,
			asAccount + "; a pseudonym stays", readable, []string{"customer", "erasure"}},
		{"subject", "the random names by which applications know the customer", catalog.Technical, catalog.ByHouse, running, unshown,
			asAccount, readable, []string{"subject"}},
		{"session", "sign-ins that last: network address, browser, times, proofs", catalog.Technical, catalog.Observed, helped, shown,
			days(session.Kept) + " after the end", "network and browser " + catalog.SealedFor, []string{"session", "session_proof"}},
		{"device", "browsers that the customer has signed in with", catalog.Technical, catalog.Observed, running, shown,
			days(session.DeviceKept) + " after the last use", catalog.SealedFor, []string{"device"}},
		{"grant", "what the customer let applications do, and when they used it", catalog.Technical, catalog.Observed, running, shown,
			days(grant.Kept) + " after the end", readable + "; tokens as digests", []string{"app_grant", "code", "refresh_token"}},
		{"password", "that there is a password and when it was changed", catalog.Technical, catalog.Given, running, unshown,
			asAccount, "hash of argon2id alone", []string{"password"}},
		{"second_factor", "passkeys, authenticator apps, recovery codes, and what was offered", catalog.Technical, catalog.Given, running, unshown,
			asAccount, "names and secrets " + catalog.SealedFor + ", codes as digests", []string{"passkey", "totp", "recovery_code", "enrolment"}},
		{"recovery", "recoveries that wait, alarms, codes on their way", catalog.Technical, catalog.Observed, running, shown,
			"until they run out, days at most", digested, []string{"recovery_wait", "alarm", "one_time", "flow"}},
		{"habit", "usual networks, countries and hours of sign-ins", catalog.Behavioural, catalog.Observed, running, unshown,
			days(risk.HabitsKept) + " after the last time", digested, []string{"habit"}},
		{"risk", "what was thought of attempts to sign in, and why", catalog.Behavioural, catalog.Observed, running, shown,
			days(risk.VerdictsKept), "signals without addresses", []string{"verdict"}},
		{"former_identifier", "addresses and names until lately", catalog.Identifier, catalog.ByHouse, running, nil,
			"three days to undo a change", catalog.SealedFor, []string{"identifier_change"}},
	}
}

func recordFacts(t *tenant.Tenant) []fact {
	r := t.Settings.Retention
	return []fact{
		{"message", "which messages were sent, without their words", catalog.Technical, catalog.ByHouse, helped, shown,
			kept(r.Messages), readable, []string{"message"}},
		{"preference", "what the customer wants to hear about, where and when", catalog.Behavioural, catalog.Given, running, shown,
			asAccount, readable, []string{"preference", "contact_rule", "lite_customer", "lite_merge"}},
		{"consent", "decisions on purposes, scopes and terms, with their evidence", catalog.Technical, catalog.Given, proving, shown,
			"the ledger stays under a pseudonym", "evidence " + catalog.SealedFor, []string{"consent", "consent_state", "ask"}},
		{"disclosure", "who was given which fields, for what", catalog.Technical, catalog.Observed, proving, shown,
			kept(r.Disclosures), readable, []string{"disclosure"}},
		{"case", "requests about the customer's data and their answers", catalog.Technical, catalog.Given, proving, shown,
			kept(r.Cases) + "; that they were answered stays under a pseudonym", "words " + catalog.SealedFor, []string{"privacy_case", "case_entry"}},
		{"archive", "the copy of the data that the customer asked for", catalog.Technical, catalog.ByHouse, proving, unshown,
			days(privacy.ArchiveFor), catalog.SealedFor, []string{"archive"}},
		{"legal_hold", "that law obliges to keep the data for now", catalog.Technical, catalog.ByStaff, proving, []string{"staff:operator", "staff:privacy"},
			"until it is released, then " + asAccount, "reasons " + catalog.SealedFor, []string{"legal_hold"}},
		{"inactivity", "warnings that an unused account closes", catalog.Technical, catalog.ByHouse, running, unshown,
			"until the account is used again", readable, []string{"inactivity"}},
		{"role", "roles of staff", catalog.Technical, catalog.ByStaff, running, shown, asAccount, readable, []string{"role_assignment"}},
		{"event", "the journal of what happened", catalog.Technical, catalog.Observed, running, shown,
			"sign-ins " + days(r.JournalKept("signin")) + ", behaviour " + days(r.JournalKept("behaviour")) + "; others as settings.retention.journal says",
			"personal details " + catalog.SealedFor, nil},
		{"erasure_proof", "that an account was erased, and who was told", catalog.Technical, catalog.ByHouse, proving, nil,
			"stays under a pseudonym", readable, []string{"erasure_fact", "erasure_certificate", "webhook_delivery", "webhook_acknowledgement"}},
		{"search_token", "keyed digests by which staff find the customer, and the key that seals the rest", catalog.Identifier, catalog.ByHouse,
			[]string{catalog.PurposeSupport}, nil, asAccount, digested,
			[]string{"search_token", "identifier", "customer_identifier", "customer_key", "customer_field"}},
		{"search_word", "words by which staff find the customer, of fields that are searched open", catalog.Profile, catalog.ByHouse,
			[]string{catalog.PurposeSupport}, nil, "as long as the value, and while its field is searched open", readable, []string{"search_word"}},
	}
}
