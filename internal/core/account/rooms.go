package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
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
// empties last. A new table with a customer_id stands here or in privacy.Kept:
// a test compares them with the schema.
func Rooms() []privacy.Subject {
	return []privacy.Subject{
		{Room: "grant", Tables: []string{"code", "refresh_token", "app_grant"}, Erase: grant.Destroy},
		{Room: "session", Tables: []string{"session", "session_proof", "device"}, Erase: session.Destroy},
		{Room: "credential", Tables: []string{
			"password", "one_time", "passkey", "totp", "recovery_code", "recovery_wait", "enrolment", "alarm",
		}, Erase: credential.Destroy},
		{Room: "risk", Tables: []string{"habit", "verdict"}, Erase: risk.Destroy},
		{Room: "signin", Tables: []string{"flow"}, Erase: signin.Destroy},
		{Room: "notify", Tables: []string{"message"}, Erase: notify.Destroy},
		{Room: "release", Tables: []string{"disclosure"}, Erase: rows(`DELETE FROM disclosure WHERE tenant_id = $1 AND customer_id = $2`)},
		{Room: "consent", Tables: []string{"consent_state"}, Erase: rows(`DELETE FROM consent_state WHERE tenant_id = $1 AND customer_id = $2`)},
		{Room: "access", Tables: []string{"role_assignment"}, Erase: rows(`DELETE FROM role_assignment WHERE tenant_id = $1 AND customer_id = $2`)},
	}
}

func rows(statement string) func(*db.Tx, *tenant.Tenant, customer.ID) error {
	return func(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
		_, err := tx.Exec(statement, t.ID, c)
		return err
	}
}
