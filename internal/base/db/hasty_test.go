package db

import (
	"path/filepath"
	"testing"
	"time"
)

func TestAHastyWriterAnswersBeforeItsWorkIsThere(t *testing.T) {
	t.Parallel()
	ready, hold := false, make(chan struct{})
	d := openHasty(t, func(answer func()) {
		if ready {
			answer()
			<-hold
		}
	})
	if err := d.Update(t.Context(), func(tx *Tx) error { return insert(tx, 1) }); err != nil {
		t.Fatal(err)
	}
	ready = true
	if err := d.Update(t.Context(), func(tx *Tx) error { return insert(tx, 2) }); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, d); len(got) != 1 {
		t.Errorf("rows %v are there before COMMIT", got)
	}
	ready = false
	close(hold)
	if err := d.Update(t.Context(), func(tx *Tx) error { return insert(tx, 3) }); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, d); len(got) != 3 {
		t.Errorf("rows %v", got)
	}
}

func openHasty(t *testing.T, hasty func(func())) *DB {
	t.Helper()
	d, err := Open(t.Context(), Options{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "n.db"), Clock: time.Now, Migrations: writerSchema, Hasty: hasty,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}
