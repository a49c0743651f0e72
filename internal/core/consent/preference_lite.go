package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Lite is a lite customer: an address that decided something before it had an
// account. The address itself is not kept, not even sealed: nobody needs it to
// answer whether it may be written to. Its id stands in the ledger for it, and
// leads to the account once that has proven the address.
//
//	(nothing) ──Capture──► lite ──Merge──► part of an account
//	                        │
//	                        └──DestroyPreferences──► (suppressions alone)
type Lite struct {
	TenantID   tenant.ID
	Digest     [32]byte // customer.Digest of the address
	CustomerID customer.ID
	Kind       string // customer.Email or customer.Phone
	CreatedAt  time.Time
}

// Fields names the columns.
func (l *Lite) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &l.TenantID}, {Column: "digest", Ptr: &l.Digest}, {Column: "customer_id", Ptr: &l.CustomerID},
		{Column: "kind", Ptr: &l.Kind}, {Column: "created_at", Ptr: &l.CreatedAt},
	}
}

type liteMerge struct {
	tenant   tenant.ID
	customer customer.ID
	lite     customer.ID
	at       time.Time
}

func (m *liteMerge) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &m.tenant}, {Column: "customer_id", Ptr: &m.customer}, {Column: "lite_id", Ptr: &m.lite},
		{Column: "merged_at", Ptr: &m.at},
	}
}

// ErrNoAddress is told for a user name, which nobody can be written to at.
var ErrNoAddress = fault.New(fault.Invalid, "bad_address", "Preferences are captured for an e-mail address or a phone number.").At("address")

// holderOf finds whose an address is: the lite customer's, else that of the
// account that has proven it; false: nobody's.
func holderOf(tx *db.Tx, t *tenant.Tenant, digest [32]byte) (customer.ID, bool, error) {
	lite, ok, err := db.Find[Lite](tx, `FROM lite_customer WHERE tenant_id = $1 AND digest = $2`, t.ID, digest)
	if err != nil || ok {
		return lite.CustomerID, ok, err
	}
	b, ok, err := db.Value[[]byte](tx, `SELECT customer_id FROM identifier WHERE tenant_id = $1 AND digest = $2`, t.ID, digest)
	if err != nil || !ok {
		return customer.ID{}, false, err
	}
	c := customer.ID(b)
	proven, err := customer.Identifiers(tx, t, c)
	for _, i := range proven {
		if i.Digest == digest && i.Verified() {
			return c, true, err
		}
	}
	return customer.ID{}, false, err
}

// hold is holderOf that makes a lite customer of an address that is nobody's.
func hold(tx *db.Tx, t *tenant.Tenant, kind string, digest [32]byte) (customer.ID, error) {
	c, ok, err := holderOf(tx, t, digest)
	if err != nil || ok {
		return c, err
	}
	lite := Lite{t.ID, digest, customer.ID(secret.Random(16)), kind, tx.Now}
	return lite.CustomerID, db.Insert(tx, "lite_customer", lite)
}

// Capture keeps what somebody wishes of whom the address alone is known, as the
// company says. Whether it belongs to an account makes no difference to the
// caller. What asks for double opt-in, or was said no to before, waits as
// pending: each is told, with the link that its holder confirms it by. Faults:
// topic_not_found, bad_frequency, bad_address.
func Capture(tx *db.Tx, t *tenant.Tenant, kind, canonical string, wishes []Wish, w Where) ([]Link, error) {
	if kind != customer.Email && kind != customer.Phone {
		return nil, ErrNoAddress
	}
	digest := customer.Digest(t, kind, canonical)
	c, err := hold(tx, t, kind, digest)
	if err != nil {
		return nil, err
	}
	was, err := Preferences(tx, t, c)
	if err != nil {
		return nil, err
	}
	var waiting []Link
	for _, wish := range wishes {
		p, err := captured(tx, t, c, digest, wish, was)
		if err != nil {
			return nil, err
		}
		p.Surface, p.Method = w.Surface, w.Method
		changed, err := p.put(tx, t, was, w)
		if err != nil {
			return nil, err
		}
		if changed && p.State == Pending {
			waiting = append(waiting, confirmation(p, digest, tx.Now))
		}
	}
	return waiting, nil
}

func captured(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte, wish Wish, was []Preference) (Preference, error) {
	p, err := wish.preference(tx, t, c, was)
	if err != nil {
		return p, err
	}
	p.State = Off
	if !wish.On {
		return p, nil
	}
	old, _ := standing(was, p.Topic, p.Channel)
	topic, err := topicOf(tx, t, p.Topic, p.Channel)
	if err != nil {
		return p, err
	}
	stopped, err := suppressed(tx, t, digest, p.Topic, p.Channel)
	p.State = On
	if old.State == Off || stopped || topic.DoubleOptIn && old.State != On {
		p.State = Pending
	}
	return p, err
}

