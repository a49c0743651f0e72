package privacy

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// RequestsPath is where a customer finds their requests, on the tenant's origin.
const RequestsPath = "/account/requests"

// CaseLink leads the customer to a case.
func CaseLink(c CaseID) string { return RequestsPath + "/one?case=" + c.String() }

// mostTextsADay is how many notices of cases go out by text message, which
// costs money, to somebody who has no mail address (H103).
const mostTextsADay = 5

// confirm tells that the case was opened, and by when it is answered.
func (c *Case) confirm(tx *db.Tx, t *tenant.Tenant) error {
	return c.tell(tx, t, notify.CaseOpened, "")
}

// tell drafts a notice to the customer's verified main address. Who has none is
// told on the page alone.
func (c *Case) tell(tx *db.Tx, t *tenant.Tenant, name notify.Template, words string) error {
	to, there, err := c.reach(tx, t)
	if err != nil || !there {
		return err
	}
	d := notify.Draft{Template: name, Customer: c.CustomerID, Target: to.Digest, Channel: notify.Email, Values: map[string]string{
		"kind": string(c.Kind), "reference": c.ID.String(), "date": c.DueAt.Format(time.RFC3339), "outcome": string(c.Outcome),
		"link": t.Origin + CaseLink(c.ID), "reason": words,
	}}
	if to.Kind == customer.Phone {
		d.Channel = notify.Text
	}
	return notify.Send(tx, t, d)
}

func (c *Case) reach(tx *db.Tx, t *tenant.Tenant) (to customer.Identifier, there bool, err error) {
	list, err := customer.Identifiers(tx, t, c.CustomerID)
	if err != nil {
		return to, false, err
	}
	for _, kind := range []string{customer.Email, customer.Phone} {
		for _, i := range list {
			if i.Kind != kind || !i.Verified() || there && !i.Primary {
				continue
			}
			to, there = i, true
		}
		if there {
			break
		}
	}
	if !there || to.Kind == customer.Email {
		return to, there, nil
	}
	n, err := notify.Texts(tx, t, c.CustomerID, tx.Now.Add(-24*time.Hour))
	return to, n < mostTextsADay, err
}

// warnOfficer tells the data protection officer, if a mail address stands in the
// settings, that a case is due or overdue: its reference and its kind, and
// nothing of its customer.
func (c *Case) warnOfficer(tx *db.Tx, t *tenant.Tenant) error {
	to := t.Settings.Privacy.Officer.Mail
	if to == "" {
		return nil
	}
	when := "soon"
	if c.Overdue(tx.Now) {
		when = "overdue"
	}
	d := notify.Draft{Template: notify.CaseDue, Channel: notify.Email, Locale: t.Locale(), To: to, Values: map[string]string{
		"kind": string(c.Kind), "reference": c.ID.String(), "date": c.DueAt.Format(time.RFC3339), "when": when,
	}}
	d.Flow = [16]byte(customer.NewID(tx.Now))
	d.Key = customer.NewFlowKey(t, d.Flow)
	return notify.Send(tx, t, d)
}
