package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
)

// signing gives a signer and the keys that go with it.
func signing(t *testing.T) (Signer, Keys) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(secret.Random(ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	sign := func(_ context.Context, _ [16]byte, message []byte) (string, []byte, error) {
		return "key-1", ed25519.Sign(private, message), nil
	}
	keys := func(_ context.Context, _ [16]byte, keyID string) (ed25519.PublicKey, error) {
		if keyID != "key-1" {
			return nil, fault.New(fault.NotFound, "not_found", "There is no such key.")
		}
		return public, nil
	}
	return sign, keys
}

func (b *bench) verify(tenant [16]byte, e Evidence) Report {
	b.Helper()
	r, err := Verify(b.ctx, b.d, tenant, e)
	b.must(err)
	return r
}

// chained prepares two tenants with chained events and a signed checkpoint.
func (b *bench) chained(sign Signer) *Loop {
	b.Helper()
	l := b.loop(nil, nil, Options{Sign: sign})
	b.append(tenantA, subject, 6)
	b.append(tenantB, subject, 3)
	b.drain(l)
	b.must(l.Checkpoint(b.ctx))
	return l
}

func TestAnHonestJournalVerifies(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, keys := signing(b.T)
		l := b.chained(sign)
		for i := range 40 {
			b.append(tenantA, [16]byte{byte(i), 7}, 1)
		}
		b.drain(l)
		b.must(l.Checkpoint(b.ctx))
		b.append(tenantA, subject, 2)
		r := b.verify([16]byte{}, Evidence{Keys: keys})
		if r.Bad != nil || r.Tenants != 2 || r.Events != 49 || r.Unchained != 2 || r.Checkpoints != 3 {
			b.Fatalf("report %+v", r)
		}
		if r := b.verify(tenantB, Evidence{Keys: keys}); r.Bad != nil || r.Events != 3 || r.Checkpoints != 1 {
			b.Fatalf("report of one tenant %+v", r)
		}
	})
}

func TestNothingNewGivesNoNewCheckpoint(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, _ := signing(b.T)
		l := b.chained(sign)
		b.must(l.Checkpoint(b.ctx))
		b.append(tenantB, subject, 1)
		b.drain(l)
		b.must(l.Checkpoint(b.ctx))
		if a, bb := b.number(`SELECT count(*) FROM checkpoint WHERE tenant_id = $1`, tenantA),
			b.number(`SELECT count(*) FROM checkpoint WHERE tenant_id = $1`, tenantB); a != 1 || bb != 2 {
			b.Fatalf("%d and %d checkpoints", a, bb)
		}
	})
}

// tampering is one way to change what happened. It works on the chain of
// tenantA's one subject, with six events.
type tampering struct {
	name string
	do   func(b *bench, bucket int64)
	flaw Flaw
	seq  int64
}

const eventAt = `(SELECT event_id FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq = $3)`

