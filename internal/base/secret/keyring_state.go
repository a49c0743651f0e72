package secret

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// wrapping is a living wrapping key.
type wrapping struct {
	WrappingKey
	key *Key
}

// subject is a customer of a tenant.
type subject struct{ tenant, customer [16]byte }

// state is what a keyring knows at one moment. Once published it never
// changes: every change is made to a clone. A ledger is a state without keys
// of its own, bound to the root key of its keyring.
type state struct {
	root     *Key
	ledger   bool
	standby  *wrapping
	wrapping []*wrapping // the current one last
	gone     []string    // ids of destroyed keys, in the order of their end

	epoch       int64
	checkpoints map[[16]byte]Checkpoint
	erased      map[subject]time.Time
}

func newState(now time.Time) *state {
	st := emptyState(NewKey())
	st.wrapping = []*wrapping{newWrapping(now)}
	return st
}

func newLedger(root *Key) *state {
	st := emptyState(root)
	st.ledger = true
	return st
}

func emptyState(root *Key) *state {
	return &state{root: root, epoch: 1, checkpoints: map[[16]byte]Checkpoint{}, erased: map[subject]time.Time{}}
}

// newWrapping draws a key whose name is random too, so that keyrings that
// parted ways never use one name for two keys.
func newWrapping(now time.Time) *wrapping {
	return &wrapping{WrappingKey{ID: "wk_" + hex.EncodeToString(Random(6)), CreatedAt: instant(now)}, NewKey()}
}

// instant is how the keyring keeps time: UTC, whole microseconds.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

func (st *state) clone() *state {
	c := *st
	c.wrapping = make([]*wrapping, len(st.wrapping))
	for i, w := range st.wrapping {
		copied := *w
		c.wrapping[i] = &copied
	}
	c.gone = slices.Clone(st.gone)
	c.checkpoints = maps.Clone(st.checkpoints)
	c.erased = maps.Clone(st.erased)
	return &c
}

func (st *state) current() *wrapping { return st.wrapping[len(st.wrapping)-1] }

func (st *state) find(id string) (*wrapping, bool) {
	for _, w := range st.wrapping {
		if w.ID == id {
			return w, true
		}
	}
	if st.standby != nil && st.standby.ID == id {
		return st.standby, true
	}
	return nil, false
}

func (st *state) destroyed(id string) bool { return slices.Contains(st.gone, id) }

// promote makes w the current key and dates the end of the former one.
func (st *state) promote(w *wrapping, destroyAfter time.Time) {
	st.current().DestroyAfter = instant(destroyAfter)
	st.wrapping = append(st.wrapping, w)
}

func (st *state) destroy(id string) error {
	if st.destroyed(id) {
		return ErrKeyDestroyed
	}
	i := slices.IndexFunc(st.wrapping, func(w *wrapping) bool { return w.ID == id })
	switch {
	case st.standby != nil && st.standby.ID == id:
		st.standby = nil
	case i < 0:
		return ErrKeyUnknown
	case i == len(st.wrapping)-1:
		return ErrKeyCurrent
	default:
		st.wrapping = slices.Delete(st.wrapping, i, i+1)
	}
	st.gone = append(st.gone, id)
	st.forgetErased(oldestKey(st.keyList()))
	return nil
}

func (st *state) keyList() []WrappingKey {
	out := make([]WrappingKey, 0, len(st.wrapping)+1)
	if st.standby != nil {
		out = append(out, st.standby.WrappingKey)
	}
	for _, w := range st.wrapping {
		out = append(out, w.WrappingKey)
	}
	return out
}

// forgetErased drops the erasures from before the oldest living key: a backup
// that holds such a customer's data key holds it under keys all destroyed.
func (st *state) forgetErased(oldest time.Time) {
	maps.DeleteFunc(st.erased, func(_ subject, at time.Time) bool { return at.Before(oldest) })
}

func (st *state) noteErased(e Erased) {
	who, at := subject{e.Tenant, e.Customer}, instant(e.At)
	if known, ok := st.erased[who]; !ok || known.Before(at) {
		st.erased[who] = at
	}
}

func (st *state) noteCheckpoint(c Checkpoint) {
	if known, ok := st.checkpoints[c.Tenant]; !ok || known.Number < c.Number {
		st.checkpoints[c.Tenant] = c
	}
}

// learn adds another state's memory to this one.
func (st *state) learn(from *state) {
	st.epoch = max(st.epoch, from.epoch)
	for _, c := range from.checkpointList() {
		st.noteCheckpoint(c)
	}
	for _, e := range from.erasedList() {
		st.noteErased(e)
	}
}

func (st *state) checkpointList() []Checkpoint {
	return slices.SortedFunc(maps.Values(st.checkpoints), func(a, b Checkpoint) int {
		return bytes.Compare(a.Tenant[:], b.Tenant[:])
	})
}

func (st *state) erasedList() []Erased {
	out := make([]Erased, 0, len(st.erased))
	for who, at := range st.erased {
		out = append(out, Erased{who.tenant, who.customer, at})
	}
	slices.SortFunc(out, func(a, b Erased) int {
		return cmp.Or(a.At.Compare(b.At), bytes.Compare(a.Tenant[:], b.Tenant[:]), bytes.Compare(a.Customer[:], b.Customer[:]))
	})
	return out
}
