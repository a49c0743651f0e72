package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// rests is for how long an identifier rests that is nobody's any more. Carriers
// give numbers out again after weeks, mail providers and user names take longer.
var rests = map[string]time.Duration{
	Phone:    90 * 24 * time.Hour,
	Email:    180 * 24 * time.Hour,
	Username: 365 * 24 * time.Hour,
}

// restRow says that an identifier was somebody's until lately, and not whose.
type restRow struct {
	tenant     tenant.ID
	digest     [32]byte
	kind       string
	released   time.Time
	restsUntil time.Time
}

func (r *restRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "digest", Ptr: &r.digest}, {Column: "kind", Ptr: &r.kind},
		{Column: "released_at", Ptr: &r.released}, {Column: "rests_until", Ptr: &r.restsUntil},
	}
}

// Rest notes that an identifier is nobody's any more. The digest is that under
// which it was claimed: Digest, or for a user name that of what it looks like. It
// blocks nobody who proves it from registering with it; that nothing old attaches
// to whoever holds it next (H130) is for those to see to who ask Resting. One
// that rests already has rested since the first time, for as long as the last.
func Rest(tx *db.Tx, t *tenant.Tenant, kind string, digest [32]byte) error {
	_, err := tx.Exec(`INSERT INTO identifier_rest (tenant_id, digest, kind, released_at, rests_until) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, digest) DO UPDATE SET rests_until = excluded.rests_until,
			released_at = CASE WHEN identifier_rest.rests_until > $4 THEN identifier_rest.released_at ELSE $4 END`,
		t.ID, digest, kind, tx.Now, tx.Now.Add(rests[kind]))
	return err
}

// release takes an identifier away from its customer and lets it rest, if it was
// theirs: an address that nobody has proven was not, or whoever types the address
// of another could spoil it for them.
func (i *Identifier) release(tx *db.Tx, t *tenant.Tenant) error {
	if err := i.drop(tx); err != nil || i.Kind != Username && !i.Verified() {
		return err
	}
	return Rest(tx, t, i.Kind, i.claim)
}

// Resting reports whether a canonical identifier was somebody's until lately,
// and since when it is not; of a user name, one that looks like it counts too.
func Resting(tx *db.Tx, t *tenant.Tenant, kind, canonical string) (since time.Time, ok bool, err error) {
	return resting(tx, t, claimDigest(t, kind, canonical))
}

// Reassigned reports whether the identifier was somebody's until lately and has
// been proven by its holder only since: it may have come to another person. Who
// got it back by an undo has had it all along.
func (i *Identifier) Reassigned(tx *db.Tx, t *tenant.Tenant) (bool, error) {
	since, ok, err := resting(tx, t, i.claim)
	return ok && !i.VerifiedAt.Before(since), err
}

func resting(tx *db.Tx, t *tenant.Tenant, claim [32]byte) (since time.Time, ok bool, err error) {
	r, ok, err := db.Find[restRow](tx, `FROM identifier_rest WHERE tenant_id = $1 AND digest = $2 AND rests_until > $3`,
		t.ID, claim, tx.Now)
	return r.released, ok, err
}

// SweepRests deletes up to limit identifiers of all tenants that have rested,
// and tells how many.
func SweepRests(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM identifier_rest WHERE (tenant_id, digest) IN
		(SELECT tenant_id, digest FROM identifier_rest WHERE rests_until < $1 ORDER BY rests_until LIMIT $2)`, tx.Now, limit)
	return int(n), err
}

// restOthers lets those identifiers rest that an undo has taken away and not
// brought back.
func restOthers(tx *db.Tx, t *tenant.Tenant, were []Identifier, back map[[32]byte]bool) error {
	for i := range were {
		w := &were[i]
		if back[w.Digest] || w.Kind != Username && !w.Verified() {
			continue
		}
		if err := Rest(tx, t, w.Kind, w.claim); err != nil {
			return err
		}
	}
	return nil
}
