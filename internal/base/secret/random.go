package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Random returns n bytes from the operating system's generator. It cannot
// fail: since Go 1.24 crypto/rand ends the program rather than return less.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// Token returns 256 random bits as 43 characters of base64url without padding
// (RFC 4648 section 5).
func Token() string {
	return base64.RawURLEncoding.EncodeToString(Random(32))
}

// Digits returns a code of n decimal digits, each of the 10^n equally likely.
func Digits(n int) string {
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range Random(n - len(out)) {
			// 250 is the greatest multiple of ten that a byte can hold; what lies
			// above it would make the digits 0 to 5 likelier than the others.
			if b < 250 {
				out = append(out, '0'+b%10)
			}
		}
	}
	return string(out)
}

// Digest is the SHA-256 of a secret of high entropy: what rests in the
// database in its place. It is not for passwords or short codes.
func Digest(b []byte) [32]byte { return sha256.Sum256(b) }

// Equal compares in a time that depends on the lengths alone.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
