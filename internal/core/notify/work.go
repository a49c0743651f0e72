package notify

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Wiring is what sending needs.
type Wiring struct {
	House  *tenant.House
	Render Render
	Mail   Sender // nil: nothing is sent by mail
	SMS    Sender // nil: no text messages are sent
	Inbox  bool   // keep every message in the development inbox as well; then no sender is needed
}

var (
	errNoTenant = fault.New(fault.Gone, "tenant_gone", "The tenant of the message is gone.")
	errNoDraft  = fault.New(fault.Gone, "recipient_gone", "The recipient of the message is gone.")
)

// Works are the jobs of this room.
func Works(w Wiring) []journal.Work {
	return []journal.Work{{
		Kind: Kind, Claim: w.claim, Do: w.do, Finish: w.finish, Parallel: 8, Timeout: time.Minute,
	}}
}

// claim opens the draft, as far as it still can be opened. What it opened
// travels with the job in memory and is never stored.
func (w Wiring) claim(tx *db.Tx, j *journal.Job) error {
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return errNoDraft.Because(err)
	}
	if p.Nowhere {
		return errNoDraft
	}
	t, ok := w.House.ByID(tenant.ID(j.Tenant))
	if !ok {
		return errNoTenant
	}
	in, err := p.open(tx, t)
	if errors.Is(err, customer.ErrErased) {
		return journal.ErrNothing // no dead letter is left of an erased customer
	}
	if err != nil {
		return err
	}
	l := Letter{Tenant: t, Template: p.Template, Channel: p.Channel, Locale: in.Locale, To: in.To, Values: in.Values}
	if l.To == "" {
		if l.To, err = recipient(tx, t, p, in.Target); err != nil {
			return err
		}
	}
	if p.Channel == Text {
		if err := customer.Reachable(t, customer.Phone, l.To); err != nil {
			return err
		}
	}
	if l.Locale == "" {
		if l.Locale, err = Language(tx, t, p.Customer); err != nil {
			return err
		}
	}
	j.Carry = &Envelope{
		ID: p.Message.String(), Tenant: t, Channel: p.Channel, Locale: l.Locale, Domain: domain(t), To: l.To,
		Code: l.Values["code"], Link: l.Values["link"], letter: l,
	}
	return nil
}

func (p *payload) open(tx *db.Tx, t *tenant.Tenant) (in inner, err error) {
	var plain []byte
	if p.WrappingKey != "" {
		key := customer.FlowKey{WrappingKey: p.WrappingKey, Wrapped: p.Wrapped}
		plain, err = key.Open(t, p.Flow, draftField(p.Message), p.Sealed)
	} else {
		plain, err = release.Open(tx, t, asMessage(p.Customer).Recipient, p.Customer, draftField(p.Message), p.Sealed)
	}
	if err != nil {
		return in, gone(err)
	}
	return in, json.Unmarshal(plain, &in)
}

// gone tells an erased customer from a database that does not answer.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Gone) {
		return errNoDraft.Because(err)
	}
	return err
}

// recipient opens the identifier that the draft names, if the customer still
// has it.
func recipient(tx *db.Tx, t *tenant.Tenant, p payload, target []byte) (string, error) {
	list, err := release.Identifiers(tx, t, asMessage(p.Customer))
	if err != nil {
		return "", gone(err)
	}
	for _, i := range list {
		if string(i.Digest[:]) == string(target) {
			return i.Value, nil
		}
	}
	return "", errNoDraft
}

// Language is the customer's own, or else the tenant's.
func Language(tx *db.Tx, t *tenant.Tenant, c customer.ID) (string, error) {
	if c.IsZero() {
		return t.Locale(), nil
	}
	ask := asMessage(c)
	ask.Fields = []string{"locale"}
	d, err := release.Disclose(tx, t, ask)
	if err != nil {
		return "", gone(err)
	}
	if v := d.Values["locale"].Text; v != "" {
		return v, nil
	}
	return t.Locale(), nil
}

func asMessage(c customer.ID) release.Ask {
	return release.Ask{Customer: c, Recipient: release.Recipient{Kind: "message"}, Purpose: "service"}
}

func domain(t *tenant.Tenant) string {
	if host, _, err := net.SplitHostPort(t.Host); err == nil {
		return host
	}
	return t.Host
}

func (w Wiring) do(ctx context.Context, j *journal.Job) error {
	e, ok := j.Carry.(*Envelope)
	if !ok {
		return errNoDraft
	}
	var err error
	if e.Rendered, err = w.Render(e.letter); err != nil {
		return err
	}
	sender := w.Mail
	if e.Channel == Text {
		sender = w.SMS
	}
	err = ErrUnconfigured
	if sender != nil {
		err = sender.Send(ctx, *e)
	}
	if w.Inbox && errors.Is(err, ErrUnconfigured) {
		return nil
	}
	return err
}

func (w Wiring) finish(tx *db.Tx, j *journal.Job, result error) error {
	state, ended := map[string]State{journal.Done: Sent, journal.Dead: Failed, journal.Expired: Expired}[j.State]
	if !ended {
		return nil
	}
	var p payload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return nil //nolint:nilerr // a job that nobody can read has no row
	}
	if e, ok := j.Carry.(*Envelope); ok && state == Sent && w.Inbox {
		if err := keep(tx, *e); err != nil {
			return err
		}
	}
	return p.ended(tx, tenant.ID(j.Tenant), state, result)
}

// ended writes the end of a message to its row and to the journal.
func (p *payload) ended(tx *db.Tx, t tenant.ID, state State, result error) error {
	var reason string
	if f := fault.Of(result); f != nil {
		reason = f.Code
	}
	n, err := tx.Exec(`UPDATE message SET state = $1, reason = $2, changed_at = $3
		WHERE tenant_id = $4 AND customer_id = $5 AND id = $6`, state, reason, tx.Now, t, [16]byte(p.Customer), p.Message)
	if err != nil || n == 0 {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t, Subject: p.Customer, Class: journal.Message,
		Event: ended{State: state, Template: p.Template, Channel: p.Channel, Reason: reason},
	})
}

// ended tells how a message ended.
type ended struct {
	State    State    `json:"-"`
	Template Template `json:"template"`
	Channel  Channel  `json:"channel"`
	Reason   string   `json:"reason,omitempty"`
}

// EventName is message.sent, message.failed or message.expired.
func (e ended) EventName() string { return "message." + string(e.State) }
