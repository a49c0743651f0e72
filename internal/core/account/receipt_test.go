package account_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// agreed is a house where somebody with an address consented for a year.
func agreed(h *coretest.House) (mia customer.ID, entry consent.ID) {
	h.Update(func(tx *db.Tx) error {
		c, err := customer.Register(tx, h.T(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: "mia@example.test", Verified: true}}, Source: "test",
		})
		mia = c.ID
		if err != nil {
			return err
		}
		if err := catalog.Put(tx, h.T(), []catalog.Field{{Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Purposes: []string{"account", "news"}}}); err != nil {
			return err
		}
		_, err = consent.PutPurpose(tx, h.T(), consent.Purpose{
			ID: "news", Version: 1, Basis: consent.ByConsent, Fields: []string{"shoe_size"}, Expiry: 365 * 24 * 3600e9, Remind: 30 * 24 * 3600e9,
			Words: map[string]consent.Words{"en": {Title: "News", Text: "We write to you."}},
		})
		return err
	})
	h.Update(func(tx *db.Tx) (err error) {
		entry, err = consent.Decide(tx, h.T(), consent.Choice{Customer: mia, Purpose: "news", Decision: consent.Given, Version: 1, Surface: "portal", Method: "button"})
		return err
	})
	return mia, entry
}

func messages(h *coretest.House, c customer.ID, about notify.Template) (n int) {
	h.View(func(tx *db.Tx) error {
		list, err := notify.List(tx, h.T(), c, 100)
		for _, m := range list {
			if m.Template == about {
				n++
			}
		}
		return err
	})
	return n
}

func sweepReminders(h *coretest.House) {
	h.Update(func(tx *db.Tx) error { _, err := account.Reminders(h.House)(tx, 100); return err })
}

// TestAConsentThatEndsIsToldOfOnce: in time, after a pause, and not of one that
// was taken back or renewed.
func TestAConsentThatEndsIsToldOfOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, _ := agreed(h)
		told := func(want int, when string) {
			t.Helper()
			sweepReminders(h)
			sweepReminders(h)
			if n := messages(h, mia, notify.ConsentEnding); n != want {
				t.Fatalf("%s: %d messages, want %d", when, n, want)
			}
		}
		h.Wait(334 * 24 * time.Hour)
		told(0, "too early")
		h.Update(func(tx *db.Tx) error {
			return consent.SetRule(tx, h.T(), mia, consent.Rule{PausedUntil: tx.Now.Add(72 * time.Hour)})
		})
		h.Wait(48 * time.Hour)
		told(0, "paused")
		h.Wait(48 * time.Hour)
		told(1, "after the pause")
		h.Update(func(tx *db.Tx) error {
			_, err := consent.Decide(tx, h.T(), consent.Choice{Customer: mia, Purpose: "news", Decision: consent.Given, Version: 1})
			return err
		})
		told(1, "renewed")
		h.Wait(340 * 24 * time.Hour)
		h.Update(func(tx *db.Tx) error {
			_, err := consent.Decide(tx, h.T(), consent.Choice{Customer: mia, Purpose: "news", Decision: consent.Withdrawn})
			return err
		})
		told(1, "taken back")
	})
}

// TestNobodyIsRemindedWhoIsNeverMailed: nor whose pause outlasts the consent.
func TestNobodyIsRemindedWhoIsNeverMailed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, entry := agreed(h)
		h.Update(func(tx *db.Tx) error {
			return consent.Suppress(tx, h.T(), customer.Digest(h.T(), customer.Email, "mia@example.test"), "", "", consent.Bounced)
		})
		h.Wait(340 * 24 * time.Hour)
		sweepReminders(h)
		if n := messages(h, mia, notify.ConsentEnding); n != 0 {
			t.Errorf("%d messages", n)
		}
		err := h.Try(func(tx *db.Tx) error { return account.MailReceipt(tx, h.T(), mia, entry) })
		if !errors.Is(err, consent.ErrNoAddress) {
			t.Error(err)
		}
	})
}

// TestAReceiptIsMailedAsALink: to who decided, of what they decided.
func TestAReceiptIsMailedAsALink(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, entry := agreed(h)
		h.Update(func(tx *db.Tx) error { return account.MailReceipt(tx, h.T(), mia, entry) })
		if n := messages(h, mia, notify.ConsentReceipt); n != 1 {
			t.Errorf("%d messages", n)
		}
		other := h.Customer()
		err := h.Try(func(tx *db.Tx) error { return account.MailReceipt(tx, h.T(), other, entry) })
		if !errors.Is(err, consent.ErrNoDecision) {
			t.Error(err)
		}
	})
}
