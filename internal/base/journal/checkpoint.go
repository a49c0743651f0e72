package journal

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

const checkpointName = "checkpoint"

// Signer signs a message with the current Ed25519 key of a tenant. It is called
// outside any transaction.
type Signer func(ctx context.Context, tenant [16]byte, message []byte) (keyID string, signature []byte, err error)

// Keys gives the public key that a checkpoint names. It is called outside any
// transaction; a key that is not known is a fault of kind NotFound.
type Keys func(ctx context.Context, tenant [16]byte, keyID string) (ed25519.PublicKey, error)

// Checkpoint is a signed statement of how far a tenant's 16 chains had come.
// Checkpoints of a tenant are numbered from 1 and each names the one before.
type Checkpoint struct {
	Tenant    [16]byte
	Number    int64
	At        time.Time
	Heads     [Buckets]Head
	Previous  [32]byte // digest of the checkpoint before; zero for the first
	KeyID     string
	Signature []byte
}

const headSize = 8 + 32

func (c *Checkpoint) heads() []byte {
	b := make([]byte, 0, Buckets*headSize)
	for _, h := range c.Heads {
		b = binary.BigEndian.AppendUint64(b, uint64(h.Seq))
		b = append(b, h.Link[:]...)
	}
	return b
}

func (c *Checkpoint) setHeads(b []byte) bool {
	if len(b) != Buckets*headSize {
		return false
	}
	for i := range c.Heads {
		h := b[i*headSize : (i+1)*headSize]
		c.Heads[i].Seq = int64(binary.BigEndian.Uint64(h))
		copy(c.Heads[i].Link[:], h[8:])
	}
	return true
}

// label keeps the signature from meaning anything in another place.
const label = "cardea journal checkpoint 1\n"

// Message is what is signed.
func (c *Checkpoint) Message() []byte {
	b := append([]byte(label), c.Tenant[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Number))
	b = binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMicro()))
	b = append(b, c.Previous[:]...)
	return append(b, c.heads()...)
}

// Digest is what the next checkpoint names as its Previous.
func (c *Checkpoint) Digest() [32]byte {
	d := digestOf("cardea journal checkpoint digest 1")
	d.bytes(c.Message())
	d.text(c.KeyID)
	d.bytes(c.Signature)
	return d.sum()
}

const linePrefix = "cardea-checkpoint-1"

// String spells the checkpoint in one line, for a log or a file outside the
// database; ReadCheckpoints reads it again.
func (c *Checkpoint) String() string {
	enc := base64.RawURLEncoding
	return linePrefix + " " + enc.EncodeToString(c.Message()[len(label):]) + " " +
		enc.EncodeToString([]byte(c.KeyID)) + " " + enc.EncodeToString(c.Signature)
}

var errLine = fault.New(fault.Invalid, "bad_checkpoint", "That is not the line of a checkpoint.")

// ParseCheckpoint reads what String wrote.
func ParseCheckpoint(line string) (Checkpoint, error) {
	words := strings.Split(line, " ")
	if len(words) != 4 || words[0] != linePrefix {
		return Checkpoint{}, errLine
	}
	var parts [3][]byte
	for i, w := range words[1:] {
		b, err := base64.RawURLEncoding.Strict().DecodeString(w)
		if err != nil {
			return Checkpoint{}, errLine.Because(err)
		}
		parts[i] = b
	}
	m := parts[0]
	if len(m) != 16+8+8+32+Buckets*headSize {
		return Checkpoint{}, errLine
	}
	c := Checkpoint{KeyID: string(parts[1]), Signature: parts[2]}
	copy(c.Tenant[:], m)
	c.Number = int64(binary.BigEndian.Uint64(m[16:]))
	c.At = time.UnixMicro(int64(binary.BigEndian.Uint64(m[24:]))).UTC()
	copy(c.Previous[:], m[32:])
	c.setHeads(m[64:])
	return c, nil
}

// ReadCheckpoints reads the checkpoints in a file or log, one in a line; lines
// that do not begin as one are passed over.
func ReadCheckpoints(r io.Reader) ([]Checkpoint, error) {
	var list []Checkpoint
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if !strings.HasPrefix(lines.Text(), linePrefix+" ") {
			continue
		}
		c, err := ParseCheckpoint(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		list = append(list, c)
	}
	return list, lines.Err()
}

// WriteCheckpoints makes a sink that writes one line for each checkpoint.
func WriteCheckpoints(w io.Writer) func(context.Context, Checkpoint) error {
	var mu sync.Mutex
	return func(_ context.Context, c Checkpoint) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := io.WriteString(w, c.String()+"\n")
		return err
	}
}

// checkpointRow is a row of the table checkpoint.
type checkpointRow struct {
	Checkpoint
	packed []byte
}

// Fields names the columns.
func (r *checkpointRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.Tenant}, {Column: "number", Ptr: &r.Number}, {Column: "at", Ptr: &r.At},
		{Column: "heads", Ptr: &r.packed}, {Column: "previous", Ptr: &r.Previous},
		{Column: "key_id", Ptr: &r.KeyID}, {Column: "signature", Ptr: &r.Signature},
	}
}

