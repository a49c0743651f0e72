package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// phc is an argon2id hash as the PHC string format spells it:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<sum>, with unpadded standard base64.
type phc struct {
	params Params
	salt   []byte
	sum    []byte
}

// Bounds on what a stored hash may ask of this machine. They admit what other
// systems write by default and refuse a hash made to exhaust memory.
const (
	maxPHC     = 512
	maxMemory  = 256 << 10 // KiB
	maxTime    = 32
	maxThreads = 16
)

var errPHC = errors.New("secret: not an argon2id hash in PHC form that this house verifies")

func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", h.params.MemoryKiB, h.params.Time, h.params.Threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.sum))
}

// parsePHC is the strict inverse of String: it accepts no second spelling.
func parsePHC(s string) (phc, error) {
	var h phc
	part := strings.Split(s, "$")
	if len(s) > maxPHC || len(part) != 6 {
		return phc{}, errPHC
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &h.params.MemoryKiB, &h.params.Time, &h.params.Threads); err != nil {
		return phc{}, errPHC
	}
	var errSalt, errSum error
	h.salt, errSalt = base64.RawStdEncoding.DecodeString(part[4])
	h.sum, errSum = base64.RawStdEncoding.DecodeString(part[5])
	if errSalt != nil || errSum != nil || !h.sane() || h.String() != s {
		return phc{}, errPHC
	}
	return h, nil
}

// sane holds the bounds of RFC 9106 section 3.1, narrowed to the ones above.
func (h phc) sane() bool {
	p := h.params
	return p.MemoryKiB >= 8*uint32(p.Threads) && p.MemoryKiB <= maxMemory &&
		p.Time >= 1 && p.Time <= maxTime && p.Threads >= 1 && p.Threads <= maxThreads &&
		len(h.salt) >= 8 && len(h.salt) <= 64 && len(h.sum) >= 16 && len(h.sum) <= 64
}
