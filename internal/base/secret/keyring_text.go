package secret

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// A keyring rests as JSON lines, one thing a line, always in this order:
//
//	{"type":"keyring","version":1}     or "ledger", which has no keys
//	{"type":"root","key":"…"}
//	{"type":"standby","id":"wk_…","key":"…","created":"…"}
//	{"type":"wrapping","id":"wk_…","key":"…","created":"…","destroy_after":"…"}   the current one last
//	{"type":"destroyed","id":"wk_…"}
//	{"type":"epoch","number":1}
//	{"type":"checkpoint","tenant":"…","number":7,"digest":"…"}
//	{"type":"erased","tenant":"…","customer":"…","at":"…"}
//	{"type":"sum","sum":"…"}           HMAC under the root key over all before
//
// There is one spelling: what is read is written again and must come out the
// same. So nothing unknown, doubled, reordered or cut off is ever accepted.
type line struct {
	Type         string    `json:"type"`
	Version      int       `json:"version,omitzero"`
	ID           string    `json:"id,omitzero"`
	Key          []byte    `json:"key,omitempty"`
	Created      time.Time `json:"created,omitzero"`
	DestroyAfter time.Time `json:"destroy_after,omitzero"`
	Tenant       hexID     `json:"tenant,omitzero"`
	Customer     hexID     `json:"customer,omitzero"`
	Number       int64     `json:"number,omitzero"`
	Digest       []byte    `json:"digest,omitempty"`
	At           time.Time `json:"at,omitzero"`
	Sum          []byte    `json:"sum,omitempty"`
}

const formatVersion = 1

// hexID is an id in hexadecimal.
type hexID [16]byte

// MarshalText writes 32 hexadecimal digits.
func (h hexID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads 32 hexadecimal digits.
func (h *hexID) UnmarshalText(text []byte) error {
	if len(text) != 32 {
		return errors.New("an id has 32 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// text writes the state in its one spelling.
func (st *state) text() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, l := range st.lines() {
		if err := enc.Encode(l); err != nil { // a year beyond 9999; instants come from clocks
			panic(err)
		}
	}
	sum := HMAC(st.root.Derive("keyring/sum")[:], out.Bytes())
	enc.Encode(line{Type: "sum", Sum: sum[:]})
	return out.Bytes()
}

func (st *state) lines() []line {
	var out []line
	if st.ledger {
		out = []line{{Type: "ledger", Version: formatVersion}}
	} else {
		out = st.keyLines()
	}
	out = append(out, line{Type: "epoch", Number: st.epoch})
	for _, c := range st.checkpointList() {
		out = append(out, line{Type: "checkpoint", Tenant: c.Tenant, Number: c.Number, Digest: c.Digest[:]})
	}
	for _, e := range st.erasedList() {
		out = append(out, line{Type: "erased", Tenant: e.Tenant, Customer: e.Customer, At: e.At})
	}
	return out
}

func (st *state) keyLines() []line {
	out := []line{{Type: "keyring", Version: formatVersion}, {Type: "root", Key: st.root[:]}}
	if w := st.standby; w != nil {
		out = append(out, line{Type: "standby", ID: w.ID, Key: w.key[:], Created: w.CreatedAt})
	}
	for _, w := range st.wrapping {
		out = append(out, line{Type: "wrapping", ID: w.ID, Key: w.key[:], Created: w.CreatedAt, DestroyAfter: w.DestroyAfter})
	}
	for _, id := range st.gone {
		out = append(out, line{Type: "destroyed", ID: id})
	}
	return out
}

// parseState reads a keyring, or with a root key given the ledger of it. It
// never names what it read in an error.
func parseState(text []byte, root *Key) (*state, error) {
	st := emptyState(root)
	st.ledger = root != nil
	dec := json.NewDecoder(bytes.NewReader(text))
	for n := 1; ; n++ {
		var l line
		err := dec.Decode(&l)
		if err == io.EOF {
			break
		}
		if err == nil {
			err = st.take(l)
		}
		if err != nil {
			return nil, ErrKeyringDamaged.Because(fmt.Errorf("line %d does not read", n))
		}
	}
	if err := st.whole(); err != nil {
		return nil, ErrKeyringDamaged.Because(err)
	}
	if !Equal(bare(text), bare(st.text())) {
		return nil, ErrKeyringDamaged.Because(errors.New("its sum or its spelling is wrong"))
	}
	return st, nil
}

// bare drops white space, so that the lines may stand in one environment value.
func bare(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for _, b := range text {
		if b != ' ' && b != '\n' && b != '\r' && b != '\t' {
			out = append(out, b)
		}
	}
	return out
}

// take adds one line. What it lets pass in the wrong place or twice, writing
// the state again brings to light.
func (st *state) take(l line) error {
	switch l.Type {
	case "keyring", "ledger", "sum":
		return nil
	case "root":
		return takeKey(&st.root, l.Key)
	case "standby":
		return st.takeStandby(l)
	case "wrapping":
		return st.takeWrapping(l)
	case "destroyed":
		st.gone = append(st.gone, l.ID)
	case "epoch":
		st.epoch = l.Number
	case "checkpoint":
		return st.takeCheckpoint(l)
	case "erased":
		st.erased[subject{l.Tenant, l.Customer}] = instant(l.At)
	default:
		return errors.New("unknown type")
	}
	return nil
}

func takeKey(to **Key, key []byte) error {
	if len(key) != 32 {
		return errors.New("a key has 32 bytes")
	}
	*to = (*Key)(key)
	return nil
}

func (st *state) takeStandby(l line) error {
	st.standby = &wrapping{WrappingKey: WrappingKey{ID: l.ID, CreatedAt: instant(l.Created)}}
	return takeKey(&st.standby.key, l.Key)
}

func (st *state) takeWrapping(l line) error {
	w := &wrapping{WrappingKey: WrappingKey{ID: l.ID, CreatedAt: instant(l.Created), DestroyAfter: instant(l.DestroyAfter)}}
	st.wrapping = append(st.wrapping, w)
	return takeKey(&w.key, l.Key)
}

func (st *state) takeCheckpoint(l line) error {
	if len(l.Digest) != 32 {
		return errors.New("a digest has 32 bytes")
	}
	st.checkpoints[l.Tenant] = Checkpoint{l.Tenant, l.Number, [32]byte(l.Digest)}
	return nil
}

// whole tells whether the state can be written and used.
func (st *state) whole() error {
	if st.root == nil || st.epoch < 1 || (!st.ledger && len(st.wrapping) == 0) {
		return errors.New("it has no root key, no wrapping key or no epoch")
	}
	seen := map[string]bool{}
	ids := slices.Clone(st.gone)
	for _, w := range st.keyList() {
		ids = append(ids, w.ID)
	}
	for _, id := range ids {
		if id == "" || seen[id] {
			return errors.New("two keys bear one name")
		}
		seen[id] = true
	}
	return nil
}
