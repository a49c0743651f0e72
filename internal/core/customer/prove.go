package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Remains is what a database, or a copy of it, holds of a customer's data key,
// and what this keyring can do with it. No plaintext is in it.
type Remains struct {
	Wrapped     bool      // a wrapped data key is there
	WrappingKey string    // under which it lies
	Opens       bool      // the wrapping key lives and unwraps it
	Until       time.Time // with Opens: when that wrapping key is destroyed at the latest
	Sealed      int       // profile values and identifiers that are there
	Opened      int       // of these, those that opened in the trial
}

// Examine tries to open what a database holds of a customer, and forgets at once
// what opened. The database may be a copy from before an erasure: it is asked for
// no more than for the rows, and whether they open follows from the ring alone.
func Examine(tx *db.Tx, ring *secret.Keyring, t tenant.ID, id ID) (Remains, error) {
	fields, err := db.All[FieldValue](tx, `FROM customer_field WHERE tenant_id = $1 AND customer_id = $2`, t, id)
	if err != nil {
		return Remains{}, err
	}
	identifiers, err := db.All[Identifier](tx, `FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2`, t, id)
	if err != nil {
		return Remains{}, err
	}
	r := Remains{Sealed: len(fields) + len(identifiers)}
	row, there, err := db.Find[keyRow](tx, `FROM customer_key WHERE tenant_id = $1 AND customer_id = $2`, t, id)
	if err != nil || !there {
		return r, err
	}
	r.Wrapped, r.WrappingKey = true, row.wrappingKey
	key, broken := row.open(ring)
	if broken != nil {
		return r, nil
	}
	r.Opens, r.Until = true, diesAt(ring, row.wrappingKey, tx.Now)
	var items []Item
	for i := range fields {
		items = append(items, fields[i].Item())
	}
	for i := range identifiers {
		items = append(items, identifiers[i].Item())
	}
	for _, it := range items {
		if _, err := key.Open(it.Sealed, sealContext(t, id, it.Field, it.Version)); err == nil {
			r.Opened++
		}
	}
	return r, nil
}

// Unwraps names the living wrapping key under which bytes are this customer's
// data key, "" if none is: for who tries every value that a database holds.
func Unwraps(ring *secret.Keyring, t tenant.ID, id ID, value []byte) string {
	for _, k := range ring.WrappingKeys() {
		if _, err := ring.Unwrap(k.ID, value, wrapContext("customer_key", t, id)); err == nil {
			return k.ID
		}
	}
	return ""
}

// diesAt is when a wrapping key is destroyed at the latest.
func diesAt(ring *secret.Keyring, id string, now time.Time) time.Time {
	for _, k := range ring.WrappingKeys() {
		if k.ID == id {
			return dies(ring, k, now)
		}
	}
	return now
}

func dies(ring *secret.Keyring, k secret.WrappingKey, now time.Time) time.Time {
	if !k.DestroyAfter.IsZero() {
		return k.DestroyAfter
	}
	retires := k.CreatedAt.Add(RewrapEvery)
	if retires.Before(now) {
		retires = now
	}
	return retires.Add(ring.Keep)
}
