package grant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// End ends a grant of the customer, and with it its codes and tokens, and tells
// whether it was there to end. The reason is a word of the caller's: "revoked",
// "signed_out", "reset".
func End(tx *db.Tx, t *tenant.Tenant, cus customer.ID, gid ID, reason string) (bool, error) {
	g, ok, err := db.Take[Grant](tx, `UPDATE app_grant SET ended_at = $1, expires_at = $1, end_reason = $2, version = version + 1
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND ended_at IS NULL`,
		tx.Now, reason, t.ID, cus, gid)
	if err != nil || !ok {
		return false, err
	}
	return true, note(tx, g, Ended{Grant: g.ID, Reason: reason})
}

// EndByApplication ends everything that the customer granted one application.
func EndByApplication(tx *db.Tx, t *tenant.Tenant, cus customer.ID, a app.ID, reason string) ([]Grant, error) {
	all, err := db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND application_id = $3 AND ended_at IS NULL ORDER BY id`,
		t.ID, cus, a)
	if err != nil {
		return nil, err
	}
	return endEach(tx, all, reason)
}

// EndBySession ends the grants that were made in the session and are not
// offline.
func EndBySession(tx *db.Tx, t *tenant.Tenant, cus customer.ID, sid session.ID, reason string) ([]Grant, error) {
	all, err := db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND session_id = $3 AND offline = FALSE AND ended_at IS NULL ORDER BY id`,
		t.ID, cus, sid)
	if err != nil {
		return nil, err
	}
	return endEach(tx, all, reason)
}

// EndAll ends everything that the customer granted, offline or not.
func EndAll(tx *db.Tx, t *tenant.Tenant, cus customer.ID, reason string) ([]Grant, error) {
	all, err := db.All[Grant](tx, `FROM app_grant
		WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL ORDER BY id`, t.ID, cus)
	if err != nil {
		return nil, err
	}
	return endEach(tx, all, reason)
}

// EndOfApplication ends what all customers granted one application and tells how
// much that was: for when the application is deleted. It is one statement and
// one event, however many customers there are.
func EndOfApplication(tx *db.Tx, t *tenant.Tenant, a app.ID, reason string) (int64, error) {
	n, err := tx.Exec(`UPDATE app_grant SET ended_at = $1, expires_at = $1, end_reason = $2, version = version + 1
		WHERE tenant_id = $3 AND application_id = $4 AND ended_at IS NULL`, tx.Now, reason, t.ID, a)
	if err != nil || n == 0 {
		return n, err
	}
	return n, journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: a, Application: a, Class: journal.SignIn, Event: AllEnded{Grants: n, Reason: reason},
	})
}

func endEach(tx *db.Tx, all []Grant, reason string) ([]Grant, error) {
	var ended []Grant
	for _, g := range all {
		n, err := tx.Exec(`UPDATE app_grant SET ended_at = $1, expires_at = $1, end_reason = $2, version = version + 1
			WHERE tenant_id = $3 AND customer_id = $4 AND id = $5 AND ended_at IS NULL`,
			tx.Now, reason, g.TenantID, g.CustomerID, g.ID)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		if err := note(tx, g, Ended{Grant: g.ID, Reason: reason}); err != nil {
			return nil, err
		}
		ended = append(ended, g)
	}
	return ended, nil
}

// Destroy deletes everything of a customer in this room, for erasure.
func Destroy(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	for _, sql := range []string{
		`DELETE FROM code WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM refresh_token WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM app_grant WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(sql, t.ID, cus); err != nil {
			return err
		}
	}
	return nil
}
