package consent_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
)

func TestTheLedgerKeepsEveryDecisionAndTheStateTheLast(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, a, b := h.Customer(), h.App(false), h.App(false)
		decide := func(item string, given bool) {
			h.Wait(time.Second)
			h.Update(func(tx *db.Tx) error {
				return consent.Record(tx, h.T(), consent.Decision{Customer: mia, Purpose: consent.Scope, Recipient: a.ID, Item: item, Given: given, Surface: "test", Method: "button"})
			})
		}
		granted := func() (list []string) {
			h.View(func(tx *db.Tx) (err error) { list, err = consent.Granted(tx, h.T(), mia, a.ID); return err })
			return list
		}
		decide("profile", true)
		decide("email", true)
		decide("profile", false)
		if got := granted(); !slices.Equal(got, []string{"email"}) {
			t.Errorf("granted %v", got)
		}
		decide("profile", true)
		h.View(func(tx *db.Tx) error {
			if list, err := consent.Granted(tx, h.T(), mia, b.ID); len(list) > 0 || err != nil {
				t.Errorf("another application has %v, %v", list, err)
			}
			missing, err := consent.Missing(tx, h.T(), mia, a.ID, []string{"phone", "email"})
			if !slices.Equal(missing, []string{"phone"}) {
				t.Errorf("missing %v", missing)
			}
			return err
		})
		h.Update(func(tx *db.Tx) error {
			return consent.Withdraw(tx, h.T(), a.ID, consent.Choice{Customer: mia, Surface: "portal", Method: "button"})
		})
		if got := granted(); len(got) > 0 {
			t.Errorf("after the withdrawal %v", got)
		}
		h.View(func(tx *db.Tx) error {
			all, err := consent.Ledger(tx, h.T(), mia)
			if len(all) != 6 || all[5].Item != "profile" || all[5].Decision != "given" {
				t.Errorf("%d entries: %+v", len(all), all)
			}
			return err
		})
		err := h.Try(func(tx *db.Tx) error { return consent.Record(tx, h.T(), consent.Decision{Customer: mia}) })
		if !errors.Is(err, consent.ErrBadDecision) {
			t.Error(err)
		}
	})
}

func TestANewVersionOfALegalTextIsAskedFor(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia := h.Customer()
		put := func(d consent.Document) error {
			d.Title, d.URL = "Terms", "https://fernfield.example/"+d.Kind+"/"+d.Locale
			return h.Try(func(tx *db.Tx) error { return consent.PutDocument(tx, h.T(), d) })
		}
		for _, d := range []consent.Document{
			{Kind: consent.Terms, Version: 1, Locale: "en", Digest: [32]byte{1}},
			{Kind: consent.Terms, Version: 1, Locale: "de", Digest: [32]byte{2}},
			{Kind: consent.Privacy, Version: 3, Locale: "de", Digest: [32]byte{3}},
			{Kind: consent.Terms, Version: 2, Locale: "en", Digest: [32]byte{4}, EffectiveAt: h.Clock.Now().Add(time.Hour)},
			{Kind: consent.Terms, Version: 1, Locale: "en", Digest: [32]byte{1}}, // again
		} {
			if err := put(d); err != nil {
				t.Fatal(err)
			}
		}
		missing := func(locale string) (out []string) {
			h.View(func(tx *db.Tx) error {
				list, err := consent.Unaccepted(tx, h.T(), mia, locale)
				for _, d := range list {
					out = append(out, d.Kind+" "+d.Locale)
				}
				return err
			})
			return out
		}
		for locale, want := range map[string][]string{"de-AT": {"terms de", "privacy de"}, "fr": {"terms en", "privacy de"}} {
			if got := missing(locale); !slices.Equal(got, want) {
				t.Errorf("%s: %v", locale, got)
			}
		}
		accept := func(kind string, version int64) {
			h.Update(func(tx *db.Tx) error {
				return consent.Record(tx, h.T(), consent.Decision{Customer: mia, Purpose: consent.Terms, Item: kind, Given: true, Version: version})
			})
		}
		accept(consent.Terms, 1)
		accept(consent.Privacy, 2)
		if got := missing("en"); !slices.Equal(got, []string{"privacy de"}) {
			t.Errorf("an older version counts: %v", got)
		}
		accept(consent.Privacy, 3)
		if got := missing("en"); len(got) > 0 {
			t.Errorf("still %v", got)
		}
		h.Wait(time.Hour)
		if got := missing("en"); !slices.Equal(got, []string{"terms en"}) {
			t.Errorf("a version that came into force is not asked for: %v", got)
		}
		if err := put(consent.Document{Kind: consent.Terms, Version: 1, Locale: "en", Digest: [32]byte{9}}); !errors.Is(err, consent.ErrFixedDocument) {
			t.Errorf("other words under the same version: %v", err)
		}
		if err := put(consent.Document{Kind: "cookies", Version: 1, Locale: "en", Digest: [32]byte{9}}); !errors.Is(err, consent.ErrBadDocument) {
			t.Error(err)
		}
	})
}

// TestH221_TheStateIsTheEntryThatWasWrittenLast: also of several in one
// microsecond, and where the node that writes later has the slower clock.
func TestH221_TheStateIsTheEntryThatWasWrittenLast(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mia, a := h.Customer(), h.App(false)
		decide := func(tx *db.Tx, given bool) error {
			return consent.Record(tx, h.T(), consent.Decision{Customer: mia, Purpose: consent.Scope, Recipient: a.ID, Item: "email", Given: given, Surface: "test"})
		}
		h.Update(func(tx *db.Tx) error {
			for _, given := range []bool{true, false, true, false} {
				if err := decide(tx, given); err != nil {
					return err
				}
			}
			return nil
		})
		h.Update(func(tx *db.Tx) error {
			tx.Now = tx.Now.Add(-time.Hour)
			return decide(tx, true)
		})
		h.View(func(tx *db.Tx) error {
			list, err := consent.Ledger(tx, h.T(), mia)
			if len(list) != 5 {
				t.Fatal(len(list), err)
			}
			for i, e := range list {
				if want := i%2 == 0; (e.Decision == consent.Given) != want {
					t.Errorf("entry %d from the end is %s", i, e.Decision)
				}
				if i > 0 && (!list[i-1].MadeAt.After(e.MadeAt) || list[i-1].ID.String() <= e.ID.String()) {
					t.Errorf("entry %d is not after the one before it: %v %v", i, list[i-1].MadeAt, e.MadeAt)
				}
			}
			s, err := consent.Recipients(tx, h.T(), mia)
			if len(s) != 1 || s[0].ConsentID != list[0].ID || !s[0].MadeAt.Equal(list[0].MadeAt) {
				t.Errorf("the state is not the last entry: %+v", s)
			}
			return err
		})
	})
}
