package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var quietLog = slog.New(slog.NewTextHandler(io.Discard, nil))

// liteConfig is a fresh SQLite house.
func liteConfig(t *testing.T) Config {
	t.Helper()
	c := Config{Data: filepath.Join(t.TempDir(), "data"), Origin: "https://staff.example.test", MetricsListen: "off"}
	c.defaults()
	return c
}

// eachEngine runs a test on a fresh house of every engine.
func eachEngine(t *testing.T, test func(t *testing.T, c Config)) {
	t.Helper()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			c := liteConfig(t)
			if engine == dbtest.Postgres {
				c.Database = dbtest.URL(t, schema.Files, engine)
				c.KeyringText = secret.NewKeyringText(time.Now())
			}
			test(t, c)
		})
	}
}

func opened(t *testing.T, c Config, how Opening) *Base {
	t.Helper()
	how.Log = quietLog
	b, err := Open(context.Background(), c, how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func setUp(t *testing.T, c Config) *Base { t.Helper(); return opened(t, c, Opening{Setup: true}) }

func refusal(t *testing.T, c Config, how Opening, word string) {
	t.Helper()
	how.Log = quietLog
	b, err := Open(context.Background(), c, how)
	if err == nil {
		b.Close()
		t.Fatalf("it opened; want a refusal with %q", word)
	}
	var a *Advice
	if !errors.As(err, &a) || !strings.Contains(a.Text, word) || a.Do == "" || a.Exit != ExitRefused {
		t.Fatalf("want advice with %q: %v", word, err)
	}
}

func (b *Base) mustUpdate(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := b.DB.Update(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// register makes a customer in the staff's tenant.
func register(t *testing.T, b *Base, address string) customer.Customer {
	t.Helper()
	var c customer.Customer
	b.mustUpdate(t, func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, b.House.BuiltIn(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		return err
	})
	return c
}

// chain links what was committed and signs a checkpoint.
func chain(t *testing.T, b *Base) {
	t.Helper()
	loop := journal.NewLoop(b.DB, "test", nil, nil, journal.Options{Sign: b.SignCheckpoint, Sink: b.KeepCheckpoint, Alone: true})
	ctx := context.Background()
	if err := loop.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if err := loop.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestFirstStartMakesKeyringDatabaseAndStaff(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		staff := b.House.BuiltIn()
		if staff == nil || staff.Origin != c.Origin || staff.RPID != "staff.example.test" || !staff.Settings.Registration.Closed || !staff.Settings.Password.Alone {
			t.Fatalf("%+v", staff)
		}
		if !c.Postgres() && !b.KeyringMade {
			t.Error("nobody was told of the new keyring")
		}
		b.Close()
		again := setUp(t, c)
		if again.KeyringMade || again.House.BuiltIn().ID != staff.ID {
			t.Error("the second start made something anew")
		}
	})
}

func TestCommandMakesNothing(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	refusal(t, c, Opening{}, "no database")
	if _, err := os.Stat(c.Data); err == nil {
		t.Error("a command with a wrong --data made a directory")
	}
	setUp(t, c).Close()
	opened(t, c, Opening{})
}

func TestWrongOrMissingKeyringIsRefused(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	setUp(t, c).Close()
	lost := c
	lost.Keyring = filepath.Join(t.TempDir(), "lost.keyring")
	refusal(t, lost, Opening{Setup: true}, "is not at")
	if _, err := os.Stat(lost.Keyring); err == nil {
		t.Error("a useless keyring was made")
	}
	if _, _, err := secret.OpenKeyring(lost.Keyring, time.Now()); err != nil {
		t.Fatal(err)
	}
	refusal(t, lost, Opening{Setup: true}, "not the keyring")
	opened(t, c, Opening{Setup: true})
}

func TestPostgresNeedsAGivenKeyring(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	c.Database = dbtest.URL(t, schema.Files, dbtest.Postgres)
	refusal(t, c, Opening{Setup: true}, "needs a keyring that is given")
}

// Each node has a copy of the file: rotating in one would lock the others out.
func TestPostgresTakesAKeyringFileAsGiven(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	c.Database = dbtest.URL(t, schema.Files, dbtest.Postgres)
	if err := os.WriteFile(c.Keyring, []byte(secret.NewKeyringText(time.Now())), 0o644); err != nil {
		t.Fatal(err)
	}
	refusal(t, c, Opening{Setup: true}, "Others may read")
	if err := os.Chmod(c.Keyring, 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(c.Keyring)
	w, err := setUp(t, c).RotateWrapping(context.Background())
	after, _ := os.ReadFile(c.Keyring)
	if err != nil || w.NextText == "" || string(before) != string(after) {
		t.Errorf("%+v %v", w, err)
	}
}

func TestNodesThatStartTogetherMakeOneHouse(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		type result struct {
			b   *Base
			err error
		}
		done := make(chan result)
		for range 6 {
			go func() {
				b, err := Open(context.Background(), c, Opening{Setup: true, Log: quietLog})
				done <- result{b, err}
			}()
		}
		ids, links := map[tenant.ID]bool{}, 0
		for range 6 {
			r := <-done
			if r.err != nil {
				t.Error(r.err)
				continue
			}
			ids[r.b.House.BuiltIn().ID] = true
			if link, err := r.b.BootstrapLink(context.Background()); err != nil {
				t.Error(err)
			} else if link != "" {
				links++
			}
			r.b.Close()
		}
		if len(ids) != 1 || links != 1 {
			t.Errorf("%d staff tenants, %d links", len(ids), links)
		}
	})
}

func TestSecondServerOnOneDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := opened(t, c, Opening{Setup: true, Alone: true})
	refusal(t, c, Opening{Setup: true, Alone: true}, "runs on")
	opened(t, c, Opening{}).Close() // a command beside it works
	b.Close()
	opened(t, c, Opening{Setup: true, Alone: true})
}

func TestDevelopmentAndProductionDataDoNotMix(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dev")
	dev := DevConfig(dir, "http://localhost:8080", "127.0.0.1:8080")
	b := opened(t, dev, Opening{Setup: true, Dev: true})
	if err := b.Advance(context.Background(), 90*time.Second); err != nil {
		t.Fatal(err)
	}
	b.Close()
	refusal(t, dev, Opening{Setup: true}, "cardea dev")
	if again := opened(t, dev, Opening{}); again.Clock.Offset() != 90*time.Second {
		t.Errorf("the clock's offset is lost: %v", again.Clock.Offset())
	}
	c := liteConfig(t)
	p := setUp(t, c)
	if err := p.Advance(context.Background(), time.Second); err == nil {
		t.Error("the clock of a production house moves")
	}
	p.Close()
	refusal(t, c, Opening{Setup: true, Dev: true}, "not the data of")
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	b := setUp(t, c)
	b.mustUpdate(t, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO schema_version (version_id, is_applied) VALUES (9999, TRUE)`)
		return err
	})
	b.Close()
	refusal(t, c, Opening{}, "newer schema")
}

func TestStaffFollowTheConfiguredOrigin(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	setUp(t, c).Close()
	c.Origin = "https://desk.example.test"
	if b := setUp(t, c); b.House.BuiltIn().Origin != c.Origin {
		t.Error("the staff's tenant stayed behind")
	}
}

// H083: there is no account that can sign in before the secret is redeemed; it
// is redeemed once; a restart makes no other.
func TestH083_BootstrapOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		ctx := context.Background()
		link, err := b.BootstrapLink(ctx)
		if err != nil || !strings.HasPrefix(link, c.Origin+"/bootstrap?t=") {
			t.Fatalf("%q %v", link, err)
		}
		if again, _ := b.BootstrapLink(ctx); again != "" {
			t.Error("a restart ends the link that is out")
		}
		newer, err := b.NewBootstrapLink(ctx, false)
		if err != nil || newer == link {
			t.Fatalf("%q %v", newer, err)
		}
		if err := redeem(b, link); !errors.Is(err, ErrBootstrap) {
			t.Errorf("the former secret: %v", err)
		}
		wins := 0
		done := make(chan error)
		for range 50 {
			go func() { done <- redeem(b, newer) }()
		}
		for range 50 {
			if err := <-done; err == nil {
				wins++
			} else if !errors.Is(err, ErrBootstrap) {
				t.Error(err)
			}
		}
		if wins != 1 {
			t.Fatalf("redeemed %d times", wins)
		}
		b.Close()
		b = setUp(t, c)
		if link, err := b.BootstrapLink(ctx); link != "" || err != nil {
			t.Errorf("a restart made another: %q %v", link, err)
		}
		if _, err := b.NewBootstrapLink(ctx, false); err == nil {
			t.Error("another link without being asked to make it again")
		}
	})
}

func redeem(b *Base, link string) error {
	_, token, _ := strings.Cut(link, "?t=")
	return b.DB.Update(context.Background(), func(tx *db.Tx) error { return RedeemBootstrap(tx, b.House.BuiltIn(), token) })
}

func TestBootstrapLinkExpires(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock()
	b := opened(t, liteConfig(t), Opening{Setup: true, Clock: clock.Now})
	link, err := b.BootstrapLink(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(BootstrapFor + time.Second)
	if err := redeem(b, link); !errors.Is(err, ErrBootstrap) {
		t.Fatal(err)
	}
	if next, err := b.BootstrapLink(context.Background()); err != nil || next == "" {
		t.Errorf("no other link after it expired: %q %v", next, err)
	}
}

func TestReadinessAndMetrics(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	h := b.OpsHandler()
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		h.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	b.Telemetry.Observe("GET /x", "GET", 200, time.Millisecond)
	loop := journal.NewLoop(b.DB, "test", nil, nil, journal.Options{})
	b.Telemetry.Follow(loop)
	if code, _ := ask("/readyz"); code != 200 {
		t.Errorf("readyz %d", code)
	}
	_, metrics := ask("/metrics")
	for _, name := range []string{"cardea_http_requests_total", "cardea_db_transaction_seconds", "cardea_hash_running", "cardea_jobs_dead", "cardea_journal_unchained_events", "go_goroutines", "process_open_fds", "cardea_build_info"} {
		if !strings.Contains(metrics, name) {
			t.Errorf("%s is missing", name)
		}
	}
	b.Draining()
	if code, _ := ask("/readyz"); code != 503 {
		t.Errorf("readyz while draining: %d", code)
	}
	if code, _ := ask("/livez"); code != 200 {
		t.Errorf("livez while draining: %d", code)
	}
}

func TestTracesReachTheCollector(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got <- r.Method + " " + r.URL.Path }))
	t.Cleanup(collector.Close)
	c := liteConfig(t)
	c.Traces = collector.URL
	b := setUp(t, c)
	_, span := b.Telemetry.Tracer().Start(context.Background(), "GET /x")
	span.End()
	if err := b.Telemetry.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if path := <-got; path != "POST /v1/traces" {
		t.Error(path)
	}
	if plain := setUp(t, liteConfig(t)); plain.Telemetry.Tracer() != nil {
		t.Error("spans are made for nobody")
	}
}

func TestSigningKeysRotate(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	staff := b.House.BuiltIn()
	was, err := staff.Signer(tenant.ES256)
	if err != nil {
		t.Fatal(err)
	}
	list, err := b.RotateSigning(context.Background(), staff, "")
	if err != nil || len(list) != 2 || list[0].Current == was.KID || list[0].Next == "" {
		t.Fatalf("%+v %v", list, err)
	}
	if k, ok := b.House.BuiltIn().PublicKey(was.KID); !ok || k.State != tenant.Previous {
		t.Error("what the former key signed does not verify")
	}
	first, err := b.RotateSigning(context.Background(), b.House.BuiltIn(), tenant.RS256)
	if err != nil || !first[0].First {
		t.Fatalf("%+v %v", first, err)
	}
	if _, err := b.House.BuiltIn().Signer(tenant.RS256); err != nil {
		t.Error(err)
	}
}

func TestWrappingKeysRotateAndDie(t *testing.T) {
	t.Parallel()
	clock := dbtest.NewClock()
	b := opened(t, liteConfig(t), Opening{Setup: true, Clock: clock.Now})
	ctx := context.Background()
	register(t, b, "ada@example.com")
	register(t, b, "bob@example.com")
	was := b.Ring.WrappingKeys()[0].ID
	c, err := b.RotateWrapping(ctx)
	if err != nil || c.Moved != 2 || c.Current == was || len(c.Destroyed) != 0 {
		t.Fatalf("%+v %v", c, err)
	}
	clock.Advance(secret.DefaultKeep + time.Minute)
	flow := func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO flow (tenant_id, id, browser, kind, wrapping_key, wrapped, request_sealed, facts_sealed, version, created_at, expires_at)
			VALUES ($1, $1, $1, '', $2, $1, $1, $1, 1, $3, $3)`, b.House.BuiltIn().ID, was, tx.Now.Add(time.Minute))
		return err
	}
	b.mustUpdate(t, flow)
	if err := b.TendKeys(ctx); err != nil || !living(b, was) {
		t.Fatalf("a key went from under a sign-in that is under way (%v)", err)
	}
	clock.Advance(2 * time.Minute)
	if err := b.TendKeys(ctx); err != nil || living(b, was) {
		t.Fatalf("the retired key lives on (%v)", err)
	}
	if keys := b.Ring.WrappingKeys(); len(keys) != 2 {
		t.Errorf("a key of 30 days was not replaced: %+v", keys)
	}
	b.Close()
	opened(t, b.Config, Opening{Clock: clock.Now})
}

func living(b *Base, id string) bool {
	return slices.ContainsFunc(b.Ring.WrappingKeys(), func(k secret.WrappingKey) bool { return k.ID == id })
}

func TestTextKeyringRotatesByItsNextText(t *testing.T) {
	t.Parallel()
	c := liteConfig(t)
	c.KeyringText = secret.NewKeyringText(time.Now())
	b := setUp(t, c)
	ctx := context.Background()
	first, err := b.RotateWrapping(ctx)
	if err != nil || first.NextText == "" || first.Active {
		t.Fatalf("%+v %v", first, err)
	}
	b.Close()
	c.KeyringText = first.NextText
	second, err := setUp(t, c).RotateWrapping(ctx)
	if err != nil || !second.Active {
		t.Fatalf("%+v %v", second, err)
	}
}
