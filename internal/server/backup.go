package server

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Backup writes a backup of a SQLite house into a new directory, while others
// read and write, and verifies it: SQLite's own check, then the walk over the
// whole journal in the copy. The keyring is not in it, on purpose. What failed
// leaves nothing behind.
func (b *Base) Backup(ctx context.Context, dir string) (Manifest, error) {
	if b.Config.Postgres() {
		return Manifest{}, failed("A PostgreSQL database is backed up by its own tools.",
			"Use pg_dump, or base backups with WAL archiving for point-in-time recovery. Afterwards put the data back with the same tools, then run 'cardea restore' (without a directory) before any node starts: it ends old sessions and repeats erasures. Keep the keyring and its ledger apart from both.", nil)
	}
	made, err := freshDirectory(dir)
	if err != nil {
		return Manifest{}, err
	}
	m, err := b.backup(ctx, dir)
	if err != nil {
		for _, name := range []string{databaseName, manifestName, databaseName + "-wal", databaseName + "-shm"} {
			os.Remove(filepath.Join(dir, name))
		}
		if made {
			os.Remove(dir)
		}
	}
	return m, err
}

// freshDirectory makes the directory, or takes an empty one.
func freshDirectory(dir string) (made bool, err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return false, failed("The directory cannot be made.", "Name one that this user may write to.", err)
		}
		return true, nil
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, failed("The directory "+dir+" is not empty.", "Name a directory that does not exist yet: each backup has its own.", nil)
	}
	return false, nil
}

func (b *Base) backup(ctx context.Context, dir string) (Manifest, error) {
	path := filepath.Join(dir, databaseName)
	if err := b.DB.Backup(b.DB.Background(ctx), path); err != nil {
		return Manifest{}, err
	}
	check := b.Ring.Check()
	m := Manifest{
		Format: manifestFormat, MadeAt: b.DB.Now(), Program: Version().Version, File: databaseName,
		Keyring: hex.EncodeToString(check[:]),
	}
	if err := b.examine(ctx, path, &m); err != nil {
		return Manifest{}, err
	}
	var err error
	if m.Size, m.SHA256, err = digestFile(path); err != nil {
		return Manifest{}, err
	}
	m.MAC = m.sign(b.Ring)
	return m, m.write(dir)
}

// examine opens a copy of the database and walks its journal; what it finds
// goes into the manifest. The digest is taken after it, since opening a file
// turns it to SQLite's write-ahead log.
func (b *Base) examine(ctx context.Context, path string, m *Manifest) error {
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + path, Clock: b.Clock.Now, Migrations: schema.Files})
	if err != nil {
		return failed("The copy does not open.", "Check the disk and make the backup again.", err)
	}
	defer d.Close()
	err = d.View(ctx, func(tx *db.Tx) (err error) {
		if m.Epoch, _, err = readNumber(tx, factEpoch); err != nil {
			return err
		}
		m.Schema, _, err = db.Value[int64](tx, `SELECT cast(max(version_id) AS BIGINT) FROM schema_version`)
		return err
	})
	if err != nil {
		return err
	}
	house := tenant.NewHouse(d, b.Ring)
	if err := house.Load(ctx); err != nil {
		return failed("The tenants in the copy cannot be read.", "Check that the keyring belongs to this database; 'cardea doctor' looks closer.", err)
	}
	if m.Checkpoints, err = heldPoints(ctx, d, house.All()); err != nil {
		return err
	}
	report, err := journal.Verify(ctx, d, [16]byte{}, journal.Evidence{Keys: b.CheckpointKey})
	if err != nil {
		return err
	}
	if report.Bad != nil {
		return failed("The journal in the copy does not hold: "+report.Bad.String()+".", "Run 'cardea audit verify' on the house itself before you rely on any backup.", nil)
	}
	m.Events = report.Events
	return d.Close()
}
