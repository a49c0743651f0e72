package db

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

var (
	errNoBackup = fault.New(fault.Invalid, "backup_elsewhere", "A PostgreSQL database is backed up by its own tools: pg_dump, or base backups with point-in-time recovery.")
	errExists   = fault.New(fault.Invalid, "backup_exists", "There is a file of that name already.")
	errDamaged  = fault.New(fault.Internal, "backup_damaged", "The copy did not pass its check and was thrown away.")
)

// Backup writes a consistent copy of the database into one new file while
// others read and write. The copy is compacted, checked by SQLite's
// integrity_check and synced before it gets its name; a failed backup leaves
// nothing behind. On PostgreSQL it is a fault of kind Invalid.
func (d *DB) Backup(ctx context.Context, path string) error {
	if d.lite == nil {
		return errNoBackup
	}
	path, err := filepath.Abs(path) // SQLite reads the first word of a relative one as a host
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return errExists
	}
	partial := path + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := d.lite.copyTo(ctx, partial); err != nil {
		return errors.Join(err, remove(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return errors.Join(err, remove(partial))
	}
	return syncFile(filepath.Dir(path))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyTo uses VACUUM INTO rather than the backup API: it reads one snapshot,
// can be cancelled, does not start over when somebody writes, and leaves no
// free page behind in which something deleted could linger.
func (l *lite) copyTo(ctx context.Context, path string) error {
	// The file is made here so that it is never readable by others.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	c, err := openLiteConn(ctx, liteDSN(l.path, true))
	if err != nil {
		return err
	}
	_, err = c.exec(ctx, "VACUUM INTO ?1", []any{path})
	if err = errors.Join(err, c.close()); err != nil {
		return liteFault(err)
	}
	if err := checkCopy(ctx, path); err != nil {
		return err
	}
	return syncFile(path)
}

func checkCopy(ctx context.Context, path string) error {
	c, err := openLiteConn(ctx, (&url.URL{Scheme: "file", Path: path}).String()+"?mode=ro&_query_only=1")
	if err != nil {
		return err
	}
	said, err := c.word(ctx, "PRAGMA integrity_check(1)")
	if err == nil && said != "ok" {
		err = errDamaged.Because(fmt.Errorf("db: integrity_check of the copy: %s", said))
	}
	return errors.Join(err, c.close())
}

// syncFile makes a file's contents, or a directory's names, durable.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

const maxCheckpoint = 10 * time.Second

// Checkpoint moves SQLite's write-ahead log into the database file and empties
// it, so that nothing erased remains in it. It waits for readers of older
// snapshots, and is Unavailable ("busy") if they do not end within ten seconds.
// On PostgreSQL it does nothing.
func (d *DB) Checkpoint(ctx context.Context) error {
	if d.lite == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxCheckpoint)
	defer cancel()
	for {
		var busy, pages, moved int64
		out := d.lite.writer.submit(ctx, &job{exclusive: func(c *liteConn) error {
			return c.query(ctx, ctx, "PRAGMA wal_checkpoint(TRUNCATE)", nil, func() []Field {
				return []Field{{Ptr: &busy}, {Ptr: &pages}, {Ptr: &moved}}
			})
		}})
		if out.err != nil || busy == 0 {
			return liteFault(out.err)
		}
		select {
		case <-ctx.Done():
			return errBusy.Because(ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}
