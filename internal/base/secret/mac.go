package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// HMAC is HMAC-SHA256 over the parts, each preceded by its length, so that no
// two different lists of parts share an input: moving a byte across a border
// changes the result.
func HMAC(key []byte, parts ...[]byte) [32]byte {
	mac := hmac.New(sha256.New, key)
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		mac.Write(length[:])
		mac.Write(p)
	}
	var sum [32]byte
	mac.Sum(sum[:0])
	return sum
}

// Derive returns the key of one purpose: HKDF-SHA256 (RFC 5869) without salt,
// its info being the label and the parts, each preceded by its length. The
// label names the purpose ("customer/index"), the parts whose it is.
func Derive(key []byte, label string, parts ...[]byte) [32]byte {
	out, err := hkdf.Key(sha256.New, key, nil, string(framed([]byte(label), parts)), 32)
	if err != nil { // only a length over 255 hashes, or a short key in FIPS mode
		panic(err)
	}
	return [32]byte(out)
}

// framed joins a head and parts into one unambiguous byte string.
func framed(head []byte, parts [][]byte) []byte {
	out := binary.BigEndian.AppendUint64(nil, uint64(len(head)))
	out = append(out, head...)
	for _, p := range parts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
