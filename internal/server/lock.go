package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

const lockName = "serve.lock"

// holdData keeps a second server, and a restore, off a SQLite data directory.
func holdData(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, refused("The data directory cannot be made.", "Give a directory that this user may write to with --data DIR.", err)
	}
	path := filepath.Join(dir, lockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, refused("The data directory cannot be locked.", "Run as the user that owns "+dir+".", err)
	}
	taken, err := lockWhole(f)
	if err != nil || !taken {
		holder, _ := os.ReadFile(path)
		f.Close()
		return nil, refused(fmt.Sprintf("A server runs on %s already (process %s).", dir, bytes.TrimSpace(holder)), "Stop it first, or give another directory with --data DIR.", err)
	}
	// The number is for people; the lock does not depend on it.
	f.Truncate(0)
	fmt.Fprintln(f, os.Getpid())
	return f, nil
}
