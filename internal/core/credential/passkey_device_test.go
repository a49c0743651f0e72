package credential_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// The flags of authenticator data (WebAuthn section 6.1).
const (
	up = 1 << 0
	uv = 1 << 2
	be = 1 << 3
	bs = 1 << 4
	at = 1 << 6
)

var (
	session16 = [16]byte{5, 5, 5}
	other16   = [16]byte{6, 6, 6}
	place     = credential.PasskeyPlace{Text: []byte(`{"agent":"Firefox on Linux"}`), Words: "Firefox on Linux"}
)

// device is an authenticator and its browser, of our own making, so that it can
// say anything. Every member is what the next response says.
type device struct {
	tb      testing.TB
	key     *ecdsa.PrivateKey
	id      []byte
	rawID   []byte // the browser's word; id if nil
	aaguid  [16]byte
	flags   byte
	count   uint32
	handle  []byte
	rpID    string
	origin  string
	kind    string // the client data's type; the right one if empty
	client  map[string]any
	cose    map[int]any // the right one if nil
	outputs map[string]any
	member  map[string]any // more members of the credential
	// statement makes an attestation; "none" if nil.
	statement func(authData, clientHash []byte) (format string, statement any)
	sign      func(message []byte) []byte // the right signature if nil
}

func newDevice(tb testing.TB, h *coretest.House) *device {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	id := make([]byte, 32)
	rand.Read(id)
	return &device{tb: tb, key: key, id: id, flags: up | uv | be | bs, rpID: h.T().RPID, origin: h.T().Origin}
}

func (d *device) coseKey() map[int]any {
	if d.cose != nil {
		return d.cose
	}
	raw, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.tb.Fatal(err)
	}
	return map[int]any{1: 2, 3: -7, -1: 1, -2: raw[1:33], -3: raw[33:]}
}

func cbor(tb testing.TB, v any) []byte {
	b, err := webauthncbor.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func (d *device) authData(attested bool) []byte {
	hash := sha256.Sum256([]byte(d.rpID))
	flags := d.flags
	if attested {
		flags |= at
	}
	out := append(hash[:], flags)
	out = binary.BigEndian.AppendUint32(out, d.count)
	if attested {
		out = append(out, d.aaguid[:]...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(d.id)))
		out = append(append(out, d.id...), cbor(d.tb, d.coseKey())...)
	}
	return out
}

func (d *device) clientData(right, challenge string) []byte {
	m := map[string]any{"type": right, "challenge": challenge, "origin": d.origin, "crossOrigin": false}
	if d.kind != "" {
		m["type"] = d.kind
	}
	for k, v := range d.client {
		m[k] = v
	}
	return asJSON(d.tb, m)
}

func (d *device) signature(message []byte) []byte {
	if d.sign != nil {
		return d.sign(message)
	}
	return signES256(d.tb, d.key, message)
}

func signES256(tb testing.TB, key crypto.Signer, message []byte) []byte {
	digest := sha256.Sum256(message)
	sig, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		tb.Fatal(err)
	}
	return sig
}

// answer wraps a response in a credential.
func (d *device) answer(response map[string]any) []byte {
	raw := d.rawID
	if raw == nil {
		raw = d.id
	}
	m := map[string]any{"id": b64(raw), "rawId": b64(raw), "type": "public-key", "response": response, "clientExtensionResults": d.outputs}
	if d.outputs == nil {
		m["clientExtensionResults"] = map[string]any{}
	}
	for k, v := range d.member {
		m[k] = v
	}
	return asJSON(d.tb, m)
}

// create answers navigator.credentials.create().
func (d *device) create(challenge string) []byte {
	client, auth := d.clientData("webauthn.create", challenge), d.authData(true)
	format, statement := "none", any(map[string]any{})
	if d.statement != nil {
		hash := sha256.Sum256(client)
		format, statement = d.statement(auth, hash[:])
	}
	object := cbor(d.tb, map[string]any{"fmt": format, "attStmt": statement, "authData": auth})
	return d.answer(map[string]any{
		"clientDataJSON": b64(client), "attestationObject": b64(object), "transports": []string{"internal", "hybrid", "<b>"},
	})
}

