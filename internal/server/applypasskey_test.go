package server

import (
	"context"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
)

// TestApplySaysWhichPasskeysAChangeOfDomainWouldCost: another passkey domain is
// refused with what it would cost, and an origin outside of it is warned of.
func TestApplySaysWhichPasskeysAChangeOfDomainWouldCost(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	const file = "version: 1\ntenants:\n- slug: fern\n  origin: https://id.fern.example\n"
	apply(t, b, file, Applying{})
	fern, _ := b.House.BySlug("fern")
	err := b.DB.Update(context.Background(), func(tx *db.Tx) error {
		for n := range byte(2) {
			_, err := tx.Exec(`INSERT INTO passkey (tenant_id, customer_id, id, credential_digest, credential_id, public_key, algorithm, sign_count, aaguid,
				transports, attestation, backup_eligible, backed_up, user_verified, rp_id, created_at)
				VALUES ($1, $2, $2, $2, $2, $2, -7, 0, $2, '', 'none', FALSE, FALSE, TRUE, 'id.fern.example', $3)`, fern.ID, []byte{n}, tx.Now)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Apply(context.Background(), "cardea.yaml", []byte(file+"  rp_id: fern.example\n"), Applying{})
	if err == nil || !strings.Contains(err.Error(), "tenants[0].rp_id") || !strings.Contains(err.Error(), "2 passkeys would open nothing") {
		t.Errorf("another passkey domain: %v", err)
	}
	for origin, warned := range map[string]bool{"https://id.moss.example": true, "https://www.id.fern.example": false} {
		list := apply(t, b, strings.Replace(file, "https://id.fern.example", origin, 1), Applying{DryRun: true})
		if len(list) != 1 || strings.Contains(list[0].Warning, "2 passkeys work at "+origin) != warned || (list[0].Warning != "") != warned {
			t.Errorf("%s: %+v", origin, list)
		}
	}
}
