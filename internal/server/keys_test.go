package server

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// OpenID Connect Discovery 1.0, section 3: RS256 must be among
// id_token_signing_alg_values_supported.
func TestOIDCDiscovery_3_EveryTenantGetsRS256Once(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		ctx := context.Background()
		if _, err := b.CreateTenant(ctx, tenant.New{Slug: "fern", Name: "Fern", Origin: "https://id.fern.example"}); err != nil {
			t.Fatal(err)
		}
		if err := b.CompleteKeys(ctx); err != nil {
			t.Fatal(err)
		}
		signs := map[string]string{}
		for _, x := range b.House.All() {
			k, err := x.Signer(tenant.RS256)
			if err != nil || !slices.Contains(x.Algs(), tenant.RS256) {
				t.Fatalf("%s signs with %v: %v", x.Slug, x.Algs(), err)
			}
			signs[x.Slug] = k.KID
		}
		if err := b.CompleteKeys(ctx); err != nil || len(signs) != 2 {
			t.Fatal(signs, err)
		}
		for _, x := range b.House.All() {
			if k, _ := x.Signer(tenant.RS256); k.KID != signs[x.Slug] || len(x.PublicKeys()) != 6 {
				t.Errorf("%s got other keys the second time", x.Slug)
			}
		}
	})
}

func TestTextKeyringLosesARetiredKeyAndErasuresBecomeFinal(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		clock, ctx := dbtest.NewClock(), context.Background()
		c.KeyringText = secret.NewKeyringText(clock.Now())
		node := func() *Base { return opened(t, c, Opening{Setup: true, Clock: clock.Now}) }
		b := node()
		first := b.Ring.WrappingKeys()[0].ID
		ada := register(t, b, "ada@example.com")
		register(t, b, "bob@example.com")
		b.mustUpdate(t, func(tx *db.Tx) error { _, err := customer.Destroy(tx, b.House.BuiltIn(), ada.ID); return err })
		_, err := b.DestroyWrapping(ctx)
		wants(t, err, "No wrapping key is retired")
		for range 2 { // the standby, then in use
			clock.Advance(time.Minute)
			w, err := b.RotateWrapping(ctx)
			if err != nil {
				t.Fatal(err)
			}
			b.Close()
			c.KeyringText = w.NextText
			b = node()
		}
		if len(b.Ring.Erased()) != 1 {
			t.Fatal("the ledger does not know who was erased")
		}
		_, err = b.DestroyWrapping(ctx)
		wants(t, err, "the next one is on")
		clock.Advance(secret.DefaultKeep)
		w, err := b.DestroyWrapping(ctx)
		if err != nil || !slices.Equal(w.Destroyed, []string{first}) || w.NextText == "" || !living(b, first) {
			t.Fatalf("%+v %v", w, err)
		}
		b.Close()
		c.KeyringText = w.NextText
		b = node()
		if living(b, first) || len(b.Ring.Erased()) != 0 {
			t.Errorf("living %v, still to be repeated %v", b.Ring.WrappingKeys(), b.Ring.Erased())
		}
		if err := opensItsData(b, "bob@example.com"); err != nil {
			t.Error(err)
		}
	})
}

// opensItsData reads a customer whose data key was wrapped anew.
func opensItsData(b *Base, address string) error {
	_, err := b.ShowCustomer(AtTheMachine(context.Background()), b.House.BuiltIn(), address, Looking{Reveal: true, Reason: "test"})
	return err
}

func TestCheckpointsAreNamedInTheLogNowAndThen(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	var out bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&out, nil))
	at := time.Now()
	for n := range int64(7) {
		c := journal.Checkpoint{Tenant: b.House.BuiltIn().ID, Number: n + 1, At: at.Add(time.Duration(n) * time.Minute)}
		if err := b.KeepCheckpoint(context.Background(), c); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], "number=6") || !strings.Contains(lines[1], b.House.BuiltIn().ID.String()) || len(lines[1]) > 300 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
}
