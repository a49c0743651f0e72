package secret

import (
	"fmt"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// The faults of a keyring. Those that stop a start or a command say what to do.
var (
	ErrKeyringDamaged = fault.New(fault.Invalid, "keyring_damaged", "The keyring is damaged, was edited by hand, or is of a newer version. Put its last good copy in place.")
	ErrKeyringOpen    = fault.New(fault.Denied, "keyring_open", "Others may read the keyring. Give its file the mode 0600 (chmod 600).")
	ErrKeyringFixed   = fault.New(fault.Conflict, "keyring_fixed", "This keyring is given as text and cannot be changed while in use. Print its next text, give that to every node, and restart them.")
	ErrNoLedger       = fault.New(fault.Conflict, "keyring_no_ledger", "A keyring given as text remembers nothing. Name a ledger file beside it, on storage that is not restored together with the database.")
	ErrKeyDestroyed   = fault.New(fault.Gone, "key_destroyed", "The key of this value was destroyed.")
	ErrKeyUnknown     = fault.New(fault.Unavailable, "key_unknown", "This keyring does not hold the key of this value. Start with the keyring of this database.")
	ErrKeyCurrent     = fault.New(fault.Conflict, "key_current", "This wrapping key is in use. Rotate first.")
	ErrEpochBack      = fault.New(fault.Conflict, "epoch_back", "The restore epoch only grows.")
)

// DefaultKeep is how long a retired wrapping key lives, and so how long an old
// backup still opens what was erased since.
const DefaultKeep = 30 * 24 * time.Hour

// WrappingKey is what may be told of a wrapping key. The last of a keyring is
// the current one; DestroyAfter is zero while a key is current or standby.
type WrappingKey struct {
	ID           string
	CreatedAt    time.Time
	DestroyAfter time.Time
}

// Erased is one customer whose data key was destroyed, remembered for as long
// as a wrapping key lives under which a backup could hold that data key.
type Erased struct {
	Tenant   [16]byte
	Customer [16]byte
	At       time.Time
}

// Checkpoint is the highest signed checkpoint of a tenant's journal that this
// house has made; a database that knows only lower ones was set back.
type Checkpoint struct {
	Tenant [16]byte
	Number int64
	Digest [32]byte
}

// Keyring holds the root key, the wrapping keys, and the memory that must not
// be set back together with the database: restore epoch, highest checkpoints,
// erased customers. It is safe for concurrent use, and a keyring file is safe
// under several processes.
type Keyring struct {
	// Keep is how long a key lives after its retirement. Set it before use.
	Keep time.Duration

	keys   store // root and wrapping keys
	memory store // epoch, checkpoints, erased; the same store for a file
}

// store is where a keyring rests: a file, or a fixed text.
type store interface {
	// peek returns what was last read, without a system call.
	peek() *state
	// fresh returns what stands there now. What it last read is returned with an error.
	fresh() (*state, error)
	// change applies fn to a copy of what stands there now and makes it last.
	change(fn func(*state) error) error
}

// OpenKeyring opens the keyring file at path, or makes one with a new root key
// and a first wrapping key dated now; created tells which. A keyring that
// others may read is refused, and so is a damaged one.
func OpenKeyring(path string, now time.Time) (k *Keyring, created bool, err error) {
	f := &file{path: resolved(path)}
	if created, err = f.create(now); err != nil {
		return nil, false, err
	}
	if _, err = f.fresh(); err != nil {
		return nil, false, err
	}
	return &Keyring{Keep: DefaultKeep, keys: f, memory: f}, created, nil
}

// KeyringFromText reads a keyring from the text of a keyring file; line breaks
// may be spaces. It cannot change: Rotate and Destroy answer keyring_fixed,
// and until Remember names a ledger the notes answer keyring_no_ledger.
func KeyringFromText(text string) (*Keyring, error) {
	st, err := parseState([]byte(text), nil)
	if err != nil {
		return nil, err
	}
	return &Keyring{Keep: DefaultKeep, keys: &fixed{st, ErrKeyringFixed}, memory: &fixed{st, ErrNoLedger}}, nil
}

// NewKeyringText makes a keyring for KeyringFromText, its first wrapping key
// dated now. The result is as secret as the house itself.
func NewKeyringText(now time.Time) string {
	return string(newState(now).text())
}

// Remember gives a keyring read from text a ledger file for its memory, made
// if it is not there. The text's own memory counts too: the higher epoch wins,
// erasures and checkpoints add up. On a keyring file it does nothing. Call it
// before the keyring is shared.
func (k *Keyring) Remember(path string) error {
	given, ok := k.memory.(*fixed)
	if !ok {
		return nil
	}
	f := &file{path: resolved(path), root: given.state.root}
	if _, err := f.create(time.Time{}); err != nil {
		return err
	}
	if err := f.change(func(st *state) error { st.learn(given.state); return nil }); err != nil {
		return err
	}
	k.memory = f
	return nil
}

// Reload looks whether another process has changed the keyring. It costs a
// stat; call it about once a second, so that a key destroyed elsewhere opens
// nothing here. Wrap, and Unwrap of a key not yet known, look by themselves.
func (k *Keyring) Reload() error {
	if _, err := k.keys.fresh(); err != nil {
		return err
	}
	_, err := k.memory.fresh()
	return err
}

// Root derives the key of one purpose from the root key; it never rotates.
// It costs some microseconds: hold on to the result.
func (k *Keyring) Root(label string, parts ...[]byte) *Key {
	return k.keys.peek().root.Derive("root/"+label, parts...)
}

// Check is a value for the database to keep, which tells whether this keyring
// is the one that its rows were sealed under. It reveals nothing of the key.
func (k *Keyring) Check() [32]byte { return *k.Root("check") }

// Wrap seals plain under the current wrapping key and names that key. The
// name is bound to the result, as is the additional data.
func (k *Keyring) Wrap(plain, additional []byte) (keyID string, wrapped []byte) {
	// An unreadable file is no reason to refuse: the keys last read still hold.
	st, _ := k.keys.fresh()
	w := st.current()
	return w.ID, w.key.Seal(plain, wrapContext(w.ID, additional))
}

// Unwrap opens what Wrap sealed. Faults: Gone key_destroyed; Unavailable
// key_unknown. What does not open under its key is Internal.
func (k *Keyring) Unwrap(keyID string, wrapped, additional []byte) ([]byte, error) {
	st := k.keys.peek()
	w, ok := st.find(keyID)
	if !ok && !st.destroyed(keyID) {
		// Another process may have rotated.
		fresh, err := k.keys.fresh()
		if err != nil {
			return nil, ErrKeyUnknown.Because(err)
		}
		st = fresh
		w, ok = st.find(keyID)
	}
	switch {
	case ok:
		return w.key.Open(wrapped, wrapContext(keyID, additional))
	case st.destroyed(keyID):
		return nil, ErrKeyDestroyed.Because(fmt.Errorf("wrapping key %s", keyID))
	}
	return nil, ErrKeyUnknown.Because(fmt.Errorf("wrapping key %q", keyID))
}

func wrapContext(keyID string, additional []byte) []byte {
	return framed([]byte(keyID), [][]byte{additional})
}

// Rotate makes a new current wrapping key and retires the former one, to be
// destroyed after Keep. The caller then re-wraps every row.
func (k *Keyring) Rotate(now time.Time) (keyID string, err error) {
	err = k.keys.change(func(st *state) error {
		w := newWrapping(now)
		st.promote(w, now.Add(k.Keep))
		keyID = w.ID
		return nil
	})
	return keyID, err
}

// Destroy forgets a retired wrapping key for good and overwrites its bytes on
// disk as far as the file system lets one; copies of the keyring elsewhere are
// their owner's matter. The caller has made sure, in a look of its own, that
// no row is left under the key: whatever still is can never be opened again.
// Customers erased while only destroyed keys existed leave the list.
// Faults: Conflict key_current; Gone key_destroyed; Unavailable key_unknown.
func (k *Keyring) Destroy(keyID string) error {
	return k.keys.change(func(st *state) error { return st.destroy(keyID) })
}

// WrappingKeys lists the keys that live, a standby first and the current last.
func (k *Keyring) WrappingKeys() []WrappingKey { return k.keys.peek().keyList() }
