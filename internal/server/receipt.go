package server

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// receiptAlgs are what the house signs with, and all that a receipt may say.
var receiptAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.EdDSA}

var errReceipt = &Advice{
	Text: "The receipt does not verify: it was not signed by one of these keys, or it was changed.",
	Do:   "A key leaves the key set 30 days after a later one took over. The customer can download the receipt again from the account, or verify it with a key set that was kept: --jwks FILE.",
}

// VerifyReceipt returns what a consent receipt says, if one of the house's own
// tenants signed it.
func (b *Base) VerifyReceipt(token string) (consent.Receipt, error) {
	for _, t := range b.House.All() {
		if r, err := consent.OpenReceipt(t, strings.TrimSpace(token)); err == nil {
			return r, nil
		}
	}
	return consent.Receipt{}, errReceipt
}

// VerifyReceiptWith verifies a receipt with a key set (RFC 7517 section 5)
// alone, with no house: for who was handed a receipt and the published keys. The
// issuer that the receipt names is not compared with anything.
func VerifyReceiptWith(jwks []byte, token string) (consent.Receipt, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &set); err != nil || len(set.Keys) == 0 {
		return consent.Receipt{}, &Advice{Text: "The key set cannot be read.", Do: "Give the JSON of the tenant's /oauth2/jwks, with its member \"keys\".", Err: err}
	}
	token = strings.TrimSpace(token)
	signed, err := jose.ParseSignedCompact(token, receiptAlgs)
	if err != nil || strings.ContainsAny(token, "\r\n\t =") || len(signed.Signatures) != 1 {
		return consent.Receipt{}, errReceipt
	}
	h := signed.Signatures[0].Protected
	typ, _ := h.ExtraHeaders[jose.HeaderType].(string)
	at := slices.IndexFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.KeyID == h.KeyID && k.Algorithm == h.Algorithm && k.IsPublic() })
	if typ != consent.ReceiptType || at < 0 {
		return consent.Receipt{}, errReceipt
	}
	claims, err := signed.Verify(set.Keys[at].Key)
	if err != nil {
		return consent.Receipt{}, errReceipt
	}
	r, err := consent.ReadReceipt(claims)
	if err != nil {
		return r, tenant.ErrBadToken
	}
	return r, nil
}
