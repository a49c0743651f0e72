package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The reasons of a suppression.
const (
	Unsubscribed = "unsubscribed" // by the link of a mail
	OptedOut     = "opted_out"    // of somebody who was erased after they had said no
	Complained   = "complained"   // told by the company
	Bounced      = "bounced"      // told by the company
)

// Suppression says that an address is not written to. It belongs to nobody: only
// the keyed digest of the address stands in it, so it stays when its customer is
// erased.
type Suppression struct {
	TenantID tenant.ID
	Digest   [32]byte // customer.Digest of the address
	Topic    string   // "": all
	Channel  Channel  // "": all
	Reason   string
	MadeAt   time.Time
}

// Fields names the columns.
func (s *Suppression) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &s.TenantID}, {Column: "digest", Ptr: &s.Digest}, {Column: "topic", Ptr: &s.Topic},
		{Column: "channel", Ptr: &s.Channel}, {Column: "reason", Ptr: &s.Reason}, {Column: "made_at", Ptr: &s.MadeAt},
	}
}

// Suppressed is told when an address is suppressed. It does not say which: the
// journal would otherwise tell an erased customer's address from others.
type Suppressed struct {
	Topic   string  `json:"topic,omitempty"`
	Channel Channel `json:"channel,omitempty"`
	Reason  string  `json:"reason"`
}

// EventName names the event.
func (Suppressed) EventName() string { return "preference.suppressed" }

// ErrBadSuppression is told for a reason that the house does not know.
var ErrBadSuppression = fault.New(fault.Invalid, "bad_suppression", "An address is suppressed as unsubscribed, opted_out, complained or bounced.")

// Suppress keeps an address from being written to, for a topic and a channel or,
// where these are empty, for all. Twice is as good as once.
func Suppress(tx *db.Tx, t *tenant.Tenant, digest [32]byte, topic string, c Channel, reason string) error {
	switch reason {
	case Unsubscribed, OptedOut, Complained, Bounced:
	default:
		return ErrBadSuppression
	}
	fresh, err := db.InsertNew(tx, "suppression", Suppression{t.ID, digest, topic, c, reason, tx.Now})
	if err != nil || !fresh {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: t.ID, Class: journal.Consent, Event: Suppressed{Topic: topic, Channel: c, Reason: reason},
	})
}

// Suppressions lists what stands against an address.
func Suppressions(tx *db.Tx, t *tenant.Tenant, digest [32]byte) ([]Suppression, error) {
	return db.All[Suppression](tx, `FROM suppression WHERE tenant_id = $1 AND digest = $2 ORDER BY topic, channel`, t.ID, digest)
}

// AllSuppressions lists the suppressions of a tenant after one, by digest, topic
// and channel, at most limit of them.
func AllSuppressions(tx *db.Tx, t *tenant.Tenant, after Suppression, limit int) ([]Suppression, error) {
	return db.All[Suppression](tx, `FROM suppression WHERE tenant_id = $1 AND (digest, topic, channel) > ($2, $3, $4)
		ORDER BY digest, topic, channel LIMIT $5`, t.ID, after.Digest, after.Topic, string(after.Channel), limit)
}

// Unsuppressed is told when the company takes a suppression back. It does not
// say of which address, as Suppressed does not.
type Unsuppressed struct {
	Topic   string  `json:"topic,omitempty"`
	Channel Channel `json:"channel,omitempty"`
	Why     string  `json:"why"` // words of the company's, about no address
}

// EventName names the event.
func (Unsuppressed) EventName() string { return "preference.unsuppressed" }

// Unsuppress takes one suppression back and reports whether it was there.
func Unsuppress(tx *db.Tx, t *tenant.Tenant, digest [32]byte, topic string, c Channel, why string) (bool, error) {
	n, err := tx.Exec(`DELETE FROM suppression WHERE tenant_id = $1 AND digest = $2 AND topic = $3 AND channel = $4`,
		t.ID, digest, topic, string(c))
	if err != nil || n == 0 {
		return false, err
	}
	return true, journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: t.ID, Class: journal.Consent, Event: Unsuppressed{Topic: topic, Channel: c, Why: why},
	})
}

// lift takes back what the holder of an address said no to, once they say yes to
// that very thing. What the company was told of the address stays.
func lift(tx *db.Tx, t *tenant.Tenant, digest [32]byte, p Preference) error {
	_, err := tx.Exec(`DELETE FROM suppression WHERE tenant_id = $1 AND digest = $2 AND topic = $3 AND channel = $4
		AND reason IN ('unsubscribed', 'opted_out')`, t.ID, digest, p.Topic, string(p.Channel))
	return err
}

// outlive writes what a customer said no to as suppressions of their addresses.
func outlive(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	list, err := Preferences(tx, t, c)
	if err != nil {
		return err
	}
	digests, err := addressesOf(tx, t, c)
	if err != nil {
		return err
	}
	for _, p := range list {
		for _, digest := range digests {
			if p.State != Off {
				continue
			}
			if err := Suppress(tx, t, digest, p.Topic, p.Channel, OptedOut); err != nil {
				return err
			}
		}
	}
	return nil
}

// addressesOf are the digests of the addresses that a customer is reached at:
// those of an account, or the one of a lite customer.
func addressesOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([][32]byte, error) {
	lite, is, err := db.Find[Lite](tx, `FROM lite_customer WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c)
	if err != nil || is {
		return [][32]byte{lite.Digest}, err
	}
	list, err := customer.Identifiers(tx, t, c)
	var out [][32]byte
	for _, i := range list {
		if i.Kind != customer.Username && i.Verified() {
			out = append(out, i.Digest)
		}
	}
	return out, err
}
