package customer

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// UndoFor is how long a change of identifiers can be undone, whatever else
// happens to the account meanwhile.
const UndoFor = 72 * time.Hour

// ErrUndo is told when an undo link is unknown, used or too old.
var ErrUndo = fault.New(fault.Gone, "undo_over", "This link has been used or is too old.")

type changeKind struct{}

func (changeKind) Prefix() string { return "chg" }

// changeRow is what the identifiers were before a change.
type changeRow struct {
	tenant               tenant.ID
	customer             ID
	id                   id.ID[changeKind]
	digest               [32]byte
	before               Sealed
	createdAt, expiresAt time.Time
	usedAt               time.Time
}

func (r *changeRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer}, {Column: "id", Ptr: &r.id},
		{Column: "undo_digest", Ptr: &r.digest}, {Column: "before_sealed", Ptr: &r.before},
		{Column: "created_at", Ptr: &r.createdAt}, {Column: "expires_at", Ptr: &r.expiresAt}, {Column: "used_at", Ptr: &r.usedAt},
	}
}

// former is one identifier as it was.
type former struct {
	Kind       string    `json:"kind"`
	Value      string    `json:"value"`
	Primary    bool      `json:"primary"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
}

// KeepUndo remembers the customer's identifiers as they stand, before they
// change, and returns the token of the link that restores them.
func KeepUndo(tx *db.Tx, t *tenant.Tenant, customer ID) (token string, err error) {
	list, err := formers(tx, t, customer)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(list)
	if err != nil {
		return "", err
	}
	sealed, err := Seal(tx, t, customer, "identifier_change", plain)
	if err != nil {
		return "", err
	}
	token, digest := t.Locator("undo").Mint(customer)
	return token, db.Insert(tx, "identifier_change", changeRow{
		tenant: t.ID, customer: customer, id: id.New[changeKind](tx.Now), digest: digest, before: sealed,
		createdAt: tx.Now, expiresAt: tx.Now.Add(UndoFor),
	})
}

// formers opens the identifiers inside this room.
func formers(tx *db.Tx, t *tenant.Tenant, customer ID) ([]former, error) {
	all, err := Identifiers(tx, t, customer)
	if err != nil {
		return nil, err
	}
	items := make([]Item, len(all))
	for i := range all {
		items[i] = all[i].Item()
	}
	key, err := dataKey(tx, t, customer)
	if err != nil {
		return nil, err
	}
	values, err := openAll(key, t, customer, items)
	if err != nil {
		return nil, err
	}
	list := make([]former, len(all))
	for i, a := range all {
		list[i] = former{a.Kind, string(values[i]), a.Primary, a.VerifiedAt, a.CreatedAt}
	}
	return list, nil
}

// PeekUndo tells whose link a token is and until when it works, without using
// it. False: it is unknown, used or too old.
func PeekUndo(tx *db.Tx, t *tenant.Tenant, token string) (ID, time.Time, bool, error) {
	owner, digest, ok := t.Locator("undo").Read(token)
	if !ok {
		return ID{}, time.Time{}, false, nil
	}
	r, ok, err := db.Find[changeRow](tx, `FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2
		AND undo_digest = $3 AND used_at IS NULL AND expires_at > $4`, t.ID, ID(owner), digest, tx.Now)
	return r.customer, r.expiresAt, ok, err
}

// Undo restores the identifiers that a link stands for, exactly once, and voids
// the links of every later change, which would restore what the intruder made.
// Ending sessions and leaving the account in recovery is the caller's. Faults:
// undo_over; identifier_taken if somebody else holds one by now.
func Undo(tx *db.Tx, t *tenant.Tenant, token string) (ID, error) {
	owner, digest, ok := t.Locator("undo").Read(token)
	if !ok {
		return ID{}, ErrUndo
	}
	r, ok, err := db.Take[changeRow](tx, `UPDATE identifier_change SET used_at = $4 WHERE tenant_id = $1 AND customer_id = $2
		AND undo_digest = $3 AND used_at IS NULL AND expires_at > $4`, t.ID, ID(owner), digest, tx.Now)
	if err != nil {
		return ID{}, err
	}
	if !ok {
		return ID{}, ErrUndo
	}
	if _, err := tx.Exec(`DELETE FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2
		AND created_at >= $3 AND id <> $4`, t.ID, r.customer, r.createdAt, r.id); err != nil {
		return ID{}, err
	}
	return r.customer, r.restore(tx, t)
}

func (r *changeRow) restore(tx *db.Tx, t *tenant.Tenant) error {
	key, err := dataKey(tx, t, r.customer)
	if err != nil {
		return err
	}
	plain, err := key.Open(r.before, sealContext(t.ID, r.customer, "identifier_change", 0))
	if err != nil {
		return err
	}
	var list []former
	if err := json.Unmarshal(plain, &list); err != nil {
		return err
	}
	now, err := Identifiers(tx, t, r.customer)
	if err != nil {
		return err
	}
	for i := range now {
		if err := now[i].drop(tx); err != nil {
			return err
		}
	}
	for _, f := range list {
		row, err := NewIdentifier{Kind: f.Kind, Value: f.Value}.row(t, r.customer, key, f.CreatedAt)
		if err != nil {
			return err
		}
		row.Primary, row.VerifiedAt = f.Primary, f.VerifiedAt
		if err := row.store(tx); err != nil {
			return err
		}
	}
	return changed(tx, t, r.customer, IdentifierChanged{Act: "restored"})
}

// SweepChanges deletes what undo links left behind once they are too old.
func SweepChanges(tx *db.Tx) (int64, error) {
	return tx.Exec(`DELETE FROM identifier_change WHERE expires_at < $1`, tx.Now)
}
