package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// postgres clones the migrated template database, which is made by whoever
// comes first on this machine.
func (p *template) postgres(t testing.TB) string {
	t.Helper()
	p.pg.Do(func() { p.pgErr = p.makeTemplate() })
	if p.pgErr != nil {
		t.Fatal(p.pgErr)
	}
	name := "cardea_test_" + hex.EncodeToString(random(8))
	if err := admin("CREATE DATABASE " + name + " TEMPLATE " + p.name()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return at(name)
}

func (p *template) name() string { return "cardea_template_" + p.digest }

// makeTemplate migrates under another name and renames, so that a template is
// whole or not there; the lock file keeps the processes of one test run apart.
func (p *template) makeTemplate() error {
	unlock, err := lockFile("cardea-template-" + p.digest + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	there, err := exists(p.name())
	if err != nil || there {
		return err
	}
	raw := p.name() + "_raw"
	if err := admin("DROP DATABASE IF EXISTS "+raw+" WITH (FORCE)", "CREATE DATABASE "+raw+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return err
	}
	if err := migrate(at(raw), p.migrations); err != nil {
		return err
	}
	return admin("ALTER DATABASE " + raw + " RENAME TO " + p.name())
}

// at is the server's URL with another database.
func at(database string) string {
	u, err := url.Parse(os.Getenv(Server))
	if err != nil {
		return ""
	}
	u.Path = "/" + database
	q := u.Query()
	q.Set("pool_max_conns", "4")
	u.RawQuery = q.Encode()
	return u.String()
}

func admin(statements ...string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, os.Getenv(Server))
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func exists(database string) (there bool, err error) {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, os.Getenv(Server))
	if err != nil {
		return false, err
	}
	defer c.Close(ctx)
	err = c.QueryRow(ctx, "SELECT count(*) > 0 FROM pg_database WHERE datname = $1", database).Scan(&there)
	return there, err
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// lockFile holds a lock that dies with the process.
func lockFile(name string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(os.TempDir(), name), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
