package customer

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
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

// past is what an undo link stands for: the identifiers before a change, and the
// digest of the one to which the link was sent.
type past struct {
	Holder [32]byte `json:"holder"`
	List   []former `json:"list"`
}

// KeepUndo remembers the customer's identifiers as they stand, before they
// change, and returns the token of the link that restores them. Each address
// that is told gets a link of its own; holder is its digest.
func KeepUndo(tx *db.Tx, t *tenant.Tenant, customer ID, holder [32]byte) (token string, err error) {
	list, err := formers(tx, t, customer)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(past{holder, list})
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
// it. False: it is unknown, used, too old or outranked.
func PeekUndo(tx *db.Tx, t *tenant.Tenant, token string) (ID, time.Time, bool, error) {
	owner, digest, ok := t.Locator("undo").Read(token)
	if !ok {
		return ID{}, time.Time{}, false, nil
	}
	r, ok, err := db.Find[changeRow](tx, `FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2
		AND undo_digest = $3 AND used_at IS NULL AND expires_at > $4`, t.ID, ID(owner), digest, tx.Now)
	if err != nil || !ok {
		return ID{}, time.Time{}, false, err
	}
	_, _, _, err = r.open(tx, t)
	if errors.Is(err, ErrUndo) {
		return ID{}, time.Time{}, false, nil
	}
	return r.customer, r.expiresAt, err == nil, err
}

// Undo restores the identifiers that a link stands for, exactly once, and voids
// the links of every later change, which would restore what the intruder made.
// Addresses that had slipped in just before the change do not come back.
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
	return r.customer, r.undo(tx, t)
}

// Revert restores the identifiers as they were before the first change since an
// instant, as if the link that holder was sent of it were followed, and tells
// whether there was such a link that still works. Faults: identifier_taken.
func Revert(tx *db.Tx, t *tenant.Tenant, customer ID, since time.Time, holder [32]byte) (bool, error) {
	rows, err := db.All[changeRow](tx, `FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2
		AND created_at >= $3 AND used_at IS NULL AND expires_at > $4 ORDER BY created_at, id`, t.ID, customer, since, tx.Now)
	if err != nil {
		return false, err
	}
	for i := range rows {
		was, _, _, err := rows[i].open(tx, t)
		if errors.Is(err, ErrUndo) || err == nil && was.Holder != holder {
			continue
		}
		if err != nil {
			return false, err
		}
		_, err = tx.Exec(`UPDATE identifier_change SET used_at = $4 WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`,
			t.ID, customer, rows[i].id, tx.Now)
		if err != nil {
			return false, err
		}
		return true, rows[i].undo(tx, t)
	}
	return false, nil
}

func (r *changeRow) undo(tx *db.Tx, t *tenant.Tenant) error {
	if _, err := tx.Exec(`DELETE FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2
		AND created_at >= $3 AND id <> $4`, t.ID, r.customer, r.createdAt, r.id); err != nil {
		return err
	}
	return r.restore(tx, t)
}

// open reads what the link restores, and the identifiers as they are now. It
// fails with ErrUndo for a link that is outranked.
func (r *changeRow) open(tx *db.Tx, t *tenant.Tenant) (was past, now []Identifier, key *secret.Key, err error) {
	if key, err = dataKey(tx, t, r.customer); err != nil {
		return was, nil, nil, err
	}
	plain, err := key.Open(r.before, sealContext(t.ID, r.customer, "identifier_change", 0))
	if err != nil {
		return was, nil, nil, err
	}
	if err = json.Unmarshal(plain, &was); err != nil {
		return was, nil, nil, err
	}
	if now, err = Identifiers(tx, t, r.customer); err == nil && was.outranked(t, now) {
		err = ErrUndo
	}
	return was, now, key, err
}

// outranked tells whether the address that the link was sent to has been taken
// off the account while one that was verified before it stays. Somebody who has
// once slipped an address of theirs in could otherwise undo their removal, for
// ever: the address that has been the customer's for longest has the last word.
func (p past) outranked(t *tenant.Tenant, now []Identifier) bool {
	since, known := p.since(t)
	if !known || slices.ContainsFunc(now, func(i Identifier) bool { return i.Digest == p.Holder }) {
		return false
	}
	return slices.ContainsFunc(now, func(i Identifier) bool {
		return i.Kind != Username && i.Verified() && i.VerifiedAt.Before(since)
	})
}

// since is when the holder's address was verified.
func (p past) since(t *tenant.Tenant) (time.Time, bool) {
	for _, f := range p.List {
		if Digest(t, f.Kind, f.Value) == p.Holder {
			return f.VerifiedAt, true
		}
	}
	return time.Time{}, false
}

// kept are the identifiers that come back: all but those that are younger than
// the holder's address and so young that their own coming could still be undone
// when the change was made. Whoever slipped in first and then shut the customer
// out does not come back by the customer's link.
func (p past) kept(t *tenant.Tenant, changed time.Time) (out []former) {
	since, known := p.since(t)
	heads := map[string]bool{} // kinds whose primary does not come back
	for _, f := range p.List {
		if known && f.Kind != Username && f.VerifiedAt.After(since) && f.VerifiedAt.After(changed.Add(-UndoFor)) {
			heads[f.Kind] = heads[f.Kind] || f.Primary
			continue
		}
		out = append(out, f)
	}
	for i, f := range out {
		if heads[f.Kind] && !f.VerifiedAt.IsZero() {
			out[i].Primary, heads[f.Kind] = true, false
		}
	}
	return out
}

func (r *changeRow) restore(tx *db.Tx, t *tenant.Tenant) error {
	was, now, key, err := r.open(tx, t)
	if err != nil {
		return err
	}
	for i := range now {
		if err := now[i].drop(tx); err != nil {
			return err
		}
	}
	back := map[[32]byte]bool{}
	for _, f := range was.kept(t, r.createdAt) {
		row, err := NewIdentifier{Kind: f.Kind, Value: f.Value}.row(t, r.customer, key, f.CreatedAt)
		if err != nil {
			return err
		}
		row.Primary, row.VerifiedAt = f.Primary, f.VerifiedAt
		if err := row.store(tx); err != nil {
			return err
		}
		back[row.Digest] = true
	}
	if err := restOthers(tx, t, now, back); err != nil {
		return err
	}
	return changed(tx, t, r.customer, IdentifierChanged{Act: "restored"})
}

// SweepChanges deletes what undo links left behind once they are too old.
func SweepChanges(tx *db.Tx) (int64, error) {
	return tx.Exec(`DELETE FROM identifier_change WHERE expires_at < $1`, tx.Now)
}
