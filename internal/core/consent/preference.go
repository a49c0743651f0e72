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

// TopicPurpose is the purpose under which preferences stand in the ledger; the
// item is topic/channel.
const TopicPurpose = "topic"

// The states of a preference. Where there is none, nothing was decided.
//
//	(none) ──► pending ──Confirm──► on ◄──► off
//	   │          └─────────────────────────▲
//	   └────────────────────────► on, off
const (
	On      = "on"
	Off     = "off"
	Pending = "pending" // asked for, and not confirmed by who holds the address
)

// Preference is where a customer stands on a topic and a channel.
type Preference struct {
	TenantID   tenant.ID
	CustomerID customer.ID
	Topic      string
	Channel    Channel
	State      string
	Frequency  string
	Since      time.Time
	Surface    string
	Method     string
}

// Fields names the columns.
func (p *Preference) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &p.TenantID}, {Column: "customer_id", Ptr: &p.CustomerID}, {Column: "topic", Ptr: &p.Topic},
		{Column: "channel", Ptr: &p.Channel}, {Column: "state", Ptr: &p.State}, {Column: "frequency", Ptr: &p.Frequency},
		{Column: "since", Ptr: &p.Since}, {Column: "surface", Ptr: &p.Surface}, {Column: "method", Ptr: &p.Method},
	}
}

// item names the preference in the ledger.
func (p *Preference) item() string { return p.Topic + "/" + string(p.Channel) }

// Preferences lists what a customer has decided, by topic and channel.
func Preferences(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Preference, error) {
	return db.All[Preference](tx, `FROM preference WHERE tenant_id = $1 AND customer_id = $2 ORDER BY topic, channel`, t.ID, c)
}

// Wish is one thing that somebody wants to be so.
type Wish struct {
	Topic     string
	Channel   Channel
	On        bool
	Frequency string // "": as it was, or the first that is offered
}

// Where says where and how wishes were told.
type Where struct {
	Locale  string
	Surface string
	Method  string
	// Actor is the application that told the wishes of somebody who was its
	// visitor, not the house's; zero: the customer did. Text is what that visitor
	// was shown, if the application says so.
	Actor journal.Actor
	Text  string
}

// read is the digest of what was shown: the house's words for the topic, or what
// an application says that it showed. Zero where nobody knows.
func (w Where) read(tx *db.Tx, t *tenant.Tenant, topic string) (digest [32]byte, err error) {
	if w.Text != "" {
		return secret.Digest([]byte(w.Text)), nil
	}
	if w.Actor.Kind != "" {
		return digest, nil
	}
	list, err := Topics(tx, t)
	for i := range list {
		if list[i].ID == topic {
			return Words(list[i].In(w.Locale, t.Locale())).Digest(), nil
		}
	}
	return digest, err
}

// ErrFrequency is told for a frequency that a topic does not offer.
var ErrFrequency = fault.New(fault.Invalid, "bad_frequency", "The topic is not sent that often. Choose one of what it offers.").At("frequency")

// Prefer makes the wishes of a customer so who is known to hold the account:
// what is asked for needs no confirmation. Each change is written to the ledger;
// what is so already is left alone. What the customer turns on is not suppressed
// any more for their addresses. Faults: topic_not_found, bad_frequency.
func Prefer(tx *db.Tx, t *tenant.Tenant, c customer.ID, wishes []Wish, w Where) error {
	addresses, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return err
	}
	return prefer(tx, t, c, wishes, w, func(p Preference) error {
		for _, a := range addresses {
			if err := lift(tx, t, a.Digest, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// prefer calls lifted for what is turned on.
func prefer(tx *db.Tx, t *tenant.Tenant, c customer.ID, wishes []Wish, w Where, lifted func(Preference) error) error {
	was, err := Preferences(tx, t, c)
	if err != nil {
		return err
	}
	for _, wish := range wishes {
		p, err := wish.preference(tx, t, c, was)
		if err != nil {
			return err
		}
		p.State, p.Surface, p.Method = Off, w.Surface, w.Method
		if wish.On {
			p.State = On
		}
		if _, err := p.put(tx, t, was, w); err != nil {
			return err
		}
		if wish.On {
			if err := lifted(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// preference is what a wish would be, with the frequency that counts.
func (w Wish) preference(tx *db.Tx, t *tenant.Tenant, c customer.ID, was []Preference) (Preference, error) {
	topic, err := topicOf(tx, t, w.Topic, w.Channel)
	if err != nil {
		return Preference{}, err
	}
	f := w.Frequency
	if old, ok := standing(was, w.Topic, w.Channel); ok && f == "" {
		f = old.Frequency
	}
	f, ok := topic.frequency(f)
	if !ok {
		return Preference{}, ErrFrequency
	}
	return Preference{TenantID: t.ID, CustomerID: c, Topic: w.Topic, Channel: w.Channel, Frequency: f, Since: tx.Now}, nil
}

func standing(list []Preference, topic string, c Channel) (Preference, bool) {
	for _, p := range list {
		if p.Topic == topic && p.Channel == c {
			return p, true
		}
	}
	return Preference{}, false
}

// put writes a preference and, if it says something else than before, the
// ledger. It reports whether anything changed.
func (p *Preference) put(tx *db.Tx, t *tenant.Tenant, was []Preference, w Where) (bool, error) {
	old, there := standing(was, p.Topic, p.Channel)
	if there && old.State == p.State {
		if old.Frequency == p.Frequency {
			return false, nil
		}
		p.Since = old.Since // how often is no new decision on whether
	}
	if err := p.store(tx); err != nil {
		return false, err
	}
	if p.State == Pending {
		return true, nil // nothing is decided before it is confirmed
	}
	return true, p.record(tx, t, w)
}

func (p *Preference) record(tx *db.Tx, t *tenant.Tenant, w Where) error {
	digest, err := w.read(tx, t, p.Topic)
	if err != nil {
		return err
	}
	return p.enter(tx, t, Decision{Locale: w.Locale, TextDigest: digest, Actor: w.Actor})
}

// enter writes the preference to the ledger; d brings language, digest and actor.
func (p *Preference) enter(tx *db.Tx, t *tenant.Tenant, d Decision) error {
	d.Customer, d.Purpose, d.Item, d.Given = p.CustomerID, TopicPurpose, p.item(), p.State == On
	d.Surface, d.Method = p.Surface, p.Method
	return Record(tx, t, d)
}

func (p *Preference) store(tx *db.Tx) error {
	_, err := tx.Exec(`INSERT INTO preference
		(tenant_id, customer_id, topic, channel, state, frequency, since, surface, method)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (tenant_id, customer_id, topic, channel) DO UPDATE SET state = excluded.state,
		frequency = excluded.frequency, since = excluded.since, surface = excluded.surface, method = excluded.method`,
		p.TenantID, p.CustomerID, p.Topic, string(p.Channel), p.State, p.Frequency, p.Since, p.Surface, p.Method)
	return err
}

// DestroyPreferences takes away what is kept of a customer's preferences. What
// they said no to is remembered for their addresses, by digest alone, so that
// nobody writes to them again. Call it before their identifiers go.
func DestroyPreferences(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if err := outlive(tx, t, c); err != nil {
		return err
	}
	for _, statement := range []string{
		`DELETE FROM preference WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM contact_rule WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM lite_customer WHERE tenant_id = $1 AND customer_id = $2`,
		`DELETE FROM lite_merge WHERE tenant_id = $1 AND customer_id = $2`,
	} {
		if _, err := tx.Exec(statement, t.ID, c); err != nil {
			return err
		}
	}
	return nil
}
