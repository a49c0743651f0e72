package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
)

// Flaw names what is wrong with a record.
type Flaw string

// The flaws, in the order in which Verify looks for them.
const (
	MissingLink       Flaw = "missing link"       // a number of the chain is left out
	MissingEvent      Flaw = "missing event"      // a chained or committed event is not there
	AlteredHeader     Flaw = "altered header"     // what the event says of itself was changed
	AlteredPayload    Flaw = "altered payload"    // its payload was changed, or taken away without the mark of pruning
	Reordered         Flaw = "reordered"          // another event of the chain stands in its place
	BrokenLink        Flaw = "broken link"        // link and record do not belong together
	RepeatedEvent     Flaw = "repeated event"     // one event stands twice in the chain
	InsertedEvent     Flaw = "inserted event"     // an event that was neither chained nor waits for it
	MissingCheckpoint Flaw = "missing checkpoint" // a number of the checkpoints is left out
	AlteredCheckpoint Flaw = "altered checkpoint" // it does not follow from the one before, or cannot be read
	BadSignature      Flaw = "bad signature"      // the tenant's key did not sign it
	Truncated         Flaw = "truncated"          // the chain ends before a signed head
	Rewritten         Flaw = "rewritten"          // the chain is whole, but not the one that was signed
)

// Bad is the first bad record.
type Bad struct {
	Flaw       Flaw
	Tenant     [16]byte
	Bucket     int64    // of the chain
	Seq        int64    // in the chain; 0 for an event that is not in it
	Event      [16]byte // zero when it is not known
	Checkpoint int64    // number of the checkpoint that is bad or contradicted; 0: none
}

// String names the record for people.
func (b *Bad) String() string {
	s := fmt.Sprintf("%s: tenant %s, bucket %d", b.Flaw, hex.EncodeToString(b.Tenant[:]), b.Bucket)
	if b.Seq > 0 {
		s += fmt.Sprintf(", seq %d", b.Seq)
	}
	if b.Event != [16]byte{} {
		s += ", event " + hex.EncodeToString(b.Event[:])
	}
	if b.Checkpoint > 0 {
		s += fmt.Sprintf(", checkpoint %d", b.Checkpoint)
	}
	return s
}

// Report is what Verify found. Counts stop at the first bad record.
type Report struct {
	Tenants     int
	Events      int64 // chained
	Pruned      int64 // of these, without payload
	Unchained   int64 // committed and not chained yet: no older than a second while a loop runs
	Checkpoints int64
	Bad         *Bad // nil: everything holds
}

// Evidence is what Verify may rely on beside the database.
type Evidence struct {
	Keys  Keys         // nil: signatures are not looked at, heads are
	Known []Checkpoint // kept outside the database: they also show what was cut off together with its checkpoints
}

// Verify walks the chains and checkpoints of one tenant, or of all for the zero
// id, and names the first bad record. It reads page by page beside a running
// house, in the background lane. Its error means that it could not look.
func Verify(ctx context.Context, d *db.DB, tenant [16]byte, e Evidence) (Report, error) {
	v := &verifier{ctx: d.Background(ctx), d: d, evidence: e}
	tenants, err := v.tenants(tenant)
	for _, t := range tenants {
		if err != nil || v.report.Bad != nil {
			break
		}
		v.report.Tenants++
		err = v.tenant(t)
	}
	return v.report, err
}

type verifier struct {
	ctx      context.Context
	d        *db.DB
	evidence Evidence
	report   Report
}

func (v *verifier) tenants(only [16]byte) ([][16]byte, error) {
	if only != [16]byte{} {
		return [][16]byte{only}, nil
	}
	var list [][16]byte
	err := v.d.View(v.ctx, func(tx *db.Tx) error {
		rows, err := db.All[tenantRow](tx, `FROM (SELECT tenant_id FROM chain UNION SELECT tenant_id FROM event
			UNION SELECT tenant_id FROM unchained UNION SELECT tenant_id FROM checkpoint) AS known`)
		list = nil
		for _, r := range rows {
			list = append(list, r.tenant)
		}
		return err
	})
	for _, c := range v.evidence.Known {
		list = append(list, c.Tenant)
	}
	slices.SortFunc(list, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list), err
}

