package tenant

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// The signature algorithms of the house (RFC 7518 section 3.1, RFC 8037).
const (
	ES256 = "ES256"
	RS256 = "RS256"
	EdDSA = "EdDSA"
)

// The states of a signing key; see the drawing in doc.go.
const (
	Next     = "next"
	Current  = "current"
	Previous = "previous"
	Retired  = "retired" // out of the set: an evidence key, without its private half
)

const (
	// KeyPublished is how long a key stands in the published set before it
	// signs. No answer of the key set may be cached for longer.
	KeyPublished = time.Hour
	// KeyKept is how long a key still verifies after a later one took over:
	// longer than any token lives, long enough for ID tokens used as hints.
	KeyKept = 30 * day
)

// The faults of signing keys.
var (
	ErrUnknownAlg = fault.New(fault.Invalid, "unknown_alg", "The house signs with ES256, RS256 or EdDSA.")
	ErrNoKey      = fault.New(fault.Conflict, "signing_key_missing", "This tenant has no signing key of that algorithm yet. Draw one first (cardea keys rotate --alg).")
)

// SigningKey is one key of a tenant. The private half lies in memory in the
// clear and in the database sealed; it has no exported way out.
type SigningKey struct {
	KID       string // RFC 7638 thumbprint
	Alg       string
	State     string
	Public    crypto.PublicKey
	JWK       json.RawMessage // the public key as it stands in the key set
	CreatedAt time.Time
	CurrentAt time.Time
	usedUntil time.Time // zero: it signs, or will
	private   crypto.Signer
	headers   sync.Map // typ -> the encoded header with its dot
}

// DrawnKey is a new key that is not stored yet.
type DrawnKey struct{ key *SigningKey }

// KID names the drawn key.
func (d *DrawnKey) KID() string { return d.key.KID }

// DrawKey generates a key. For RS256 it takes a good part of a second: never
// call it inside a transaction.
func DrawKey(alg string) (*DrawnKey, error) {
	private, err := generate(alg)
	if err != nil {
		return nil, err
	}
	k, err := assemble(alg, private)
	if err != nil {
		return nil, err
	}
	return &DrawnKey{k}, nil
}

// The generators ignore their source of randomness since Go 1.26 and always
// use the system's.
func generate(alg string) (crypto.Signer, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), nil)
	case RS256:
		return rsa.GenerateKey(nil, 2048)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(nil)
		return private, err
	}
	return nil, ErrUnknownAlg
}

func assemble(alg string, private crypto.Signer) (*SigningKey, error) {
	jwk := jose.JSONWebKey{Key: private.Public(), Algorithm: alg, Use: "sig"}
	print, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(print)
	public, err := jwk.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return &SigningKey{KID: jwk.KeyID, Alg: alg, Public: private.Public(), JWK: public, private: private}, nil
}

type keyKind struct{}

func (keyKind) Prefix() string { return "key" }

type keyRow struct {
	tenant                           ID
	id                               id.ID[keyKind]
	kid, alg, state, jwk             string
	sealed                           []byte
	createdAt, currentAt, previousAt time.Time
}

func (r *keyRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "id", Ptr: &r.id}, {Column: "kid", Ptr: &r.kid},
		{Column: "alg", Ptr: &r.alg}, {Column: "state", Ptr: &r.state}, {Column: "public_jwk", Ptr: &r.jwk},
		{Column: "sealed", Ptr: &r.sealed}, {Column: "created_at", Ptr: &r.createdAt},
		{Column: "current_at", Ptr: &r.currentAt}, {Column: "previous_at", Ptr: &r.previousAt},
	}
}

// storeKey seals and stores a drawn key in a state.
func storeKey(tx *db.Tx, tenant ID, own secret.Key, d *DrawnKey, state string) error {
	der, err := x509.MarshalPKCS8PrivateKey(d.key.private)
	if err != nil {
		return err
	}
	k := d.key
	r := keyRow{
		tenant: tenant, id: id.New[keyKind](tx.Now), kid: k.KID, alg: k.Alg, state: state, jwk: string(k.JWK),
		sealed: own.Derive("signing").Seal(der, keyContext(tenant, k.KID, k.Alg)), createdAt: tx.Now,
	}
	if state == Current {
		r.currentAt = tx.Now
	}
	return db.Insert(tx, "signing_key", r)
}

