package customer

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The kinds of identifiers.
const (
	Email    = "email"
	Phone    = "phone"
	Username = "username"
)

// NormVersion is the version of the canonical forms, written down in
// docs/decisions/0003-identifiers.md. It stands with every stored identifier,
// so that a later form can be told from this one.
const NormVersion = 1

// The faults of identifiers; each is returned At the kind.
var (
	ErrTaken         = fault.New(fault.Conflict, "identifier_taken", "This is already used by an account.")
	ErrBadIdentifier = fault.New(fault.Invalid, "bad_identifier", "That cannot be used to sign in here.")
	ErrNoIdentifier  = fault.New(fault.NotFound, "identifier_not_found", "The account has no such address or name.")
	ErrLast          = fault.New(fault.Conflict, "last_identifier", "An account keeps at least one address through which its owner can be reached.")
	ErrNotVerified   = fault.New(fault.Conflict, "not_verified", "Confirm this address first.")
	ErrTooMany       = fault.New(fault.Conflict, "too_many_identifiers", "An account has at most 20 addresses, and one user name.")
)

const maxIdentifiers = 20

// Identifier is one way in which a customer is known. The value is sealed under
// the field that Item tells.
type Identifier struct {
	TenantID   tenant.ID
	CustomerID ID
	Digest     [32]byte // of the canonical value
	Kind       string
	Sealed     Sealed
	Primary    bool
	VerifiedAt time.Time // zero: nobody has proven it
	CreatedAt  time.Time
	claim      [32]byte // under which the tenant-wide table holds it
}

// Fields names the columns.
func (i *Identifier) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &i.TenantID}, {Column: "customer_id", Ptr: &i.CustomerID}, {Column: "digest", Ptr: &i.Digest},
		{Column: "kind", Ptr: &i.Kind}, {Column: "sealed", Ptr: &i.Sealed}, {Column: "is_primary", Ptr: &i.Primary},
		{Column: "verified_at", Ptr: &i.VerifiedAt}, {Column: "created_at", Ptr: &i.CreatedAt}, {Column: "claim", Ptr: &i.claim},
	}
}

// Item is the sealed value with what it is bound to.
func (i *Identifier) Item() Item { return identifierItem(i.Kind, i.Digest, i.Sealed) }

func identifierItem(kind string, digest [32]byte, sealed Sealed) Item {
	return Item{Field: "identifier/" + kind + "/" + hex.EncodeToString(digest[:]), Sealed: sealed}
}

// Verified reports whether somebody has proven that the address is theirs.
func (i *Identifier) Verified() bool { return !i.VerifiedAt.IsZero() }

// Primary is the identifier of its kind that others are told of, sealed, and
// nothing else of it.
type Primary struct {
	Digest     [32]byte
	Kind       string
	Sealed     Sealed
	VerifiedAt time.Time // zero: nobody has proven it
}

// Fields names the columns.
func (p *Primary) Fields() []db.Field {
	return []db.Field{
		{Column: "digest", Ptr: &p.Digest}, {Column: "kind", Ptr: &p.Kind},
		{Column: "sealed", Ptr: (*[]byte)(&p.Sealed)}, {Column: "verified_at", Ptr: &p.VerifiedAt},
	}
}

// Item is the sealed value with what it is bound to.
func (p *Primary) Item() Item { return identifierItem(p.Kind, p.Digest, p.Sealed) }

// Verified reports whether somebody has proven that the address is theirs.
func (p *Primary) Verified() bool { return !p.VerifiedAt.IsZero() }

// Primaries lists a customer's primary identifiers, in no order.
func Primaries(tx *db.Tx, t *tenant.Tenant, id ID) ([]Primary, error) {
	return db.All[Primary](tx, primaries, t.ID, id)
}

// claimRow is an identifier in the table that says whose it is.
type claimRow struct {
	tenant      tenant.ID
	digest      [32]byte
	kind        string
	normVersion int64
	customer    ID
}

func (r *claimRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "digest", Ptr: &r.digest}, {Column: "kind", Ptr: &r.kind},
		{Column: "norm_version", Ptr: &r.normVersion}, {Column: "customer_id", Ptr: &r.customer},
	}
}