// get answers navigator.credentials.get().
func (d *device) get(challenge string) []byte {
	client, auth := d.clientData("webauthn.get", challenge), d.authData(false)
	hash := sha256.Sum256(client)
	response := map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(auth), "signature": b64(d.signature(append(auth, hash[:]...))),
	}
	if d.handle != nil {
		response["userHandle"] = b64(d.handle)
	}
	return d.answer(response)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func asJSON(tb testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// options are what a page gets, as far as tests look at it.
type options struct {
	Challenge string
	RPID      string `json:"rpId"`
	RP        struct{ ID, Name string }
	User      struct{ ID, Name, DisplayName string }
	Params    []struct {
		Type string
		Alg  int
	} `json:"pubKeyCredParams"`
	Exclude          []struct{ Type, ID string } `json:"excludeCredentials"`
	Allow            []struct{ Type, ID string } `json:"allowCredentials"`
	UserVerification string
	Attestation      string
	Selection        struct {
		ResidentKey        string
		RequireResidentKey bool
		UserVerification   string
	} `json:"authenticatorSelection"`
}

// keys is the server's side: one house, one set of metadata.
type keys struct {
	*coretest.House
	tb testing.TB
	w  *credential.WebAuthn
}

func newKeys(tb testing.TB, h *coretest.House) *keys {
	w, err := credential.NewWebAuthn(nil)
	if err != nil {
		tb.Fatal(err)
	}
	return &keys{h, tb, w}
}

func (k *keys) read(raw json.RawMessage) (o options) {
	if err := json.Unmarshal(raw, &o); err != nil {
		k.tb.Fatal(err)
	}
	return o
}

func (k *keys) beginCreate(cus customer.ID, change ...func(*credential.CreateOptions)) options {
	k.tb.Helper()
	ask := credential.CreateOptions{Context: session16, Customer: cus, Name: "ada@example.com"}
	for _, c := range change {
		c(&ask)
	}
	var raw json.RawMessage
	k.Update(func(tx *db.Tx) (err error) { raw, err = credential.BeginPasskeyCreate(tx, k.T(), ask); return err })
	return k.read(raw)
}

func (k *keys) beginGet(cus customer.ID, verification string) options {
	k.tb.Helper()
	var raw json.RawMessage
	k.Update(func(tx *db.Tx) (err error) {
		raw, err = credential.BeginPasskeyGet(tx, k.T(), credential.GetOptions{Context: session16, Customer: cus, Verification: verification})
		return err
	})
	return k.read(raw)
}

func (k *keys) redeemCreate(response []byte, context [16]byte, cus customer.ID) (p credential.Passkey, err error) {
	a, err := k.w.ParseCreate(k.T(), response)
	if err != nil {
		return p, err
	}
	err = k.Try(func(tx *db.Tx) (err error) {
		p, err = credential.RedeemPasskeyCreate(tx, k.T(), k.w, a, context, cus, place)
		return err
	})
	return p, err
}

func (k *keys) redeemGet(response []byte, context [16]byte) (p credential.Passkey, r credential.PasskeyResult, err error) {
	a, err := k.w.ParseGet(k.T(), response)
	if err != nil {
		return p, r, err
	}
	a.Place = place
	err = k.Try(func(tx *db.Tx) (err error) {
		p, r, err = credential.RedeemPasskeyGet(tx, k.T(), k.w, a, context)
		return err
	})
	return p, r, err
}

// register makes a passkey of the device for the customer.
func (k *keys) register(d *device, cus customer.ID) credential.Passkey {
	k.tb.Helper()
	p, err := k.redeemCreate(d.create(k.beginCreate(cus).Challenge), session16, cus)
	if err != nil {
		k.tb.Fatal(err)
	}
	handle := credential.UserHandle(k.T(), cus)
	d.handle = handle[:]
	return p
}

func (k *keys) use(d *device) (credential.Passkey, credential.PasskeyResult, error) {
	k.tb.Helper()
	return k.redeemGet(d.get(k.beginGet(customer.ID{}, "").Challenge), session16)
}