func (v *verifier) bad(b Bad) { v.report.Bad = &b }

// tenant does each check in turn, until one finds something.
func (v *verifier) tenant(tenant [16]byte) error {
	for bucket := range int64(Buckets) {
		w := walk{v: v, tenant: tenant, bucket: bucket, last: Head{Link: genesis(tenant, bucket)}}
		if err := w.run(); err != nil || v.report.Bad != nil {
			return err
		}
	}
	if err := v.checkpoints(tenant); err != nil || v.report.Bad != nil {
		return err
	}
	if err := v.known(tenant); err != nil || v.report.Bad != nil {
		return err
	}
	return v.strays(tenant)
}

const verifyPage = 500

// checkpoints checks numbers, order, signatures and heads, oldest first.
func (v *verifier) checkpoints(tenant [16]byte) error {
	before := Checkpoint{}
	for {
		var rows []checkpointRow
		err := v.d.View(v.ctx, func(tx *db.Tx) (err error) {
			rows, err = db.All[checkpointRow](tx, `FROM checkpoint WHERE tenant_id = $1 AND number > $2
				ORDER BY number LIMIT $3`, tenant, before.Number, verifyPage)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := v.checkpoint(&rows[i], before); err != nil || v.report.Bad != nil {
				return err
			}
			before = rows[i].Checkpoint
		}
	}
}

func (v *verifier) checkpoint(row *checkpointRow, before Checkpoint) error {
	v.report.Checkpoints++
	c := &row.Checkpoint
	flawed := Bad{Tenant: c.Tenant, Checkpoint: c.Number}
	previous := [32]byte{}
	if before.Number > 0 {
		previous = before.Digest()
	}
	switch {
	case c.Number != before.Number+1:
		flawed.Flaw, flawed.Checkpoint = MissingCheckpoint, before.Number+1
	case !row.setHeads(row.packed) || c.Previous != previous:
		flawed.Flaw = AlteredCheckpoint
	}
	if flawed.Flaw != "" {
		v.bad(flawed)
		return nil
	}
	if ok, err := v.signed(c); err != nil || !ok {
		return err
	}
	return v.heads(c, before.Heads)
}

// signed checks the signature, and names the checkpoint if it is bad.
func (v *verifier) signed(c *Checkpoint) (bool, error) {
	if v.evidence.Keys == nil {
		return true, nil
	}
	key, err := v.evidence.Keys(v.ctx, c.Tenant, c.KeyID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, c.Message(), c.Signature) {
		return true, nil
	}
	v.bad(Bad{Flaw: BadSignature, Tenant: c.Tenant, Checkpoint: c.Number})
	return false, nil
}

// heads checks that the chains hold what was signed; heads that are as in the
// checkpoint before were looked at there.
func (v *verifier) heads(c *Checkpoint, seen [Buckets]Head) error {
	return v.d.View(v.ctx, func(tx *db.Tx) error {
		for bucket, h := range c.Heads {
			if h.Seq == 0 || h == seen[bucket] {
				continue
			}
			row, ok, err := db.Find[chainRow](tx, `FROM chain WHERE bucket = $1 AND tenant_id = $2 AND seq = $3`,
				bucket, c.Tenant, h.Seq)
			if err != nil {
				return err
			}
			if ok && row.link == h.Link {
				continue
			}
			flawed := Bad{Flaw: Rewritten, Tenant: c.Tenant, Bucket: int64(bucket), Seq: h.Seq, Event: row.event, Checkpoint: c.Number}
			if !ok {
				flawed.Flaw = Truncated
				end, err := headOf(tx, c.Tenant, int64(bucket))
				if err != nil {
					return err
				}
				flawed.Seq = end.Seq + 1
			}
			v.bad(flawed)
			return nil
		}
		return nil
	})
}

// known holds the chains against checkpoints that were kept elsewhere.
func (v *verifier) known(tenant [16]byte) error {
	for i := range v.evidence.Known {
		c := &v.evidence.Known[i]
		if c.Tenant != tenant {
			continue
		}
		if ok, err := v.signed(c); err != nil || !ok {
			return err
		}
		if err := v.heads(c, [Buckets]Head{}); err != nil || v.report.Bad != nil {
			return err
		}
	}
	return nil
}
