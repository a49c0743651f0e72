package consent_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const days = tenant.Duration(24 * time.Hour)

// news is a purpose that rests on consent.
func news(change ...func(*consent.Purpose)) consent.Purpose {
	p := consent.Purpose{
		ID: "news", Version: 1, Basis: consent.ByConsent, Fields: []string{"shoe_size"},
		Words: map[string]consent.Words{
			"en": {Title: "News", Text: "We write to you."}, "de": {Title: "Neues", Text: "Wir schreiben Ihnen."},
		},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

// office is a house whose catalogue has a field for the purpose.
type office struct {
	*coretest.House
	t   *testing.T
	mia customer.ID
}

func offices(t *testing.T, test func(o *office)) {
	t.Helper()
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		o := &office{h, t, h.Customer()}
		h.Update(func(tx *db.Tx) error {
			return catalog.Put(tx, h.T(), []catalog.Field{{
				Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Purposes: []string{"account", "news", "ads", "fit"},
			}})
		})
		test(o)
	})
}

func (o *office) put(p consent.Purpose) (asks bool, err error) {
	err = o.Try(func(tx *db.Tx) (err error) { asks, err = consent.PutPurpose(tx, o.T(), p); return err })
	return asks, err
}

func (o *office) must(p consent.Purpose) bool {
	o.t.Helper()
	asks, err := o.put(p)
	if err != nil {
		o.t.Fatal(err)
	}
	return asks
}

func (o *office) decide(decision, purpose string, version int64) error {
	o.Wait(time.Second)
	return o.Try(func(tx *db.Tx) error {
		_, err := consent.Decide(tx, o.T(), consent.Choice{
			Customer: o.mia, Purpose: purpose, Decision: decision, Version: version, Locale: "de-AT", Surface: "portal", Method: "button",
			Network: "203.0.113.0/24", Agent: "Firefox",
		})
		return err
	})
}

// why says why a purpose holds ("+given") or does not ("-never").
func (o *office) why(purpose string) (out string) {
	o.t.Helper()
	o.View(func(tx *db.Tx) error {
		s, holds, err := consent.Holds(tx, o.T(), o.mia, purpose, [16]byte{})
		out = map[bool]string{true: "+", false: "-"}[holds] + s.Why
		return err
	})
	return out
}

func (o *office) want(purpose, why string) {
	o.t.Helper()
	if got := o.why(purpose); got != why {
		o.t.Errorf("%s: %s, want %s", purpose, got, why)
	}
}

func (o *office) ledger() (list []consent.Entry) {
	o.View(func(tx *db.Tx) (err error) { list, err = consent.Ledger(tx, o.T(), o.mia); return err })
	return list
}

// TestH221_ConsentHoldsForWhatWasShownAndNothingMore: a version that takes more
// is asked for again; the text's digest, version and language stand in the
// ledger; what is withdrawn does not hold from that transaction on.
func TestH221_ConsentHoldsForWhatWasShownAndNothingMore(t *testing.T) {
	offices(t, func(o *office) {
		o.want("news", "-no_purpose")
		o.must(news())
		o.want("news", "-never")
		if err := o.decide(consent.Given, "news", 1); err != nil {
			t.Fatal(err)
		}
		o.want("news", "+given")
		e := o.ledger()[0]
		shown := news().Words["de"]
		if e.Version != 1 || e.Locale != "de" || e.TextDigest != shown.Digest() || e.Surface != "portal" || e.Method != "button" || len(e.Evidence) == 0 {
			t.Errorf("%+v", e)
		}
		if strings.Contains(string(e.Evidence), "Firefox") {
			t.Error("the evidence lies in the clear")
		}
		partner := o.App(false)
		wider := news(func(p *consent.Purpose) {
			p.Version, p.Recipients, p.Grace = 2, []consent.Recipient{{Application: partner.ID.String()}}, days
		})
		if !o.must(wider) {
			t.Error("a new recipient asks nobody")
		}
		o.want("news", "+given") // the grace
		o.Wait(24 * time.Hour)
		o.want("news", "-older")
		if err := o.decide(consent.Given, "news", 1); !errors.Is(err, consent.ErrChangedPurpose) {
			t.Errorf("an old page gives consent to a new text: %v", err)
		}
		if err := o.decide(consent.Given, "news", 2); err != nil {
			t.Fatal(err)
		}
		o.want("news", "+given")
		stranger := o.App(false)
		o.View(func(tx *db.Tx) error {
			_, named, err := consent.Holds(tx, o.T(), o.mia, "news", partner.ID)
			s, other, _ := consent.Holds(tx, o.T(), o.mia, "news", stranger.ID)
			if !named || other || s.Why != consent.WhyRecipient {
				t.Errorf("named %v, another %v %s", named, other, s.Why)
			}
			return err
		})
		if err := o.decide(consent.Withdrawn, "news", 2); err != nil {
			t.Fatal(err)
		}
		o.want("news", "-withdrawn")
		if list := o.ledger(); len(list) != 3 || list[0].Decision != consent.Withdrawn {
			t.Errorf("%+v", list)
		}
	})
}