// positionRow is how far a bucket had come.
type positionRow struct{ bucket, position int64 }

// Fields names the columns.
func (r *positionRow) Fields() []db.Field {
	return []db.Field{{Column: "bucket", Ptr: &r.bucket}, {Column: "position", Ptr: &r.position}}
}

// tenantRow is a tenant by its id.
type tenantRow struct{ tenant [16]byte }

// Fields names the column.
func (r *tenantRow) Fields() []db.Field { return []db.Field{{Column: "tenant_id", Ptr: &r.tenant}} }

// Checkpoint signs the heads of every tenant whose chains grew since the last
// checkpoint, if this node holds the lease for it. Loop.Run does so each minute.
func (l *Loop) Checkpoint(ctx context.Context) error {
	fence, ok := l.leases.fence(checkpointName, 0)
	if !ok || l.o.Sign == nil {
		return nil
	}
	var ends []positionRow
	var grown []tenantRow
	err := l.d.View(ctx, func(tx *db.Tx) (err error) {
		ends, grown, err = grownTenants(tx)
		return err
	})
	if err != nil || len(grown) == 0 {
		return err
	}
	for _, t := range grown {
		if err := l.sign(ctx, t.tenant, fence); err != nil {
			return l.lost(err, checkpointName, 0)
		}
	}
	err = l.d.Claim(ctx, func(tx *db.Tx) error {
		if err := l.leases.hold(tx, checkpointName, 0, fence); err != nil {
			return err
		}
		return moveReader(tx, checkpointName, fence, ends)
	})
	return l.lost(err, checkpointName, 0)
}

// grownTenants gives the buckets that grew since the checkpoints' cursor, with
// their ends, and the tenants with links in what grew.
func grownTenants(tx *db.Tx) (ends []positionRow, grown []tenantRow, err error) {
	ends, err = db.All[positionRow](tx, `FROM (
		SELECT reader.bucket AS bucket, (SELECT chain.position FROM chain WHERE chain.bucket = reader.bucket
			ORDER BY chain.position DESC LIMIT 1) AS position
		FROM reader WHERE reader.name = $1) AS tail
		WHERE position IS NOT NULL`, checkpointName)
	if err != nil {
		return nil, nil, err
	}
	grown, err = db.All[tenantRow](tx, `FROM (
		SELECT DISTINCT chain.tenant_id AS tenant_id FROM reader
		JOIN chain ON chain.bucket = reader.bucket AND chain.position > reader.position
		WHERE reader.name = $1) AS grown ORDER BY tenant_id`, checkpointName)
	return ends, grown, err
}

func moveReader(tx *db.Tx, name string, fence int64, ends []positionRow) error {
	for _, e := range ends {
		if _, err := tx.Exec(`UPDATE reader SET position = $1, fence = $2
			WHERE name = $3 AND bucket = $4 AND fence <= $2`, e.position, fence, name, e.bucket); err != nil {
			return err
		}
	}
	return nil
}

// sign writes the next checkpoint of one tenant and hands it to the sink.
func (l *Loop) sign(ctx context.Context, tenant [16]byte, fence int64) error {
	var c Checkpoint
	err := l.d.View(ctx, func(tx *db.Tx) (err error) {
		c, err = nextCheckpoint(tx, tenant)
		return err
	})
	if err != nil {
		return err
	}
	if c.KeyID, c.Signature, err = l.o.Sign(ctx, tenant, c.Message()); err != nil {
		return err
	}
	err = l.d.Claim(ctx, func(tx *db.Tx) error {
		if err := l.leases.hold(tx, checkpointName, 0, fence); err != nil {
			return err
		}
		return db.Insert(tx, "checkpoint", checkpointRow{Checkpoint: c, packed: c.heads()})
	})
	if err != nil || l.o.Sink == nil {
		return err
	}
	return l.o.Sink(ctx, c)
}

func nextCheckpoint(tx *db.Tx, tenant [16]byte) (Checkpoint, error) {
	c := Checkpoint{Tenant: tenant, Number: 1, At: tx.Now}
	last, ok, err := lastCheckpoint(tx, tenant)
	if err != nil {
		return c, err
	}
	if ok {
		c.Number, c.Previous = last.Number+1, last.Digest()
	}
	for bucket := range int64(Buckets) {
		if c.Heads[bucket], err = headOf(tx, tenant, bucket); err != nil {
			return c, err
		}
	}
	return c, nil
}

func lastCheckpoint(tx *db.Tx, tenant [16]byte) (Checkpoint, bool, error) {
	row, ok, err := db.Find[checkpointRow](tx, `FROM checkpoint WHERE tenant_id = $1
		ORDER BY number DESC LIMIT 1`, tenant)
	if ok && !row.setHeads(row.packed) {
		return Checkpoint{}, false, errLine
	}
	return row.Checkpoint, ok, err
}
