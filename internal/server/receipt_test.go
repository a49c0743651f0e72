package server

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// keySetOf is what /oauth2/jwks publishes.
func keySetOf(t *tenant.Tenant) []byte {
	var keys []json.RawMessage
	for _, k := range t.PublicKeys() {
		keys = append(keys, k.JWK)
	}
	out, _ := json.Marshal(map[string]any{"keys": keys})
	return out
}

// TestH221_AReceiptIsVerifiedOfflineWithTheKeySetAlone: and no altered one, nor
// one under another house's keys, nor another token of the same key.
func TestH221_AReceiptIsVerifiedOfflineWithTheKeySetAlone(t *testing.T) {
	t.Parallel()
	p := newPapers(t, setUp(t, liteConfig(t)))
	p.must(purposeFile, Applying{})
	ada := p.customer("ada@example.com", 0)
	p.agree(ada, "fit", 1)
	var r consent.Receipt
	err := p.base.DB.View(context.Background(), func(tx *db.Tx) error {
		list, err := consent.Ledger(tx, p.fern(), ada)
		if err == nil {
			r, err = consent.MakeReceipt(tx, p.fern(), ada, list[0].ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := consent.SignReceipt(p.fern(), r)
	if err != nil {
		t.Fatal(err)
	}
	keys := keySetOf(p.fern())
	found, err := VerifyReceiptWith(keys, token+"\n")
	if err != nil || found.Identifier != r.Identifier || found.Processing.Basis != "dpv:Consent" {
		t.Errorf("%+v %v", found, err)
	}
	if found, err := p.base.VerifyReceipt(token); err != nil || found.Issuer != "https://id.fern.example" {
		t.Errorf("%+v %v", found, err)
	}
	for _, bad := range coretest.Altered(token) {
		if strings.TrimSpace(bad) == token {
			continue
		}
		if _, err := VerifyReceiptWith(keys, bad); err == nil {
			t.Errorf("verifies: %q", bad)
		}
	}
	if _, err := VerifyReceiptWith(keySetOf(p.base.House.BuiltIn()), token); err == nil {
		t.Error("verifies under another tenant's keys")
	}
	key, _ := p.fern().Signer("")
	claims, _ := json.Marshal(r)
	access, _ := key.Sign("at+jwt", claims)
	if _, err := VerifyReceiptWith(keys, access); err == nil {
		t.Error("an access token passes for a receipt")
	}
	if _, err := VerifyReceiptWith([]byte("{}"), token); err == nil {
		t.Error("verifies with no keys")
	}
}
