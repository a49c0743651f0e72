package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/outbound"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Opening says how a house is opened. The zero value is right for a command
// beside a running server: it makes nothing and migrates nothing.
type Opening struct {
	Setup  bool // make what is not there yet (keyring, database, the staff's tenant) and migrate
	Dev    bool // the data is that of `cardea dev`, which no production server opens
	Alone  bool // hold a SQLite data directory against a second server
	Anyway bool // open though the database is behind what the keyring remembers

	Clock func() time.Time // nil: the machine's
	Hash  secret.Params
	Gate  secret.Gate
	Log   *slog.Logger      // nil: JSON on stderr, from Config.LogLevel on
	Tune  func(*db.Options) // tests
}

// Base is an open house without its doors: what serve, dev and every command
// work with.
type Base struct {
	Config      Config
	Clock       *Clock
	DB          *db.DB
	Ring        *secret.Keyring
	House       *tenant.House
	Outbound    *outbound.Client
	Hasher      *secret.Hasher
	Atlas       risk.Atlas // what the operator's files say of networks; New opens it
	Telemetry   *Telemetry
	Log         *slog.Logger
	KeyringMade bool // a new keyring was made just now: tell the operator to keep it safe

	dev    bool
	how    Opening
	lock   *os.File
	drains readiness
	notes  checkpointNotes
}

// databaseName is the SQLite file in the data directory.
const databaseName = "cardea.db"

// devKeyring is where `cardea dev` keeps its keyring: deleting the directory
// starts over, keys included.
const devKeyring = "dev.keyring"

// DevConfig is the configuration of development data.
func DevConfig(data, origin, listen string) Config {
	c := Config{Data: data, Origin: origin, Listen: listen, Keyring: filepath.Join(data, devKeyring), MetricsListen: "off"}
	c.defaults()
	return c
}

// DevData reports whether a directory holds the data of `cardea dev`.
func DevData(data string) bool {
	_, err := os.Stat(filepath.Join(data, devKeyring))
	return err == nil
}

func (c *Config) databaseURL() string {
	if c.Postgres() {
		return c.Database
	}
	return "sqlite:" + filepath.Join(c.Data, databaseName)
}

// Open opens the house that c describes. It refuses, with Advice, a database
// that is not there or not migrated (unless it may set up), a keyring that is
// not the database's, and a database that was set back behind the keyring's
// memory. Close it in any case that returned no error.
func Open(ctx context.Context, c Config, how ...Opening) (*Base, error) {
	b := &Base{Config: c}
	if len(how) > 0 {
		b.how = how[0]
	}
	b.dev, b.Clock, b.Log = b.how.Dev, newClock(b.how.Clock), b.how.Log
	if b.Log == nil {
		b.Log = NewLog(os.Stderr, c.LogLevel)
	}
	for _, step := range []func(context.Context) error{
		b.hold, b.telemetry, b.openDatabase, b.migrate, b.matchUse, b.openKeyring, b.matchKeyring, b.remember, b.openHouse,
	} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	return b, nil
}

// Close releases everything that Open took.
func (b *Base) Close() error {
	errs := []error{b.Atlas.Close()}
	if b.DB != nil {
		errs = append(errs, b.DB.Close())
	}
	if b.lock != nil {
		errs = append(errs, b.lock.Close())
	}
	if b.notes.file != nil {
		errs = append(errs, b.notes.file.Close())
	}
	return errors.Join(errs...)
}

// NewLog writes JSON lines from a level on: debug, info, warn or error.
func NewLog(w io.Writer, level string) *slog.Logger {
	var l slog.Level
	if l.UnmarshalText([]byte(level)) != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}

func (b *Base) hold(context.Context) (err error) {
	if b.how.Alone && !b.Config.Postgres() {
		b.lock, err = holdData(b.Config.Data)
	}
	return err
}