func keyContext(tenant ID, kid, alg string) []byte {
	return []byte("signing_key\x00" + tenant.String() + "\x00" + alg + "\x00" + kid)
}

func (r *keyRow) open(own secret.Key) (*SigningKey, error) {
	der, err := own.Derive("signing").Open(r.sealed, keyContext(r.tenant, r.kid, r.alg))
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return nil, errors.New("tenant: a signing key that cannot sign")
	}
	k, err := assemble(r.alg, signer)
	if err != nil {
		return nil, err
	}
	k.State, k.CreatedAt, k.CurrentAt = r.state, r.createdAt, r.currentAt
	if !r.previousAt.IsZero() {
		// However hastily keys are rotated, one that is ripe by then took over.
		k.usedUntil = r.previousAt.Add(KeyPublished)
	}
	return k, nil
}

// keySet is what a snapshot holds of its keys.
type keySet struct {
	all     []*SigningKey // next, current, previous
	byKID   map[string]*SigningKey
	signers map[string]*SigningKey // alg -> who signs now
	ripe    time.Time              // when another key begins to sign; zero: none will
	retired []*SigningKey          // evidence keys, without their private halves
}

func newKeySet(keys []*SigningKey, now time.Time) keySet {
	order := []string{Next, Current, Previous}
	slices.SortStableFunc(keys, func(a, b *SigningKey) int {
		if d := slices.Index(order, a.State) - slices.Index(order, b.State); d != 0 {
			return d
		}
		return strings.Compare(a.Alg, b.Alg)
	})
	s := keySet{all: keys, byKID: map[string]*SigningKey{}, signers: map[string]*SigningKey{}}
	for _, k := range keys {
		s.byKID[k.KID] = k
		if k.State == Next {
			continue
		}
		if k.better(s.signers[k.Alg], now) {
			s.signers[k.Alg] = k
		}
		if at := k.CreatedAt.Add(KeyPublished); at.After(now) && (s.ripe.IsZero() || at.Before(s.ripe)) {
			s.ripe = at
		}
	}
	return s
}

// better reports whether k signs rather than other: the latest of those that
// have been published long enough, else the one published longest, so that a
// hurried second rotation signs with nothing that clients cannot know yet.
func (k *SigningKey) better(other *SigningKey, now time.Time) bool {
	if other == nil {
		return true
	}
	ripe, otherRipe := !k.CreatedAt.Add(KeyPublished).After(now), !other.CreatedAt.Add(KeyPublished).After(now)
	switch {
	case ripe != otherRipe:
		return ripe
	case !ripe && !k.CreatedAt.Equal(other.CreatedAt):
		return k.CreatedAt.Before(other.CreatedAt)
	}
	return k.CurrentAt.After(other.CurrentAt)
}

// Signer returns the key that signs with the algorithm now; "" is ES256. It
// fails with ErrNoKey or ErrUnknownAlg.
func (t *Tenant) Signer(alg string) (*SigningKey, error) {
	if alg == "" {
		alg = ES256
	}
	if alg != ES256 && alg != RS256 && alg != EdDSA {
		return nil, ErrUnknownAlg
	}
	k := t.signing.signers[alg]
	if k == nil {
		return nil, ErrNoKey
	}
	return k, nil
}

// PublicKeys are all keys that stand in the key set: next, current, previous.
func (t *Tenant) PublicKeys() []*SigningKey { return t.signing.all }

// PublicKey finds a key of the set.
func (t *Tenant) PublicKey(kid string) (*SigningKey, bool) {
	k, ok := t.signing.byKID[kid]
	return k, ok
}

// Algs are the algorithms that the tenant can sign with, ES256 first.
func (t *Tenant) Algs() []string {
	var out []string
	for _, alg := range []string{ES256, RS256, EdDSA} {
		if t.signing.signers[alg] != nil {
			out = append(out, alg)
		}
	}
	return out
}
