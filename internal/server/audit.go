package server

import (
	"context"
	"encoding/hex"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AuditReport is what the walks over the journal, the consent ledger and the
// record of disclosures found.
type AuditReport struct {
	Tenants     int    `json:"tenants"`
	Events      int64  `json:"events"`
	Pruned      int64  `json:"pruned"`
	Unchained   int64  `json:"unchained"`
	Checkpoints int64  `json:"checkpoints"`
	Holds       bool   `json:"holds"`
	Bad         *Wrong `json:"bad,omitempty"`

	Ledger LedgerReport `json:"ledger"`
	Record RecordReport `json:"record"`
}

// Wrong names the first bad record.
type Wrong struct {
	Flaw       string `json:"flaw"`
	Tenant     string `json:"tenant"`
	Bucket     int64  `json:"bucket"`
	Seq        int64  `json:"seq,omitempty"`
	Event      string `json:"event,omitempty"`
	Checkpoint int64  `json:"checkpoint,omitempty"`
	Text       string `json:"text"`
}

// Audit walks the chains and checkpoints of one tenant, or of all if t is nil,
// with signatures and the checkpoints kept outside the database. The report's
// Bad is set if a record is bad; the error means that it could not look.
func (b *Base) Audit(ctx context.Context, t *tenant.Tenant) (AuditReport, error) {
	known, err := b.knownCheckpoints()
	if err != nil {
		return AuditReport{}, failed("The checkpoint file cannot be read.", "Check "+b.Config.CheckpointFile+", or leave checkpoint_file out to verify without it.", err)
	}
	var only [16]byte
	if t != nil {
		only = t.ID
	}
	r, err := journal.Verify(ctx, b.DB, only, journal.Evidence{Keys: b.CheckpointKey, Known: known})
	if err != nil {
		return AuditReport{}, err
	}
	out := AuditReport{
		Tenants: r.Tenants, Events: r.Events, Pruned: r.Pruned, Unchained: r.Unchained,
		Checkpoints: r.Checkpoints, Holds: r.Bad == nil,
	}
	tenants := b.House.All()
	if t != nil {
		tenants = []*tenant.Tenant{t}
	}
	if out.Ledger, err = b.auditLedger(ctx, tenants); err != nil {
		return AuditReport{}, err
	}
	if out.Record, err = b.auditRecord(ctx, tenants); err != nil {
		return AuditReport{}, err
	}
	out.Holds = out.Holds && out.Ledger.Bad+out.Record.Bad == 0
	if r.Bad != nil {
		out.Bad = wrongOf(r.Bad)
		return out, nil
	}
	return out, b.auditMemory(ctx, &out)
}

// auditMemory holds the journal against the checkpoints that the keyring
// remembers: a journal whose tail was cut off together with its checkpoints
// holds in itself.
func (b *Base) auditMemory(ctx context.Context, out *AuditReport) error {
	return b.DB.View(ctx, func(tx *db.Tx) error {
		epoch, _, err := readNumber(tx, factEpoch)
		if err != nil {
			return err
		}
		why, err := behind(tx, b.Ring, epoch)
		if why != "" {
			out.Holds = false
			out.Bad = &Wrong{Flaw: string(journal.Truncated), Text: "The journal is behind what the keyring remembers: " + why + "."}
		}
		return err
	})
}

func wrongOf(bad *journal.Bad) *Wrong {
	w := &Wrong{
		Flaw: string(bad.Flaw), Tenant: tenant.ID(bad.Tenant).String(), Bucket: bad.Bucket, Seq: bad.Seq,
		Checkpoint: bad.Checkpoint, Text: bad.String(),
	}
	if bad.Event != [16]byte{} {
		w.Event = hex.EncodeToString(bad.Event[:])
	}
	return w
}
