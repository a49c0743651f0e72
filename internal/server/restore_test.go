package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/schema"
)

func backedUp(t *testing.T, b *Base) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "backup")
	if _, err := b.Backup(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func restore(c Config, r Restore) (Restored, error) {
	r.Log = quietLog
	return r.Run(context.Background(), c)
}

func wants(t *testing.T, err error, word string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), word) {
		t.Fatalf("want %q: %v", word, err)
	}
}

func flip(t *testing.T, path string, at int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[at] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func stateOf(t *testing.T, b *Base, id customer.ID) (state customer.State) {
	t.Helper()
	err := b.DB.View(context.Background(), func(tx *db.Tx) error {
		c, err := customer.Get(tx, b.House.BuiltIn(), id)
		if errors.Is(err, customer.ErrNotFound) {
			return nil
		}
		state = c.State
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestRestoredHouseEndsSignInsAndKeepsTheErasedErased(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := setUp(t, c)
	ada, bob := register(t, b, "ada@example.com"), register(t, b, "bob@example.com")
	link, err := b.BootstrapLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	signedIn(t, b, bob.ID)
	chain(t, b)
	dir := backedUp(t, b)
	b.mustUpdate(t, func(tx *db.Tx) error {
		_, err := customer.Destroy(tx, b.House.BuiltIn(), ada.ID)
		return err
	})
	eve := register(t, b, "eve@example.com")
	locator, _ := b.House.BuiltIn().Locator("session").Mint(bob.ID)
	b.Close()

	_, err = restore(c, Restore{Dir: dir})
	wants(t, err, "--replace")
	out, err := restore(c, Restore{Dir: dir, Replace: true})
	if err != nil || out.Erased != 1 || out.Epoch != 2 || out.Aside == "" || out.Sessions != 1 || out.Grants != 1 {
		t.Fatalf("%+v %v", out, err)
	}
	again := setUp(t, c)
	for _, table := range []string{"code", "refresh_token", "one_time", "flow"} {
		if rows(t, again, table) != 0 {
			t.Errorf("%s has rows from before", table)
		}
	}
	for id, want := range map[customer.ID]customer.State{ada.ID: customer.Erased, bob.ID: customer.Active, eve.ID: ""} {
		if got := stateOf(t, again, id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if id, _, ok := again.House.BuiltIn().Locator("session").Read(locator); ok && id == bob.ID {
		t.Error("a token from before the restore still leads to its customer")
	}
	if err := redeem(again, link); !errors.Is(err, ErrBootstrap) {
		t.Errorf("a bootstrap secret came back with the backup: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Data, ".restore-*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
	chain(t, again)
	if r, err := again.Audit(context.Background(), nil); err != nil || !r.Holds {
		t.Errorf("%+v %v", r, err)
	}
}

// signedIn leaves a row in every table that lets somebody in.
func signedIn(t *testing.T, b *Base, id customer.ID) {
	t.Helper()
	b.mustUpdate(t, func(tx *db.Tx) error {
		later := tx.Now.Add(time.Hour)
		for _, sql := range []string{
			`INSERT INTO session (tenant_id, customer_id, id, digest, remembered, authenticated_at, created_at, seen_at, idle_at, expires_at) VALUES ($1, $2, $2, $3, FALSE, $4, $4, $4, $4, $4)`,
			`INSERT INTO app_grant (tenant_id, customer_id, id, application_id, scope, resource, claims, nonce, acr, amr, authenticated_at, offline, version, created_at, used_at) VALUES ($1, $2, $2, $3, '', '', '', '', '', '', $4, FALSE, 1, $4, $4)`,
			`INSERT INTO code (tenant_id, customer_id, digest, grant_id, application_id, redirect_uri, challenge, created_at, expires_at) VALUES ($1, $2, $3, $2, $2, '', '', $4, $4)`,
			`INSERT INTO refresh_token (tenant_id, customer_id, digest, grant_id, nonce, created_at, expires_at) VALUES ($1, $2, $3, $2, $3, $4, $4)`,
			`INSERT INTO one_time (tenant_id, id, flow_id, purpose, channel, target, code_digest, link_digest, tries, created_at, expires_at) VALUES ($1, $2, $2, '', '', $3, $3, $3, 0, $4, $4)`,
			`INSERT INTO flow (tenant_id, id, browser, kind, wrapping_key, wrapped, request_sealed, facts_sealed, version, created_at, expires_at) VALUES ($1, $2, $3, '', '', $3, $3, $3, 1, $4, $4)`,
		} {
			if _, err := tx.Exec(sql, b.House.BuiltIn().ID, id, []byte("x"), later); err != nil {
				return err
			}
		}
		return nil
	})
}

func rows(t *testing.T, b *Base, table string) (n int64) {
	t.Helper()
	err := b.DB.View(context.Background(), func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, "SELECT count(*) FROM "+table)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBackupLeavesNoTraceOfTheErased(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	register(t, b, "grace.hopper@example.com")
	chain(t, b)
	dir := backedUp(t, b)
	text, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil || bytes.Contains(text, []byte("hopper")) {
		t.Fatalf("an address stands in the clear in the backup (%v)", err)
	}
	if keyring, _ := os.ReadFile(b.Config.Keyring); len(keyring) == 0 || len(mustGlob(t, dir)) != 2 {
		t.Errorf("the backup holds %v", mustGlob(t, dir))
	}
	if _, err := b.Backup(context.Background(), dir); err == nil {
		t.Error("a second backup went into the same directory")
	}
}

func mustGlob(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTamperedBackupIsRefused(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := setUp(t, c)
	register(t, b, "ada@example.com")
	chain(t, b)
	file, manifest := backedUp(t, b), backedUp(t, b)
	b.Close()
	info, err := os.Stat(filepath.Join(file, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	flip(t, filepath.Join(file, databaseName), info.Size()/2)
	_, err = restore(c, Restore{Dir: file, Replace: true})
	wants(t, err, "damaged")
	path := filepath.Join(manifest, manifestName)
	text, _ := os.ReadFile(path)
	text = bytes.Replace(text, []byte(`"epoch": 1`), []byte(`"epoch": 9`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = restore(c, Restore{Dir: manifest, Replace: true})
	wants(t, err, "was changed")
	opened(t, c, Opening{}) // the house is as it was
}

func TestBackupOfAnotherKeyringIsRefused(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	dir := backedUp(t, b)
	other := liteConfig(t)
	_, err := restore(other, Restore{Dir: dir})
	wants(t, err, "no keyring")
	setUp(t, other).Close()
	_, err = restore(other, Restore{Dir: dir, Replace: true})
	wants(t, err, "another keyring")
}

func TestRestoreIsRefusedUnderALiveServer(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := opened(t, c, Opening{Setup: true, Alone: true})
	dir := backedUp(t, b)
	_, err := restore(c, Restore{Dir: dir, Replace: true})
	wants(t, err, "runs on")
	_, err = restore(c, Restore{})
	wants(t, err, "runs on")
}

// A database that somebody put back by hand is noticed by what the keyring
// remembers, whichever of its three memories tells.
func TestDatabaseBehindTheKeyringRefusesToStart(t *testing.T) {
	t.Parallel()
	for name, later := range map[string]func(t *testing.T, b *Base, id customer.ID){
		"checkpoint": func(t *testing.T, b *Base, _ customer.ID) {
			register(t, b, "late@example.com")
			b.notes.noted = nil
			chain(t, b)
		},
		"erased": func(t *testing.T, b *Base, id customer.ID) {
			b.mustUpdate(t, func(tx *db.Tx) error {
				_, err := customer.Destroy(tx, b.House.BuiltIn(), id)
				return err
			})
		},
		"epoch": func(t *testing.T, b *Base, _ customer.ID) {
			if _, err := b.settleRestore(context.Background(), time.Time{}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := liteConfig(t)
			b := setUp(t, c)
			ada := register(t, b, "ada@example.com")
			chain(t, b)
			path := filepath.Join(c.Data, databaseName)
			old := filepath.Join(t.TempDir(), "old.db")
			if err := b.DB.Backup(context.Background(), old); err != nil {
				t.Fatal(err)
			}
			later(t, b, ada.ID)
			b.Close()
			if err := os.Rename(old, path); err != nil {
				t.Fatal(err)
			}
			refusal(t, c, Opening{Setup: true}, "behind")
			if _, err := restore(c, Restore{}); err != nil {
				t.Fatal(err)
			}
			again := setUp(t, c)
			if name == "erased" && stateOf(t, again, ada.ID) != customer.Erased {
				t.Error("the erased customer is back")
			}
		})
	}
}

func TestEmptyDatabaseUnderAKeyringWithAMemoryIsRefused(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := setUp(t, c)
	chain(t, b)
	b.Close()
	if err := os.RemoveAll(c.Data); err != nil {
		t.Fatal(err)
	}
	refusal(t, c, Opening{Setup: true}, "remembers a house")
}

func TestPostgresIsTakenForRestoredInPlace(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	c.Database = dbtest.URL(t, schema.Files, dbtest.Postgres)
	c.KeyringText = secret.NewKeyringText(time.Now())
	b := setUp(t, c)
	_, err := b.Backup(context.Background(), t.TempDir())
	wants(t, err, "pg_dump")
	ada := register(t, b, "ada@example.com")
	if err := b.Ring.NoteErased(secret.Erased{Tenant: b.House.BuiltIn().ID, Customer: ada.ID, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	b.Close()
	refusal(t, c, Opening{Setup: true}, "behind")
	out, err := restore(c, Restore{})
	if err != nil || out.Erased != 1 || out.Epoch != 2 {
		t.Fatalf("%+v %v", out, err)
	}
	again := setUp(t, c)
	if stateOf(t, again, ada.ID) != customer.Erased || again.Ring.Epoch() != 2 {
		t.Error("the restore did not settle")
	}
}

// What waited in the queue when the backup was made was sent since, or is stale.
func TestRestoredHouseSendsNoMessageOfTheBackup(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		bob := register(t, b, "bob@example.com")
		b.mustUpdate(t, func(tx *db.Tx) error {
			return notify.Send(tx, b.House.BuiltIn(), notify.Draft{
				Template: notify.Test, Channel: notify.Email, Customer: bob.ID,
				Target: customer.Digest(b.House.BuiltIn(), customer.Email, "bob@example.com"),
			})
		})
		if rows(t, b, "job WHERE kind = 'message'") != 1 {
			t.Fatal("no message waits")
		}
		b.Close()
		out, err := restore(c, Restore{})
		if err != nil || out.Messages != 1 {
			t.Fatalf("%+v %v", out, err)
		}
		again := setUp(t, c)
		if n := rows(t, again, "job WHERE kind = 'message'"); n != 0 {
			t.Errorf("%d messages wait", n)
		}
		if rows(t, again, "message WHERE state = 'dropped' AND reason = 'restored'") != 1 || events(t, again, "house.restored") != 1 {
			t.Error("nothing remembers that it was dropped")
		}
		again.Close()
		out, err = restore(c, Restore{})
		if err != nil || out.Messages != 0 {
			t.Errorf("dropped twice: %+v %v", out, err)
		}
	})
}

// A customer erased just before a crash is told to the keyring at the next
// start.
func TestKeyringLearnsWhatItMissed(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	c.KeyringText = secret.NewKeyringText(time.Now())
	b := setUp(t, c)
	ada := register(t, b, "ada@example.com")
	b.mustUpdate(t, func(tx *db.Tx) error {
		_, err := customer.Destroy(tx, b.House.BuiltIn(), ada.ID)
		return err
	})
	b.Close()
	ledger := strings.TrimSuffix(c.Keyring, ".keyring") + ".ledger"
	if err := os.Remove(ledger); err != nil {
		t.Fatal(err)
	}
	if again := setUp(t, c); len(again.Ring.Erased()) != 1 {
		t.Error("the keyring does not know of the erasure")
	}
}

func TestAuditNamesTheFirstBadRecord(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		c.CheckpointFile = filepath.Join(t.TempDir(), "checkpoints")
		b := setUp(t, c)
		register(t, b, "ada@example.com")
		chain(t, b)
		good, err := b.Audit(context.Background(), nil)
		if err != nil || !good.Holds || good.Events == 0 || good.Checkpoints == 0 {
			t.Fatalf("%+v %v", good, err)
		}
		sign := func(signature []byte) {
			b.mustUpdate(t, func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE checkpoint SET signature = $1`, signature)
				return err
			})
		}
		var genuine []byte
		b.mustUpdate(t, func(tx *db.Tx) (err error) {
			genuine, _, err = db.Value[[]byte](tx, `SELECT signature FROM checkpoint WHERE number = 1`)
			return err
		})
		sign(make([]byte, 64))
		if forged, err := b.Audit(context.Background(), nil); err != nil || forged.Holds || forged.Bad.Checkpoint != 1 {
			t.Fatalf("%+v %v", forged, err)
		}
		sign(genuine)
		b.mustUpdate(t, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE event SET actor_kind = 'customer' WHERE name = 'tenant.created'`)
			return err
		})
		bad, err := b.Audit(context.Background(), b.House.BuiltIn())
		if err != nil || bad.Holds || bad.Bad.Flaw != string(journal.AlteredHeader) || bad.Bad.Event == "" {
			t.Fatalf("%+v %v", bad, err)
		}
	})
}