var tamperings = []tampering{
	{"an event is deleted", func(b *bench, bucket int64) {
		b.exec(`DELETE FROM event WHERE event_id = `+eventAt, bucket, tenantA, 3)
	}, MissingEvent, 3},
	{"a link is deleted", func(b *bench, bucket int64) {
		b.exec(`DELETE FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq = $3`, bucket, tenantA, 3)
	}, MissingLink, 3},
	{"an actor is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE event SET actor_kind = 'staff' WHERE event_id = `+eventAt, bucket, tenantA, 2)
	}, AlteredHeader, 2},
	{"a time is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE event SET at = at + 1 WHERE event_id = `+eventAt, bucket, tenantA, 4)
	}, AlteredHeader, 4},
	{"a payload is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE event SET payload = $4 WHERE event_id = `+eventAt, bucket, tenantA, 5, []byte(`{"n":99}`))
	}, AlteredPayload, 5},
	{"a payload is taken away without the mark", func(b *bench, bucket int64) {
		b.exec(`UPDATE event SET payload = NULL, salt = NULL WHERE event_id = `+eventAt, bucket, tenantA, 5)
	}, AlteredPayload, 5},
	{"a payload is changed with its digest", func(b *bench, bucket int64) {
		b.exec(`UPDATE event SET payload_digest = $4 WHERE event_id = `+eventAt, bucket, tenantA, 5, [32]byte{1})
		b.exec(`UPDATE event SET payload = NULL, salt = NULL, pruned_at = 1 WHERE event_id = `+eventAt, bucket, tenantA, 5)
	}, BrokenLink, 5},
	{"a link is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE chain SET link = $4 WHERE bucket = $1 AND tenant_id = $2 AND seq = $3`, bucket, tenantA, 2, [32]byte{9})
	}, BrokenLink, 2},
	{"two events change places", func(b *bench, bucket int64) { b.swap(bucket, 3, 5, "event_id") }, Reordered, 3},
	{"two links change places", func(b *bench, bucket int64) { b.swap(bucket, 2, 3, "seq") }, Reordered, 2},
	{"the tail is cut off", func(b *bench, bucket int64) {
		b.exec(`DELETE FROM event WHERE event_id IN (SELECT event_id FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq > $3)`, bucket, tenantA, 4)
		b.exec(`DELETE FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq > $3`, bucket, tenantA, 4)
	}, Truncated, 5},
	{"everything is cut off", func(b *bench, bucket int64) {
		b.exec(`DELETE FROM event WHERE bucket = $1 AND tenant_id = $2`, bucket, tenantA)
		b.exec(`DELETE FROM chain WHERE bucket = $1 AND tenant_id = $2`, bucket, tenantA)
	}, Truncated, 1},
	{"the chain is written anew", func(b *bench, bucket int64) { b.rewrite(bucket) }, Rewritten, 6},
	{"an event is slipped in", func(b *bench, bucket int64) {
		b.update(func(tx *db.Tx) error {
			row, err := compose(tx, entry(tenantA, subject, 8))
			if err != nil {
				return err
			}
			return db.Insert(tx, "event", row)
		})
	}, InsertedEvent, 0},
	{"an event is slipped in where no chain is", func(b *bench, bucket int64) {
		b.update(func(tx *db.Tx) error {
			row, err := compose(tx, entry(tenantA, subject, 8))
			row.bucket = 77
			if err != nil {
				return err
			}
			return db.Insert(tx, "event", row)
		})
	}, InsertedEvent, 0},
	{"an event is chained again", func(b *bench, bucket int64) {
		b.exec(`INSERT INTO unchained (bucket, event_id, tenant_id) VALUES ($1, `+eventAt+`, $2)`, bucket, tenantA, 1)
		b.drain(b.loop(nil, nil, Options{Alone: true}))
	}, RepeatedEvent, 0},
	{"a waiting event is deleted", func(b *bench, bucket int64) {
		b.append(tenantA, subject, 1)
		b.exec(`DELETE FROM event WHERE event_id IN (SELECT event_id FROM unchained WHERE bucket = $1)`, bucket)
	}, MissingEvent, 0},
	{"a signature is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE checkpoint SET signature = $1 WHERE tenant_id = $2`, make([]byte, 64), tenantA)
	}, BadSignature, 0},
	{"a key is changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE checkpoint SET key_id = 'key-2' WHERE tenant_id = $1`, tenantA)
	}, BadSignature, 0},
	{"signed heads are changed", func(b *bench, bucket int64) {
		b.exec(`UPDATE checkpoint SET heads = $1 WHERE tenant_id = $2`, make([]byte, Buckets*headSize), tenantA)
	}, BadSignature, 0},
	{"signed heads are spoiled", func(b *bench, bucket int64) {
		b.exec(`UPDATE checkpoint SET heads = $1 WHERE tenant_id = $2`, []byte{1}, tenantA)
	}, AlteredCheckpoint, 0},
	{"a checkpoint is taken out", func(b *bench, bucket int64) {
		b.exec(`UPDATE checkpoint SET number = 2 WHERE tenant_id = $1`, tenantA)
	}, MissingCheckpoint, 0},
}

