package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/cardea-id/cardea/internal/base/db"
)

// The engines' names, as Open takes them and db.DB.Engine tells them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// Server is the environment variable that names a PostgreSQL server for tests.
const Server = "CARDEA_TEST_POSTGRES"

// Only is the environment variable that names one engine to run tests on.
const Only = "CARDEA_TEST_ENGINES"

// Hard is the environment variable that, when set, makes tests hard: every
// writing closure runs twice, and one Update in ten fails to serialize.
const Hard = "CARDEA_TEST_HARD"

// Engines are the engines that tests run on here and now.
func Engines() []string {
	all := []string{SQLite}
	if os.Getenv(Server) != "" {
		all = append(all, Postgres)
	}
	if only := os.Getenv(Only); only != "" {
		return slices.DeleteFunc(all, func(e string) bool { return e != only })
	}
	return all
}

// Each runs a test on a fresh, migrated database of every engine, in parallel,
// with SQL checked against the rules and nested transactions found.
func Each(t *testing.T, migrations fs.FS, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, engine := range Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, migrations, engine, db.Options{}))
		})
	}
}

// Open gives a fresh, migrated database that goes away with the test. Of opts
// everything but URL, Migrations and Strict is used; without a clock it gets
// one that stands still. It skips the test when engine is not to be had.
func Open(t testing.TB, migrations fs.FS, engine string, opts db.Options) *db.DB {
	t.Helper()
	opts.URL = URL(t, migrations, engine)
	opts.Migrations, opts.Strict = migrations, true
	if opts.Clock == nil {
		opts.Clock = NewClock().Now
	}
	if os.Getenv(Hard) != "" && opts.Failures == nil {
		opts.Twice = true
		opts.Failures = func() bool { return mathrand.IntN(10) == 0 }
	}
	d, err := db.Open(context.Background(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// URL makes a fresh, migrated database that goes away with the test, for those
// who open it themselves (a second process, a server).
func URL(t testing.TB, migrations fs.FS, engine string) string {
	t.Helper()
	tpl := templateOf(t, migrations)
	if engine == Postgres {
		if os.Getenv(Server) == "" {
			t.Skip("no PostgreSQL: set " + Server)
		}
		return tpl.postgres(t)
	}
	return "sqlite:" + tpl.sqlite(t)
}

// template is one schema, migrated once per engine.
type template struct {
	migrations fs.FS
	digest     string
	lite       sync.Once
	liteFile   []byte
	liteErr    error
	pg         sync.Once
	pgErr      error
}

var (
	templatesMu sync.Mutex
	templates   = map[string]*template{}
)

func templateOf(t testing.TB, migrations fs.FS) *template {
	t.Helper()
	files, digest, err := snapshot(migrations)
	if err != nil {
		t.Fatal(err)
	}
	templatesMu.Lock()
	defer templatesMu.Unlock()
	tpl := templates[digest]
	if tpl == nil {
		tpl = &template{migrations: files, digest: digest}
		templates[digest] = tpl
	}
	return tpl
}

// snapshot copies a schema, since a test may change its files later, and names
// it by their names and texts.
func snapshot(migrations fs.FS) (fs.FS, string, error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, "", err
	}
	files, h := fstest.MapFS{}, sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return nil, "", err
		}
		files[name] = &fstest.MapFile{Data: text}
		io.WriteString(h, name+"\x00"+string(text)+"\x00")
	}
	return files, hex.EncodeToString(h.Sum(nil))[:16], nil
}

// sqlite copies the migrated file, which is held in memory.
func (p *template) sqlite(t testing.TB) string {
	t.Helper()
	p.lite.Do(func() { p.liteFile, p.liteErr = migratedFile(p.migrations) })
	if p.liteErr != nil {
		t.Fatal(p.liteErr)
	}
	path := filepath.Join(t.TempDir(), "cardea.db")
	if err := os.WriteFile(path, p.liteFile, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func migratedFile(migrations fs.FS) ([]byte, error) {
	dir, err := os.MkdirTemp("", "cardea-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "cardea.db")
	if err := migrate("sqlite:"+path, migrations); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func migrate(url string, migrations fs.FS) error {
	ctx := context.Background()
	d, err := db.Open(ctx, db.Options{URL: url, Clock: NewClock().Now, Migrations: migrations})
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		d.Close()
		return err
	}
	return d.Close()
}
