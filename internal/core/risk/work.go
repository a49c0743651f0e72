package risk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What a try is told that was to bring work and brought none that counts.
var (
	ErrWork     = fault.New(fault.Invalid, "work_missing", "This browser has not shown that it is no robot. Go on with a code by email.")
	ErrWorkOver = fault.New(fault.Invalid, "work_over", "That took too long. Try once more.")
)

const (
	// WorkFor is how long a task may be worked on.
	WorkFor = 10 * time.Minute
	// Puzzles is into how many puzzles a task is cut. The time that one puzzle
	// takes is a matter of luck: one person in a hundred would wait 4.6 times the
	// mean. Of sixteen small ones the sum varies a quarter as much, and that
	// person waits 1.7 times the mean.
	Puzzles = 16
	// workGrace is how long an easier task counts after the difficulty rose, so
	// that nobody types a password twice for having opened the page before.
	workGrace = 2 * time.Minute

	workVersion = 1
	workHead    = 1 + 1 + 8 + 16 // version, bits, expiry, salt
	workText    = workHead + 32
	puzzleBits  = 4 // log2 of Puzzles
)

// Work is a task that a page hands out: to find, for each of its puzzles, a
// number that makes SHA-256 begin with zeros. Nothing of it is stored. It is
// told from others' by its MAC, which binds it to the tenant, to what it is for
// and to the journey that asked.
type Work struct {
	Bits  int       // the whole task costs 2^Bits hashes in the mean
	Until time.Time // when it is over

	head [workHead]byte
	mac  [32]byte
}

// NewWork makes a task of a difficulty for one purpose ("password") of one
// context, which is the id of a journey.
func NewWork(now time.Time, t *tenant.Tenant, purpose string, context [16]byte, difficulty int) Work {
	w := Work{Bits: max(difficulty, puzzleBits+1), Until: now.Add(WorkFor)}
	w.head[0], w.head[1] = workVersion, byte(w.Bits)
	binary.BigEndian.PutUint64(w.head[2:], uint64(w.Until.UnixMicro()))
	copy(w.head[10:], secret.Random(16))
	w.mac = w.sign(t, purpose, context)
	return w
}

func (w Work) sign(t *tenant.Tenant, purpose string, context [16]byte) [32]byte {
	return t.MAC("risk/work", []byte(purpose), context[:], w.head[:])
}

// String is the task as it stands in a page.
func (w Work) String() string {
	return base64.RawURLEncoding.EncodeToString(append(w.head[:], w.mac[:]...))
}

// Issued is when the task was handed out, by the clock of the house.
func (w Work) Issued() time.Time { return w.Until.Add(-WorkFor) }

// OpenWork reads a task that this tenant handed out for the purpose and the
// context, whether it is over or not. Anything else is not found.
func OpenWork(t *tenant.Tenant, purpose string, context [16]byte, task string) (w Work, ok bool) {
	raw, ok := spelled(task, workText)
	if !ok || raw[0] != workVersion {
		return Work{}, false
	}
	copy(w.head[:], raw)
	w.mac = w.sign(t, purpose, context)
	if !secret.Equal(w.mac[:], raw[workHead:]) {
		return Work{}, false
	}
	w.Bits, w.Until = int(raw[1]), time.UnixMicro(int64(binary.BigEndian.Uint64(raw[2:]))).UTC()
	return w, true
}

// spelled reads base64url of exactly so many bytes in its one spelling: Go's own
// decoder passes over line breaks (H046).
func spelled(text string, size int) ([]byte, bool) {
	if len(text) != base64.RawURLEncoding.EncodedLen(size) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return raw, err == nil && len(raw) == size
}

// Check tells whether the solution is one and still counts where `needed` bits
// are asked for: nil, ErrWork or ErrWorkOver. It costs one hash for each puzzle
// and reads nothing; TakeWork then makes sure that it counts once.
func (w Work) Check(now time.Time, needed int, solution string) error {
	raw, ok := spelled(solution, 4*Puzzles)
	if !ok {
		return ErrWork
	}
	for i := range Puzzles {
		if !w.solved(i, raw[4*i:4*i+4]) {
			return ErrWork
		}
	}
	if !now.Before(w.Until) || w.Bits < needed && now.Sub(w.Issued()) > workGrace {
		return ErrWorkOver
	}
	return nil
}

// solved looks at one puzzle: its number and the nonce follow the MAC, which
// nobody can foresee, so no work is done ahead of the page or twice.
func (w Work) solved(puzzle int, nonce []byte) bool {
	var text [40]byte
	copy(text[:], w.mac[:])
	binary.BigEndian.PutUint32(text[32:], uint32(puzzle))
	copy(text[36:], nonce)
	sum := sha256.Sum256(text[:])
	return bits.LeadingZeros32(binary.BigEndian.Uint32(sum[:])) >= w.Bits-puzzleBits
}

// TakeWork uses a task up. Of however many who bring the same one, exactly one
// is let pass; the others are told ErrWorkOver. It is called before what the work
// pays for is done.
func TakeWork(ctx context.Context, d *db.DB, t *tenant.Tenant, w Work) error {
	n, err := d.Bump(ctx, `INSERT INTO once (tenant_id, purpose, digest, expires_at) VALUES ($1, 'work', $2, $3) ON CONFLICT DO NOTHING`,
		t.ID, secret.Digest(w.mac[:]), w.Until)
	if err == nil && n != 1 {
		return ErrWorkOver
	}
	return err
}
