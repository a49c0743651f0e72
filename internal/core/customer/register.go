package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// New describes a customer to register.
type New struct {
	ID          ID // drawn if zero
	Identifiers []NewIdentifier
	Source      string // a word of ours: "signup", "staff", "import", "seed"
	// Key, with Flow, is the data key of the flow that led here; what was sealed
	// under it goes on opening. Nil: a new key is drawn.
	Key  *FlowKey
	Flow [16]byte
}

// NewIdentifier is an identifier in its canonical form. Verified is set only by
// who has seen the proof.
type NewIdentifier struct {
	Kind     string
	Value    string
	Verified bool
}

// Registered is told when somebody becomes a customer.
type Registered struct {
	Source      string            `json:"source"`
	Identifiers map[string]Sealed `json:"identifiers,omitempty"` // kind -> the value, as Seal(EventField) makes it
}

// EventName names the event.
func (Registered) EventName() string { return "customer.registered" }

// EventField is the field label of sealed values in this room's events.
const EventField = "event"

// Register makes a customer with a data key of their own. The first identifier
// of each kind is its primary one. Of any number of registrations of the same
// identifier at the same time exactly one succeeds. Faults: identifier_taken At
// the kind, those of Normalize for values that are not canonical,
// too_many_identifiers.
func Register(tx *db.Tx, t *tenant.Tenant, n New) (Customer, error) {
	if n.ID.IsZero() {
		n.ID = id.New[kind](tx.Now)
	}
	key, err := n.dataKey(t)
	if err != nil {
		return Customer{}, err
	}
	c := Customer{TenantID: t.ID, ID: n.ID, State: Active, Version: 1, CreatedAt: tx.Now, ChangedAt: tx.Now}
	if err := db.Insert(tx, "customer", c); err != nil {
		return Customer{}, err
	}
	if err := storeKey(tx, t, n.ID, key); err != nil {
		return Customer{}, err
	}
	if err := n.hold(tx, t, key); err != nil {
		return Customer{}, err
	}
	e := Registered{Source: n.Source, Identifiers: map[string]Sealed{}}
	var words []string
	for _, i := range n.Identifiers {
		e.Identifiers[i.Kind] = key.Seal([]byte(i.Value), sealContext(t.ID, n.ID, EventField, 0))
		words = append(words, identifierTokens(i.Kind, i.Value)...)
	}
	// A new customer has no tokens to take away: reading for some would only
	// cross with the registrations beside this one.
	if err := storeTokens(tx, t, n.ID, words); err != nil {
		return Customer{}, err
	}
	return c, note(tx, t, n.ID, e, journal.Profile)
}

func (n *New) dataKey(t *tenant.Tenant) (*secret.Key, error) {
	if n.Key == nil {
		return secret.NewKey(), nil
	}
	return n.Key.open(t, n.Flow)
}

// hold stores the identifiers of a new customer.
func (n *New) hold(tx *db.Tx, t *tenant.Tenant, key *secret.Key) error {
	if len(n.Identifiers) > maxIdentifiers {
		return ErrTooMany
	}
	seen := map[string]bool{}
	for _, i := range n.Identifiers {
		if i.Kind == Username && seen[Username] {
			return ErrTooMany.At(i.Kind)
		}
		row, err := i.row(t, n.ID, key, tx.Now)
		if err != nil {
			return err
		}
		row.Primary = !seen[i.Kind]
		seen[i.Kind] = true
		if err := row.store(tx); err != nil {
			return err
		}
	}
	return nil
}

// row seals an identifier. The value must be canonical already, so that nobody
// stores what was only typed.
func (n NewIdentifier) row(t *tenant.Tenant, owner ID, key *secret.Key, now time.Time) (Identifier, error) {
	canonical, err := Normalize(n.Kind, n.Value)
	if err != nil {
		return Identifier{}, err
	}
	if canonical != n.Value {
		return Identifier{}, ErrBadIdentifier.At(n.Kind)
	}
	i := Identifier{
		TenantID: t.ID, CustomerID: owner, Digest: Digest(t, n.Kind, canonical), Kind: n.Kind,
		CreatedAt: now, claim: claimDigest(t, n.Kind, canonical),
	}
	i.Sealed = key.Seal([]byte(canonical), sealContext(t.ID, owner, i.Item().Field, 0))
	if n.Verified {
		i.VerifiedAt = now
	}
	return i, nil
}

// store claims the identifier in the tenant, then gives it to the customer.
func (i *Identifier) store(tx *db.Tx) error {
	fresh, err := db.InsertNew(tx, "identifier", claimRow{i.TenantID, i.claim, i.Kind, NormVersion, i.CustomerID})
	if err != nil {
		return err
	}
	if !fresh {
		return ErrTaken.At(i.Kind)
	}
	return db.Insert(tx, "customer_identifier", *i)
}

func note(tx *db.Tx, t *tenant.Tenant, id ID, e journal.Event, class journal.Class) error {
	return journal.Append(tx, journal.Entry{Tenant: t.ID, Subject: id, Event: e, Class: class})
}
