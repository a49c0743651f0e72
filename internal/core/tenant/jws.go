package tenant

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// ErrBadToken is told when a token is not one that this tenant signed for the
// purpose.
var ErrBadToken = fault.New(fault.Invalid, "bad_token", "This token is not valid here.")

// maxToken bounds what is looked at before anything is decoded.
const maxToken = 16 << 10

var spoken = base64.RawURLEncoding.Strict()

// Sign makes a compact JWS (RFC 7515 section 7.1) over the claims. typ names
// the token's purpose ("at+jwt", "JWT", "logout+jwt") and comes from our own
// code, never from outside.
func (k *SigningKey) Sign(typ string, claims []byte) (string, error) {
	header := k.header(typ)
	input := make([]byte, 0, len(header)+base64.RawURLEncoding.EncodedLen(len(claims))+1+k.spoken())
	input = append(input, header...)
	input = spoken.AppendEncode(input, claims)
	signature, err := k.sign(input)
	if err != nil {
		return "", err
	}
	return string(spoken.AppendEncode(append(input, '.'), signature)), nil
}

// spoken is the length of an encoded signature.
func (k *SigningKey) spoken() int {
	if k.Alg == RS256 {
		return 342
	}
	return 86
}

// header is the encoded header with its dot, made once per purpose.
func (k *SigningKey) header(typ string) string {
	if h, ok := k.headers.Load(typ); ok {
		return h.(string)
	}
	plain, err := json.Marshal(struct {
		Alg string `json:"alg"`
		KID string `json:"kid"`
		Typ string `json:"typ"`
	}{k.Alg, k.KID, typ})
	if err != nil { // three strings marshal
		panic(err)
	}
	h := spoken.EncodeToString(plain) + "."
	k.headers.Store(typ, h)
	return h
}

// sign signs the input. The source of randomness is nil, which means the
// system's own.
func (k *SigningKey) sign(input []byte) ([]byte, error) {
	sum := sha256.Sum256(input)
	switch private := k.private.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(nil, private, sum[:])
		if err != nil {
			return nil, err
		}
		// RFC 7518 section 3.4: R and S, 32 bytes each, not ASN.1.
		out := make([]byte, 64)
		r.FillBytes(out[:32])
		s.FillBytes(out[32:])
		return out, nil
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	case ed25519.PrivateKey:
		return ed25519.Sign(private, input), nil
	}
	return nil, ErrUnknownAlg
}

// Verify returns the claims of a token that this tenant signed for the purpose
// typ. It reads no header: only the very bytes that Sign puts in front for one
// of the tenant's own keys are accepted, so that no algorithm, key or critical
// parameter of the token's choosing is ever looked at. What the claims say
// (issuer, audience, expiry) is the caller's to check. It fails with ErrBadToken.
func (t *Tenant) Verify(typ, token string) ([]byte, error) {
	claims, _, err := verifyAmong(t.signing.all, typ, token)
	return claims, err
}

// verifyAmong is Verify with some keys alone, and tells which of them it was.
func verifyAmong(keys []*SigningKey, typ, token string) ([]byte, *SigningKey, error) {
	if len(token) > maxToken {
		return nil, nil, ErrBadToken
	}
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return nil, nil, ErrBadToken
	}
	signature, err := spoken.DecodeString(token[end+1:])
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return nil, nil, ErrBadToken
	}
	for _, k := range keys {
		claims, ok := strings.CutPrefix(token[:end], k.header(typ))
		if !ok {
			continue
		}
		if !k.verifies([]byte(token[:end]), signature) {
			return nil, nil, ErrBadToken
		}
		plain, err := spoken.DecodeString(claims)
		if err != nil {
			return nil, nil, ErrBadToken
		}
		return plain, k, nil
	}
	return nil, nil, ErrBadToken
}

func (k *SigningKey) verifies(input, signature []byte) bool {
	sum := sha256.Sum256(input)
	switch public := k.Public.(type) {
	case *ecdsa.PublicKey:
		return len(signature) == 64 && ecdsa.Verify(public, sum[:],
			new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	case ed25519.PublicKey:
		return len(signature) == ed25519.SignatureSize && ed25519.Verify(public, input, signature)
	}
	return false
}
