package session

import (
	"context"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// TouchEvery is how far SeenAt may lag behind.
const TouchEvery = 5 * time.Minute

const ofToken = `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`

// Asking are the questions of FindSet, for db.Tx.Foresee.
func Asking(t *tenant.Tenant, cookie string) (list []db.Question) {
	for _, token := range ReadSet(cookie) {
		if who, digest, ok := t.Locator("session").Read(token); ok {
			list = append(list, db.Asking[Session](ofToken, t.ID, who, digest))
		}
	}
	return list
}

// Find returns the living session of a token. A token that is cut, altered,
// another tenant's, replaced, ended or too old finds none.
func Find(tx *db.Tx, t *tenant.Tenant, token string) (Session, bool, error) {
	who, digest, ok := t.Locator("session").Read(token)
	if !ok {
		return Session{}, false, nil
	}
	s, found, err := db.Find[Session](tx, ofToken, t.ID, who, digest)
	return living(tx, t, s, found, err)
}

// Alive returns a session by its id if it is alive.
func Alive(tx *db.Tx, t *tenant.Tenant, cus customer.ID, sid ID) (Session, bool, error) {
	s, found, err := db.Find[Session](tx, its, t.ID, cus, sid)
	return living(tx, t, s, found, err)
}

// Lives is Alive for who needs to know no more, and need not know the session's
// id: which is the SELECT by which another room finds that, with $1 for the
// tenant, $2 for the customer and $3 for of.
func Lives(tx *db.Tx, t *tenant.Tenant, cus customer.ID, which string, of [16]byte) (bool, error) {
	l, found, err := db.Find[lease](tx, named(which), t.ID, cus, of)
	if err != nil || !found {
		return false, err
	}
	s := Session(l)
	return s.alive(t, tx.Now), nil
}

// AskingLife is the question of Lives, for db.Tx.Foresee.
func AskingLife(t *tenant.Tenant, cus customer.ID, which string, of [16]byte) db.Question {
	return db.Asking[lease](named(which), t.ID, cus, of)
}

func named(which string) string {
	return `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND id = (` + which + `)`
}

const its = `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`

// lease is a session as far as its being alive rests on it.
type lease Session

// Fields names the columns.
func (l *lease) Fields() []db.Field {
	return []db.Field{
		{Column: "remembered", Ptr: &l.Remembered}, {Column: "created_at", Ptr: &l.CreatedAt}, {Column: "seen_at", Ptr: &l.SeenAt},
		{Column: "idle_at", Ptr: &l.IdleAt}, {Column: "expires_at", Ptr: &l.ExpiresAt}, {Column: "ended_at", Ptr: &l.EndedAt},
	}
}

func living(tx *db.Tx, t *tenant.Tenant, s Session, found bool, err error) (Session, bool, error) {
	if err != nil || !found || !s.alive(t, tx.Now) {
		return Session{}, false, err
	}
	s.settle(t)
	return s, true, nil
}

// List returns the customer's living sessions, the one seen last first.
func List(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]Session, error) {
	all, err := db.All[Session](tx, `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND ended_at IS NULL
		ORDER BY seen_at DESC, id DESC`, t.ID, cus)
	all = slices.DeleteFunc(all, func(s Session) bool { return !s.alive(t, tx.Now) })
	for i := range all {
		all[i].settle(t)
	}
	return all, err
}

// Touch notes that the session is in use, at most every TouchEvery. It never
// wakes a session that has ended or run out. Call it after the answer.
func Touch(ctx context.Context, d *db.DB, t *tenant.Tenant, s Session) error {
	now := d.Now()
	if now.Sub(s.SeenAt) < TouchEvery {
		return nil
	}
	_, err := d.Bump(ctx, `UPDATE session SET seen_at = $1, idle_at = $2
		WHERE tenant_id = $3 AND customer_id = $4 AND id = $5
			AND ended_at IS NULL AND seen_at <= $6 AND idle_at > $1 AND expires_at > $1`,
		now, now.Add(t.Sessions(s.Remembered).Idle), s.TenantID, s.CustomerID, s.ID, now.Add(-TouchEvery))
	return err
}

// Known reports whether there is or, within Kept, was a session of the customer
// with this id.
func Known(tx *db.Tx, t *tenant.Tenant, cus customer.ID, sid ID) (bool, error) {
	_, found, err := db.Find[Session](tx, `FROM session WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`,
		t.ID, cus, sid)
	return found, err
}
