package coretest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
)

// Solve does the work of a task (risk.Work) as a page's worker does it, from
// nothing but the text of the task.
func Solve(task string) string {
	raw, err := base64.RawURLEncoding.DecodeString(task)
	if err != nil || len(raw) < 34 {
		return ""
	}
	var text [40]byte
	copy(text[:], raw[len(raw)-32:])
	zeros, out := int(raw[1])-4, make([]byte, 0, 64)
	for puzzle := range uint32(16) {
		binary.BigEndian.PutUint32(text[32:], puzzle)
		out = binary.BigEndian.AppendUint32(out, nonce(text, zeros))
	}
	return base64.RawURLEncoding.EncodeToString(out)
}

func nonce(text [40]byte, zeros int) uint32 {
	for n := uint32(0); ; n++ {
		binary.BigEndian.PutUint32(text[36:], n)
		if sum := sha256.Sum256(text[:]); binary.BigEndian.Uint32(sum[:])>>(32-zeros) == 0 {
			return n
		}
	}
}
