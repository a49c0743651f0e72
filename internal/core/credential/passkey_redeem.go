package credential

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// PasskeyResult is what one use of a passkey proved beside possession.
type PasskeyResult struct {
	// UserVerified: the authenticator knew its user, by a gesture that was set up
	// before the passkey was made. Then it is two factors, otherwise one.
	UserVerified bool
}

// RedeemPasskeyGet uses an assertion up. From here on its challenge is spent,
// whatever comes of it (H106). It is good for a passkey of this tenant alone,
// whose owner is the one that the challenge was made for and that the user handle
// names (H109), signed by its key. ErrPasskeyUnknown: there is no such passkey;
// ErrPasskeyRefused: it is genuine and not taken, which is journaled;
// ErrPasskeyWrong: anything else. Refusals are kept: an Update commits them.
//
// User verification counts only if the passkey had it from the beginning, or is
// synced: whoever finds a bare security key can set a PIN on it, and would be
// verified as its user (WebAuthn Level 3 section 7.2, uvInitialized).
func RedeemPasskeyGet(tx *db.Tx, t *tenant.Tenant, w *WebAuthn, a Assertion, context [16]byte) (Passkey, PasskeyResult, error) {
	none := PasskeyResult{}
	if a.data == nil || a.tenant != t.ID {
		return Passkey{}, none, ErrPasskeyWrong
	}
	p, found, err := byCredential(tx, t, a.CredentialID())
	if err != nil {
		return Passkey{}, none, err
	}
	found = found && p.RPID == t.RPID
	bounds := [2][]byte{binding(context, customer.ID{}), binding(context, p.CustomerID)}
	row, taken, err := takeChallenge(tx, t, a.challenge(), [2]Ceremony{CeremonyGet, CeremonyGetVerified}, bounds)
	switch {
	case err != nil:
		return Passkey{}, none, err
	case !taken:
		return Passkey{}, none, ErrPasskeyWrong
	case !found:
		return Passkey{}, none, db.Keep(ErrPasskeyUnknown)
	case !owned(t, &p, a.data.Response.UserHandle, len(row.context) == len(context)):
		return Passkey{}, none, db.Keep(ErrPasskeyWrong)
	}
	if err := a.proves(&p); err != nil {
		return Passkey{}, none, db.Keep(ErrPasskeyWrong.Because(err))
	}
	if reason := refusal(tx, t, w, &p, a.facts(), row.ceremony); reason != "" {
		return Passkey{}, none, refuse(tx, t, p.CustomerID, PasskeyRefused{p.ID, reason}, ErrPasskeyRefused)
	}
	return used(tx, t, p, a)
}

// owned tells whether the user handle is the owner's. A passkey that was to say
// by itself whose it is must have one; one that was asked for by name need not
// (WebAuthn section 7.2, step 6).
func owned(t *tenant.Tenant, p *Passkey, handle []byte, discovered bool) bool {
	if len(handle) == 0 {
		return !discovered
	}
	want := UserHandle(t, p.CustomerID)
	return bytes.Equal(handle, want[:])
}

// refusal is why a genuine assertion is not taken, "" if it is. A counter that
// does not move on means that two authenticators hold the key; synced passkeys
// keep none, so theirs may stay or become zero.
func refusal(tx *db.Tx, t *tenant.Tenant, w *WebAuthn, p *Passkey, f facts, c Ceremony) string {
	policy := &t.Settings.Passkeys
	switch {
	case policy.Off:
		return refusedOff
	case f.eligible != p.BackupEligible:
		return refusedBackup
	case p.SignCount > 0 && f.count <= p.SignCount && (f.count > 0 || !p.BackupEligible):
		return refusedCounter
	case !f.verified && (c == CeremonyGetVerified || verification(t) == required):
		return refusedVerification
	case slices.Contains(policy.Block, spellModel(p.AAGUID)):
		return refusedModel
	case attestation(t) == "direct" && p.Attestation == AttestationRooted && w.modelRevoked(p.AAGUID, tx.Now):
		return refusedRevoked
	}
	return ""
}

// refuse journals a refusal and keeps it.
func refuse(tx *db.Tx, t *tenant.Tenant, cus customer.ID, e PasskeyRefused, why *fault.Error) error {
	if err := note(tx, t, cus, e); err != nil {
		return err
	}
	return db.Keep(why)
}

// used writes down what a passkey's use tells of it.
func used(tx *db.Tx, t *tenant.Tenant, p Passkey, a Assertion) (Passkey, PasskeyResult, error) {
	f, before := a.facts(), p
	p.SignCount, p.BackedUp, p.UsedAt = f.count, f.backedUp, tx.Now
	p.UserVerified = p.UserVerified || f.verified && p.BackupEligible
	if len(a.Place.Text) > 0 {
		sealed, err := customer.Seal(tx, t, p.CustomerID, PasskeyPlaceField, a.Place.Text)
		if err != nil {
			return Passkey{}, PasskeyResult{}, err
		}
		p.UsedPlaceSealed = sealed
	}
	n, err := tx.Exec(`UPDATE passkey SET sign_count = $1, backed_up = $2, user_verified = $3, used_at = $4, used_place_sealed = $5
		WHERE tenant_id = $6 AND customer_id = $7 AND id = $8 AND sign_count = $9`,
		p.SignCount, p.BackedUp, p.UserVerified, p.UsedAt, []byte(p.UsedPlaceSealed), t.ID, p.CustomerID, p.ID, before.SignCount)
	switch {
	case err != nil:
		return Passkey{}, PasskeyResult{}, err
	case n == 0:
		return Passkey{}, PasskeyResult{}, db.Keep(ErrPasskeyWrong)
	}
	if p.BackedUp != before.BackedUp {
		if err := note(tx, t, p.CustomerID, PasskeyBackedUp{p.ID, p.BackedUp}); err != nil {
			return Passkey{}, PasskeyResult{}, err
		}
	}
	return p, PasskeyResult{UserVerified: f.verified && p.UserVerified}, nil
}

