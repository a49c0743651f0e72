package tenant

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
)

// AddKeys stores the first two keys of an algorithm that the tenant does not
// sign with yet (RS256, on the day an application asks for it). If it has keys
// of the algorithm already, nothing happens. Both keys are of one algorithm.
func AddKeys(tx *db.Tx, t *Tenant, current, next *DrawnKey) error {
	if current.key.Alg != next.key.Alg || current.key.KID == next.key.KID {
		return ErrUnknownAlg
	}
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM signing_key WHERE tenant_id = $1 AND alg = $2`, t.ID, current.key.Alg)
	if err != nil || n > 0 {
		return err
	}
	return t.beginKeys(tx, current, next, false)
}

// RenewKeys throws every key of an algorithm away and begins with two new ones:
// for a key that was stolen. Whatever the old keys signed stops verifying, also
// as evidence: a thief could have signed it and dated it back.
func RenewKeys(tx *db.Tx, t *Tenant, current, next *DrawnKey) error {
	if current.key.Alg != next.key.Alg || current.key.KID == next.key.KID {
		return ErrUnknownAlg
	}
	if _, err := tx.Exec(`DELETE FROM signing_key WHERE tenant_id = $1 AND alg = $2`, t.ID, current.key.Alg); err != nil {
		return err
	}
	return t.beginKeys(tx, current, next, true)
}

func (t *Tenant) beginKeys(tx *db.Tx, current, next *DrawnKey, renewed bool) error {
	if err := storeKey(tx, t.ID, t.key, current, Current); err != nil {
		return err
	}
	if err := storeKey(tx, t.ID, t.key, next, Next); err != nil {
		return err
	}
	e := KeysRotated{Alg: current.key.Alg, Current: current.key.KID, Next: next.key.KID, Renewed: renewed}
	return t.rotated(tx, e)
}

// RotateKeys moves an algorithm's keys on: current becomes previous, next
// becomes current, and the drawn key is the new next. Rotating again before the
// new current key was published for KeyPublished is safe: an older key goes on
// signing until then. Keys that have been previous for KeyKept leave the set as
// in RetireKeys. It fails with ErrNoKey if the tenant has no key of the
// algorithm.
func RotateKeys(tx *db.Tx, t *Tenant, next *DrawnKey) error {
	alg := next.key.Alg
	if _, err := retire(tx, t); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE signing_key SET state = 'previous', previous_at = $3
		WHERE tenant_id = $1 AND alg = $2 AND state = 'current'`, t.ID, alg, tx.Now); err != nil {
		return err
	}
	promoted, ok, err := db.Take[keyRow](tx, `UPDATE signing_key SET state = 'current', current_at = $3
		WHERE tenant_id = $1 AND alg = $2 AND state = 'next'`, t.ID, alg, tx.Now)
	if err != nil {
		return err
	}
	if !ok {
		return ErrNoKey
	}
	if err := storeKey(tx, t.ID, t.key, next, Next); err != nil {
		return err
	}
	return t.rotated(tx, KeysRotated{Alg: alg, Current: promoted.kid, Next: next.key.KID})
}

func (t *Tenant) rotated(tx *db.Tx, e KeysRotated) error {
	if err := note(tx, t.ID, e, journal.Security); err != nil {
		return err
	}
	return Changed(tx, t)
}
