package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Where the links of these messages lead, on the tenant's origin. Both ask for a
// sign-in.
const (
	consentsPath = "/account/consents"
	receiptPath  = "/account/consents/receipt?entry="
)

// MailReceipt sends the customer's main address a link to the receipt of a
// decision. The receipt itself is not in the message: what somebody decided is
// nothing for whoever reads a mailbox, and a file in a mail proves no more than
// the one that is signed anew at each download. The caller has reserved the
// message (risk.Mail). Faults: decision_unknown, receipt_unknown, no_address.
func MailReceipt(tx *db.Tx, t *tenant.Tenant, c customer.ID, entry consent.ID) error {
	r, err := consent.MakeReceipt(tx, t, c, entry)
	if err != nil {
		return err
	}
	to, there, err := mailbox(tx, t, c)
	if err != nil {
		return err
	}
	if !there {
		return consent.ErrNoAddress
	}
	return notify.Send(tx, t, notify.Draft{
		Template: notify.ConsentReceipt, Channel: notify.Email, Customer: c, Target: to,
		Values: map[string]string{"topic": r.Processing.Purpose.Title, "link": t.Origin + receiptPath + entry.String()},
	})
}

// mailbox is the customer's verified main e-mail address, by its digest. False:
// there is none, or nothing is mailed to it.
func mailbox(tx *db.Tx, t *tenant.Tenant, c customer.ID) (digest [32]byte, there bool, err error) {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return digest, false, err
	}
	for _, i := range list {
		if i.Kind == customer.Email && i.Primary && i.Verified() {
			stopped, err := consent.NeverMailed(tx, t, i.Digest)
			return i.Digest, !stopped, err
		}
	}
	return digest, false, nil
}

// Reminders tells customers of consents that end soon, at most limit of them at
// once, and how many it looked at: each once, by a message that leads to where
// consents are read and given, never by a link that gives one. Who asked to be
// left in peace is told afterwards, if the consent still stands then.
func Reminders(house *tenant.House) func(tx *db.Tx, limit int) (int, error) {
	return func(tx *db.Tx, limit int) (int, error) {
		list, err := consent.Ending(tx, limit)
		if err != nil {
			return 0, err
		}
		for _, s := range list {
			if t, ok := house.ByID(s.TenantID); ok {
				err = remind(tx, t, s)
			} else {
				_, err = consent.Reminded(tx, s, time.Time{})
			}
			if err != nil {
				return 0, err
			}
		}
		return len(list), nil
	}
}

func remind(tx *db.Tx, t *tenant.Tenant, s consent.State) error {
	until, err := consent.RestsUntil(tx, t, s.CustomerID)
	if err != nil {
		return err
	}
	if !until.Before(s.ExpiresAt) {
		until = time.Time{} // nothing is left to be told of then
	}
	was, err := consent.Reminded(tx, s, until)
	if err != nil || !was || !until.IsZero() {
		return err
	}
	p, holds, err := ending(tx, t, s)
	if err != nil || !holds {
		return err
	}
	to, there, err := mailbox(tx, t, s.CustomerID)
	if err != nil || !there {
		return err
	}
	locale, err := notify.Language(tx, t, s.CustomerID)
	if err != nil {
		return err
	}
	words, _ := p.WordsIn(locale, t.Locale())
	return notify.Send(tx, t, notify.Draft{
		Template: notify.ConsentEnding, Channel: notify.Email, Customer: s.CustomerID, Target: to, Expires: s.ExpiresAt,
		Values: map[string]string{"topic": words.Title, "date": s.ExpiresAt.Format(time.RFC3339), "link": t.Origin + consentsPath},
	})
}

// ending is the purpose of a consent, if that still holds.
func ending(tx *db.Tx, t *tenant.Tenant, s consent.State) (consent.Purpose, bool, error) {
	rest, err := consent.RestsUntil(tx, t, s.CustomerID)
	if err != nil || s.Purpose != consent.ForPurpose || !rest.IsZero() {
		return consent.Purpose{}, false, err
	}
	now, holds, err := consent.Holds(tx, t, s.CustomerID, s.Item, [16]byte{})
	if err != nil || !holds || now.ConsentID != s.ConsentID {
		return consent.Purpose{}, false, err
	}
	p, err := consent.GetPurpose(tx, t, s.Item)
	return p, err == nil, err
}
