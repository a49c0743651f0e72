package credential

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the format of the download
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/FastFilter/xorfilter"
)

// BreachReport is what BuildBreach did.
type BreachReport struct {
	Read, Kept uint64 // lines, and passwords in the file
	Bytes      int64  // size of the file
}

// downloadBits shards a billion hashes into filters of about 600 kB.
const downloadBits = 12

// BuildBreach reads the ordered download of Pwned Passwords, lines of
// "SHA1:COUNT", and writes the file that OpenBreachFile opens. Passwords that were
// seen fewer than minSeen times are left out. The file appears under its name only
// when it is whole. At most one shard is in memory.
func BuildBreach(r io.Reader, path string, minSeen int) (BreachReport, error) {
	return buildFile(path, downloadBits, func(add func(uint64) error) (uint64, error) {
		return readDownload(r, minSeen, add)
	})
}

// BuildWords makes a file of one shard from plain words, one a line: the embedded
// list of common passwords.
func BuildWords(r io.Reader, path string) (BreachReport, error) {
	return buildFile(path, 0, func(add func(uint64) error) (uint64, error) {
		lines, n := bufio.NewScanner(r), uint64(0)
		for lines.Scan() {
			sum := sha1.Sum(lines.Bytes())
			n++
			if err := add(binary.BigEndian.Uint64(sum[:])); err != nil {
				return n, err
			}
		}
		return n, lines.Err()
	})
}

func buildFile(path string, bits uint8, feed func(add func(uint64) error) (uint64, error)) (rep BreachReport, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".breach-*")
	if err != nil {
		return rep, err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing left to remove
	defer f.Close()
	w := &breachWriter{f: f, bits: bits, shards: make([]shard, 1<<bits), at: int64(headLen + shardLen<<bits)}
	if rep.Read, err = feed(w.add); err != nil {
		return rep, err
	}
	if err = w.finish(); err != nil {
		return rep, err
	}
	rep.Kept, rep.Bytes = w.count, w.at
	if err = errors.Join(f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return rep, err
	}
	return rep, os.Rename(f.Name(), path)
}

type breachWriter struct {
	f       *os.File
	bits    uint8
	at      int64
	count   uint64
	shards  []shard
	current uint64
	keys    []uint64
}

var errOrder = errors.New("the hashes are not in order; download them ordered by hash")

func (w *breachWriter) add(key uint64) error {
	s := shardOf(key, w.bits)
	if s < w.current {
		return errOrder
	}
	if s > w.current {
		if err := w.flush(); err != nil {
			return err
		}
		w.current = s
	}
	w.keys = append(w.keys, key)
	return nil
}

func (w *breachWriter) flush() error {
	if len(w.keys) == 0 {
		return nil
	}
	filter, err := xorfilter.NewBinaryFuse[uint16](w.keys)
	if err != nil {
		return err
	}
	var raw bytes.Buffer
	if err := filter.Save(&raw); err != nil {
		return err
	}
	if _, err := w.f.WriteAt(raw.Bytes(), w.at); err != nil {
		return err
	}
	w.shards[w.current] = shard{uint64(w.at), uint32(raw.Len()), crc32.ChecksumIEEE(raw.Bytes())}
	w.at += int64(raw.Len())
	w.count += uint64(len(w.keys))
	w.keys = w.keys[:0]
	return nil
}

func (w *breachWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	if w.count == 0 {
		return errors.New("there is nothing to keep")
	}
	head := append([]byte(breachMagic), w.bits)
	head = binary.LittleEndian.AppendUint64(head, w.count)
	for _, s := range w.shards {
		head = binary.LittleEndian.AppendUint64(head, s.Offset)
		head = binary.LittleEndian.AppendUint32(head, s.Length)
		head = binary.LittleEndian.AppendUint32(head, s.CRC)
	}
	_, err := w.f.WriteAt(head, 0)
	return err
}

func readDownload(r io.Reader, minSeen int, add func(uint64) error) (read uint64, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		read++
		key, seen, err := readHash(lines.Text())
		if err != nil {
			return read, fmt.Errorf("line %d: %w", read, err)
		}
		if seen < minSeen {
			continue
		}
		if err := add(key); err != nil {
			return read, fmt.Errorf("line %d: %w", read, err)
		}
	}
	return read, lines.Err()
}

var errHash = errors.New("a line is 40 hexadecimal digits, a colon and a count")

func readHash(line string) (key uint64, seen int, err error) {
	text, count, found := strings.Cut(strings.TrimSuffix(line, "\r"), ":")
	if !found || len(text) != 2*sha1.Size {
		return 0, 0, errHash
	}
	sum, err := hex.DecodeString(text)
	if err != nil {
		return 0, 0, errHash
	}
	if seen, err = strconv.Atoi(count); err != nil {
		return 0, 0, errHash
	}
	return binary.BigEndian.Uint64(sum), seen, nil
}