func TestWhatABasisMeans(t *testing.T) {
	offices(t, func(o *office) {
		for id, b := range map[string]consent.Basis{"fit": consent.ByLegitimateInterest, "ads": consent.ByContract} {
			o.must(news(func(p *consent.Purpose) { p.ID, p.Basis = id, b }))
		}
		o.want("fit", "+basis")
		o.want("ads", "+basis")
		o.want("account", "+basis")
		for _, c := range []struct{ decision, purpose string }{
			{consent.Given, "fit"}, {consent.Withdrawn, "fit"}, {consent.Objected, "ads"}, {consent.Given, "ads"}, {consent.Objected, "account"},
		} {
			if err := o.decide(c.decision, c.purpose, 1); !errors.Is(err, consent.ErrNoChoice) {
				t.Errorf("%s %s: %v", c.decision, c.purpose, err)
			}
		}
		for _, c := range []struct{ decision, why string }{{consent.Objected, "-objected"}, {consent.Given, "+basis"}, {consent.Objected, "-objected"}} {
			if err := o.decide(c.decision, "fit", 1); err != nil {
				t.Error(err)
			}
			o.want("fit", c.why)
		}
		if n := len(o.ledger()); n != 3 {
			t.Errorf("%d entries", n)
		}
		if err := o.decide(consent.Objected, "fit", 1); err != nil || len(o.ledger()) != 3 {
			t.Errorf("the same once more: %v", err)
		}
	})
}

// TestAWithdrawalOutlivesAnotherBasis: who said no when it was asked is not
// served without being asked.
func TestAWithdrawalOutlivesAnotherBasis(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news())
		for _, d := range []string{consent.Given, consent.Withdrawn} {
			if err := o.decide(d, "news", 1); err != nil {
				t.Fatal(err)
			}
		}
		o.must(news(func(p *consent.Purpose) { p.Version, p.Basis = 2, consent.ByLegitimateInterest }))
		o.want("news", "-withdrawn")
	})
}

func TestConsentExpires_AndCanBeRenewedBefore(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news(func(p *consent.Purpose) { p.Expiry, p.Remind = 365*days, 30*days }))
		give := func() {
			t.Helper()
			if err := o.decide(consent.Given, "news", 1); err != nil {
				t.Fatal(err)
			}
		}
		give()
		give() // too early: nothing is written
		if n := len(o.ledger()); n != 1 {
			t.Errorf("%d entries", n)
		}
		o.Wait(340 * 24 * time.Hour)
		give()
		if n := len(o.ledger()); n != 2 {
			t.Errorf("%d entries after the renewal", n)
		}
		o.Wait(364 * 24 * time.Hour)
		o.want("news", "+given")
		o.Wait(24 * time.Hour)
		o.want("news", "-expired") // before the sweep came by
		for want := 1; want >= 0; want-- {
			o.Update(func(tx *db.Tx) error {
				n, err := consent.Sweep(tx, 10)
				if n != want {
					t.Errorf("swept %d, want %d", n, want)
				}
				return err
			})
		}
		o.want("news", "-expired")
		if list := o.ledger(); len(list) != 3 || list[0].Decision != consent.Expired || list[0].ActorKind != "system" {
			t.Errorf("%+v", list)
		}
		give()
		o.want("news", "+given")
	})
}

// TestH224_ASignalObjectsToSaleAndSharing_AndIsKept: and it neither overrules
// what the customer allows by hand afterwards nor touches other purposes.
func TestH224_ASignalObjectsToSaleAndSharing_AndIsKept(t *testing.T) {
	offices(t, func(o *office) {
		sale := func(id string, b consent.Basis) {
			o.must(news(func(p *consent.Purpose) { p.ID, p.Basis, p.SaleOrShare = id, b, true }))
		}
		o.must(news())
		sale("ads", consent.ByConsent)
		sale("fit", consent.ByLegitimateInterest)
		for _, id := range []string{"news", "ads"} {
			if err := o.decide(consent.Given, id, 1); err != nil {
				t.Fatal(err)
			}
		}
		heed := func(want int) {
			t.Helper()
			o.Wait(time.Second)
			o.Update(func(tx *db.Tx) error {
				n, err := consent.Heed(tx, o.T(), consent.Choice{Customer: o.mia, Locale: "en"})
				if n != want {
					t.Errorf("heeded %d, want %d", n, want)
				}
				return err
			})
		}
		heed(2)
		o.want("ads", "-objected")
		o.want("fit", "-objected")
		o.want("news", "+given")
		heed(0)
		if e := o.ledger()[0]; e.Surface != "gpc" || e.Method != "header" {
			t.Errorf("%+v", e)
		}
		if err := o.decide(consent.Given, "ads", 1); err != nil {
			t.Fatal(err)
		}
		heed(0)
		o.want("ads", "+given")
	})
}

