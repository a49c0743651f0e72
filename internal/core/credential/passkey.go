package credential

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type passkeyKind struct{}

func (passkeyKind) Prefix() string { return "pky" }

// PasskeyID is the id of one of a customer's passkeys, of our own drawing. The
// authenticator's name for it is Passkey.CredentialID.
type PasskeyID = id.ID[passkeyKind]

const (
	// PasskeysMost is how many passkeys one customer may have (H212).
	PasskeysMost = 50
	// PasskeyNameField and PasskeyPlaceField are the labels under which the names
	// and places of passkeys are sealed.
	PasskeyNameField  = "passkey.name"
	PasskeyPlaceField = "passkey.place"

	passkeyNameLen = 64 // code points
)

// What can be wrong with a passkey.
var (
	// ErrPasskeyUnknown: this tenant has no such credential, or it is somebody
	// else's. The page then tells the browser (Signal API).
	ErrPasskeyUnknown = fault.New(fault.NotFound, "passkey_unknown", "This passkey is not known here any more.")
	// ErrPasskeyRefused: it is what it says, and the tenant's policy does not take it.
	ErrPasskeyRefused = fault.New(fault.Denied, "passkey_refused", "This kind of passkey is not accepted here.")
	// ErrPasskeyWrong stands for everything else: forged, malformed, stale, replayed.
	ErrPasskeyWrong = fault.New(fault.Invalid, "passkey_wrong", "This did not work with the passkey. Try again.")
	ErrPasskeyTaken = fault.New(fault.Conflict, "passkey_taken", "This passkey is in use already.")
	ErrPasskeyLimit = fault.New(fault.Conflict, "passkey_limit", "There are too many passkeys. Remove one that you do not use.")
	ErrPasskeyName  = fault.New(fault.Invalid, "passkey_name", "A name has 1 to 64 characters.").At("name")
)

// What was established about the make of an authenticator when its passkey was
// made. Only AttestationRooted means that Passkey.AAGUID is more than a claim.
const (
	AttestationNone     = "none"
	AttestationSelf     = "self"     // signed by the passkey itself
	AttestationUnrooted = "unrooted" // signed by a certificate that the metadata file does not vouch for
	AttestationRooted   = "rooted"   // signed by a certificate under a root of the metadata file
)

// Passkey is a WebAuthn credential of a customer's.
type Passkey struct {
	TenantID     tenant.ID
	CustomerID   customer.ID
	ID           PasskeyID
	CredentialID []byte // the authenticator's word, 1 to 1,023 bytes
	PublicKey    []byte // COSE_Key
	Algorithm    int64  // COSE algorithm
	SignCount    int64  // the greatest that was seen; stays 0 with most
	AAGUID       [16]byte
	Transports   []string // hints of the browser, nothing rests on them
	Attestation  string   // AttestationNone and its siblings
	// BackupEligible tells a synced passkey from one that never leaves its
	// device; it is fixed when the passkey is made. BackedUp is as last told.
	BackupEligible bool
	BackedUp       bool
	// UserVerified tells that the authenticator has verified its user in a way
	// that can be relied on: see RedeemPasskeyGet.
	UserVerified       bool
	RPID               string
	NameSealed         customer.Sealed // under PasskeyNameField
	CreatedPlaceSealed customer.Sealed // under PasskeyPlaceField
	UsedPlaceSealed    customer.Sealed
	CreatedAt          time.Time
	UsedAt             time.Time // zero: never

	digest [32]byte
}

// Fields names the columns.
func (p *Passkey) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &p.TenantID}, {Column: "customer_id", Ptr: &p.CustomerID}, {Column: "id", Ptr: &p.ID},
		{Column: "credential_digest", Ptr: &p.digest}, {Column: "credential_id", Ptr: &p.CredentialID},
		{Column: "public_key", Ptr: &p.PublicKey}, {Column: "algorithm", Ptr: &p.Algorithm},
		{Column: "sign_count", Ptr: &p.SignCount}, {Column: "aaguid", Ptr: &p.AAGUID},
		{Column: "transports", Ptr: db.JSON(&p.Transports)}, {Column: "attestation", Ptr: &p.Attestation},
		{Column: "backup_eligible", Ptr: &p.BackupEligible}, {Column: "backed_up", Ptr: &p.BackedUp},
		{Column: "user_verified", Ptr: &p.UserVerified}, {Column: "rp_id", Ptr: &p.RPID},
		{Column: "name_sealed", Ptr: (*[]byte)(&p.NameSealed)},
		{Column: "created_place_sealed", Ptr: (*[]byte)(&p.CreatedPlaceSealed)},
		{Column: "used_place_sealed", Ptr: (*[]byte)(&p.UsedPlaceSealed)},
		{Column: "created_at", Ptr: &p.CreatedAt}, {Column: "used_at", Ptr: &p.UsedAt},
	}
}

