package db

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

func TestABackupIsWholeWhileOthersWrite(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	stop, wrote := make(chan struct{}), sync.WaitGroup{}
	wrote.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				_ = d.Update(context.Background(), func(tx *Tx) error {
					return errors.Join(insert(tx, 2*n), insert(tx, 2*n+1))
				})
			}
		}
	})
	for len(ids(t, d)) < 50 {
		time.Sleep(time.Millisecond)
	}
	path := filepath.Join(t.TempDir(), "backup.db")
	err := d.Backup(context.Background(), path)
	close(stop)
	wrote.Wait()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, err %v", info.Mode(), err)
	}
	copied := openWriter(t, Options{URL: "sqlite:" + path})
	if n := len(ids(t, copied)); n < 50 || n%2 != 0 {
		t.Errorf("the copy holds %d rows: half a transaction", n)
	}
	if err := d.Backup(context.Background(), path); !fault.Is(err, fault.Invalid) {
		t.Errorf("an existing file was overwritten: %v", err)
	}
	left, _ := filepath.Glob(path + "*partial*")
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNothingErasedRemainsAfterACheckpoint(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	secret := bytes.Repeat([]byte("erase me entirely"), 50)
	for _, sql := range []string{`INSERT INTO n (id, body) VALUES (1, $1)`, `DELETE FROM n WHERE body = $1`} {
		if _, err := d.Bump(context.Background(), sql, secret); err != nil {
			t.Fatal(err)
		}
	}
	if !onDisk(t, d, "erase me entirely") {
		t.Error("the log did not hold what was written: this test proves nothing")
	}
	if err := d.Checkpoint(context.Background()); err != nil {
		t.Fatal(err)
	}
	if onDisk(t, d, "erase me entirely") {
		t.Error("what was erased is still on the disk")
	}
}

func onDisk(t *testing.T, d *DB, what string) bool {
	t.Helper()
	files, err := filepath.Glob(d.lite.path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(what)) {
			return true
		}
	}
	return false
}

func TestTheDatabaseFilesAreTheirOwnersAlone(t *testing.T) {
	t.Parallel()
	d := openWriter(t, Options{})
	_ = ids(t, d)
	files, _ := filepath.Glob(d.lite.path + "*")
	if len(files) < 2 {
		t.Fatalf("files %v", files)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, info.Mode(), err)
		}
	}
}
