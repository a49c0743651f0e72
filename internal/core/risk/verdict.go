package risk

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// VerdictsKept is how long a verdict is kept.
const VerdictsKept = 90 * 24 * time.Hour

// verdictBuckets keep writers of one instant apart (data.md 1).
const verdictBuckets = 16

type verdictKind struct{}

func (verdictKind) Prefix() string { return "vdt" }

// VerdictID is the id of a kept verdict.
type VerdictID = id.ID[verdictKind]

// Kept is a verdict as it was kept, with the attempt that it was made of.
type Kept struct {
	ID       VerdictID
	Customer customer.ID // zero: nobody was known
	Flow     [16]byte    // the journey; zero: none
	Attempt  Attempt
	Verdict  Verdict
	At       time.Time

	tenant  tenant.ID
	bucket  int64
	signals signalsText
}

// signalsText is what stands in the column: the facts, and what spoke.
type signalsText struct {
	Attempt Attempt  `json:"attempt"`
	Reasons []Reason `json:"reasons,omitempty"`
}

// Fields names the columns.
func (k *Kept) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &k.tenant}, {Column: "bucket", Ptr: &k.bucket}, {Column: "id", Ptr: &k.ID},
		{Column: "customer_id", Ptr: &k.Customer}, {Column: "flow_id", Ptr: (*VerdictID)(&k.Flow)},
		{Column: "action", Ptr: &k.Attempt.Action}, {Column: "verdict", Ptr: &k.Verdict.Action},
		{Column: "enforced", Ptr: &k.Verdict.Enforced}, {Column: "score", Ptr: &k.Verdict.Score},
		{Column: "signals", Ptr: db.JSON(&k.signals)}, {Column: "created_at", Ptr: &k.At},
	}
}

// Store keeps a verdict: one for each customer in each journey, which is the
// gravest of those that were made of it. Take Attempt and Verdict as Look and
// Assess gave them; the id, the instant and the rest are filled in.
func Store(tx *db.Tx, t *tenant.Tenant, k Kept) error {
	k.tenant, k.At = t.ID, tx.Now
	k.ID = id.New[verdictKind](tx.Now)
	if k.Flow != [16]byte{} {
		d := t.Index("risk/verdict", string(k.Flow[:]), k.Customer.String())
		copy(k.ID[:], d[:])
	}
	k.bucket = int64(k.ID[15] % verdictBuckets)
	return tx.Put(`INSERT INTO verdict
		(tenant_id, bucket, id, customer_id, flow_id, action, verdict, enforced, score, signals, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (tenant_id, bucket, id) DO UPDATE SET
			action = $6, verdict = $7, enforced = $8, score = $9, signals = $10, created_at = $11
			WHERE verdict.score <= $9`,
		k.tenant, k.bucket, k.ID, k.Customer, VerdictID(k.Flow), k.Attempt.Action, k.Verdict.Action, k.Verdict.Enforced,
		k.Verdict.Score, db.JSON(&signalsText{k.Attempt, k.Verdict.Reasons}), k.At)
}

// Verdicts are the newest verdicts on a customer's attempts, newest first.
func Verdicts(tx *db.Tx, t *tenant.Tenant, cus customer.ID, limit int) ([]Kept, error) {
	list, err := db.All[Kept](tx, `FROM verdict WHERE tenant_id = $1 AND customer_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3`,
		t.ID, cus, limit)
	return read(list), err
}

// VerdictsAfter are the verdicts of a tenant after an instant and, at that
// instant, after an id, oldest first: page after page, all of them.
func VerdictsAfter(tx *db.Tx, t *tenant.Tenant, at time.Time, after VerdictID, limit int) ([]Kept, error) {
	list, err := db.All[Kept](tx, `FROM verdict WHERE tenant_id = $1 AND (created_at, id) > ($2, $3) ORDER BY created_at, id LIMIT $4`,
		t.ID, at, after.Bytes(), limit)
	return read(list), err
}

func read(list []Kept) []Kept {
	for i := range list {
		k := &list[i]
		k.Attempt, k.Verdict.Reasons = k.signals.Attempt, k.signals.Reasons
	}
	return list
}

// sweepMemory deletes up to limit verdicts and as many habits that are too old.
func sweepMemory(tx *db.Tx, limit int) (int, error) {
	// By tenant, as the index is.
	n, err := tx.Exec(`DELETE FROM verdict WHERE (tenant_id, bucket, id) IN (SELECT tenant_id, bucket, id FROM verdict
		WHERE tenant_id IN (SELECT id FROM tenant) AND created_at < $1 LIMIT $2)`, tx.Now.Add(-VerdictsKept), limit)
	if err != nil {
		return 0, err
	}
	m, err := tx.Exec(`DELETE FROM habit WHERE (tenant_id, customer_id, kind, value) IN (SELECT tenant_id, customer_id, kind, value
		FROM habit WHERE last_at < $1 ORDER BY last_at LIMIT $2)`, tx.Now.Add(-HabitsKept), limit)
	return int(n + m), err
}
