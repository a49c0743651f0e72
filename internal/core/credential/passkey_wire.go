package credential

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// This file and metadata.go are the only ones that know the library. It decodes
// what comes from outside (JSON, CBOR, COSE, X.509) and verifies signatures. It
// does not enforce the offered algorithms of the tenant, sizes of RSA keys, the
// exclude list, discoverability, ownership, counters, backup flags, single use of
// challenges, and folds the case of origins: all of that is done here and in
// passkey_redeem.go.

const (
	passkeyBytes    = 64 << 10 // of a response
	credentialLeast = 16       // bytes of a credential id (WebAuthn section 4)
	rsaLeast        = 2048
	rsaMost         = 4096
)

// formats are the attestation statement formats that are looked at. SafetyNet is
// no more, and would be judged by the public web's roots; compound statements
// have no single path to a root.
var formats = []string{"none", "packed", "tpm", "android-key", "apple", "fido-u2f"}

var (
	errTooLong  = errors.New("the response is too long")
	errOrigin   = errors.New("another origin")
	errFramed   = errors.New("made in a frame of another site")
	errCeremony = errors.New("another ceremony")
	errRPID     = errors.New("another RP id")
	errID       = errors.New("not a credential id, or another than the attested one")
	errKey      = errors.New("not a public key that is taken")
	errBackup   = errors.New("backed up without being eligible")
	errFormat   = errors.New("an attestation format that is not looked at")
)

// PasskeyPlace is from where a passkey was made or used.
type PasskeyPlace struct {
	Text  []byte // what its customer may read of it later; sealed as it is
	Words string // "Firefox on Windows": names a passkey of an unknown model
}

// Assertion is a response of navigator.credentials.get() that could be right:
// decoded, from here, for here. RedeemPasskeyGet says whether it is.
type Assertion struct {
	// Place is kept as the passkey's last one, if the caller sets it.
	Place PasskeyPlace

	tenant tenant.ID
	data   *protocol.ParsedCredentialAssertionData
}

// CredentialID is the credential that the response names, so that a page can
// tell the browser that it is unknown.
func (a *Assertion) CredentialID() []byte { return a.data.RawID }

// Holder is whom the passkey says that it belongs to, if it says so at all. It
// is a claim until RedeemPasskeyGet: good for throttles, for nothing else.
func (a *Assertion) Holder(t *tenant.Tenant) (customer.ID, bool) {
	return HolderOf(t, a.data.Response.UserHandle)
}

// ParseGet decodes the JSON of a response of navigator.credentials.get()
// (AuthenticationResponseJSON) and checks what needs no database: its ceremony,
// origin, frame and RP id (H107). The fault is ErrPasskeyWrong. It never panics
// (H110).
func (w *WebAuthn) ParseGet(t *tenant.Tenant, response []byte) (Assertion, error) {
	if len(response) > passkeyBytes {
		return Assertion{}, ErrPasskeyWrong.Because(errTooLong)
	}
	data, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return Assertion{}, ErrPasskeyWrong.Because(told(err))
	}
	if err := checkClient(t, &data.Response.CollectedClientData, protocol.AssertCeremony); err != nil {
		return Assertion{}, ErrPasskeyWrong.Because(err)
	}
	if err := checkAuthenticator(t, &data.Response.AuthenticatorData); err != nil {
		return Assertion{}, ErrPasskeyWrong.Because(err)
	}
	return Assertion{tenant: t.ID, data: data}, nil
}

func checkClient(t *tenant.Tenant, c *protocol.CollectedClientData, ceremony protocol.CeremonyType) error {
	switch {
	case c.Type != ceremony:
		return errCeremony
	case !fromHere(t, c.Origin):
		return errOrigin
	case c.CrossOrigin || c.TopOrigin != "":
		return errFramed
	}
	return nil
}

func checkAuthenticator(t *tenant.Tenant, a *protocol.AuthenticatorData) error {
	hash := sha256.Sum256([]byte(t.RPID))
	switch {
	case !bytes.Equal(a.RPIDHash, hash[:]):
		return errRPID
	case a.Flags.HasBackupState() && !a.Flags.HasBackupEligible():
		return errBackup
	}
	return nil
}

func (a *Assertion) challenge() string { return a.data.Response.CollectedClientData.Challenge }

func (a *Assertion) facts() facts { return factsOf(&a.data.Response.AuthenticatorData) }

// proves verifies the signature with the key of the passkey, and user presence.
// The challenge was taken and the origin compared before: they are given as they
// are, so that the library compares only what it signs.
func (a *Assertion) proves(p *Passkey) error {
	c := &a.data.Response.CollectedClientData
	origin := []string{c.Origin}
	return told(a.data.Verify(c.Challenge, p.RPID, "", origin, origin, nil, protocol.TopOriginExplicitVerificationMode,
		false, false, true, p.PublicKey, protocol.SignaturePolicy{}))
}

// facts are what an authenticator states about one use.
type facts struct {
	present, verified, eligible, backedUp bool
	count                                 int64
}

