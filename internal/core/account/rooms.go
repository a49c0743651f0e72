package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Rooms are the rooms of core that store rows of customers, in the order in
// which they are emptied, but for customer itself, which customer.Destroy
// empties last. A new table with a customer_id stands here or in privacy.Kept,
// and in what its room tells or is silent about: tests compare both with the
// schema.
func Rooms() []privacy.Subject {
	return []privacy.Subject{
		{
			Room: "customer", Erase: nothing, Export: exportCustomer,
			Tells: []string{"customer", "customer_field", "customer_identifier", "search_word", "subject"},
			Silent: map[string]string{
				"customer_key":      "the key that seals everything else",
				"identifier":        "keyed digests of the identifiers that are told",
				"identifier_change": "identifiers of up to three days ago, kept sealed for undoing a change",
				"search_token":      "keyed digests of words of the profile that is told",
				"erasure":           "there is none as long as there is anything to tell",
			},
		},
		{
			Room: "grant", Tables: []string{"code", "refresh_token", "app_grant"}, Erase: grant.Destroy, Export: exportGrants,
			Tells:  []string{"app_grant"},
			Silent: map[string]string{"code": "digests of secrets that live for a minute", "refresh_token": "digests of secrets of the grants that are told"},
		},
		{
			Room: "session", Tables: []string{"session", "session_proof", "device"}, Erase: session.Destroy, Export: exportSessions,
			Tells: []string{"session", "session_proof", "device"},
		},
		{
			Room: "credential", Tables: []string{
				"password", "one_time", "passkey", "totp", "recovery_code", "recovery_wait", "enrolment", "alarm",
			}, Erase: credential.Destroy, Export: exportCredentials,
			Tells:  []string{"password", "passkey", "totp", "recovery_code", "recovery_wait", "enrolment", "alarm"},
			Silent: map[string]string{"one_time": "digests of codes that live for minutes; that they were sent is told by messages"},
		},
		{Room: "risk", Tables: []string{"habit", "verdict"}, Erase: risk.Destroy, Export: exportRisk, Tells: []string{"habit", "verdict"}},
		{
			Room: "signin", Tables: []string{"flow"}, Erase: signin.Destroy,
			Silent: map[string]string{"flow": "a sign-in under way, sealed under a key of its own and deleted within the hour"},
		},
		{
			Room: "notify", Tables: []string{"message"}, Erase: notify.Destroy, Export: exportMessages,
			Tells:  []string{"message"},
			Silent: map[string]string{"webhook_delivery": "what is on its way to applications, whose copies the disclosures tell", "webhook_acknowledgement": "when applications acknowledged what the ledger of consents tells"},
		},
		{
			Room: "release", Tables: []string{"disclosure"}, Export: exportDisclosures, Tells: []string{"disclosure"},
			Erase: rows(`DELETE FROM disclosure WHERE tenant_id = $1 AND customer_id = $2`),
		},
		{
			Room: "consent", Tables: []string{"consent_state"}, Export: exportConsents, Tells: []string{"consent"},
			Erase:  rows(`DELETE FROM consent_state WHERE tenant_id = $1 AND customer_id = $2`),
			Silent: map[string]string{"consent_state": "where the ledger that is told stands now"},
		},
		{
			Room: "preference", Tables: []string{"preference", "contact_rule", "lite_customer", "lite_merge"}, Erase: consent.DestroyPreferences,
			Export: exportPreferences, Tells: []string{"preference", "contact_rule"},
			Silent: map[string]string{
				"lite_customer": "a keyed digest of an address without an account; an account has none",
				"lite_merge":    "under which other ids the ledger keeps what was decided before there was an account",
			},
		},
		{Room: "ask", Tables: []string{"ask"}, Erase: consent.DestroyAsked, Export: exportAsked, Tells: []string{"ask"}},
		{
			Room: "access", Tables: []string{"role_assignment"}, Export: exportRoles, Tells: []string{"role_assignment"},
			Erase: access.RevokeAll,
		},
		{
			Room: "privacy", Tables: []string{"archive"}, Erase: privacy.Destroy, Export: exportCases,
			Tells:  []string{"privacy_case", "case_entry"},
			Silent: map[string]string{"archive": "earlier copies of what is told"},
		},
		{
			Room: "hold", Tables: []string{"legal_hold"}, Export: exportHolds, Tells: []string{"legal_hold"},
			Erase: rows(`DELETE FROM legal_hold WHERE tenant_id = $1 AND customer_id = $2`),
			Silent: map[string]string{
				"erasure_fact":        "there is none as long as there is anything to tell",
				"erasure_certificate": "there is none as long as there is anything to tell; it is handed out by the link of the last message",
			},
		},
		{
			Room: "account", Tables: []string{"inactivity"}, Erase: rows(`DELETE FROM inactivity WHERE tenant_id = $1 AND customer_id = $2`),
			Silent: map[string]string{"inactivity": "that the customer was warned of closing an unused account; the warnings are told by messages"},
		},
		{Room: "journal", Erase: nothing, Export: exportJournal},
	}
}

// nothing is what a room erases whose rows go or stay by other hands: those of
// customer are destroyed last, and the journal keeps digests of payloads that
// nobody opens any more.
func nothing(*db.Tx, *tenant.Tenant, customer.ID) error { return nil }

func rows(statement string) func(*db.Tx, *tenant.Tenant, customer.ID) error {
	return func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
		_, err := tx.Exec(statement, t.ID, c)
		return err
	}
}
