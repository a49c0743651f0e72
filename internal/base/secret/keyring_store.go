package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// fixed is the store of a keyring given as text; refusal says what to do
// instead of changing it.
type fixed struct {
	state   *state
	refusal error
}

func (f *fixed) peek() *state           { return f.state }
func (f *fixed) fresh() (*state, error) { return f.state, nil }

func (f *fixed) change(fn func(*state) error) error {
	// A change that would be refused anyway is refused for its own reason.
	if err := fn(f.state.clone()); err != nil {
		return err
	}
	return f.refusal
}

// file is the store of a keyring or ledger file. It is only ever replaced
// whole (write aside, sync, rename, sync the directory), so reading needs no
// lock; changes take a lock on a file of its own beside it, since a lock on a
// replaced file guards nothing.
type file struct {
	path string
	root *Key // of a ledger; nil for a keyring

	changing sync.Mutex // one change at a time in this process
	loading  sync.Mutex // held while last is replaced, so that it never goes back
	last     atomic.Pointer[reading]
}

// reading is a state and the file that it was read from.
type reading struct {
	state *state
	info  fs.FileInfo
}

func (r *reading) stillIs(info fs.FileInfo) bool {
	return os.SameFile(r.info, info) && r.info.Size() == info.Size() && r.info.ModTime().Equal(info.ModTime())
}

// resolved follows a symbolic link at path, so that replacing the file does
// not replace the link.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return path
}

func (f *file) peek() *state { return f.last.Load().state }

func (f *file) fresh() (*state, error) {
	last := f.last.Load()
	info, err := os.Stat(f.path)
	if err == nil && last != nil && last.stillIs(info) {
		return last.state, nil
	}
	if err == nil {
		err = f.read()
	}
	if now := f.last.Load(); now != nil {
		return now.state, err
	}
	return nil, err
}

// read tries twice: it may have opened the file just before another process
// replaced it and overwrote the old one's bytes.
func (f *file) read() error {
	f.loading.Lock()
	defer f.loading.Unlock()
	r, err := f.readOnce()
	if err != nil {
		r, err = f.readOnce()
	}
	if err != nil {
		return err
	}
	f.last.Store(r)
	return nil
}

func (f *file) readOnce() (*reading, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, fmt.Errorf("open the keyring: %w", err)
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at the keyring: %w", err)
	}
	if openToOthers(info) {
		return nil, ErrKeyringOpen.Because(fmt.Errorf("%s has mode %04o", f.path, info.Mode().Perm()))
	}
	text := make([]byte, info.Size())
	if _, err := in.ReadAt(text, 0); err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	st, err := parseState(text, f.root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return &reading{st, info}, nil
}

// create makes the file if it is not there, once, whoever else tries.
func (f *file) create(now time.Time) (created bool, err error) {
	if _, err := os.Stat(f.path); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return false, fmt.Errorf("make the keyring's directory: %w", err)
	}
	unlock, err := f.lock()
	if err != nil {
		return false, err
	}
	defer unlock()
	if _, err := os.Stat(f.path); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	st := newState(now)
	if f.root != nil {
		st = newLedger(f.root)
	}
	return true, f.replace(st)
}

func (f *file) change(fn func(*state) error) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	unlock, err := f.lock()
	if err != nil {
		return err
	}
	defer unlock()
	st, err := f.fresh()
	if err != nil {
		return err
	}
	next := st.clone()
	if err := fn(next); err != nil {
		return err
	}
	if len(next.gone) == len(st.gone) {
		return f.replace(next)
	}
	return f.replaceAndShred(next)
}

func (f *file) replaceAndShred(st *state) error {
	old, err := openReplaced(f.path)
	if err != nil {
		return fmt.Errorf("open the keyring to overwrite it: %w", err)
	}
	defer old.Close()
	if err := f.replace(st); err != nil {
		return err
	}
	return shred(old)
}

// lock keeps other processes from changing the file until unlock.
func (f *file) lock() (unlock func(), err error) {
	l, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the keyring's lock: %w", err)
	}
	if err := lockFile(l); err != nil {
		l.Close()
		return nil, fmt.Errorf("lock the keyring: %w", err)
	}
	return func() { l.Close() }, nil
}

// replace makes st last. The aside file has one name, so that what a crash
// leaves behind is overwritten by the next change and never piles up.
func (f *file) replace(st *state) error {
	aside := f.path + ".new"
	info, err := writeAside(aside, st.text())
	if err == nil {
		err = os.Rename(aside, f.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(f.path))
	}
	if err != nil {
		os.Remove(aside)
		return fmt.Errorf("replace the keyring: %w", err)
	}
	f.loading.Lock()
	defer f.loading.Unlock()
	f.last.Store(&reading{st, info})
	return nil
}

func writeAside(path string, text []byte) (fs.FileInfo, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if _, err := out.Write(text); err != nil {
		return nil, err
	}
	if err := out.Sync(); err != nil {
		return nil, err
	}
	return out.Stat()
}

// shred overwrites the file that was replaced, which lives on until it is
// closed. Copy-on-write file systems and flash may keep the bytes all the same.
func shred(old *os.File) error {
	if old == nil { // where a file that is open cannot be replaced
		return nil
	}
	info, err := old.Stat()
	if err != nil {
		return fmt.Errorf("overwrite the former keyring: %w", err)
	}
	if _, err := old.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return fmt.Errorf("overwrite the former keyring: %w", err)
	}
	if err := old.Sync(); err != nil {
		return fmt.Errorf("overwrite the former keyring: %w", err)
	}
	return nil
}
