package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// anyOrigin stands in where a command needs none; it is taken out again.
const anyOrigin = "http://localhost"

// devDirectory is where `cardea dev` keeps its data if nothing else is said.
const devDirectory = ".dev"

// ReadCommandConfig reads the configuration for a command that works on data
// which is there: like ReadConfig, but the origin may be missing, and data, if
// given, names the directory and wins over file and environment. Development
// data is known by its own keyring, and is what is meant if there is no other.
func ReadCommandConfig(path, data string, environ []string) (Config, error) {
	if data != "" {
		environ = append(environ, "CARDEA_DATA="+data)
	}
	c, err := ReadConfig(path, environ)
	if err != nil && c.Origin == "" {
		c, err = ReadConfig(path, append(environ, "CARDEA_ORIGIN="+anyOrigin))
		c.Origin = ""
	}
	if err != nil {
		return c, &Advice{Text: "The configuration is not right: " + err.Error(), Do: "docs/reference/configuration.md tells every key.", Exit: ExitRefused}
	}
	if _, err := os.Stat(filepath.Join(c.Data, databaseName)); err != nil && data == "" && DevData(devDirectory) {
		c.Data = devDirectory // a developer beside a running `cardea dev`
	}
	if !c.Postgres() && DevData(c.Data) {
		c.Keyring = filepath.Join(c.Data, devKeyring)
	}
	return c, nil
}

// ReadServeConfig reads the configuration for serve.
func ReadServeConfig(path, data string, environ []string) (Config, error) {
	if data != "" {
		environ = append(environ, "CARDEA_DATA="+data)
	}
	c, err := ReadConfig(path, environ)
	if err != nil {
		return c, &Advice{Text: "The configuration is not right: " + err.Error(), Do: "docs/reference/configuration.md tells every key.", Exit: ExitRefused}
	}
	return c, nil
}

// AtTheMachine marks a context for a command: what is journaled under it was
// an operator's doing.
func AtTheMachine(ctx context.Context) context.Context {
	return journal.WithActor(ctx, journal.Actor{Kind: "operator"})
}

// Migrated is what Migrate did.
type Migrated struct {
	Schema  int64  // the version that the database now has
	Keyring string // a new keyring, if one was made
}

// Migrate makes the house if it is not there and brings its schema up to date.
func Migrate(ctx context.Context, c Config, log *slog.Logger) (Migrated, error) {
	b, err := Open(ctx, c, Opening{Setup: true, Dev: !c.Postgres() && DevData(c.Data), Log: log})
	if err != nil {
		return Migrated{}, err
	}
	m := Migrated{}
	if b.KeyringMade {
		m.Keyring = c.Keyring
	}
	_, m.Schema, err = b.schemaVersions(ctx)
	return m, errors.Join(err, b.Close())
}

// Tenant finds a tenant by its short name; for "" it is the only one beside the
// staff's.
func (b *Base) Tenant(slug string) (*tenant.Tenant, error) {
	if slug != "" {
		if t, ok := b.House.BySlug(slug); ok {
			return t, nil
		}
		return nil, failed("There is no tenant "+slug+".", "List the tenants with 'cardea tenant list'.", nil)
	}
	var found []*tenant.Tenant
	for _, t := range b.House.All() {
		if !t.BuiltIn {
			found = append(found, t)
		}
	}
	switch len(found) {
	case 0:
		return nil, failed("There is no tenant for customers yet.", "Make one: cardea tenant create SLUG --name NAME --origin https://id.example.com", nil)
	case 1:
		return found[0], nil
	}
	return nil, &Advice{Text: "There are several tenants.", Do: "Say which with --tenant SLUG; 'cardea tenant list' shows them.", Exit: ExitUsage}
}

// CreateTenant makes a tenant with its first signing keys.
func (b *Base) CreateTenant(ctx context.Context, n tenant.New) (*tenant.Tenant, error) {
	var id tenant.ID
	err := b.DB.Update(ctx, func(tx *db.Tx) (err error) {
		id, err = tenant.Create(tx, b.Ring, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := b.House.Load(ctx); err != nil {
		return nil, err
	}
	t, _ := b.House.ByID(id)
	return t, nil
}

// NewKeyring is the text of a new keyring, for nodes that share a PostgreSQL.
func NewKeyring() string { return secret.NewKeyringText(newClock(nil).Now()) }

// BuildBreach turns the ordered download of Pwned Passwords into the file that
// breach_file names. in is a file name, "-" is standard input.
func BuildBreach(in, out string, minSeen int) (credential.BreachReport, error) {
	var r io.Reader = os.Stdin
	if in != "-" {
		f, err := os.Open(in)
		if err != nil {
			return credential.BreachReport{}, err
		}
		defer f.Close()
		r = f
	}
	return credential.BuildBreach(r, out, minSeen)
}