// swap exchanges one column of two links.
func (b *bench) swap(bucket, first, second int64, column string) {
	b.Helper()
	b.update(func(tx *db.Tx) error {
		var rows [2]chainRow
		for i, seq := range []int64{first, second} {
			row, _, err := db.Take[chainRow](tx, `DELETE FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq = $3`, bucket, tenantA, seq)
			if err != nil {
				return err
			}
			rows[i] = row
		}
		if column == "seq" {
			rows[0].seq, rows[1].seq = rows[1].seq, rows[0].seq
		} else {
			rows[0].event, rows[1].event = rows[1].event, rows[0].event
		}
		return db.Insert(tx, "chain", rows[:]...)
	})
}

// rewrite changes the second event and computes everything after it anew.
func (b *bench) rewrite(bucket int64) {
	b.Helper()
	b.update(func(tx *db.Tx) error {
		w := walk{tenant: tenantA, bucket: bucket, last: Head{Link: genesis(tenantA, bucket)}}
		page, err := w.page(tx, 0)
		if err != nil {
			return err
		}
		for _, r := range page {
			if r.seq == 2 {
				r.event.actorKind = "staff"
			}
			r.event.headerDigest = r.event.digestHeader()
			w.last = Head{r.seq, linkOf(w.last.Link, r.seq, r.event.headerDigest, r.event.payloadDigest)}
			if _, err := tx.Exec(`UPDATE event SET actor_kind = $1, header_digest = $2 WHERE bucket = $3 AND tenant_id = $4 AND event_id = $5`,
				r.event.actorKind, r.event.headerDigest, bucket, tenantA, r.event.id); err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE chain SET link = $1 WHERE bucket = $2 AND tenant_id = $3 AND seq = $4`,
				w.last.Link, bucket, tenantA, r.seq); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestEachKindOfTamperingIsNamed(t *testing.T) {
	t.Parallel()
	for _, k := range tamperings {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(b *bench) {
				sign, keys := signing(b.T)
				b.chained(sign)
				bucket := bucketOf(tenantA, subject)
				k.do(b, bucket)
				r := b.verify([16]byte{}, Evidence{Keys: keys})
				if r.Bad == nil {
					b.Fatalf("nothing was found: %+v", r)
				}
				if r.Bad.Flaw != k.flaw || r.Bad.Seq != k.seq || r.Bad.Tenant != tenantA {
					b.Fatalf("found %s, want %s at %d", r.Bad, k.flaw, k.seq)
				}
				if r := b.verify(tenantB, Evidence{Keys: keys}); r.Bad != nil {
					b.Fatalf("the other tenant: %s", r.Bad)
				}
			})
		})
	}
}

func TestACheckpointKeptElsewhereShowsWhatWasCutOffWithItsCheckpoint(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, keys := signing(b.T)
		var file bytes.Buffer
		l := b.loop(nil, nil, Options{Sign: sign, Sink: WriteCheckpoints(&file)})
		b.append(tenantA, subject, 3)
		b.drain(l)
		b.must(l.Checkpoint(b.ctx))
		known, err := ReadCheckpoints(bytes.NewReader(append([]byte("another line\n"), file.Bytes()...)))
		b.must(err)
		if len(known) != 1 || known[0].Heads[bucketOf(tenantA, subject)].Seq != 3 {
			b.Fatalf("the file says %+v", known)
		}
		evidence := Evidence{Keys: keys, Known: known}
		if r := b.verify([16]byte{}, evidence); r.Bad != nil {
			b.Fatal(r.Bad)
		}
		for _, table := range []string{"event", "chain", "checkpoint"} {
			b.exec(`DELETE FROM ` + table)
		}
		if r := b.verify([16]byte{}, Evidence{Keys: keys}); r.Bad != nil {
			b.Fatal("an empty journal alone shows nothing")
		}
		if r := b.verify([16]byte{}, evidence); r.Bad == nil || r.Bad.Flaw != Truncated || r.Bad.Seq != 1 {
			b.Fatalf("found %v", r.Bad)
		}
	})
}

func TestALineThatIsNoCheckpointIsRefused(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"", linePrefix, linePrefix + " a b c", linePrefix + " AA AA !!", linePrefix + " AA AA AA"} {
		if _, err := ParseCheckpoint(line); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestPrunedPayloadsLeaveTheChainValid(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, keys := signing(b.T)
		b.chained(sign)
		b.clock.Advance(time.Hour)
		b.append(tenantA, subject, 2)
		b.drain(b.loop(nil, nil, Options{Alone: true}))
		var pruned int64
		b.update(func(tx *db.Tx) (err error) {
			pruned, err = Prune(tx, Pruning{Tenant: tenantA, Class: Profile, Before: tx.Now, Limit: 4})
			return err
		})
		if pruned != 4 {
			b.Fatalf("%d were pruned at first", pruned)
		}
		b.update(func(tx *db.Tx) (err error) {
			pruned, err = Prune(tx, Pruning{Tenant: tenantA, Class: Profile, Before: tx.Now})
			return err
		})
		if pruned != 2 {
			b.Fatalf("%d were pruned then", pruned)
		}
		if r := b.verify([16]byte{}, Evidence{Keys: keys}); r.Bad != nil || r.Pruned != 6 || r.Events != 11 {
			b.Fatalf("report %+v", r)
		}
		b.update(func(tx *db.Tx) (err error) {
			pruned, err = PruneSubject(tx, tenantA, subject)
			return err
		})
		if r := b.verify(tenantA, Evidence{Keys: keys}); r.Bad != nil || r.Pruned != 8 || pruned != 2 {
			b.Fatalf("report %+v", r)
		}
		b.must(b.d.View(b.ctx, func(tx *db.Tx) error {
			list, err := List(tx, tenantA, subject, [16]byte{}, 1)
			if err == nil && !fault.Is(list[0].Decode(new(happened)), fault.Gone) {
				b.Error("a pruned payload was decoded")
			}
			return err
		}))
	})
}

func TestASinkOrSignerThatFailsLosesNoCheckpoint(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, keys := signing(b.T)
		var failing atomic.Bool
		failing.Store(true)
		down := fault.New(fault.Unavailable, "down", "It is down.")
		l := b.loop(nil, nil, Options{Sign: func(ctx context.Context, tenant [16]byte, m []byte) (string, []byte, error) {
			if failing.Load() {
				return "", nil, down
			}
			return sign(ctx, tenant, m)
		}})
		b.append(tenantA, subject, 1)
		b.drain(l)
		if err := l.Checkpoint(b.ctx); err == nil {
			b.Fatal("the failure was not told")
		}
		failing.Store(false)
		b.must(l.Checkpoint(b.ctx))
		if r := b.verify([16]byte{}, Evidence{Keys: keys}); r.Bad != nil || r.Checkpoints != 1 {
			b.Fatalf("report %+v", r)
		}
	})
}

func TestVerifyWalksOverManyPages(t *testing.T) {
	t.Parallel()
	each(t, func(b *bench) {
		sign, keys := signing(b.T)
		l := b.loop(nil, nil, Options{Sign: sign})
		for left := 2*verifyPage + 7; left > 0; left -= 100 { // no transaction so long that a slow machine gives it up
			b.append(tenantA, subject, min(left, 100))
		}
		b.drain(l)
		b.must(l.Checkpoint(b.ctx))
		if r := b.verify(tenantA, Evidence{Keys: keys}); r.Bad != nil || r.Events != 2*verifyPage+7 {
			b.Fatalf("report %+v", r)
		}
		b.swap(bucketOf(tenantA, subject), 2, 2*verifyPage+5, "event_id")
		if r := b.verify(tenantA, Evidence{Keys: keys}); r.Bad == nil || r.Bad.Flaw != Reordered || r.Bad.Seq != 2 {
			b.Fatalf("found %v", r.Bad)
		}
	})
}
