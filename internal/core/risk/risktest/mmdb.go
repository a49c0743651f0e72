package risktest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Place is what a file says of a network. With NoPosition it says the country
// alone.
type Place struct {
	Country             string
	Latitude, Longitude float64
	NoPosition          bool
}

// File writes a file of networks (CIDRs that do not overlap) and their places
// into a temporary directory and returns its path.
func File(tb testing.TB, places map[string]Place) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "places.mmdb")
	if err := os.WriteFile(path, MMDB("Cardea-Test-City", places), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

const (
	empty    = -1
	leafBase = 1 << 20 // a record from here on is a leaf: the number of its place
)

type tree [][2]int

// MMDB is a file of format version 2.0: a binary search tree over IPv6 with
// records of 24 bits, IPv4 being ::/96, then the data, then the metadata.
func MMDB(kind string, places map[string]Place) []byte {
	t := tree{{empty, empty}}
	var data []byte
	var offsets []int
	for _, cidr := range slices.Sorted(maps.Keys(places)) {
		t.hang(netip.MustParsePrefix(cidr), leafBase+len(offsets))
		offsets = append(offsets, len(data))
		data = append(data, places[cidr].encode()...)
	}
	var out []byte
	for _, node := range t {
		for _, record := range node {
			out = binary.BigEndian.AppendUint32(out, uint32(t.record(record, offsets)))
			out = slices.Delete(out, len(out)-4, len(out)-3) // 24 bits
		}
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, data...)
	out = append(out, "\xab\xcd\xefMaxMind.com"...)
	return append(out, metadata(kind, len(t))...)
}

// record is what stands in the file for a pointer of the tree.
func (t tree) record(pointer int, offsets []int) int {
	switch {
	case pointer == empty:
		return len(t)
	case pointer >= leafBase:
		return len(t) + 16 + offsets[pointer-leafBase]
	}
	return pointer
}

func (t *tree) hang(p netip.Prefix, leaf int) {
	bits, length := [16]byte{}, p.Bits()
	if p.Addr().Is4() {
		v4 := p.Addr().As4()
		copy(bits[12:], v4[:])
		length += 96
	} else {
		bits = p.Addr().As16()
	}
	node := 0
	for i := range length {
		side := int(bits[i/8] >> (7 - i%8) & 1)
		next := (*t)[node][side]
		switch {
		case i == length-1:
			(*t)[node][side] = leaf
		case next == empty:
			*t = append(*t, [2]int{empty, empty})
			(*t)[node][side] = len(*t) - 1
			next = len(*t) - 1
		case next >= leafBase:
			panic(fmt.Sprint(p, " lies in another network"))
		}
		node = next
	}
}

func (p Place) encode() []byte {
	members := 1
	if !p.NoPosition {
		members = 2
	}
	out := pair(control(7, members), "country", pair(control(7, 1), "iso_code", text(p.Country)))
	if p.NoPosition {
		return out
	}
	at := pair(control(7, 2), "latitude", double(p.Latitude))
	return pair(out, "location", pair(at, "longitude", double(p.Longitude)))
}

func metadata(kind string, nodes int) []byte {
	out := pair(control(7, 8), "binary_format_major_version", number(5, 2))
	out = pair(out, "binary_format_minor_version", number(5, 0))
	out = pair(out, "build_epoch", number(9, 1700000000))
	out = pair(out, "database_type", text(kind))
	out = pair(out, "description", control(7, 0))
	out = pair(out, "ip_version", number(5, 6))
	out = pair(out, "node_count", number(6, uint64(nodes)))
	return pair(out, "record_size", number(5, 24))
}

// pair appends a member of a map.
func pair(out []byte, name string, value []byte) []byte {
	return append(append(slices.Clone(out), text(name)...), value...)
}

// control is the byte (two for the later types) that begins a value of a type
// and size. Sizes up to 28 are enough here.
func control(kind, size int) []byte {
	if kind > 7 {
		return []byte{byte(size), byte(kind - 7)}
	}
	return []byte{byte(kind<<5 | size)}
}

func text(s string) []byte { return append(control(2, len(s)), s...) }

func double(f float64) []byte {
	return binary.BigEndian.AppendUint64(control(3, 8), math.Float64bits(f))
}

func number(kind int, n uint64) []byte {
	size := map[int]int{5: 2, 6: 4, 9: 8}[kind]
	return append(control(kind, size), binary.BigEndian.AppendUint64(nil, n)[8-size:]...)
}
