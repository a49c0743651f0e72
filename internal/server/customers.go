package server

import (
	"cmp"
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Person is a customer as an operator at the machine sees them. What is
// personal in it came through the gate and is on record with the reason.
type Person struct {
	ID          string            `json:"id"`
	State       string            `json:"state"`
	StateReason string            `json:"state_reason,omitempty"`
	CreatedAt   time.Time         `json:"created_at"`
	LastSeenAt  time.Time         `json:"last_seen_at,omitzero"`
	CloseAt     time.Time         `json:"close_at,omitzero"`
	Identifiers []Address         `json:"identifiers,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"`
	Withheld    map[string]string `json:"withheld,omitempty"` // fields that may not be shown for the purpose, and why
	Access
	Ended    *Access  `json:"ended,omitempty"`    // what an act ended
	Alarms   []Case   `json:"alarms,omitempty"`   // in a single view
	Verdicts []Judged `json:"verdicts,omitempty"` // the last ones on sign-ins, in a single view
}

// Address is an identifier: its outline in a list, its value in a single view.
type Address struct {
	Kind       string    `json:"kind"`
	Value      string    `json:"value"`
	Primary    bool      `json:"primary,omitempty"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// mostFound bounds a search.
const mostFound = 20

// atTheMachine is the actor of a command.
var atTheMachine = journal.Actor{Kind: "operator"}

// Looking is how somebody at the machine looks at a customer: what for, which
// must be a purpose in force that the fields name, whether they need to see whole
// what outlines would not tell, and why.
type Looking struct {
	Purpose string // "support" if empty
	Reveal  bool
	Reason  string
}

func (l Looking) ask(id customer.ID) release.Ask {
	return release.Ask{
		Customer: id, Recipient: release.Recipient{Kind: release.Operator},
		Purpose: cmp.Or(l.Purpose, catalog.PurposeSupport), Outline: !l.Reveal, Reason: l.Reason,
	}
}

// known refuses a purpose that is not in force.
func (l Looking) known(tx *db.Tx, t *tenant.Tenant) error {
	if l.Purpose == "" {
		return nil
	}
	_, err := consent.GetPurpose(tx, t, l.Purpose)
	return err
}

// FindCustomers finds customers by an id, an exact address, number or user
// name, or by words of their profile (and beginnings of words, of fields that are
// searched open), and shows outlines of their addresses.
func (b *Base) FindCustomers(ctx context.Context, t *tenant.Tenant, query string, l Looking) ([]Person, error) {
	var out []Person
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		if err := l.known(tx, t); err != nil {
			return err
		}
		ids, err := release.Find(tx, t, l.ask(customer.ID{}), query, mostFound)
		if err != nil {
			return err
		}
		l.Reveal = false
		out = make([]Person, len(ids))
		for i, id := range ids {
			if out[i], err = person(tx, t, id, l, false); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// ShowCustomer shows all that there is of one customer: outlines of what is
// personal, or the values where that is asked for. It is one line of the record.
func (b *Base) ShowCustomer(ctx context.Context, t *tenant.Tenant, ref string, l Looking) (Person, error) {
	var out Person
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		if err := l.known(tx, t); err != nil {
			return err
		}
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		out, err = person(tx, t, id, l, true)
		return err
	})
	return out, err
}

// one finds exactly one customer by an id or an identifier.
func one(tx *db.Tx, t *tenant.Tenant, ref string) (customer.ID, error) {
	ids, err := customer.Search(tx, t, ref, 2)
	switch {
	case err != nil:
		return customer.ID{}, err
	case len(ids) == 0:
		return customer.ID{}, failed("There is no such customer.", "Look for them with 'cardea customer find', and check the --tenant.", nil)
	case len(ids) > 1:
		return customer.ID{}, failed("This fits several customers.", "Name one by the id that 'cardea customer find' shows.", nil)
	}
	return ids[0], nil
}

func person(tx *db.Tx, t *tenant.Tenant, id customer.ID, l Looking, whole bool) (Person, error) {
	c, err := customer.Get(tx, t, id)
	if err != nil {
		return Person{}, err
	}
	p := Person{
		ID: c.ID.String(), State: string(c.State), StateReason: c.StateReason,
		CreatedAt: c.CreatedAt, LastSeenAt: c.LastSeenAt, CloseAt: c.CloseAt,
	}
	if c.State == customer.Erased {
		return p, nil
	}
	if p.Access, err = accessOf(tx, t, id); err != nil {
		return Person{}, err
	}
	if err := p.look(tx, t, id, l, whole); err != nil || !whole {
		return p, err
	}
	if p.Verdicts, err = verdictsOf(tx, t, id, shownVerdicts); err != nil {
		return Person{}, err
	}
	p.Alarms, err = casesOf(tx, t, id)
	return p, err
}

// look fills in what the gate lets through, and why not the rest.
func (p *Person) look(tx *db.Tx, t *tenant.Tenant, id customer.ID, l Looking, whole bool) error {
	c, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	a := l.ask(id)
	for _, f := range c.Fields() {
		if f.Stored() && whole {
			a.Fields = append(a.Fields, f.Name)
		}
	}
	d, list, err := release.Person(tx, t, a)
	if err != nil {
		return err
	}
	for _, i := range list {
		p.Identifiers = append(p.Identifiers, Address{Kind: i.Kind, Value: i.Value, Primary: i.Primary, VerifiedAt: i.VerifiedAt})
	}
	if !whole {
		return nil
	}
	p.Fields, p.Withheld = map[string]string{}, map[string]string{}
	for name, v := range d.Values {
		if f, _ := c.Field(name); f.Stored() {
			p.Fields[name] = v.Text
		}
	}
	for name, why := range d.Withheld {
		if why != release.Empty {
			p.Withheld[name] = why
		}
	}
	return nil
}

// CustomerAct is what an operator may do to an account.
type CustomerAct func(acts account.Acts, tx *db.Tx, t *tenant.Tenant, c customer.ID, s account.Staff) error

// The acts.
var (
	LockCustomer CustomerAct = func(a account.Acts, tx *db.Tx, t *tenant.Tenant, c customer.ID, s account.Staff) error {
		return a.Lock(tx, t, c, s)
	}
	UnlockCustomer CustomerAct = func(a account.Acts, tx *db.Tx, t *tenant.Tenant, c customer.ID, s account.Staff) error {
		return a.Unlock(tx, t, c, s)
	}
	RecoverCustomer CustomerAct = func(a account.Acts, tx *db.Tx, t *tenant.Tenant, c customer.ID, s account.Staff) error {
		return a.StartRecovery(tx, t, c, s)
	}
)

// outcome is how the customer stands after an act, and what it ended.
func outcome(tx *db.Tx, t *tenant.Tenant, id customer.ID, before Access) (Person, error) {
	c, err := customer.Get(tx, t, id)
	if err != nil {
		return Person{}, err
	}
	out := Person{ID: c.ID.String(), State: string(c.State), StateReason: c.StateReason, CreatedAt: c.CreatedAt}
	if out.Access, err = accessOf(tx, t, id); err != nil {
		return Person{}, err
	}
	before.Sessions -= out.Sessions
	before.Trusted -= out.Trusted
	if out.Wait != nil {
		before.Wait = nil
	}
	out.Ended = &before
	return out, nil
}

// OnCustomer does one act and returns how the customer stands afterwards. What
// it sends, messages and sign-outs of applications, leaves with the server.
func (b *Base) OnCustomer(ctx context.Context, t *tenant.Tenant, ref, reason string, act CustomerAct) (Person, error) {
	s, err := New(b, Options{Inbox: b.dev})
	if err != nil {
		return Person{}, err
	}
	var out Person
	err = b.DB.Update(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		before, err := accessOf(tx, t, id)
		if err != nil {
			return err
		}
		if err := act(s.acts, tx, t, id, account.Staff{Actor: atTheMachine, Reason: reason}); err != nil {
			return err
		}
		out, err = outcome(tx, t, id, before)
		return err
	})
	return out, err
}
