package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"time"

	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// Buckets is the number of chains of a tenant, of queues of jobs, and of parts
// in which readers follow the journal.
const Buckets = 16

// newSalt blinds a payload's digest, so that a payload with few possible values
// cannot be guessed from the digest after it was pruned.
func newSalt() []byte { return secret.Random(16) }

// newID sorts events of one transaction in the order in which they were appended.
func newID(now time.Time) [16]byte { return id.Next(now) }

// digester hashes parts with their lengths, so that no two lists of parts read
// the same. The first part names what is hashed.
type digester struct{ h hash.Hash }

func digestOf(label string) digester {
	d := digester{sha256.New()}
	d.text(label)
	return d
}

func (d digester) bytes(b []byte) {
	d.number(int64(len(b)))
	d.h.Write(b)
}

func (d digester) text(s string) { d.bytes([]byte(s)) }

func (d digester) number(n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	d.h.Write(b[:])
}

func (d digester) sum() (out [32]byte) {
	d.h.Sum(out[:0])
	return out
}

func bucketOf(tenant, subject [16]byte) int64 {
	d := digestOf("cardea journal bucket")
	d.bytes(tenant[:])
	d.bytes(subject[:])
	return int64(d.sum()[0] % Buckets)
}

// genesis is what the first link of a chain follows; it binds the chain's place.
func genesis(tenant [16]byte, bucket int64) [32]byte {
	d := digestOf("cardea journal genesis 1")
	d.bytes(tenant[:])
	d.number(bucket)
	return d.sum()
}

// linkOf is the link at seq after previous.
func linkOf(previous [32]byte, seq int64, header, payload [32]byte) [32]byte {
	d := digestOf("cardea journal link 1")
	d.bytes(previous[:])
	d.number(seq)
	d.bytes(header[:])
	d.bytes(payload[:])
	return d.sum()
}

func (r *eventRow) digestHeader() [32]byte {
	d := digestOf("cardea journal header 1")
	d.bytes(r.tenant[:])
	d.number(r.bucket)
	d.bytes(r.id[:])
	d.number(r.at.UnixMicro())
	d.text(r.name)
	d.text(string(r.class))
	d.bytes(r.subject[:])
	d.text(r.actorKind)
	d.bytes(r.actor[:])
	d.bytes(r.application[:])
	d.text(r.request)
	return d.sum()
}

func (r *eventRow) digestPayload() [32]byte {
	d := digestOf("cardea journal payload 1")
	d.bytes(r.salt)
	d.bytes(r.payload)
	return d.sum()
}