func factsOf(a *protocol.AuthenticatorData) facts {
	return facts{
		present: a.Flags.HasUserPresent(), verified: a.Flags.HasUserVerified(),
		eligible: a.Flags.HasBackupEligible(), backedUp: a.Flags.HasBackupState(), count: int64(a.Counter),
	}
}

// Attested is a response of navigator.credentials.create() that could be right:
// decoded, from here, for here, its attestation statement verified.
type Attested struct {
	facts
	tenant       tenant.ID
	challenge    string
	credential   []byte
	key          []byte
	algorithm    int64
	aaguid       [16]byte
	transports   []string
	discoverable bool // the browser's word; true unless it denies it
	attestation  string
	reports      []metadata.StatusReport // of the model, if rooted
}

// ParseCreate decodes the JSON of a response of navigator.credentials.create()
// (RegistrationResponseJSON), checks what needs no database, and verifies the
// attestation statement. The fault is ErrPasskeyWrong. It never panics (H110).
// The member authenticatorAttachment is a hint of the browser's that nothing
// proves: it is not looked at, so leaving it out skips nothing (H104).
func (w *WebAuthn) ParseCreate(t *tenant.Tenant, response []byte) (Attested, error) {
	if len(response) > passkeyBytes {
		return Attested{}, ErrPasskeyWrong.Because(errTooLong)
	}
	data, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return Attested{}, ErrPasskeyWrong.Because(told(err))
	}
	if err := checkClient(t, &data.Response.CollectedClientData, protocol.CreateCeremony); err != nil {
		return Attested{}, ErrPasskeyWrong.Because(err)
	}
	a, err := attested(t, data)
	if err == nil {
		err = w.assess(&a, data)
	}
	if err != nil {
		return Attested{}, ErrPasskeyWrong.Because(err)
	}
	return a, nil
}

func attested(t *tenant.Tenant, data *protocol.ParsedCredentialCreationData) (Attested, error) {
	auth := &data.Response.AttestationObject.AuthData
	if err := checkAuthenticator(t, auth); err != nil {
		return Attested{}, err
	}
	id, key := auth.AttData.CredentialID, auth.AttData.CredentialPublicKey
	if len(id) < credentialLeast || !bytes.Equal(id, data.RawID) {
		return Attested{}, errID
	}
	algorithm, err := algorithmOf(key)
	if err != nil {
		return Attested{}, err
	}
	props := data.ClientExtensionResults.CredProps
	return Attested{
		facts: factsOf(auth), tenant: t.ID, challenge: data.Response.CollectedClientData.Challenge,
		credential: id, key: key, algorithm: algorithm, aaguid: [16]byte(auth.AttData.AAGUID),
		transports:   transports(data.Raw.AttestationResponse.Transports),
		discoverable: props == nil || props.RK == nil || *props.RK,
	}, nil
}

// algorithmOf reads a COSE_Key. The library knows the curves; RSA keys of any
// size pass it.
func algorithmOf(cose []byte) (int64, error) {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return 0, told(err)
	}
	switch k := key.(type) {
	case webauthncose.OKPPublicKeyData:
		return k.Algorithm, nil
	case webauthncose.EC2PublicKeyData:
		return k.Algorithm, nil
	case webauthncose.RSAPublicKeyData:
		e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
		if n := bitLen(k.Modulus); err != nil || n < rsaLeast || n > rsaMost || e < 1<<16 || e > 1<<31-1 || e%2 == 0 {
			return 0, errKey
		}
		return k.Algorithm, nil
	}
	return 0, errKey
}

func bitLen(b []byte) int {
	b = bytes.TrimLeft(b, "\x00")
	if len(b) == 0 {
		return 0
	}
	return len(b)*8 - bits.LeadingZeros8(b[0])
}

// assess verifies the attestation statement (WebAuthn Level 3 section 7.1) and
// finds out whether the metadata file vouches for who made it. A statement that
// is wrong in itself is an error whatever the policy; what is made of one that
// nobody vouches for is RedeemPasskeyCreate's.
func (w *WebAuthn) assess(a *Attested, data *protocol.ParsedCredentialCreationData) error {
	object := &data.Response.AttestationObject
	if !slices.Contains(formats, object.Format) {
		return errFormat
	}
	hash := sha256.Sum256(data.Raw.AttestationResponse.ClientDataJSON)
	if err := object.VerifyAttestation(hash[:], nil, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return told(err)
	}
	path, _ := object.AttStatement["x5c"].([]any)
	switch {
	case object.Format == "none":
		a.attestation = AttestationNone
	case len(path) == 0:
		a.attestation = AttestationSelf
	default:
		a.attestation = AttestationUnrooted
		if reports, ok := w.vouches(object, path); ok {
			a.attestation, a.reports = AttestationRooted, reports
		}
	}
	return nil
}

// told adds what the library keeps beside its errors' texts.
func told(err error) error {
	var e *protocol.Error
	if !errors.As(err, &e) || e.DevInfo == "" {
		return err
	}
	return fmt.Errorf("%w: %s", err, e.DevInfo)
}
