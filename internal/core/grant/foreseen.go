package grant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What this room asks at each use of a token.
const (
	one            = `FROM app_grant WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`
	itsSession     = `SELECT session_id FROM app_grant WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`
	revoked        = `SELECT expires_at FROM revoked_token WHERE tenant_id = $1 AND jti = $2`
	presentedGrant = `FROM app_grant WHERE tenant_id = $1 AND customer_id = $2
		AND id = (SELECT grant_id FROM refresh_token WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3)`
	presentedRefresh = `FROM refresh_token WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`
)

// Asking are the questions of Revoked and Alive, for db.Tx.Foresee.
func Asking(t *tenant.Tenant, jti string, cus customer.ID, gid ID) []db.Question {
	return []db.Question{
		db.AskingValue[int64](revoked, t.ID, secret.Digest([]byte(jti))),
		db.Asking[Living](one, t.ID, cus, gid),
		session.AskingLife(t, cus, itsSession, gid),
	}
}

// foresee asks what a rotation needs to know of the token alone: the customer
// stands in it. Asked at the beginning it is no looser than asked one by one,
// since everything that must not change stands in the statements that write.
func foresee(tx *db.Tx, t *tenant.Tenant, presented string, a *app.Application) error {
	if !tx.Foresees() {
		return nil
	}
	who, digest, ok := t.Locator("refresh").Read(presented)
	if !ok || a == nil {
		return nil
	}
	cus := customer.ID(who)
	list := append(permit.Asking(t, cus, a), db.Asking[shownRefresh](presentedRefresh, t.ID, cus, digest),
		db.Asking[Grant](presentedGrant, t.ID, cus, digest), customer.AskingSubject(t, a, cus))
	return tx.Foresee(list...)
}
