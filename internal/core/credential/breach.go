package credential

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // the format of the download that the file is built from
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/FastFilter/xorfilter"
)

// Breach answers whether a password is on a list, from a file that holds no
// password and no hash: binary fuse filters with 16-bit fingerprints, sharded by
// the first bits of the SHA-1. One in 65,536 passwords that are not on the list
// is taken for one that is. Only the shard that is asked for is read, so the file
// costs no memory. It is safe for concurrent use.
//
//	"cardea breach 1\n"
//	shard bits (uint8), passwords (uint64)
//	per shard: offset (uint64), length (uint32), CRC-32 (uint32)
//	per shard: the filter as xorfilter writes it; length 0: nothing
//
// Numbers are little-endian.
type Breach struct {
	at     io.ReaderAt
	close  func() error
	bits   uint8
	count  uint64
	shards []shard
}

type shard struct {
	Offset uint64
	Length uint32
	CRC    uint32
}

const (
	breachMagic = "cardea breach 1\n"
	headLen     = len(breachMagic) + 1 + 8
	shardLen    = 16
	mostBits    = 16
	mostShard   = 1 << 28 // bytes; a guard against files that lie
)

var errBreachFile = errors.New("this is not a file of known passwords made by \"cardea breach build\", or it is damaged")

// OpenBreachFile opens a file that BuildBreach made. Its errors are plain and
// name the file, for the operator.
func OpenBreachFile(path string) (*Breach, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	b, err := openBreach(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.close = f.Close
	return b, nil
}

func openBreach(at io.ReaderAt) (*Breach, error) {
	head := make([]byte, headLen)
	if _, err := at.ReadAt(head, 0); err != nil || string(head[:len(breachMagic)]) != breachMagic {
		return nil, errBreachFile
	}
	b := &Breach{at: at, bits: head[len(breachMagic)], count: binary.LittleEndian.Uint64(head[len(breachMagic)+1:])}
	if b.bits > mostBits {
		return nil, errBreachFile
	}
	index := make([]byte, shardLen<<b.bits)
	if _, err := at.ReadAt(index, int64(headLen)); err != nil {
		return nil, errBreachFile
	}
	b.shards = make([]shard, 1<<b.bits)
	return b, binary.Read(bytes.NewReader(index), binary.LittleEndian, b.shards)
}

// Close releases the file.
func (b *Breach) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// Count is how many passwords the list held.
func (b *Breach) Count() uint64 { return b.count }

// Contains tells whether the password, exactly as it stands, is on the list. A
// file that cannot be read or is damaged is an error, never "no".
func (b *Breach) Contains(password string) (bool, error) {
	sum := sha1.Sum([]byte(password))
	key := binary.BigEndian.Uint64(sum[:])
	f, err := b.load(b.shards[shardOf(key, b.bits)])
	if err != nil || f == nil {
		return false, err
	}
	return f.Contains(key), nil
}

func shardOf(key uint64, bits uint8) uint64 { return key >> 1 >> (63 - bits) }

func (b *Breach) load(s shard) (*xorfilter.BinaryFuse[uint16], error) {
	if s.Length == 0 {
		return nil, nil
	}
	if s.Length > mostShard {
		return nil, errBreachFile
	}
	raw := make([]byte, s.Length)
	if _, err := b.at.ReadAt(raw, int64(s.Offset)); err != nil {
		return nil, fmt.Errorf("%w: %w", errBreachFile, err)
	}
	// The library trusts its bytes, so they are checked first.
	if crc32.ChecksumIEEE(raw) != s.CRC {
		return nil, errBreachFile
	}
	return xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(raw))
}

// embedded is the filter of common passwords; see THIRD_PARTY and tools/breach.
//
//go:embed common.breach
var embedded []byte

type commonList struct{ filter *xorfilter.BinaryFuse[uint16] }

// common is the embedded list, read at its first use.
var common = sync.OnceValue(func() commonList {
	b, err := openBreach(bytes.NewReader(embedded))
	if err != nil {
		panic(err) // the build is damaged
	}
	f, err := b.load(b.shards[0])
	if err != nil || f == nil {
		panic(errBreachFile)
	}
	return commonList{f}
})

func (c commonList) has(password string) bool {
	sum := sha1.Sum([]byte(password))
	return c.filter.Contains(binary.BigEndian.Uint64(sum[:]))
}