// Normalize returns the one spelling of an identifier, independent of a tenant:
// phone numbers need their country code. It fails with bad_email, bad_phone or
// bad_username, At the kind.
func Normalize(kind, raw string) (string, error) { return normalize(kind, raw, "") }

// NormalizeFor is Normalize for what somebody types at a tenant: national phone
// numbers of its region are understood, kinds that it does not use are refused.
func NormalizeFor(t *tenant.Tenant, kind, raw string) (string, error) {
	use := t.Settings.Identifiers
	if kind == Phone && !use.Phone || kind == Username && !use.Username {
		return "", ErrBadIdentifier.At(kind)
	}
	return normalize(kind, raw, use.PhoneRegion)
}

func normalize(kind, raw, region string) (canonical string, err error) {
	switch kind {
	case Email:
		canonical, err = catalog.ParseEmail(raw)
	case Phone:
		canonical, err = catalog.ParsePhone(raw, region)
	case Username:
		canonical, err = parseUsername(raw)
	default:
		err = ErrBadIdentifier
	}
	if err != nil {
		return "", fault.Of(err).At(kind)
	}
	return canonical, nil
}

// Guess tells what kind of identifier somebody typed, and its one spelling: an
// address has an @, a phone number is all digits, and the rest is a user name.
func Guess(t *tenant.Tenant, raw string) (kind, canonical string, err error) {
	for _, kind := range []string{Email, Phone, Username} {
		canonical, err := NormalizeFor(t, kind, raw)
		if err == nil {
			return kind, canonical, nil
		}
	}
	_, err = Normalize(Email, raw)
	return "", "", err
}

// Digest is the keyed blind index of a canonical identifier.
func Digest(t *tenant.Tenant, kind, canonical string) [32]byte {
	return t.Index("identifier", kind, canonical)
}

// claimDigest is what must be unique in the tenant: for a user name its
// skeleton, so that two that look alike are one claim.
func claimDigest(t *tenant.Tenant, kind, canonical string) [32]byte {
	if kind == Username {
		return t.Index("identifier", "skeleton", skeleton(canonical))
	}
	return Digest(t, kind, canonical)
}

// ByIdentifier finds the customer whom a canonical identifier belongs to, in
// whatever state they are.
func ByIdentifier(tx *db.Tx, t *tenant.Tenant, kind, canonical string) (Customer, bool, error) {
	claim, ok, err := db.Find[claimRow](tx, `FROM identifier WHERE tenant_id = $1 AND digest = $2`, t.ID, claimDigest(t, kind, canonical))
	if err != nil || !ok {
		return Customer{}, false, err
	}
	if kind == Username {
		// The skeleton leads to a name that looks alike; only the name itself counts.
		_, ok, err = find(tx, t, claim.customer, Digest(t, kind, canonical))
		if err != nil || !ok {
			return Customer{}, false, err
		}
	}
	if err := Foresee(tx, t, claim.customer); err != nil {
		return Customer{}, false, err
	}
	c, err := Get(tx, t, claim.customer)
	return c, err == nil, err
}

// Free reports whether nobody holds a canonical identifier, nor a user name
// that looks like it.
func Free(tx *db.Tx, t *tenant.Tenant, kind, canonical string) (bool, error) {
	_, taken, err := db.Find[claimRow](tx, `FROM identifier WHERE tenant_id = $1 AND digest = $2`, t.ID, claimDigest(t, kind, canonical))
	return !taken, err
}

// Identifiers lists a customer's identifiers, sealed: primary ones first, then
// by age.
func Identifiers(tx *db.Tx, t *tenant.Tenant, id ID) ([]Identifier, error) {
	list, err := db.All[Identifier](tx, allIdentifiers, t.ID, id)
	slices.SortFunc(list, byRank) // here and not in SQL: a sorter for three rows costs SQLite more than the rows
	return list, err
}

func byRank(a, b Identifier) int {
	if by := cmp.Compare(a.Kind, b.Kind); by != 0 {
		return by
	}
	if a.Primary != b.Primary {
		if a.Primary {
			return -1
		}
		return 1
	}
	return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), bytes.Compare(a.Digest[:], b.Digest[:]))
}

func find(tx *db.Tx, t *tenant.Tenant, id ID, digest [32]byte) (Identifier, bool, error) {
	return db.Find[Identifier](tx, `FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2 AND digest = $3`, t.ID, id, digest)
}
