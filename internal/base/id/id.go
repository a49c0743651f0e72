package id

import (
	"crypto/rand"
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Kind names a kind of thing by the prefix of its ids.
type Kind interface{ Prefix() string }

// ID is the id of one thing of kind K. Its zero value means "none".
type ID[K Kind] [16]byte

// ErrBad is told when a word is not the id of the wanted kind.
var ErrBad = fault.New(fault.Invalid, "bad_id", "That is not an id of the expected kind.")

// New draws an id for the instant: 48 bits of milliseconds and 74 random bits
// (RFC 9562, section 5.7).
func New[K Kind](now time.Time) ID[K] {
	var b ID[K]
	if _, err := rand.Read(b[6:]); err != nil {
		panic(err) // crypto/rand never fails on the systems that we support
	}
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return b
}

var turns atomic.Uint32

// Next draws the bytes of an id whose 12 bits after the version hold the
// microseconds (RFC 9562, section 6.2, method 3), followed by a counter of this
// process, so that what is made in one instant sorts in the order in which it
// was made.
func Next(now time.Time) (b [16]byte) {
	micros := uint64(now.UnixMicro())
	ms, fraction := micros/1000, micros%1000*4
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	turn := turns.Add(1)
	b[6], b[7] = 0x70|byte(fraction>>8), byte(fraction)
	b[8], b[9], b[10] = 0x80|byte(turn>>16)&0x3f, byte(turn>>8), byte(turn)
	if _, err := rand.Read(b[11:]); err != nil {
		panic(err) // as in New
	}
	return b
}

// Raw gives plain bytes a kind.
func Raw[K Kind](b [16]byte) ID[K] { return ID[K](b) }

// IsZero reports whether the id means "none".
func (i ID[K]) IsZero() bool { return i == ID[K]{} }

// Bytes returns the id as a slice of its own.
func (i ID[K]) Bytes() []byte { return append([]byte(nil), i[:]...) }

const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford's base 32, lower case
	letters  = 26                                 // 130 bits: the first letter holds 3 bits of value 0..7
)

// String spells the id with its prefix; the zero id is "".
func (i ID[K]) String() string {
	if i.IsZero() {
		return ""
	}
	var kind K
	return kind.Prefix() + "_" + encode(i)
}

func encode(b [16]byte) string {
	var out [letters]byte
	acc, bits, pos := uint32(0), 2, 0 // two leading zero bits fill 130
	for _, c := range b {
		acc = acc<<8 | uint32(c)
		for bits += 8; bits >= 5; pos++ {
			bits -= 5
			out[pos] = alphabet[acc>>bits&31]
		}
	}
	return string(out[:])
}

// Parse reads what String wrote, strictly: the right prefix, 26 letters, lower
// case, no other spelling of the same bytes. It fails with ErrBad.
func Parse[K Kind](s string) (ID[K], error) {
	var kind K
	prefix := kind.Prefix() + "_"
	if len(s) != len(prefix)+letters || s[:len(prefix)] != prefix {
		return ID[K]{}, ErrBad
	}
	b, ok := decode(s[len(prefix):])
	if !ok || b == [16]byte{} {
		return ID[K]{}, ErrBad
	}
	return b, nil
}

func decode(s string) (b [16]byte, ok bool) {
	acc, bits, pos := uint32(0), -2, 0
	for i := range len(s) {
		v := value[s[i]]
		if v < 0 || i == 0 && v > 7 {
			return b, false
		}
		acc = acc<<5 | uint32(v)
		if bits += 5; bits >= 8 {
			bits -= 8
			b[pos] = byte(acc >> bits)
			pos++
		}
	}
	return b, true
}

var value = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range len(alphabet) {
		t[alphabet[i]] = int8(i)
	}
	return t
}()

// Value stores the id as 16 bytes, the zero id as NULL.
func (i ID[K]) Value() (driver.Value, error) {
	if i.IsZero() {
		return nil, nil
	}
	return i.Bytes(), nil
}

// Scan reads what Value stored.
func (i *ID[K]) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*i = ID[K]{}
		return nil
	case []byte:
		if len(v) == len(i) {
			copy(i[:], v)
			return nil
		}
	}
	return fmt.Errorf("id: cannot scan %T", src)
}

// MarshalText spells the id for JSON and YAML.
func (i ID[K]) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads what MarshalText wrote; "" is the zero id.
func (i *ID[K]) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*i = ID[K]{}
		return nil
	}
	v, err := Parse[K](string(text))
	*i = v
	return err
}
