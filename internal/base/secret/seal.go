package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
)

// Key is 256 bits of key. It prints as "[key]" in every format, so that it
// cannot slip into a log.
type Key [32]byte

// Overhead is how many bytes longer than its plaintext a sealed value is:
// 12 of nonce in front and 16 of tag behind.
const Overhead = 12 + 16

// errSeal is a plain error, thus Internal: what rests sealed in the database
// and does not open is a defect. Who opens what came from outside (a cookie, a
// cursor) turns it into a refusal of their own.
var errSeal = errors.New("secret: the sealed value does not open under this key and context")

// NewKey draws a key.
func NewKey() *Key { return (*Key)(Random(32)) }

// Seal encrypts plain with AES-256-GCM under a random nonce, which stands in
// front of the result. The additional data is bound to it but not contained.
// A key must not seal more than 2^32 values (NIST SP 800-38D section 8.3).
func (k *Key) Seal(plain, additional []byte) []byte {
	return k.aead().Seal(nil, nil, plain, additional)
}

// Open decrypts what Seal made with the same additional data. Anything else,
// down to one changed bit, is an error without detail.
func (k *Key) Open(sealed, additional []byte) ([]byte, error) {
	plain, err := k.aead().Open(nil, nil, sealed, additional)
	if err != nil {
		return nil, errSeal
	}
	return plain, nil
}

// Derive returns the key of one purpose below this one; see the function Derive.
func (k *Key) Derive(label string, parts ...[]byte) *Key {
	d := Key(Derive(k[:], label, parts...))
	return &d
}

// Format hides the key from every verb of fmt.
func (k Key) Format(s fmt.State, _ rune) { fmt.Fprint(s, "[key]") }

// LogValue hides the key from slog.
func (k Key) LogValue() slog.Value { return slog.StringValue("[key]") }

// MarshalText refuses: a key is stored wrapped or not at all.
func (k Key) MarshalText() ([]byte, error) {
	return nil, errors.New("secret: a key does not marshal")
}

func (k *Key) block() cipher.Block {
	b, err := aes.NewCipher(k[:])
	if err != nil { // only for a wrong key length, which the type rules out
		panic(err)
	}
	return b
}

func (k *Key) aead() cipher.AEAD {
	a, err := cipher.NewGCMWithRandomNonce(k.block())
	if err != nil { // only for a block size other than 16
		panic(err)
	}
	return a
}