func (b *Base) telemetry(ctx context.Context) (err error) {
	b.Telemetry, err = newTelemetry(ctx, b.Config, b.Log)
	if err != nil {
		return refused("Traces cannot be sent.", "Give --config a traces address like http://127.0.0.1:4318, or leave it out.", err)
	}
	allow, err := prefixes(b.Config.OutboundAllow)
	if err != nil {
		return refused("outbound_allow is not a list of networks.", "Write CIDRs like 10.0.0.0/8.", err)
	}
	if b.dev {
		allow = append(allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	b.Outbound = outbound.New(outbound.Options{Allow: allow})
	b.Hasher = secret.NewHasher(b.how.Hash, b.how.Gate)
	b.Telemetry.watchHasher(b.Hasher)
	return nil
}

func (b *Base) openDatabase(ctx context.Context) (err error) {
	c := &b.Config
	if !c.Postgres() && !b.how.Setup {
		if _, err := os.Stat(filepath.Join(c.Data, databaseName)); err != nil {
			return refused("There is no database in "+c.Data+".", "Name the directory with --data DIR, or make it by starting 'cardea serve' (or 'cardea dev') once.", nil)
		}
	}
	o := db.Options{
		URL: c.databaseURL(), Clock: b.Clock.Now, Migrations: schema.Files,
		Metrics: b.Telemetry.database(), StatementCacheOff: c.StatementCache == "off",
	}
	if b.how.Tune != nil {
		b.how.Tune(&o)
	}
	if b.DB, err = db.Open(ctx, o); err == nil {
		return nil
	}
	if c.Postgres() {
		return refused("The database does not answer.", "Check CARDEA_DATABASE, and that the PostgreSQL server runs and lets this user in.", err)
	}
	return refused("The database cannot be opened.", "Run as the user that owns "+c.Data+", on a local disk. 'cardea doctor' looks closer.", err)
}

// migrate brings the schema up to date where that is this command's business,
// and refuses a schema of another version otherwise.
func (b *Base) migrate(ctx context.Context) error {
	if b.how.Setup {
		if err := b.DB.Migrate(ctx); err != nil {
			return refused("The database could not be migrated.", "Nothing was lost: each step is done whole or not at all. Fix the cause and run 'cardea migrate'.", err)
		}
	}
	pending, err := b.DB.Pending(ctx)
	if err != nil {
		return err
	}
	if pending {
		return refused("The database has an older schema than this program.", "Run 'cardea migrate' with the same options.", nil)
	}
	known, there, err := b.schemaVersions(ctx)
	if err == nil && there > known {
		return refused("The database has a newer schema than this program.", "Start a release of cardea that is as new as the one that last served it.", nil)
	}
	return err
}

// schemaVersions tells the version that this program knows and the one that the
// database has.
func (b *Base) schemaVersions(ctx context.Context) (known, there int64, err error) {
	known = newestMigration()
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		there, _, err = db.Value[int64](tx, `SELECT cast(max(version_id) AS BIGINT) FROM schema_version`)
		return err
	})
	return known, there, err
}

// matchUse keeps development data and production apart, both ways.
func (b *Base) matchUse(ctx context.Context) error {
	var fresh, dev bool
	var offset int64
	err := b.DB.View(ctx, func(tx *db.Tx) (err error) {
		if _, dev, err = readFact(tx, factDev); err != nil {
			return err
		}
		if offset, _, err = readNumber(tx, factClock); err != nil {
			return err
		}
		_, claimed, err := readFact(tx, factKeyring)
		fresh = !claimed
		return err
	})
	if err != nil {
		return err
	}
	switch {
	case dev && b.how.Setup && !b.how.Dev:
		return refused("This is the data of 'cardea dev', with known codes and passwords.", "Give --data another directory (or another database) for production.", nil)
	case !dev && !fresh && b.how.Dev:
		return refused("This is not the data of 'cardea dev'.", "Give --data another directory; dev makes it.", nil)
	}
	b.dev = dev || b.how.Dev
	if b.dev {
		b.Clock.offset.Store(offset * int64(time.Microsecond))
	}
	return nil
}
