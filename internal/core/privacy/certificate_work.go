package privacy

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const certifyKind = "privacy.certify"

const (
	certifyPause = time.Hour                // between two looks whether there is something new to state
	certifyFor   = 2 * 365 * 24 * time.Hour // after which nobody looks any more
)

// factRow is what is known of an erasure only while it happens.
type factRow struct {
	tenant   tenant.ID
	customer customer.ID
	askedAt  time.Time
	cause    string
	keys     string // JSON of []WrappedBy
	lookAt   time.Time
}

// Fields names the columns.
func (r *factRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer}, {Column: "asked_at", Ptr: &r.askedAt},
		{Column: "cause", Ptr: &r.cause}, {Column: "wrapping_keys", Ptr: &r.keys}, {Column: "look_at", Ptr: &r.lookAt},
	}
}

// certifyBackoff is short at first: the clerk needs a second to chain.
func certifyBackoff(attempt int) time.Duration {
	return time.Duration(min(attempt*attempt, 3600)) * time.Second
}

// Attest has the erasure of a customer certified. Call it in the transaction
// that erases, with the customer as they were before it.
func Attest(tx *db.Tx, t *tenant.Tenant, was customer.Customer) error {
	asked, err := askedAt(tx, t, was)
	if err != nil {
		return err
	}
	var under []WrappedBy
	for _, k := range t.Ring().WrappingKeys() {
		under = append(under, WrappedBy{ID: k.ID, DiesAfter: k.DestroyAfter})
	}
	keys, err := json.Marshal(under)
	if err != nil {
		return err
	}
	r := factRow{t.ID, was.ID, asked, was.StateReason, string(keys), tx.Now.Add(certifyPause)}
	if _, err := db.InsertNew(tx, "erasure_fact", r); err != nil {
		return err
	}
	return certify(tx, t.ID, was.ID)
}

// askedAt is when the account began to close.
func askedAt(tx *db.Tx, t *tenant.Tenant, c customer.Customer) (time.Time, error) {
	var after [16]byte
	for range 20 {
		list, err := journal.List(tx, t.ID, c.ID, after, 100)
		if err != nil || len(list) == 0 {
			break
		}
		for _, e := range list {
			var change customer.StateChanged
			if e.Name == change.EventName() && e.Decode(&change) == nil && change.To == customer.Closing {
				return e.At, nil
			}
			after = e.ID
		}
	}
	if c.CloseAt.IsZero() {
		return tx.Now, nil
	}
	return c.CloseAt.Add(-customer.CloseAfter), nil
}

func certify(tx *db.Tx, t tenant.ID, c customer.ID) error {
	payload, err := json.Marshal(due{c})
	if err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{
		Tenant: t, Kind: certifyKind, Payload: payload, Key: "certify/" + c.String(), MaxAttempts: 50,
	})
	return err
}

