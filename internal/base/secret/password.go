package secret

import (
	"context"

	"golang.org/x/crypto/argon2"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// MaxPassword is the longest password in bytes that is hashed.
const MaxPassword = 1024

const (
	saltLen = 16
	sumLen  = 32
)

// ErrLong refuses a password over MaxPassword bytes, before any work.
var ErrLong = fault.New(fault.Invalid, "password_long", "This password is too long. Use at most 256 characters.")

// Params are the cost of argon2id (RFC 9106). The zero value is the house's
// own: 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet).
type Params struct {
	MemoryKiB uint32
	Time      uint32
	Threads   uint8
}

var (
	// Standard is the cost that production uses.
	Standard = Params{MemoryKiB: 19456, Time: 2, Threads: 1}
	// Cheap is for tests that do not test hashing: under 0.1 ms.
	Cheap = Params{MemoryKiB: 64, Time: 1, Threads: 1}
)

// Hasher hashes and verifies passwords with argon2id, as many at once as its
// gate admits. It is safe for concurrent use; a process has one.
//
// Memory: x/crypto's argon2 allocates its own working memory (19 MiB a hash)
// and takes none from outside, so the buffers cannot be pooled without an
// argon2 of our own, whose portable Go is about half as fast as x/crypto's
// assembly. The trade is for the assembly. The blocks hold no pointers, so the
// collector frees them without scanning, and a process needs at most
// (live heap + Parallel x MemoryKiB) x (1 + GOGC/100); a memory limit
// (GOMEMLIMIT) makes the collector keep closer to what lives.
type Hasher struct {
	params Params
	gate   *admission
	derive func(password string, p phc) []byte // argonID, unless a test holds it up
}

// NewHasher returns a hasher; zero parameters mean Standard. Parameters that
// it would not verify itself are a defect of the caller and panic.
func NewHasher(p Params, g Gate) *Hasher {
	if p == (Params{}) {
		p = Standard
	}
	if !blank(p).sane() {
		panic("secret: argon2id parameters out of bounds")
	}
	return &Hasher{params: p, gate: newAdmission(g), derive: argonID}
}

// blank is a hash of nothing, which costs as much to try as a real one.
func blank(p Params) phc {
	return phc{params: p, salt: make([]byte, saltLen), sum: make([]byte, sumLen)}
}

// Hash returns the PHC string of a password under a new salt. Faults:
// Invalid password_long; Unavailable busy, with Retry, when the gate is full.
// Normalising (NFC) and judging a password are the caller's.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := phc{params: h.params, salt: Random(saltLen), sum: make([]byte, sumLen)}
	sum, err := h.work(ctx, password, p)
	if err != nil {
		return "", err
	}
	p.sum = sum
	return p.String(), nil
}

// Verify tells whether the password is the one behind the PHC string, and if
// it is, whether the string should be replaced by a fresh Hash because its
// cost or its lengths are not today's. An empty string stands for an account
// without a password, or for no account: the same work is done against a dummy
// and the answer is no. A string that cannot be read costs the same and is an
// error. Faults are those of Hash.
func (h *Hasher) Verify(ctx context.Context, password, stored string) (ok, rehash bool, err error) {
	want, readErr := blank(h.params), error(nil)
	if stored != "" {
		if want, readErr = parsePHC(stored); readErr != nil {
			want = blank(h.params)
		}
	}
	sum, err := h.work(ctx, password, want)
	if err != nil {
		return false, false, err
	}
	same := Equal(sum, want.sum)
	if stored == "" || readErr != nil || !same {
		return false, false, readErr
	}
	return true, want.params != h.params || len(want.salt) != saltLen || len(want.sum) != sumLen, nil
}

// work computes the sum that p's cost and salt give. It runs to its end on the
// caller's goroutine whatever becomes of ctx, and holds its permit meanwhile:
// ctx counts only while waiting.
func (h *Hasher) work(ctx context.Context, password string, p phc) ([]byte, error) {
	if len(password) > MaxPassword {
		return nil, ErrLong
	}
	if err := h.gate.enter(ctx); err != nil {
		return nil, err
	}
	defer h.gate.leave()
	return h.derive(password, p), nil
}

func argonID(password string, p phc) []byte {
	return argon2.IDKey([]byte(password), p.salt, p.params.Time, p.params.MemoryKiB, p.params.Threads, uint32(len(p.sum)))
}

// Load tells how many hashes run and how many callers wait, for the metrics.
func (h *Hasher) Load() (running, waiting int) {
	return len(h.gate.permits), int(h.gate.waiting.Load())
}
