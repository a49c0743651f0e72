package customer

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// IdentifierChanged is told when a customer's identifiers change.
type IdentifierChanged struct {
	Act      string `json:"act"` // "added", "removed", "verified", "primary", "restored"
	Kind     string `json:"kind,omitempty"`
	Value    Sealed `json:"value,omitempty"`
	Verified bool   `json:"verified,omitempty"`
}

// EventName names the event.
func (IdentifierChanged) EventName() string { return "customer.identifier_changed" }

// AddIdentifier gives a customer one more canonical identifier; the first of its
// kind becomes primary. One that they have already is only marked verified, if
// that is new. A user name replaces the former one. Faults: identifier_taken,
// too_many_identifiers, customer_not_found, those of Normalize.
func AddIdentifier(tx *db.Tx, t *tenant.Tenant, id ID, n NewIdentifier) error {
	key, err := dataKey(tx, t, id)
	if err != nil {
		return err
	}
	row, err := n.row(t, id, key, tx.Now)
	if err != nil {
		return err
	}
	all, err := Identifiers(tx, t, id)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(i Identifier) bool { return i.Digest == row.Digest }) {
		if n.Verified {
			return MarkVerified(tx, t, id, row.Digest)
		}
		return nil
	}
	if len(all) >= maxIdentifiers {
		return ErrTooMany.At(n.Kind)
	}
	row.Primary = true
	for _, old := range all {
		if old.Kind != n.Kind {
			continue
		}
		row.Primary = false
		if n.Kind == Username {
			row.Primary = true
			if err := old.release(tx, t); err != nil {
				return err
			}
		}
	}
	if err := row.store(tx); err != nil {
		return err
	}
	e := IdentifierChanged{Act: "added", Kind: n.Kind, Verified: n.Verified}
	e.Value = key.Seal([]byte(n.Value), sealContext(t.ID, id, EventField, 0))
	return changed(tx, t, id, e)
}

// drop takes an identifier away from its customer and frees it.
func (i *Identifier) drop(tx *db.Tx) error {
	if _, err := tx.Exec(`DELETE FROM identifier WHERE tenant_id = $1 AND digest = $2 AND customer_id = $3`,
		i.TenantID, i.claim, i.CustomerID); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`,
		i.TenantID, i.CustomerID, i.Digest)
	return err
}

// changed is the end of every change of identifiers.
func changed(tx *db.Tx, t *tenant.Tenant, id ID, e IdentifierChanged) error {
	if err := bump(tx, t, id); err != nil {
		return err
	}
	if err := reindex(tx, t, id); err != nil {
		return err
	}
	return note(tx, t, id, e, journal.Security)
}

// RemoveIdentifier takes an identifier away. An address must remain through
// which the customer is reached, a verified one if this one was; the oldest
// that is left of the kind becomes primary. Faults: identifier_not_found,
// last_identifier.
func RemoveIdentifier(tx *db.Tx, t *tenant.Tenant, id ID, digest [32]byte) error {
	all, err := Identifiers(tx, t, id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(i Identifier) bool { return i.Digest == digest })
	if at < 0 {
		return ErrNoIdentifier
	}
	gone := all[at]
	rest := slices.Delete(all, at, at+1)
	if gone.Kind != Username && !slices.ContainsFunc(rest, func(i Identifier) bool {
		return i.Kind != Username && (i.Verified() || !gone.Verified())
	}) {
		return ErrLast.At(gone.Kind)
	}
	if err := gone.release(tx, t); err != nil {
		return err
	}
	if gone.Primary {
		if err := succeed(tx, rest, gone.Kind); err != nil {
			return err
		}
	}
	return changed(tx, t, id, IdentifierChanged{Act: "removed", Kind: gone.Kind})
}

// succeed makes the oldest verified identifier of a kind primary, else the oldest.
func succeed(tx *db.Tx, rest []Identifier, kind string) error {
	var next *Identifier
	for i := range rest {
		if r := &rest[i]; r.Kind == kind && (next == nil || r.Verified() && !next.Verified()) {
			next = r
		}
	}
	if next == nil {
		return nil
	}
	return next.setPrimary(tx)
}

func (i *Identifier) setPrimary(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE customer_identifier SET is_primary = (digest = $4)
		WHERE tenant_id = $1 AND customer_id = $2 AND kind = $3`, i.TenantID, i.CustomerID, i.Kind, i.Digest)
	return err
}

// MakePrimary makes a verified identifier the primary one of its kind. Faults:
// identifier_not_found, not_verified.
func MakePrimary(tx *db.Tx, t *tenant.Tenant, id ID, digest [32]byte) error {
	i, ok, err := find(tx, t, id, digest)
	switch {
	case err != nil:
		return err
	case !ok:
		return ErrNoIdentifier
	case !i.Verified():
		return ErrNotVerified.At(i.Kind)
	case i.Primary:
		return nil
	}
	if err := i.setPrimary(tx); err != nil {
		return err
	}
	return changed(tx, t, id, IdentifierChanged{Act: "primary", Kind: i.Kind})
}

// MarkVerified notes that the customer has proven an identifier; the caller has
// seen the proof. It fails with ErrNoIdentifier.
func MarkVerified(tx *db.Tx, t *tenant.Tenant, id ID, digest [32]byte) error {
	i, ok, err := find(tx, t, id, digest)
	if err != nil || ok && i.Verified() {
		return err
	}
	if !ok {
		return ErrNoIdentifier
	}
	if _, err := tx.Exec(`UPDATE customer_identifier SET verified_at = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`, t.ID, id, digest, tx.Now); err != nil {
		return err
	}
	return changed(tx, t, id, IdentifierChanged{Act: "verified", Kind: i.Kind, Verified: true})
}