// RedeemPasskeyCreate adds the passkey of a registration to the customer that its
// challenge was made for, and uses the challenge up whatever comes of it (H106).
// Everything that the options asked of the browser is asked of the response again
// (H104). Faults, all kept: ErrPasskeyRefused (policy; journaled),
// ErrPasskeyTaken (the credential is somebody's already, H109), ErrPasskeyLimit,
// ErrPasskeyWrong.
func RedeemPasskeyCreate(tx *db.Tx, t *tenant.Tenant, w *WebAuthn, a Attested, context [16]byte, cus customer.ID, place PasskeyPlace) (Passkey, error) {
	if len(a.credential) == 0 || a.tenant != t.ID || cus.IsZero() {
		return Passkey{}, ErrPasskeyWrong
	}
	bound := binding(context, cus)
	row, taken, err := takeChallenge(tx, t, a.challenge, [2]Ceremony{CeremonyCreate, CeremonyCreateQuietly}, [2][]byte{bound, bound})
	if err != nil {
		return Passkey{}, err
	}
	quiet := row.ceremony == CeremonyCreateQuietly
	switch {
	case !taken:
		return Passkey{}, ErrPasskeyWrong
	case !a.present && !quiet:
		return Passkey{}, db.Keep(ErrPasskeyWrong)
	}
	if reason := unwanted(tx, t, &a, quiet); reason != "" {
		return Passkey{}, refuse(tx, t, cus, PasskeyRefused{Reason: reason}, ErrPasskeyRefused)
	}
	if err := free(tx, t, cus, a.credential); err != nil {
		return Passkey{}, err
	}
	return add(tx, t, w, a, cus, place)
}

// unwanted is why the policy does not take a new passkey, "" if it does.
func unwanted(tx *db.Tx, t *tenant.Tenant, a *Attested, quiet bool) string {
	policy, direct := &t.Settings.Passkeys, attestation(t) == "direct"
	model := spellModel(a.aaguid)
	switch {
	case policy.Off:
		return refusedOff
	case !slices.Contains(algorithms(t), int(a.algorithm)):
		return refusedAlgorithm
	case !a.verified && !quiet && verification(t) == required:
		return refusedVerification
	case !a.discoverable:
		return refusedDiscoverable
	case direct && a.attestation != AttestationRooted:
		return refusedAttestation
	case revoked(a.reports, tx.Now):
		return refusedRevoked
	case slices.Contains(policy.Block, model), len(policy.Allow) > 0 && !slices.Contains(policy.Allow, model):
		return refusedModel
	}
	return ""
}

// free checks that there is room for one more passkey, and that nobody has this
// credential: whoever could register another's would sign in as them, or keep
// them out.
func free(tx *db.Tx, t *tenant.Tenant, cus customer.ID, credential []byte) error {
	owner, found, err := byCredential(tx, t, credential)
	switch {
	case err != nil:
		return err
	case found && owner.CustomerID == cus:
		return db.Keep(ErrPasskeyTaken)
	case found:
		return refuse(tx, t, cus, PasskeyRefused{Reason: refusedTaken}, ErrPasskeyTaken)
	}
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM passkey WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	if err == nil && n >= PasskeysMost {
		err = db.Keep(ErrPasskeyLimit)
	}
	return err
}

func add(tx *db.Tx, t *tenant.Tenant, w *WebAuthn, a Attested, cus customer.ID, place PasskeyPlace) (Passkey, error) {
	p := Passkey{
		TenantID: t.ID, CustomerID: cus, ID: id.New[passkeyKind](tx.Now), CredentialID: a.credential, PublicKey: a.key,
		Algorithm: a.algorithm, SignCount: a.count, AAGUID: a.aaguid, Transports: a.transports, Attestation: a.attestation,
		BackupEligible: a.eligible, BackedUp: a.backedUp, UserVerified: a.verified, RPID: t.RPID, CreatedAt: tx.Now,
		digest: secret.Digest(a.credential),
	}
	if err := p.seal(tx, t, w.ModelName(p.AAGUID), place); err != nil {
		return Passkey{}, err
	}
	inserted, err := db.InsertNew(tx, "passkey", p)
	switch {
	case err != nil:
		return Passkey{}, err
	case !inserted:
		return Passkey{}, db.Keep(ErrPasskeyTaken)
	}
	e := PasskeyAdded{Passkey: p.ID, Attestation: p.Attestation, Synced: p.BackupEligible, Name: p.NameSealed}
	if p.AAGUID != [16]byte{} {
		e.Model = spellModel(p.AAGUID)
	}
	return p, note(tx, t, cus, e)
}

// seal hides a new passkey's first name and its place.
func (p *Passkey) seal(tx *db.Tx, t *tenant.Tenant, name string, place PasskeyPlace) (err error) {
	if name == "" {
		name = place.Words
	}
	if name = strings.TrimSpace(name); name != "" && tenant.ShortText(name, 10*passkeyNameLen) {
		runes := []rune(name)
		name = string(runes[:min(len(runes), passkeyNameLen)])
		if p.NameSealed, err = customer.Seal(tx, t, p.CustomerID, PasskeyNameField, []byte(name)); err != nil {
			return err
		}
	}
	if len(place.Text) > 0 {
		p.CreatedPlaceSealed, err = customer.Seal(tx, t, p.CustomerID, PasskeyPlaceField, place.Text)
	}
	return err
}

// spellModel spells an AAGUID as settings and the metadata do.
func spellModel(aaguid [16]byte) string {
	h := hex.EncodeToString(aaguid[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
