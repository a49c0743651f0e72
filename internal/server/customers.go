package server

import (
	"context"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
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

func ask(id customer.ID, reason string) release.Ask {
	return release.Ask{
		Customer: id, Recipient: release.Recipient{Kind: release.Operator},
		Purpose: catalog.PurposeSupport, Reason: reason,
	}
}

// FindCustomers finds customers by an id, an exact address, number or user
// name, or by words of their profile, and shows outlines of their addresses.
func (b *Base) FindCustomers(ctx context.Context, t *tenant.Tenant, query, reason string) ([]Person, error) {
	var out []Person
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		ids, err := customer.Search(tx, t, query, mostFound)
		if err != nil {
			return err
		}
		out = make([]Person, len(ids))
		for i, id := range ids {
			if out[i], err = person(tx, t, id, reason, false); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// ShowCustomer shows one customer whole.
func (b *Base) ShowCustomer(ctx context.Context, t *tenant.Tenant, ref, reason string) (Person, error) {
	var out Person
	err := b.DB.Update(ctx, func(tx *db.Tx) error {
		id, err := one(tx, t, ref)
		if err != nil {
			return err
		}
		out, err = person(tx, t, id, reason, true)
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

func person(tx *db.Tx, t *tenant.Tenant, id customer.ID, reason string, whole bool) (Person, error) {
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
	list, err := release.Identifiers(tx, t, ask(id, reason))
	if err != nil {
		return Person{}, err
	}
	for _, i := range list {
		value := i.Value
		if !whole {
			value = i.Masked
		}
		p.Identifiers = append(p.Identifiers, Address{Kind: i.Kind, Value: value, Primary: i.Primary, VerifiedAt: i.VerifiedAt})
	}
	if !whole {
		return p, nil
	}
	if p.Verdicts, err = verdictsOf(tx, t, id, shownVerdicts); err != nil {
		return Person{}, err
	}
	if p.Alarms, err = casesOf(tx, t, id); err != nil {
		return Person{}, err
	}
	p.Fields, err = fieldsOf(tx, t, id, reason)
	return p, err
}

func fieldsOf(tx *db.Tx, t *tenant.Tenant, id customer.ID, reason string) (map[string]string, error) {
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	a := ask(id, reason)
	for _, f := range c.Fields() {
		if f.Stored() {
			a.Fields = append(a.Fields, f.Name)
		}
	}
	d, err := release.Disclose(tx, t, a)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name, v := range d.Values {
		out[name] = v.Text
	}
	return out, nil
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