// AMR is the authentication method of RFC 8176 section 2: "hwk" for a key that
// cannot leave its device, "swk" for one that is synced.
func (p *Passkey) AMR() string {
	if p.BackupEligible {
		return "swk"
	}
	return "hwk"
}

// UserHandle is what stands as user.id in a customer's passkeys: the same for
// all of them, and nobody but the house can tell whose it is. The customer id
// itself never leaves. It outlives a restore, as the passkeys do.
func UserHandle(t *tenant.Tenant, cus customer.ID) [16]byte {
	return t.Key("passkey/handle").Veil(cus)
}

// HolderOf is the inverse of UserHandle. For bytes that are no handle of this
// tenant's the id is one of nobody.
func HolderOf(t *tenant.Tenant, handle []byte) (customer.ID, bool) {
	if len(handle) != 16 {
		return customer.ID{}, false
	}
	return t.Key("passkey/handle").Unveil([16]byte(handle)), true
}

// Passkeys lists a customer's passkeys, newest first.
func Passkeys(tx *db.Tx, t *tenant.Tenant, cus customer.ID) ([]Passkey, error) {
	return db.All[Passkey](tx, `FROM passkey WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at DESC, id DESC`, t.ID, cus)
}

// RenamePasskey gives a passkey another name, sealed. Of somebody else's it
// knows nothing (H109): ErrPasskeyUnknown. ErrPasskeyName: empty, too long, or
// not text.
func RenamePasskey(tx *db.Tx, t *tenant.Tenant, cus customer.ID, key PasskeyID, name string) error {
	name = strings.TrimSpace(name)
	if name == "" || !tenant.ShortText(name, passkeyNameLen) {
		return ErrPasskeyName
	}
	_, found, err := findPasskey(tx, t, cus, key)
	if err != nil {
		return err
	}
	if !found {
		return ErrPasskeyUnknown
	}
	sealed, err := customer.Seal(tx, t, cus, PasskeyNameField, []byte(name))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE passkey SET name_sealed = $1 WHERE tenant_id = $2 AND customer_id = $3 AND id = $4`,
		[]byte(sealed), t.ID, cus, key); err != nil {
		return err
	}
	return note(tx, t, cus, PasskeyRenamed{key, sealed})
}

func findPasskey(tx *db.Tx, t *tenant.Tenant, cus customer.ID, key PasskeyID) (Passkey, bool, error) {
	return db.Find[Passkey](tx, `FROM passkey WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`, t.ID, cus, key)
}

// RemovePasskey deletes a passkey and returns what it was. Whether it is the
// last way in is for the caller to know. Of somebody else's it knows nothing
// (H109): ErrPasskeyUnknown.
func RemovePasskey(tx *db.Tx, t *tenant.Tenant, cus customer.ID, key PasskeyID) (Passkey, error) {
	p, taken, err := db.Take[Passkey](tx, `DELETE FROM passkey WHERE tenant_id = $1 AND customer_id = $2 AND id = $3`,
		t.ID, cus, key)
	if err != nil {
		return Passkey{}, err
	}
	if !taken {
		return Passkey{}, ErrPasskeyUnknown
	}
	return p, note(tx, t, cus, PasskeyRemoved{key})
}

// byCredential finds a passkey by the authenticator's name for it.
func byCredential(tx *db.Tx, t *tenant.Tenant, credential []byte) (Passkey, bool, error) {
	return db.Find[Passkey](tx, `FROM passkey WHERE tenant_id = $1 AND credential_digest = $2`,
		t.ID, secret.Digest(credential))
}

// transports keeps what can be a transport of the browser's list (WebAuthn
// 5.8.4 leaves it open) and drops the rest.
func transports(told []string) []string {
	out := []string{}
	for _, s := range told {
		if len(out) < 8 && len(s) > 0 && len(s) <= 20 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz-") == "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}
