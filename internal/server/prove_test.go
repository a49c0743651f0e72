package server

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/privacy"
)

// PV-03: a backup from before an erasure opens until the day that the erasure
// names, and not a day longer: neither as a file, nor restored.
func TestH223_NoOlderBackupOpensTheErasedOnceItsKeysAreDestroyed(t *testing.T) {
	t.Parallel()
	c, clock, ctx := liteConfig(t), dbtest.NewClock(), context.Background()
	b := opened(t, c, Opening{Setup: true, Clock: clock.Now})
	staff := b.House.BuiltIn()
	ada := register(t, b, "zaunkoenig@canary.example")
	register(t, b, "bob@example.com")
	chain(t, b)
	dir := backedUp(t, b)
	file := filepath.Join(dir, databaseName)
	words := [][]byte{[]byte("zaunkoenig")}
	if _, err := b.ProveErasure(ctx, staff, ada.ID.String(), "", nil); err == nil {
		t.Fatal("an erasure is proven that was not done")
	}
	b.mustUpdate(t, func(tx *db.Tx) error {
		if _, err := customer.Destroy(tx, staff, ada.ID); err != nil {
			return err
		}
		return privacy.Attest(tx, staff, ada)
	})
	chain(t, b)
	proof := func(file string) ErasureProof {
		t.Helper()
		p, err := b.ProveErasure(ctx, staff, ada.ID.String(), file, words)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := proof(""); !p.Holds || p.Opens || p.Sealed != 0 || len(p.Left) == 0 {
		t.Errorf("live: %+v", p)
	}
	old := proof(file)
	if old.Holds || !old.Opens || old.Opened == 0 || old.Opened != old.Sealed || !old.Until.Equal(old.FinalAt) || len(old.Plaintext) > 0 {
		t.Errorf("the backup from before: %+v", old)
	}
	clock.Advance(customer.RewrapEvery) // the latest day on which a server does it by itself
	if _, err := b.RotateWrapping(ctx); err != nil {
		t.Fatal(err)
	}
	clock.Advance(old.Until.Sub(clock.Now()) - time.Hour)
	if _, err := b.DestroyWrapping(ctx); err == nil && !proof(file).Opens {
		t.Error("the key died before its day")
	}
	clock.Advance(2 * time.Hour)
	if _, err := b.DestroyWrapping(ctx); err != nil && proof(file).Opens {
		t.Fatal(err)
	}
	if p := proof(file); !p.Holds || p.Opens || p.Opened != 0 || p.Sealed == 0 {
		t.Errorf("the backup after its keys are destroyed: %+v", p)
	}
	b.Close()
	if _, err := restore(c, Restore{Dir: dir, Replace: true, Clock: clock.Now}); err != nil {
		t.Fatal(err)
	}
	again := opened(t, c, Opening{Setup: true, Clock: clock.Now})
	err := again.DB.View(ctx, func(tx *db.Tx) error {
		r, err := customer.Examine(tx, again.Ring, staff.ID, ada.ID)
		if r.Opens || r.Opened != 0 {
			t.Errorf("restored, it opens: %+v", r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := again.Audit(ctx, nil); err != nil || !r.Holds {
		t.Errorf("%+v %v", r, err)
	}
}

// A backup that is restored while its keys live opens nothing of the erased
// either: the erasure is done again before the first request, and certified.
func TestH223_ARestoredBackupErasesAgainAndProvesIt(t *testing.T) {
	t.Parallel()
	c, ctx := liteConfig(t), context.Background()
	b := setUp(t, c)
	ada := register(t, b, "ada@example.com")
	chain(t, b)
	dir := backedUp(t, b)
	b.mustUpdate(t, func(tx *db.Tx) error {
		_, err := customer.Destroy(tx, b.House.BuiltIn(), ada.ID)
		return err
	})
	b.Close()
	if out, err := restore(c, Restore{Dir: dir, Replace: true}); err != nil || out.Erased != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	again := setUp(t, c)
	p, err := again.ProveErasure(ctx, again.House.BuiltIn(), ada.ID.String(), "", nil)
	if err != nil || !p.Holds || p.Opens {
		t.Errorf("%+v %v", p, err)
	}
	if rows(t, again, "job WHERE kind = 'privacy.certify'") != 1 || rows(t, again, "erasure_fact") != 1 {
		t.Error("the erasure that was done again is not certified")
	}
}