// SweepCertificates has looked at the erasures on which there may be something
// new to state, and tells how many.
func SweepCertificates(tx *db.Tx, limit int) (int, error) {
	list, err := db.All[factRow](tx, `FROM erasure_fact WHERE look_at IS NOT NULL AND look_at <= $1 ORDER BY look_at LIMIT $2`, tx.Now, limit)
	if err != nil {
		return 0, err
	}
	for _, r := range list {
		if _, err := tx.Exec(`UPDATE erasure_fact SET look_at = $3 WHERE tenant_id = $1 AND customer_id = $2`,
			r.tenant, r.customer, tx.Now.Add(certifyPause)); err != nil {
			return 0, err
		}
		if err := certify(tx, r.tenant, r.customer); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// drafted is a certificate between the transaction that says what it states,
// the signature, and the transaction that stores it.
type drafted struct {
	tenant *tenant.Tenant
	claims Claims
	row    Certificate
}

// draft says what is to be certified now, if anything is.
func (w Wiring) draft(tx *db.Tx, j *journal.Job) error {
	t, c, err := w.owner(j)
	if err != nil {
		return err
	}
	claims, err := w.claims(tx, t, c)
	if err != nil {
		return err
	}
	d := &drafted{tenant: t, claims: claims}
	d.row = Certificate{TenantID: t.ID, CustomerID: c, ID: id.New[certificateID](tx.Now), Statement: claims.Statement, IssuedAt: tx.Now}
	d.claims.ID, d.claims.IssuedAt = d.row.ID.String(), tx.Now.Unix()
	j.Carry = d
	return nil
}

// claims are the next statement on an erasure: journal.ErrNothing, if there is
// none to make.
func (w Wiring) claims(tx *db.Tx, t *tenant.Tenant, c customer.ID) (Claims, error) {
	fact, known, err := db.Find[factRow](tx, `FROM erasure_fact WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	if err != nil {
		return Claims{}, err
	}
	s, err := StandingOf(tx, t, c)
	if fault.Is(err, fault.NotFound) || err == nil && !known {
		return Claims{}, journal.ErrNothing
	}
	if err != nil {
		return Claims{}, err
	}
	out := Claims{
		Format: CertificateFormat, Issuer: t.Issuer(), Controller: t.Name, Subject: customer.Pseudonym(t, c),
		AskedAt: fact.askedAt, Cause: fact.cause, ErasedAt: s.ErasedAt, FinalAt: s.FinalAt, Recipients: s.Recipients,
		Emptied: w.emptied(), Kept: kept(),
	}
	if err := json.Unmarshal([]byte(fact.keys), &out.Keys); err != nil {
		return Claims{}, err
	}
	living := 0
	for i := range out.Keys {
		out.Keys[i].Destroyed = !lives(t, out.Keys[i].ID)
		if !out.Keys[i].Destroyed {
			living++
		}
	}
	if out.Statement = next(s, living == 0 && !tx.Now.Before(s.FinalAt)); out.Statement == "" {
		return Claims{}, journal.ErrNothing
	}
	if len(s.Certificates) > 0 {
		out.RefersTo = referTo(s.Certificates[0])
	}
	if out.Readable, err = customer.EverOpen(tx, t); err != nil {
		return Claims{}, err
	}
	out.Journal, err = placeOf(tx, t, c)
	return out, err
}

// next is what is to be stated on an erasure, "" for nothing.
func next(s Standing, final bool) string {
	have := map[string]bool{}
	for _, c := range s.Certificates {
		have[c.Statement] = true
	}
	switch {
	case !have[StatesErased]:
		return StatesErased
	case !have[StatesAcknowledged] && allAcknowledged(s.Recipients):
		return StatesAcknowledged
	case !have[StatesFinal] && final:
		return StatesFinal
	}
	return ""
}

func lives(t *tenant.Tenant, key string) bool {
	for _, k := range t.Ring().WrappingKeys() {
		if k.ID == key {
			return true
		}
	}
	return false
}

func placeOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) (JournalPlace, error) {
	p, ok, err := journal.FindPlace(tx, t.ID, c, erasedEvent)
	if err != nil {
		return JournalPlace{}, err
	}
	if !ok {
		return JournalPlace{}, errNotChained
	}
	out := JournalPlace{Event: hex.EncodeToString(p.Event[:]), Bucket: p.Bucket, Seq: p.Seq, Link: hex.EncodeToString(p.Link[:])}
	last, ok, err := journal.LastCheckpoint(tx, t.ID)
	if err == nil && ok {
		digest := last.Digest()
		out.Checkpoint, out.Digest, out.At = last.Number, hex.EncodeToString(digest[:]), last.At
	}
	return out, err
}

// emptied are the rooms and their tables in which nothing is left.
func (w Wiring) emptied() []Emptied {
	out := []Emptied{{"customer", customer.Emptied()}}
	for _, room := range w.Rooms {
		if len(room.Tables) > 0 {
			out = append(out, Emptied{room.Room, room.Tables})
		}
	}
	return out
}

// kept is what stays, and why, in the order of the tables' names.
func kept() []KeptTable {
	out := []KeptTable{}
	for _, table := range slices.Sorted(maps.Keys(Kept)) {
		out = append(out, KeptTable{table, Kept[table]})
	}
	for _, table := range slices.Sorted(maps.Keys(KeptApart)) {
		out = append(out, KeptTable{table, KeptApart[table]})
	}
	return out
}

// sign signs the certificate, outside of any transaction.
func (w Wiring) sign(_ context.Context, j *journal.Job) error {
	d, ok := j.Carry.(*drafted)
	if !ok {
		return journal.ErrNothing
	}
	claims, err := json.Marshal(d.claims)
	if err != nil {
		return err
	}
	key, err := d.tenant.Signer(tenant.ES256)
	if err != nil {
		return err
	}
	d.row.Signed, err = key.Sign(CertificateType, claims)
	return err
}

// issue stores the certificate, and looks again soon if there may be more to
// state.
func (w Wiring) issue(tx *db.Tx, j *journal.Job, result error) error {
	t, c, err := w.owner(j)
	if err != nil || j.State != journal.Done {
		return ignore(err, journal.ErrNothing)
	}
	d, ok := j.Carry.(*drafted)
	stated := result == nil && ok && d.row.Signed != ""
	if stated {
		if _, err := db.InsertNew(tx, "erasure_certificate", d.row); err != nil {
			return err
		}
	}
	s, err := StandingOf(tx, t, c)
	if err != nil {
		return ignoreMissing(err)
	}
	_, err = tx.Exec(`UPDATE erasure_fact SET look_at = $3 WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c, lookAt(tx.Now, s, stated))
	return err
}

func ignoreMissing(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// lookAt is when to look again whether there is something to state: zero, if
// everything was. Hourly while recipients are to acknowledge, else when the
// erasure becomes final.
func lookAt(now time.Time, s Standing, stated bool) time.Time {
	open := false
	for _, r := range s.Recipients {
		open = open || r.State != notify.Unconnected && r.AcknowledgedAt.IsZero()
	}
	acknowledged := slices.ContainsFunc(s.Certificates, func(c Certificate) bool { return c.Statement == StatesAcknowledged })
	if !acknowledged && allAcknowledged(s.Recipients) {
		return now
	}
	switch {
	case s.Final && !open || now.Sub(s.ErasedAt) > certifyFor:
		return time.Time{}
	case stated:
		return now.Add(time.Minute)
	case !open && s.FinalAt.After(now.Add(certifyPause)):
		return s.FinalAt
	}
	return now.Add(certifyPause)
}
