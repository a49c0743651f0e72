package secret

import (
	"crypto/cipher"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

const (
	locatorLen  = 16
	tokenLen    = locatorLen + 32
	tokenSpoken = tokenLen / 3 * 4 // 48 bytes fill 64 characters with no bit to spare
)

var spoken = base64.RawURLEncoding.Strict()

// Locator mints and reads opaque tokens that tell the house, and nobody else,
// under which id their row stands: 16 bytes of locator and 32 random bytes, as
// 64 characters of base64url. It is safe for concurrent use.
//
// The locator is one AES block of the id, whitened with a hash of the token's
// own random bytes. Without the whitening all tokens of one customer would
// begin alike, and two applications that know that customer by different
// pairwise subjects could compare them (OIDC Core 17.3).
//
// A locator is a hint where to look. Only the comparison of the whole token's
// digest with the stored one says that a token is genuine.
type Locator struct{ block cipher.Block }

// NewLocator returns the locator of one purpose: derive the key per purpose,
// so that a token of one kind leads nowhere when shown as another.
func NewLocator(key *Key) *Locator { return &Locator{key.block()} }

// Mint returns a new token for the id and the digest to store in its place.
func (l *Locator) Mint(id [16]byte) (token string, digest [32]byte) {
	return l.MintWith(id, [32]byte(Random(32)))
}

// MintWith is Mint with the random part given, for tokens that must be
// computed twice alike (the successor of a refresh token). The part must be
// unguessable, for instance an HMAC.
func (l *Locator) MintWith(id [16]byte, part [32]byte) (token string, digest [32]byte) {
	var raw [tokenLen]byte
	white := whitening(part)
	subtle.XORBytes(raw[:locatorLen], id[:], white[:])
	l.block.Encrypt(raw[:locatorLen], raw[:locatorLen])
	copy(raw[locatorLen:], part[:])
	token = spoken.EncodeToString(raw[:])
	return token, Digest([]byte(token))
}

// Read takes a token apart. It accepts exactly the spelling that Mint makes;
// for anything of another length, alphabet or form ok is false. The digest is
// that of the token's text, so it equals Digest([]byte(token)). For a token
// that this house did not mint the id is noise.
func (l *Locator) Read(token string) (id [16]byte, digest [32]byte, ok bool) {
	if len(token) != tokenSpoken {
		return id, digest, false
	}
	var raw [tokenLen]byte
	// The decoder skips line breaks, so a token with one comes out too short.
	n, err := spoken.Decode(raw[:], []byte(token))
	if err != nil || n != tokenLen {
		return id, digest, false
	}
	l.block.Decrypt(id[:], raw[:locatorLen])
	white := whitening([32]byte(raw[locatorLen:]))
	subtle.XORBytes(id[:], id[:], white[:])
	return id, Digest([]byte(token)), true
}

// whitening hashes rather than cuts, so that nobody can steer a token towards
// another id by flipping bits of its random part.
func whitening(part [32]byte) [16]byte {
	sum := sha256.Sum256(part[:])
	return [16]byte(sum[:16])
}
