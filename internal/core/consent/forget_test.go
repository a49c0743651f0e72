package consent_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
)

func manage(h *coretest.House, address string) (l consent.Link) {
	h.Update(func(tx *db.Tx) (err error) {
		l, err = consent.LinkFor(tx, h.T(), consent.ToManage, customer.Digest(h.T(), customer.Email, address), "letter", consent.ByEmail)
		return err
	})
	return l
}

func lites(h *coretest.House) (n int64) {
	h.View(func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, `SELECT (SELECT count(*) FROM lite_customer) + (SELECT count(*) FROM preference)`)
		return err
	})
	return n
}

func forgotten(h *coretest.House) (n int64) {
	h.View(func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, `SELECT count(*) FROM event WHERE name = 'preference.forgotten'`)
		return err
	})
	return n
}

// An address without an account is forgotten by its link, once however often it
// is asked for, and what it said no to, or that it wants nothing, outlives it.
func TestAnAddressWithoutAnAccountIsForgottenOnceByItsLink(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		capture(h, canary, consent.Wish{Topic: "offers", Channel: consent.ByEmail, On: true}, consent.Wish{Topic: "care", Channel: consent.ByEmail})
		l := manage(h, canary)
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := h.Try(func(tx *db.Tx) error { return consent.Forget(tx, h.T(), l, false) }); err != nil {
					t.Errorf("forgetting: %v", err)
				}
			})
		}
		all.Wait()
		if n := lites(h); n != 0 || forgotten(h) != 1 {
			t.Errorf("%d rows are left, and it was told %d times", n, forgotten(h))
		}
		if a := mailed(h, canary, "offers"); a.Allowed || a.Reason != consent.Undecided {
			t.Errorf("what it wanted is still known: %+v", a)
		}
		if a := mailed(h, canary, "care"); a.Reason != consent.IsSuppressed {
			t.Errorf("its no was forgotten: %+v", a)
		}
		h.Update(func(tx *db.Tx) error { return consent.Forget(tx, h.T(), l, true) })
		if a := mailed(h, canary, "letter"); a.Reason != consent.IsSuppressed {
			t.Errorf("it is written to: %+v", a)
		}
	})
}

// The address of an account is not forgotten by a link, nor by the link of who
// had it before.
func TestTheAddressOfAnAccountIsNotForgottenByALink(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		capture(h, canary, consent.Wish{Topic: "offers", Channel: consent.ByEmail, On: true})
		l := manage(h, canary)
		h.Update(func(tx *db.Tx) error { _, err := join(tx, h.T(), canary); return err })
		if err := h.Try(func(tx *db.Tx) error { return consent.Forget(tx, h.T(), l, true) }); !errors.Is(err, consent.ErrOfAccount) {
			t.Errorf("the account's address: %v", err)
		}
		if a := mailed(h, canary, "care"); a.Reason == consent.IsSuppressed {
			t.Errorf("what failed had an effect: %+v", a)
		}
		stranger := l
		stranger.Owner = customer.ID{9}
		if err := h.Try(func(tx *db.Tx) error { return consent.Forget(tx, h.T(), stranger, true) }); !errors.Is(err, consent.ErrLink) {
			t.Errorf("a link of somebody before: %v", err)
		}
		if lites(h) == 0 || forgotten(h) != 0 {
			t.Error("preferences of the account are gone")
		}
	})
}

// GDPR Article 18: while the use of a customer's data is restricted, they are
// not written to for a legitimate interest; what they consented to goes on.
func TestGDPR18_ARestrictedCustomerIsNotWrittenToForAnInterest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		garden(h)
		var mia customer.ID
		h.Update(func(tx *db.Tx) (err error) { mia, err = join(tx, h.T(), canary); return err })
		h.Update(func(tx *db.Tx) error {
			wish := []consent.Wish{{Topic: "offers", Channel: consent.ByEmail, On: true}}
			if err := consent.Prefer(tx, h.T(), mia, wish, consent.Where{Surface: "portal", Method: "form"}); err != nil {
				return err
			}
			return consent.Restrict(tx, h.T(), consent.Choice{Customer: mia, Surface: "portal", Method: "button"})
		})
		if a := mailed(h, canary, "care"); a.Allowed || a.Reason != consent.WhyRestricted {
			t.Errorf("restricted: %+v", a)
		}
		if a := mailed(h, canary, "offers"); !a.Allowed {
			t.Errorf("by consent: %+v", a)
		}
		h.Update(func(tx *db.Tx) error {
			return consent.Lift(tx, h.T(), consent.Choice{Customer: mia, Surface: "portal", Method: "button"})
		})
		if a := mailed(h, canary, "care"); !a.Allowed {
			t.Errorf("lifted: %+v", a)
		}
	})
}
