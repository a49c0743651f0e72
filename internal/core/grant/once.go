package grant

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type revokedRow struct {
	tenant tenant.ID
	jti    [32]byte
	ends   time.Time
}

// Fields names the columns.
func (r *revokedRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "jti", Ptr: &r.jti}, {Column: "expires_at", Ptr: &r.ends},
	}
}

// RevokeAccess ends one access token before its time (RFC 7009): its jti is
// remembered until exp, when the token is over by itself.
func RevokeAccess(tx *db.Tx, t *tenant.Tenant, jti string, exp time.Time) error {
	if !exp.After(tx.Now) {
		return nil
	}
	_, err := db.InsertNew(tx, "revoked_token", revokedRow{t.ID, secret.Digest([]byte(jti)), exp})
	return err
}

// Revoked tells whether RevokeAccess was called for the jti.
func Revoked(tx *db.Tx, t *tenant.Tenant, jti string) (bool, error) {
	_, found, err := db.Value[int64](tx, revoked, t.ID, secret.Digest([]byte(jti)))
	return found, err
}

type onceRow struct {
	tenant  tenant.ID
	purpose string
	digest  [32]byte
	ends    time.Time
}

// Fields names the columns.
func (o *onceRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &o.tenant}, {Column: "purpose", Ptr: &o.purpose},
		{Column: "digest", Ptr: &o.digest}, {Column: "expires_at", Ptr: &o.ends},
	}
}

// Once tells whether the name is used for the first time: the jti of a client
// assertion or of a proof. It is remembered until exp, which the caller bounds
// (H034), and longer if the clock lags. What signed the name belongs into it: two
// applications may use the same jti.
func Once(tx *db.Tx, t *tenant.Tenant, purpose, name string, exp time.Time) (first bool, err error) {
	return db.InsertNew(tx, "once", onceRow{t.ID, purpose, secret.Digest([]byte(name)), exp})
}
