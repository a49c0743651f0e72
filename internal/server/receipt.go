package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// evidenceAlgs are what the house signs with, and all that evidence may say.
var evidenceAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA}

var errReceipt = &Advice{
	Text: "The receipt does not verify: it was not signed by one of these keys, or it was changed.",
	Do:   "Get the issuer's " + tenant.EvidencePath + " anew, which has every key that ever signed, and give it with --jwks FILE.",
}

var errSignedLate = &Advice{
	Text: "The signature is of one of these keys, but it was not made while the key was in use.",
	Do:   "Do not rely on it: who has a key that is out of use can sign with it and put any date on it.",
}

// VerifyReceipt returns what a consent receipt says, if one of the house's own
// tenants signed it.
func (b *Base) VerifyReceipt(token string) (consent.Receipt, error) {
	for _, t := range b.House.All() {
		r, err := consent.OpenReceipt(t, strings.TrimSpace(token))
		switch {
		case err == nil:
			return r, nil
		case errors.Is(err, tenant.ErrSignedLate):
			return consent.Receipt{}, errSignedLate
		}
	}
	return consent.Receipt{}, errReceipt
}

// VerifyReceiptWith verifies a receipt with a key set (RFC 7517 section 5)
// alone, with no house: for who was handed a receipt and the published keys. The
// issuer that the receipt names is not compared with anything.
func VerifyReceiptWith(jwks []byte, token string) (consent.Receipt, error) {
	claims, err := verifyWith(jwks, consent.ReceiptType, token)
	switch {
	case errors.Is(err, errSignature):
		return consent.Receipt{}, errReceipt
	case err != nil:
		return consent.Receipt{}, err
	}
	return consent.ReadReceipt(claims)
}

// canonical reports whether each part of a compact JWS is written in its one
// way: a last letter may have bits that nothing reads, and must not be changed
// unseen (RFC 4648 section 3.5).
func canonical(token string) bool {
	if strings.ContainsAny(token, "\r\n") { // which Go's decoder skips
		return false
	}
	for part := range strings.SplitSeq(token, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return false
		}
	}
	return true
}

// errSignature is what verifyWith says of what one of the keys did not sign for
// the purpose, or what was changed since.
var errSignature = errors.New("not signed by one of these keys, or changed")

// verifyWith returns the claims of a compact JWS of the purpose typ that a key
// of the set signed. A key with nbf and exp (see tenant.EvidenceKey) is taken
// for what it signed in that time alone.
func verifyWith(jwks []byte, typ, token string) ([]byte, error) {
	var set jose.JSONWebKeySet
	var times struct {
		Keys []struct {
			NotBefore int64 `json:"nbf"`
			Expiry    int64 `json:"exp"`
		} `json:"keys"`
	}
	if json.Unmarshal(jwks, &set) != nil || json.Unmarshal(jwks, &times) != nil || len(set.Keys) == 0 {
		return nil, &Advice{Text: "The key set cannot be read.", Do: "Give the JSON of the issuer's " + tenant.EvidencePath + ", with its member \"keys\"."}
	}
	token = strings.TrimSpace(token)
	signed, err := jose.ParseSignedCompact(token, evidenceAlgs)
	if err != nil || !canonical(token) || len(signed.Signatures) != 1 {
		return nil, errSignature
	}
	h := signed.Signatures[0].Protected
	said, _ := h.ExtraHeaders[jose.HeaderType].(string)
	at := slices.IndexFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.KeyID == h.KeyID && k.Algorithm == h.Algorithm && k.IsPublic() })
	if said != typ || at < 0 {
		return nil, errSignature
	}
	claims, err := signed.Verify(set.Keys[at].Key)
	if err != nil {
		return nil, errSignature
	}
	k := tenant.EvidenceKey{From: time.Unix(times.Keys[at].NotBefore, 0)}
	if exp := times.Keys[at].Expiry; exp > 0 {
		k.Until = time.Unix(exp, 0)
	}
	if issued, ok := tenant.IssuedAt(claims); !ok || !k.Covers(issued) {
		return nil, errSignedLate
	}
	return claims, nil
}
