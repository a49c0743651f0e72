package account

import (
	"slices"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// mostTexts is how many notices a customer gets by text message within a day.
// They cost money: whoever has an account with a number that earns some could have
// them sent without end (H103). Mails go on.
const mostTexts = 10

// texted reports whether the customer has had them.
func texted(tx *db.Tx, t *tenant.Tenant, c customer.ID) (bool, error) {
	n, err := notify.Texts(tx, t, c, tx.Now.Add(-24*time.Hour))
	return n >= mostTexts, err
}

// noticed are the addresses of the customer to which notices go.
func noticed(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]customer.Identifier, error) {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return nil, err
	}
	enough, err := texted(tx, t, c)
	return slices.DeleteFunc(list, func(i customer.Identifier) bool {
		return i.Kind == customer.Username || !i.Verified() || enough && i.Kind == customer.Phone
	}), err
}

// tell drafts a notice to every verified address of the customer.
func tell(tx *db.Tx, t *tenant.Tenant, c customer.ID, d notify.Draft) error {
	list, err := noticed(tx, t, c)
	if err != nil {
		return err
	}
	d.Customer = c
	for _, i := range list {
		d.Target, d.Channel = i.Digest, notify.Channel(channel(i.Kind))
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}

// reachable opens every verified address of the customer, for messages that
// must arrive even if the address is not theirs any more when they are sent.
func reachable(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]release.OpenIdentifier, error) {
	list, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "message"}, Purpose: "service",
	})
	var out []release.OpenIdentifier
	for _, i := range list {
		if i.Kind != customer.Username && i.Verified() {
			out = append(out, i)
		}
	}
	return out, err
}

// change tells the addresses of an account, as they were before, that its
// addresses changed. Each gets a way back of its own.
type change struct {
	customer customer.ID
	before   []release.OpenIdentifier
	undo     []string // the token of each
}

// begins opens the addresses and keeps their ways back, before the change is made.
func begins(tx *db.Tx, t *tenant.Tenant, c customer.ID) (change, error) {
	before, err := reachable(tx, t, c)
	out := change{customer: c, before: before}
	for _, i := range before {
		if err != nil {
			break
		}
		var token string
		token, err = customer.KeepUndo(tx, t, c, i.Digest)
		out.undo = append(out.undo, token)
	}
	return out, err
}

// tell drafts the notice to every address, sealed under the customer's key.
func (c change) tell(tx *db.Tx, t *tenant.Tenant, name notify.Template, shown string) error {
	enough, err := texted(tx, t, c.customer)
	if err != nil {
		return err
	}
	for n, i := range c.before {
		if enough && i.Kind == customer.Phone {
			continue
		}
		d := undoNotice(t, name, shown, c.undo[n])
		d.Customer, d.To, d.Channel = c.customer, i.Value, notify.Channel(channel(i.Kind))
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}

// signInNotice is a notice whose link leads to the front door.
func signInNotice(t *tenant.Tenant, name notify.Template, path string) notify.Draft {
	return notify.Draft{Template: name, Values: map[string]string{"link": t.Origin + path}}
}

// undoNotice is a notice of an address change, with the way back.
func undoNotice(t *tenant.Tenant, name notify.Template, shown, token string) notify.Draft {
	return notify.Draft{Template: name, Values: map[string]string{
		"address": shown, "link": t.Origin + UndoPath + "?t=" + token, "hours": hours(Undo),
	}}
}

func hours(d time.Duration) string   { return strconv.Itoa(int(d / time.Hour)) }
func minutes(d time.Duration) string { return strconv.Itoa(int(d / time.Minute)) }