func TestAVersionIsFixedInWhatItTellsCustomers(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news())
		for member, change := range map[string]func(*consent.Purpose){
			"words":         func(p *consent.Purpose) { p.Words["en"] = consent.Words{Title: "News", Text: "We sell."} },
			"basis":         func(p *consent.Purpose) { p.Basis = consent.ByContract },
			"fields":        func(p *consent.Purpose) { p.Fields = nil },
			"recipients":    func(p *consent.Purpose) { p.Recipients = []consent.Recipient{{Name: "Post", Country: "DE"}} },
			"retention":     func(p *consent.Purpose) { p.Retention = days },
			"sale_or_share": func(p *consent.Purpose) { p.SaleOrShare = true },
			"expiry":        func(p *consent.Purpose) { p.Expiry = days },
		} {
			_, err := o.put(news(change))
			if !errors.Is(err, consent.ErrFixedPurpose) || fault.Of(err).Field != member {
				t.Errorf("%s: %v", member, err)
			}
		}
		o.must(news(func(p *consent.Purpose) { p.Words["fr"] = consent.Words{Title: "Nouvelles", Text: "Nous écrivons."} }))
		if asks := o.must(news(func(p *consent.Purpose) { p.Version, p.Fields = 2, nil })); asks {
			t.Error("less data asks again")
		}
		if asks := o.must(news(func(p *consent.Purpose) { p.Version, p.Fields, p.AskAgain = 3, nil, true })); !asks {
			t.Error("ask_again does not ask")
		}
		if _, err := o.put(news()); !errors.Is(err, consent.ErrOldPurpose) {
			t.Error(err)
		}
		o.Update(func(tx *db.Tx) error { return consent.RetirePurpose(tx, o.T(), "news") })
		o.want("news", "-no_purpose")
	})
}

func TestWhatAPurposeMustSay(t *testing.T) {
	offices(t, func(o *office) {
		for name, c := range map[string]struct {
			change func(*consent.Purpose)
			member string
		}{
			"no id":                 {func(p *consent.Purpose) { p.ID = "No news" }, "id"},
			"no version":            {func(p *consent.Purpose) { p.Version = 0 }, "version"},
			"no basis":              {func(p *consent.Purpose) { p.Basis = "because" }, "basis"},
			"another account basis": {func(p *consent.Purpose) { p.ID = "account" }, "basis"},
			"a sold contract":       {func(p *consent.Purpose) { p.Basis, p.SaleOrShare = consent.ByContract, true }, "sale_or_share"},
			"a contract's expiry":   {func(p *consent.Purpose) { p.Basis, p.Expiry = consent.ByContract, days }, "expiry"},
			"too early a reminder":  {func(p *consent.Purpose) { p.Expiry, p.Remind = days, days }, "remind"},
			"another language only": {func(p *consent.Purpose) { delete(p.Words, "en") }, "words"},
			"an unknown field":      {func(p *consent.Purpose) { p.Fields = []string{"hat_size"} }, "fields"},
			"a field of others":     {func(p *consent.Purpose) { p.Fields = []string{"given_name"} }, "fields"},
			"a recipient nowhere":   {func(p *consent.Purpose) { p.Recipients = []consent.Recipient{{Name: "Post"}} }, "recipients"},
			"nobody's application":  {func(p *consent.Purpose) { p.Recipients = []consent.Recipient{{Application: "app_nobody"}} }, "recipients"},
		} {
			if _, err := o.put(news(c.change)); fault.Of(err) == nil || fault.Of(err).Field != c.member {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestAnEntryOfTheLedgerIsGuardedByItsDigest(t *testing.T) {
	offices(t, func(o *office) {
		o.must(news())
		if err := o.decide(consent.Given, "news", 1); err != nil {
			t.Fatal(err)
		}
		was := o.ledger()[0].Digest()
		for _, member := range []string{"decision = 'withdrawn'", "version = 7", "locale = 'fr'", "made_at = made_at - 1", "actor_kind = 'staff'", "expires_at = 1"} {
			o.t.Run(member, func(t *testing.T) {
				undo := errors.New("undo")
				err := o.D.Update(context.Background(), func(tx *db.Tx) error {
					if _, err := tx.Exec(`UPDATE ` + `consent SET ` + member); err != nil {
						return err
					}
					list, err := consent.Ledger(tx, o.T(), o.mia)
					if err == nil && list[0].Digest() == was {
						t.Error("the digest is the same")
					}
					return errors.Join(err, undo)
				})
				if !errors.Is(err, undo) {
					t.Error(err)
				}
			})
		}
	})
}

// TestNothingChangesTheLedger: no statement of the house changes or deletes an
// entry.
func TestNothingChangesTheLedger(t *testing.T) {
	t.Parallel()
	writes := regexp.MustCompile(`(?i)(UPDATE|DELETE\s+FROM)\s+consent\s`)
	read := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if read++; writes.Match(text) {
			t.Errorf("%s changes the ledger", path)
		}
		return err
	})
	if err != nil || read < 200 {
		t.Errorf("%d files, %v", read, err)
	}
}
