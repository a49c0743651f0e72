package credential

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Ceremony is what a challenge was handed out for.
type Ceremony string

// The ceremonies. CeremonyCreateQuietly is the browser's own upgrade after a
// password sign-in (conditional create), in which nobody touches anything;
// CeremonyGetVerified is an assertion that user verification was asked for.
const (
	CeremonyCreate        Ceremony = "create"
	CeremonyCreateQuietly Ceremony = "create/quiet"
	CeremonyGet           Ceremony = "get"
	CeremonyGetVerified   Ceremony = "get/verified"
)

// PasskeyChallengeFor is how long a challenge lives. A page that waits longer,
// for autofill, fetches another.
const PasskeyChallengeFor = 5 * time.Minute

type challengeRow struct {
	tenant   tenant.ID
	digest   [32]byte
	ceremony Ceremony
	context  []byte // 16 bytes, and 16 more if it is for one customer alone
	expires  time.Time
}

func (c *challengeRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &c.tenant}, {Column: "digest", Ptr: &c.digest}, {Column: "ceremony", Ptr: &c.ceremony},
		{Column: "context", Ptr: &c.context}, {Column: "expires_at", Ptr: &c.expires},
	}
}

// binding is what a challenge is good for beside its ceremony: one flow or
// session, and one customer unless the passkey is to say who it is.
func binding(context [16]byte, cus customer.ID) []byte {
	if cus.IsZero() {
		return context[:]
	}
	return append(context[:], cus[:]...)
}

// newChallenge draws a challenge of 32 random bytes and keeps its digest. The
// text is what stands in the options, and comes back in the client data.
func newChallenge(tx *db.Tx, t *tenant.Tenant, c Ceremony, bound []byte) (string, error) {
	text := secret.Token()
	return text, db.Insert(tx, "passkey_challenge", challengeRow{
		tenant: t.ID, digest: secret.Digest([]byte(text)), ceremony: c, context: bound, expires: tx.Now.Add(PasskeyChallengeFor),
	})
}

// takeChallenge uses a challenge up, exactly once (H106). It is there only for
// the ceremonies of its kind, the context that it was made in, and the customer
// it was made for.
func takeChallenge(tx *db.Tx, t *tenant.Tenant, text string, kinds [2]Ceremony, bounds [2][]byte) (challengeRow, bool, error) {
	return db.Take[challengeRow](tx, `DELETE FROM passkey_challenge WHERE tenant_id = $1 AND digest = $2
		AND ceremony IN ($3, $4) AND context IN ($5, $6) AND expires_at > $7`,
		t.ID, secret.Digest([]byte(text)), kinds[0], kinds[1], bounds[0], bounds[1], tx.Now)
}

// SweepChallenges deletes up to limit challenges of all tenants that ran out,
// and tells how many.
func SweepChallenges(tx *db.Tx, limit int) (int, error) {
	n, err := tx.Exec(`DELETE FROM passkey_challenge WHERE (tenant_id, digest) IN
		(SELECT tenant_id, digest FROM passkey_challenge WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)`, tx.Now, limit)
	return int(n), err
}

// GetOptions says for what a passkey is asked for.
type GetOptions struct {
	Context  [16]byte    // the flow or session in which it is to prove something
	Customer customer.ID // zero: whose it is, the passkey tells (discoverable)
	// Verification is "required" or "preferred"; what the tenant's policy says, if
	// empty. Where the policy requires it, it is required.
	Verification string
}

// BeginPasskeyGet hands out the options of an assertion, a
// PublicKeyCredentialRequestOptionsJSON (WebAuthn Level 3 section 5.1.9), and
// keeps its challenge. ErrPasskeyRefused: the tenant takes no passkeys.
func BeginPasskeyGet(tx *db.Tx, t *tenant.Tenant, o GetOptions) (json.RawMessage, error) {
	if t.Settings.Passkeys.Off {
		return nil, ErrPasskeyRefused
	}
	allowed, ceremony := []descriptor(nil), CeremonyGet
	if !o.Customer.IsZero() {
		list, err := Passkeys(tx, t, o.Customer)
		if err != nil {
			return nil, err
		}
		allowed = describe(t, list)
	}
	if o.Verification == required || verification(t) == required {
		ceremony = CeremonyGetVerified
	}
	challenge, err := newChallenge(tx, t, ceremony, binding(o.Context, o.Customer))
	if err != nil {
		return nil, err
	}
	return json.Marshal(requestOptions{
		Challenge: challenge, Timeout: PasskeyChallengeFor.Milliseconds(), RPID: t.RPID,
		AllowCredentials: allowed, UserVerification: asked(ceremony == CeremonyGetVerified),
	})
}

// CreateOptions says for whom a passkey is to be made.
type CreateOptions struct {
	Context     [16]byte
	Customer    customer.ID
	Name        string // by which the browser lists the account: the address
	DisplayName string // the person's name; Name if empty
	// Quietly asks for conditional create: the browser makes the passkey by itself
	// if it holds the password that was just used. Neither presence nor
	// verification of the user can be asked for then.
	Quietly bool
}

// BeginPasskeyCreate hands out the options of a registration, a
// PublicKeyCredentialCreationOptionsJSON (WebAuthn Level 3 section 5.1.8), and
// keeps its challenge. Faults: ErrPasskeyRefused (the tenant takes no
// passkeys), ErrPasskeyLimit.
func BeginPasskeyCreate(tx *db.Tx, t *tenant.Tenant, o CreateOptions) (json.RawMessage, error) {
	if t.Settings.Passkeys.Off {
		return nil, ErrPasskeyRefused
	}
	list, err := Passkeys(tx, t, o.Customer)
	if err != nil {
		return nil, err
	}
	if len(list) >= PasskeysMost {
		return nil, ErrPasskeyLimit
	}
	ceremony := CeremonyCreate
	if o.Quietly {
		ceremony = CeremonyCreateQuietly
	}
	challenge, err := newChallenge(tx, t, ceremony, binding(o.Context, o.Customer))
	if err != nil {
		return nil, err
	}
	return json.Marshal(creationOptionsOf(t, o, challenge, list))
}
