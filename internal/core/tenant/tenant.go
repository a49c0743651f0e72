package tenant

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
)

type kind struct{}

func (kind) Prefix() string { return "ten" }

// ID is the id of a tenant.
type ID = id.ID[kind]

// The faults of this room.
var (
	ErrNotFound    = fault.New(fault.NotFound, "tenant_not_found", "There is no such tenant.")
	ErrSlugTaken   = fault.New(fault.Conflict, "slug_taken", "Another tenant has this short name.")
	ErrOriginTaken = fault.New(fault.Conflict, "origin_taken", "Another tenant answers at this address.")
	ErrBadOrigin   = fault.New(fault.Invalid, "bad_origin", "An origin is https://host or https://host:port and nothing more; http is for loopback hosts only.")
	ErrBadSlug     = fault.New(fault.Invalid, "bad_slug", "A short name has 1 to 40 of a-z, 0-9 and -, and begins with a letter.")
	ErrBadName     = fault.New(fault.Invalid, "bad_name", "A name has 1 to 100 characters and no control characters.")
	ErrBadRPID     = fault.New(fault.Invalid, "bad_rp_id", "The passkey domain must be the origin's host or a parent domain of it.")
	ErrLastOrigin  = fault.New(fault.Conflict, "last_origin", "A tenant keeps its main origin. Set another main origin first.")
)

// Tenant is what is known of one tenant at one config version. It is never
// changed after it was loaded and is safe for use by many goroutines.
type Tenant struct {
	ID        ID
	Slug      string // short name, for commands and files
	Name      string // as customers read it
	Origin    string // "https://id.example.com": the issuer
	Host      string // of Origin, with its port if it is not the scheme's own
	Origins   []string
	RPID      string // the passkey relying party id, fixed at creation
	BuiltIn   bool   // the tenant of the staff
	Enabled   bool
	Settings  Settings
	Brand     Brand
	Version   int64 // grows with every change of anything configured
	CreatedAt time.Time

	house    *House
	ring     *secret.Keyring
	key      secret.Key
	index    secret.Key
	signing  keySet
	locators sync.Map // token kind -> *secret.Locator
	derived  sync.Map // label -> *secret.Key
	memo     sync.Map // *Cache -> its entries under this version
}

// Issuer is the issuer identifier of OpenID Connect: the origin, without a path.
func (t *Tenant) Issuer() string { return t.Origin }

// Ring is the keyring of the house.
func (t *Tenant) Ring() *secret.Keyring { return t.ring }

// Loopback reports whether the tenant is served over plain http on a loopback
// host, as `cardea dev` does. Applications of such a tenant may use loopback
// http addresses too.
func (t *Tenant) Loopback() bool { return loopbackOrigin(t.Origin) }

// BuiltInTenant returns the staff's tenant, the zero id if there is none yet.
func (t *Tenant) BuiltInTenant() ID {
	if t.BuiltIn {
		return t.ID
	}
	if b := t.house.BuiltIn(); b != nil {
		return b.ID
	}
	return ID{}
}

// Index is a keyed blind index: what stands in the database in place of a value
// that must be found but not read. It depends on tenant, label and values.
func (t *Tenant) Index(label string, values ...string) [32]byte {
	parts := make([][]byte, 0, len(values)+1)
	parts = append(parts, []byte(label))
	for _, v := range values {
		parts = append(parts, []byte(v))
	}
	return secret.HMAC(t.index[:], parts...)
}

// MAC authenticates parts under a key of the label's own.
func (t *Tenant) MAC(label string, parts ...[]byte) [32]byte {
	return secret.HMAC(t.Key("mac/" + label)[:], parts...)
}

// Key derives the tenant's key of one purpose, for sealing what belongs to no
// customer.
func (t *Tenant) Key(label string) *secret.Key {
	if k, ok := t.derived.Load(label); ok {
		return k.(*secret.Key)
	}
	k := t.key.Derive("key", []byte(label))
	t.derived.Store(label, k)
	return k
}

// Locator mints and reads the opaque tokens of one kind: "session", "code",
// "refresh", "link", "undo". A restore begins a new epoch, under which no token
// from before leads anywhere.
func (t *Tenant) Locator(kind string) *secret.Locator {
	if l, ok := t.locators.Load(kind); ok {
		return l.(*secret.Locator)
	}
	epoch := binary.BigEndian.AppendUint64(nil, uint64(t.ring.Epoch()))
	l := secret.NewLocator(t.key.Derive("locator", []byte(kind), epoch))
	t.locators.Store(kind, l)
	return l
}

// row is a tenant as it rests.
type row struct {
	id                       ID
	slug, name, origin, rpID string
	builtIn, enabled         bool
	settings                 Settings
	brand                    Brand
	keysSealed               []byte
	version                  int64
	changedAt, createdAt     time.Time
}

func (r *row) Fields() []db.Field {
	return []db.Field{
		{Column: "id", Ptr: &r.id}, {Column: "slug", Ptr: &r.slug}, {Column: "name", Ptr: &r.name},
		{Column: "origin", Ptr: &r.origin}, {Column: "rp_id", Ptr: &r.rpID},
		{Column: "built_in", Ptr: &r.builtIn}, {Column: "enabled", Ptr: &r.enabled},
		{Column: "settings", Ptr: db.JSON(&r.settings)}, {Column: "brand", Ptr: db.JSON(&r.brand)},
		{Column: "keys_sealed", Ptr: &r.keysSealed}, {Column: "version", Ptr: &r.version},
		{Column: "changed_at", Ptr: &r.changedAt}, {Column: "created_at", Ptr: &r.createdAt},
	}
}

// sealTenantKey hides a tenant's own key under the root key. It is drawn at
// random rather than derived, so that deleting the row destroys it.
func sealTenantKey(ring *secret.Keyring, tenant ID, key *secret.Key) []byte {
	return ring.Root("tenant", tenant[:]).Seal(key[:], tenant[:])
}

func openTenantKey(ring *secret.Keyring, tenant ID, sealed []byte) (secret.Key, error) {
	plain, err := ring.Root("tenant", tenant[:]).Open(sealed, tenant[:])
	if err != nil {
		return secret.Key{}, err
	}
	return secret.Key(plain), nil
}
