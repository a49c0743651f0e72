package customer

import (
	"encoding/binary"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Sealed is a personal value under the customer's data key, bound to tenant,
// customer, field and version. It is the only way in which one stands in an
// event, a job or a row.
type Sealed []byte

// Item is a sealed value with what it is bound to.
type Item struct {
	Field   string
	Version int64 // 0 for what Seal made
	Sealed  Sealed
}

type keyRow struct {
	tenant      tenant.ID
	customer    ID
	wrappingKey string
	wrapped     []byte
}

func (r *keyRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer},
		{Column: "wrapping_key", Ptr: &r.wrappingKey}, {Column: "wrapped", Ptr: &r.wrapped},
	}
}

// sealContext is what a sealed value is bound to. All parts but the last have a
// fixed length, so no two contexts are the same bytes.
func sealContext(tenant tenant.ID, owner [16]byte, field string, version int64) []byte {
	out := append([]byte("cardea/sealed/1"), tenant[:]...)
	out = append(out, owner[:]...)
	out = binary.BigEndian.AppendUint64(out, uint64(version))
	return append(out, field...)
}

func wrapContext(what string, tenant tenant.ID, owner [16]byte) []byte {
	out := append([]byte("cardea/"+what+"/"), tenant[:]...)
	return append(out, owner[:]...)
}

func storeKey(tx *db.Tx, t *tenant.Tenant, id ID, key *secret.Key) error {
	keyID, wrapped := t.Ring().Wrap(key[:], wrapContext("customer_key", t.ID, id))
	return db.Insert(tx, "customer_key", keyRow{t.ID, id, keyID, wrapped})
}

// dataKey fetches a customer's data key. It is kept nowhere: unwrapping takes a
// microsecond, and a key that lay in memory would outlive its erasure.
func dataKey(tx *db.Tx, t *tenant.Tenant, id ID) (*secret.Key, error) {
	k, ok, err := db.Find[wrappedKey](tx, ownKey, t.ID, id)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrErased
	}
	r := keyRow{t.ID, id, k.by, k.wrapped}
	return r.open(t.Ring())
}

// wrappedKey is of a keyRow what is not known to who looks for it: it is read at
// each opening, and what a column costs is told there.
type wrappedKey struct {
	by      string
	wrapped []byte
}

// Fields names the columns.
func (k *wrappedKey) Fields() []db.Field {
	return []db.Field{{Column: "wrapping_key", Ptr: &k.by}, {Column: "wrapped", Ptr: &k.wrapped}}
}

func (r *keyRow) open(ring *secret.Keyring) (*secret.Key, error) {
	plain, err := ring.Unwrap(r.wrappingKey, r.wrapped, wrapContext("customer_key", r.tenant, r.customer))
	if err != nil {
		return nil, err
	}
	return (*secret.Key)(plain), nil
}

// Seal hides a value of the customer's under a field label, which names what it
// is and where it lies ("session/place"). It fails with ErrErased.
func Seal(tx *db.Tx, t *tenant.Tenant, id ID, field string, plain []byte) (Sealed, error) {
	key, err := dataKey(tx, t, id)
	if err != nil {
		return nil, err
	}
	return key.Seal(plain, sealContext(t.ID, id, field, 0)), nil
}

// Unseal opens sealed values of one customer, in their order. Only the room
// release may call it. Faults: customer_erased, key_destroyed; what does not
// open is Internal.
func Unseal(tx *db.Tx, t *tenant.Tenant, id ID, items ...Item) ([][]byte, error) {
	if len(items) == 0 {
		return nil, nil
	}
	key, err := dataKey(tx, t, id)
	if err != nil {
		return nil, err
	}
	return openAll(key, t, id, items)
}

func openAll(key *secret.Key, t *tenant.Tenant, id ID, items []Item) ([][]byte, error) {
	out := make([][]byte, len(items))
	for i, it := range items {
		plain, err := key.Open(it.Sealed, sealContext(t.ID, id, it.Field, it.Version))
		if err != nil {
			return nil, err
		}
		out[i] = plain
	}
	return out, nil
}

// FlowKey is the wrapped data key of a flow before there is a customer. It dies
// with the flow's row, or becomes the customer's.
type FlowKey struct {
	WrappingKey string `json:"wrapping_key"`
	Wrapped     []byte `json:"wrapped"`
}

// NewFlowKey draws the data key of a flow.
func NewFlowKey(t *tenant.Tenant, flow [16]byte) FlowKey {
	id, wrapped := t.Ring().Wrap(secret.NewKey()[:], wrapContext("flow_key", t.ID, flow))
	return FlowKey{id, wrapped}
}

func (k FlowKey) open(t *tenant.Tenant, flow [16]byte) (*secret.Key, error) {
	plain, err := t.Ring().Unwrap(k.WrappingKey, k.Wrapped, wrapContext("flow_key", t.ID, flow))
	if err != nil {
		return nil, err
	}
	return (*secret.Key)(plain), nil
}

// Seal hides what was typed into a flow.
func (k FlowKey) Seal(t *tenant.Tenant, flow [16]byte, field string, plain []byte) (Sealed, error) {
	key, err := k.open(t, flow)
	if err != nil {
		return nil, err
	}
	return key.Seal(plain, sealContext(t.ID, flow, field, 0)), nil
}

// Open opens what Seal hid, for the flow that it was typed into.
func (k FlowKey) Open(t *tenant.Tenant, flow [16]byte, field string, sealed Sealed) ([]byte, error) {
	key, err := k.open(t, flow)
	if err != nil {
		return nil, err
	}
	return key.Open(sealed, sealContext(t.ID, flow, field, 0))
}

// Rewrap moves data keys, at most limit of all tenants, from retired wrapping
// keys to the current one, and tells how many. It returns no plaintext. When it
// has moved none, no row is left under a retired key that this keyring knows.
func Rewrap(tx *db.Tx, ring *secret.Keyring, limit int) (int, error) {
	keys := ring.WrappingKeys()
	current := keys[len(keys)-1].ID
	moved := 0
	for _, k := range keys {
		if k.ID == current || k.DestroyAfter.IsZero() {
			continue
		}
		rows, err := db.All[keyRow](tx, `FROM customer_key WHERE wrapping_key = $1 LIMIT $2`, k.ID, limit-moved)
		if err != nil {
			return 0, err
		}
		for i := range rows {
			if err := rows[i].rewrap(tx, ring); err != nil {
				return 0, err
			}
		}
		if moved += len(rows); moved >= limit {
			break
		}
	}
	return moved, nil
}

func (r *keyRow) rewrap(tx *db.Tx, ring *secret.Keyring) error {
	key, err := r.open(ring)
	if err != nil {
		return err
	}
	keyID, wrapped := ring.Wrap(key[:], wrapContext("customer_key", r.tenant, r.customer))
	// A customer erased meanwhile has no row, and gets none.
	_, err = tx.Exec(`UPDATE customer_key SET wrapping_key = $3, wrapped = $4
		WHERE tenant_id = $1 AND customer_id = $2 AND wrapping_key = $5`, r.tenant, r.customer, keyID, wrapped, r.wrappingKey)
	return err
}
