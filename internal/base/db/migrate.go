package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"modernc.org/sqlite"
)

// Tables of the migrations' runner; no row of the house lives in them.
const (
	versionTable = "schema_version"
	leaseTable   = "schema_lease"
)

// Migrate brings the schema up to date. Several nodes may call it at once: on
// PostgreSQL a lease in a table lets one of them work, on SQLite each migration
// is one BEGIN IMMEDIATE transaction and who comes second finds it done.
func (d *DB) Migrate(ctx context.Context) error {
	if d.opts.Migrations == nil {
		return errors.New("db: no migrations were given")
	}
	if d.lite != nil {
		return d.lite.migrate(ctx, d.opts.Migrations)
	}
	return d.pg.migrate(ctx, d.opts.Migrations)
}

// Pending tells whether Migrate has anything to do.
func (d *DB) Pending(ctx context.Context) (bool, error) {
	if d.opts.Migrations == nil {
		return false, nil
	}
	handle, dialect, err := d.handle()
	if err != nil {
		return false, err
	}
	defer handle.Close()
	p, err := provider(handle, dialect, d.opts.Migrations)
	if err != nil {
		return false, err
	}
	return p.HasPending(ctx)
}

func (d *DB) handle() (*sql.DB, goose.Dialect, error) {
	if d.lite == nil {
		return stdlib.OpenDBFromPool(d.pg.pool), goose.DialectPostgres, nil
	}
	handle, err := d.lite.handle()
	return handle, goose.DialectSQLite3, err
}

func provider(handle *sql.DB, dialect goose.Dialect, source fs.FS, more ...goose.ProviderOption) (*goose.Provider, error) {
	steps, err := migrations(source, dialect == goose.DialectSQLite3)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, handle, nil, append(more,
		goose.WithGoMigrations(steps...),
		goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true))...)
}

// migrations gives the steps in an engine's own words, each a transaction.
func migrations(source fs.FS, lite bool) ([]*goose.Migration, error) {
	names, err := fs.Glob(source, "*.sql")
	if err != nil {
		return nil, err
	}
	var out []*goose.Migration
	for _, name := range names {
		step, err := migration(source, name, lite)
		if err != nil {
			return nil, fmt.Errorf("db: %s: %w", name, err)
		}
		out = append(out, step)
	}
	return out, nil
}

func migration(source fs.FS, name string, lite bool) (*goose.Migration, error) {
	version, err := goose.NumericComponent(name)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(source, name)
	if err != nil {
		return nil, err
	}
	mapped, err := dialectOf(string(text), lite)
	if err != nil {
		return nil, err
	}
	up := func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, mapped)
		return err
	}
	return goose.NewGoMigration(version, &goose.GoFunc{RunTx: up}, nil), nil
}

// handle opens a database/sql handle beside the writer, for goose alone. Every
// transaction on it takes the write lock at once.
func (l *lite) handle() (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}, "_busy_timeout": {"30000"}, "_foreign_keys": {"1"}, "_synchronous": {"FULL"}, "_dqs": {"0"}}
	connector, err := sqlite.NewConnector((&url.URL{Scheme: "file", Path: l.path}).String() + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// migrate tries again as long as another process moves the schema meanwhile:
// its CREATE TABLE makes ours fail, and then the list of what is to be done is
// read anew.
func (l *lite) migrate(ctx context.Context, source fs.FS) error {
	handle, err := l.handle()
	if err != nil {
		return err
	}
	defer handle.Close()
	var last int64 = -1
	for {
		p, err := provider(handle, goose.DialectSQLite3, source)
		if err != nil {
			return err
		}
		_, failed := p.Up(ctx)
		if failed == nil {
			return nil
		}
		version, err := p.GetDBVersion(ctx)
		if err != nil || version == last {
			return errors.Join(failed, err)
		}
		last = version
	}
}

func (p *postgres) migrate(ctx context.Context, source fs.FS) error {
	locker, err := lock.NewPostgresTableLocker(
		lock.WithTableName(leaseTable),
		lock.WithTableLeaseDuration(30*time.Second),
		lock.WithTableHeartbeatInterval(5*time.Second),
		lock.WithTableLockTimeout(250*time.Millisecond, 2400))
	if err != nil {
		return err
	}
	handle := stdlib.OpenDBFromPool(p.pool)
	defer handle.Close()
	g, err := provider(handle, goose.DialectPostgres, source, goose.WithLocker(locker))
	if err != nil {
		return err
	}
	_, err = g.Up(ctx)
	return err
}

// Schema is the schema as it stands after every migration, in the house's own
// spelling, for schema.golden. It is found by running the migrations unmapped in a
// SQLite database that keeps the texts of what it was told.
func Schema(ctx context.Context, source fs.FS) (string, error) {
	connector, err := sqlite.NewConnector("file::memory:?_dqs=0")
	if err != nil {
		return "", err
	}
	handle := sql.OpenDB(connector)
	defer handle.Close()
	handle.SetMaxOpenConns(1)
	names, err := fs.Glob(source, "*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range names {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return "", err
		}
		if _, err := handle.ExecContext(ctx, string(text)); err != nil {
			return "", fmt.Errorf("db: %s: %w", name, err)
		}
	}
	return dump(ctx, handle)
}

// dump orders by table and puts a table before its indexes.
func dump(ctx context.Context, handle *sql.DB) (string, error) {
	rows, err := handle.QueryContext(ctx, `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL
		AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type = 'index', name`)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	out := "-- The schema as it stands after every migration. Written by `make schema`; do not edit.\n"
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return "", err
		}
		gap := ""
		if len(text) > 12 && text[:12] == "CREATE TABLE" {
			gap = "\n"
		}
		out += gap + text + ";\n"
	}
	return out, rows.Err()
}