func suppressed(tx *db.Tx, t *tenant.Tenant, digest [32]byte, topic string, c Channel) (bool, error) {
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM suppression WHERE tenant_id = $1 AND digest = $2
		AND topic IN ('', $3) AND channel IN ('', $4)`, t.ID, digest, topic, string(c))
	return n > 0, err
}

// Merged is told when what an address decided becomes an account's.
type Merged struct {
	Lite        customer.ID `json:"lite"`
	Preferences int         `json:"preferences"`
}

// EventName names the event.
func (Merged) EventName() string { return "preference.merged" }

// Merge gives the account that has proven an address what was decided for the
// address before. Where both have decided, the later decision stands. The
// decisions of before stay in the ledger as they were made (Trail finds them);
// what comes over is written to the account's own. It happens once; without a
// lite customer it does nothing.
func Merge(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte) error {
	lite, ok, err := db.Take[Lite](tx, `DELETE FROM lite_customer WHERE tenant_id = $1 AND digest = $2`, t.ID, digest)
	if err != nil || !ok {
		return err
	}
	n, err := mergePreferences(tx, t, c, lite.CustomerID)
	if err != nil {
		return err
	}
	if err := mergeRule(tx, t, c, lite.CustomerID); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM preference WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM contact_rule WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM consent_state WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(statement, t.ID, lite.CustomerID); err != nil {
			return err
		}
	}
	if err := db.Insert(tx, "lite_merge", liteMerge{t.ID, c, lite.CustomerID, tx.Now}); err != nil {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c, Class: journal.Consent, Event: Merged{Lite: lite.CustomerID, Preferences: n},
	})
}

func mergePreferences(tx *db.Tx, t *tenant.Tenant, c, lite customer.ID) (n int, err error) {
	was, err := Preferences(tx, t, c)
	if err != nil {
		return 0, err
	}
	list, err := Preferences(tx, t, lite)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		if old, there := standing(was, p.Topic, p.Channel); there && !p.Since.After(old.Since) {
			continue
		}
		before, _, err := db.Find[Entry](tx, `FROM consent WHERE tenant_id = $1 AND customer_id = $2 AND purpose = 'topic' AND item = $3
			ORDER BY made_at DESC, id DESC LIMIT 1`, t.ID, lite, p.item())
		if err != nil {
			return 0, err
		}
		p.CustomerID = c
		if err := p.store(tx); err != nil {
			return 0, err
		}
		n++
		if p.State == Pending {
			continue
		}
		told := Decision{Locale: before.Locale, TextDigest: before.TextDigest, Actor: journal.Actor{Kind: before.ActorKind, ID: before.ActorID}}
		if err := p.enter(tx, t, told); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func mergeRule(tx *db.Tx, t *tenant.Tenant, c, lite customer.ID) error {
	r, err := RuleOf(tx, t, lite)
	if err != nil || r.ChangedAt.IsZero() {
		return err
	}
	own, err := RuleOf(tx, t, c)
	if err != nil || own.ChangedAt.After(r.ChangedAt) {
		return err
	}
	return SetRule(tx, t, c, r)
}

// Trail lists what a customer decided about topics, the latest first, with what
// was decided for their addresses before they had the account.
func Trail(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Entry, error) {
	return db.All[Entry](tx, `FROM consent WHERE tenant_id = $1 AND purpose = 'topic' AND customer_id IN (
		SELECT lite_id FROM lite_merge WHERE tenant_id = $1 AND customer_id = $2 UNION SELECT $2)
		ORDER BY made_at DESC, id DESC`, t.ID, c)
}

// SweepPending ends what was not confirmed in time, at most limit rows: what had
// been said no to before is off again, of the rest nothing stays.
func SweepPending(tx *db.Tx, limit int) (int, error) {
	old, err := db.All[Preference](tx, `FROM preference WHERE state = 'pending' AND since < $1 LIMIT $2`, tx.Now.Add(-confirmLife), limit)
	if err != nil {
		return 0, err
	}
	for _, p := range old {
		if _, err := tx.Exec(`DELETE FROM preference WHERE tenant_id = $1 AND customer_id = $2 AND topic = $3 AND channel = $4 AND state = 'pending'`,
			p.TenantID, p.CustomerID, p.Topic, string(p.Channel)); err != nil {
			return 0, err
		}
		if err := p.fallBack(tx); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(`DELETE FROM lite_customer WHERE tenant_id = $1 AND customer_id = $2 AND NOT EXISTS (SELECT 1
			FROM preference AS p WHERE p.tenant_id = $1 AND p.customer_id = $2)`, p.TenantID, p.CustomerID); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

// fallBack puts back that the customer had said no, if the ledger says so.
func (p *Preference) fallBack(tx *db.Tx) error {
	at, decided, err := db.Value[int64](tx, `SELECT made_at FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose = 'topic' AND recipient = $3 AND item = $4`, p.TenantID, p.CustomerID, [16]byte{}, p.item())
	if err != nil || !decided {
		return err
	}
	p.State, p.Since = Off, time.UnixMicro(at).UTC()
	return p.store(tx)
}
