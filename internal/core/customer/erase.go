package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// RewrapEvery is the greatest age of a wrapping key. The job that rotates and
// re-wraps keeps to it, and the dates of erasures rest on it.
const RewrapEvery = 30 * 24 * time.Hour

// Erasure is the fact that a customer's data key was destroyed.
type Erasure struct {
	TenantID   tenant.ID
	CustomerID ID
	ErasedAt   time.Time
	FinalAt    time.Time // from when on no older backup opens the data either
}

// Fields names the columns.
func (e *Erasure) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "customer_id", Ptr: &e.CustomerID},
		{Column: "erased_at", Ptr: &e.ErasedAt}, {Column: "final_at", Ptr: &e.FinalAt},
	}
}

// WasErased is told when a customer's data key was destroyed.
type WasErased struct {
	FinalAt time.Time `json:"final_at"`
}

// EventName names the event.
func (WasErased) EventName() string { return "customer.erased" }

// personal are the tables of this room that hold anything of a customer.
var personal = []string{
	`DELETE FROM customer_key WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM customer_field WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM identifier_change WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM search_token WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM search_word WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM subject WHERE tenant_id = $1 AND customer_id = $2`,
	`DELETE FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2`,
}

// Destroy erases a customer for good: the data key goes, and with it every
// meaning of what was sealed, wherever a copy lies; so do this room's rows. The
// customer row stays as a pseudonym, so that an id is never drawn twice and
// records of the company's own acts stay whole. The keyring is told after the
// commit; what it missed by a crash, Erasures tells it at the next start. The
// other rooms end what is theirs in the same transaction. It fails with
// ErrNotFound; erasing again changes nothing.
func Destroy(tx *db.Tx, t *tenant.Tenant, id ID) (Erasure, error) {
	c, err := Get(tx, t, id)
	if err != nil {
		return Erasure{}, err
	}
	if c.State == Erased {
		return db.Get[Erasure](tx, `FROM erasure WHERE tenant_id = $1 AND customer_id = $2`, t.ID, id)
	}
	all, err := Identifiers(tx, t, id)
	if err != nil {
		return Erasure{}, err
	}
	for i := range all {
		if err := all[i].release(tx, t); err != nil {
			return Erasure{}, err
		}
	}
	for _, sql := range personal {
		if _, err := tx.Exec(sql, t.ID, id); err != nil {
			return Erasure{}, err
		}
	}
	if _, err := tx.Exec(`UPDATE customer SET state = 'erased', state_reason = '', close_at = NULL, last_seen_at = NULL,
		external_digest = NULL, version = version + 1, changed_at = $3 WHERE tenant_id = $1 AND id = $2`, t.ID, id, tx.Now); err != nil {
		return Erasure{}, err
	}
	e := Erasure{t.ID, id, tx.Now, final(t.Ring(), tx.Now)}
	if err := db.Insert(tx, "erasure", e); err != nil {
		return Erasure{}, err
	}
	ring := t.Ring()
	tx.After(func() { _ = ring.NoteErased(e.note()) }) // Erasures makes up for a failure
	return e, note(tx, t, id, WasErased{FinalAt: e.FinalAt}, journal.Privacy)
}

func (e *Erasure) note() secret.Erased {
	return secret.Erased{Tenant: e.TenantID, Customer: e.CustomerID, At: e.ErasedAt}
}

// final is when the last wrapping key dies under which a backup of now could
// hold the data key.
func final(ring *secret.Keyring, now time.Time) time.Time {
	last := now
	for _, k := range ring.WrappingKeys() {
		if at := dies(ring, k, now); at.After(last) {
			last = at
		}
	}
	return last
}

// Erasures lists what the keyring must know at a start: every erasure of any
// tenant that is not final yet.
func Erasures(tx *db.Tx) ([]secret.Erased, error) {
	rows, err := db.All[Erasure](tx, `FROM erasure WHERE final_at > $1 ORDER BY erased_at`, tx.Now)
	out := make([]secret.Erased, len(rows))
	for i := range rows {
		out[i] = rows[i].note()
	}
	return out, err
}
