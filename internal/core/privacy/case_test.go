package privacy_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var officer = journal.Actor{Kind: "operator"}

// bureau is a house in which requests come in.
type bureau struct {
	*coretest.House
	t *testing.T
}

func (b *bureau) open(o privacy.CaseOpening) (c privacy.Case) {
	b.t.Helper()
	if o.Channel == "" {
		o.Channel = privacy.ByPortal
	}
	b.Update(func(tx *db.Tx) (err error) { c, err = privacy.OpenCase(tx, b.T(), o); return err })
	return c
}

// act does something in a case as it stands in the database.
func (b *bureau) act(c privacy.Case, do func(tx *db.Tx, c privacy.Case) error) error {
	return b.D.Update(context.Background(), func(tx *db.Tx) error {
		now, err := privacy.GetCase(tx, b.T(), c.ID)
		if err != nil {
			return err
		}
		return do(tx, now)
	})
}

func (b *bureau) now(c privacy.Case) (out privacy.Case) {
	b.t.Helper()
	b.View(func(tx *db.Tx) (err error) { out, err = privacy.GetCase(tx, b.T(), c.ID); return err })
	return out
}

func (b *bureau) acts(c privacy.Case) (out []string) {
	b.t.Helper()
	b.View(func(tx *db.Tx) error {
		list, err := privacy.History(tx, &c)
		out = nil
		for _, e := range list {
			out = append(out, e.Act)
		}
		return err
	})
	return out
}

func (b *bureau) letters(c customer.ID) map[notify.Template]int {
	b.t.Helper()
	out := map[notify.Template]int{}
	b.View(func(tx *db.Tx) error {
		list, err := notify.List(tx, b.T(), c, 100)
		clear(out)
		for _, m := range list {
			out[m.Template]++
		}
		return err
	})
	return out
}

func (b *bureau) is(err error, want error) {
	b.t.Helper()
	if !errors.Is(err, want) {
		b.t.Errorf("%v, not %v", err, want)
	}
}

func (b *bureau) pause(c privacy.Case) error {
	return b.act(c, func(tx *db.Tx, c privacy.Case) error {
		_, err := privacy.Pause(tx, b.T(), c, officer, "Which one?")
		return err
	})
}

func (b *bureau) resume(c privacy.Case) error {
	return b.act(c, func(tx *db.Tx, c privacy.Case) error {
		_, err := privacy.Resume(tx, b.T(), c, officer, "told by phone")
		return err
	})
}

func (b *bureau) extend(c privacy.Case) error {
	return b.act(c, func(tx *db.Tx, c privacy.Case) error {
		_, err := privacy.Extend(tx, b.T(), c, officer, "The archive is far.")
		return err
	})
}

func (b *bureau) decide(c privacy.Case, d privacy.Decision) error {
	d.Actor = officer
	if d.Reason == "" {
		d.Reason = "Because."
	}
	return b.act(c, func(tx *db.Tx, c privacy.Case) error { _, err := privacy.DecideCase(tx, b.T(), c, d); return err })
}

var signedIn = privacy.Identity{How: privacy.SignedIn, Level: "urn:cardea:acr:single"}

func TestTheClockStandsWhileItWaitsAndIsExtendedOnce(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Access, Identity: signedIn})
		due := c.DueAt
		h.Clock.Advance(5 * 24 * time.Hour)
		b.is(b.resume(c), privacy.ErrCaseRunning)
		b.is(b.pause(c), nil)
		b.is(b.pause(c), privacy.ErrCaseWaiting)
		b.is(b.extend(c), privacy.ErrCaseWaiting)
		h.Clock.Advance(60 * 24 * time.Hour)
		if now := b.now(c); now.Overdue(h.Clock.Now()) {
			t.Error("what waits for the customer is overdue")
		}
		b.Update(func(tx *db.Tx) error {
			_, err := privacy.AddWords(tx, b.T(), ada, c.ID, "The newer one")
			return err
		})
		now := b.now(c)
		if now.State != privacy.CaseOpen || !now.DueAt.Equal(due.Add(60*24*time.Hour)) {
			t.Errorf("%s, due %s, not %s", now.State, now.DueAt, due.Add(60*24*time.Hour))
		}
		b.is(b.extend(c), nil)
		if again := b.now(c); again.DueAt.Before(now.DueAt.AddDate(0, 1, 27)) {
			t.Errorf("extended from %s to %s", now.DueAt, again.DueAt)
		}
		b.is(b.extend(c), privacy.ErrCaseExtended)
		late := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Portability, Identity: signedIn})
		h.Clock.Set(late.DueAt)
		b.is(b.extend(late), privacy.ErrCaseOverdue)
		b.is(b.decide(late, privacy.Decision{Outcome: privacy.Refused}), nil)
		b.is(b.decide(late, privacy.Decision{Outcome: privacy.Refused}), privacy.ErrCaseClosed)
		b.is(b.pause(late), privacy.ErrCaseClosed)
		told := b.letters(ada)
		if told[notify.CaseOpened] != 2 || told[notify.CaseWaiting] != 1 || told[notify.CaseExtended] != 1 || told[notify.CaseDecided] != 1 {
			t.Errorf("%v", told)
		}
	})
}

func TestStaffAreWarnedOnceBeforeItIsDueAndOnceAfter(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		h.Settings(func(s *tenant.Settings) { s.Privacy.Officer.Mail = "dpo@fern.example" })
		c := b.open(privacy.CaseOpening{Customer: h.Customer(), Kind: privacy.Complaint, Words: "Nobody answers.", Identity: signedIn})
		w := privacy.Wiring{House: h.House}
		warn := func() (n int) {
			b.Update(func(tx *db.Tx) error {
				list, err := w.WarnCases(tx, 10)
				n = len(list)
				return err
			})
			return n
		}
		for _, step := range []struct {
			at   time.Time
			want int
		}{
			{c.DueAt.Add(-privacy.WarnBefore - time.Second), 0}, {c.DueAt.Add(-privacy.WarnBefore), 1}, {c.DueAt.Add(-time.Hour), 0},
			{c.DueAt, 1}, {c.DueAt.Add(time.Hour), 0},
		} {
			h.Clock.Set(step.at)
			if n := warn(); n != step.want {
				t.Errorf("at %s %d warnings, not %d", step.at, n, step.want)
			}
		}
		if n := b.letters(customer.ID{})[notify.CaseDue]; n != 2 {
			t.Errorf("the officer has %d mails", n)
		}
		if got := b.acts(c); len(got) != 3 || got[1] != privacy.ActDueSoon || got[2] != privacy.ActOverdue {
			t.Errorf("%v", got)
		}
	})
}

// Of fifty who decide at once one does, and what it says is done once.
func TestFiftyDecideAtOnceAndOneDoes(t *testing.T) {
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Restriction, Identity: signedIn})
		var all sync.WaitGroup
		var mu sync.Mutex
		done, closed := 0, 0
		for range 50 {
			all.Go(func() {
				err := b.decide(c, privacy.Decision{Outcome: privacy.Done})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					done++
				case errors.Is(err, privacy.ErrCaseClosed):
					closed++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if done != 1 || closed != 49 || b.letters(ada)[notify.CaseDecided] != 1 {
			t.Errorf("%d decided, %d were told that it is closed, %v", done, closed, b.letters(ada))
		}
	})
}

func TestNothingIsDoneForSomebodyWhomNobodyChecked(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Rectification, Item: "nickname", Words: "It is Ada.", Channel: privacy.ByMail})
		b.is(b.decide(c, privacy.Decision{Outcome: privacy.Done, Value: "Ada"}), privacy.ErrCaseIdentity)
		if fields := b.profile(ada); len(fields) != 0 {
			t.Errorf("%v", fields)
		}
		identify := func(words string) error {
			return b.act(c, func(tx *db.Tx, c privacy.Case) error {
				_, err := privacy.Identify(tx, b.T(), c, officer, words)
				return err
			})
		}
		b.is(identify(" "), privacy.ErrCaseWords)
		b.is(identify("passport"), nil)
		b.is(identify("passport"), privacy.ErrCaseIdentified)
		b.is(b.decide(c, privacy.Decision{Outcome: privacy.Done}), privacy.ErrCaseValue)
		if now := b.now(c); now.State != privacy.CaseOpen {
			t.Error("what failed closed the case")
		}
		b.is(b.decide(c, privacy.Decision{Outcome: privacy.Withdrawn, Value: "Ada"}), privacy.ErrCaseOutcome)
		b.is(b.decide(c, privacy.Decision{Outcome: privacy.Done, Value: "Ada"}), nil)
		if fields := b.profile(ada); len(fields) != 1 || fields[0].Name != "nickname" || fields[0].Source != customer.SourceCase {
			t.Errorf("%v", fields)
		}
	})
}

func (b *bureau) profile(c customer.ID) (out []customer.FieldValue) {
	b.t.Helper()
	b.View(func(tx *db.Tx) (err error) { out, err = customer.Profile(tx, b.T(), c); return err })
	return out
}

func TestARestrictionIsMadeAndLiftedByCases(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		restricted := func() (is bool) {
			b.View(func(tx *db.Tx) (err error) { is, _, err = consent.Restricted(tx, b.T(), ada); return err })
			return is
		}
		for _, step := range []struct {
			item    string
			outcome privacy.Outcome
			want    bool
		}{{"", privacy.Refused, false}, {"", privacy.Done, true}, {privacy.Lift, privacy.Refused, true}, {privacy.Lift, privacy.Done, false}} {
			c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Restriction, Item: step.item, Identity: signedIn})
			b.is(b.decide(c, privacy.Decision{Outcome: step.outcome}), nil)
			if restricted() != step.want {
				t.Errorf("%+v: %v", step, restricted())
			}
		}
	})
}

func TestOnlyWhatCanBeAskedForIsACase(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		for want, list := range map[error][]privacy.CaseOpening{
			privacy.ErrCaseKind:  {{Kind: "everything"}},
			privacy.ErrCaseItem:  {{Kind: privacy.Rectification, Item: "email", Words: "x"}, {Kind: privacy.Rectification, Item: "nothing", Words: "x"}, {Kind: privacy.Objection}, {Kind: privacy.Objection, Item: "account"}, {Kind: privacy.Access, Item: "nickname"}, {Kind: privacy.Restriction, Item: "all"}},
			privacy.ErrCaseWords: {{Kind: privacy.Complaint}, {Kind: privacy.Complaint, Words: " \n "}, {Kind: privacy.Access, Words: string(make([]byte, 10))}, {Kind: privacy.Access, Words: "\xff"}},
		} {
			for _, o := range list {
				o.Customer, o.Channel = ada, privacy.ByPortal
				err := b.D.Update(context.Background(), func(tx *db.Tx) error { _, err := privacy.OpenCase(tx, b.T(), o); return err })
				b.is(err, want)
			}
		}
		for range 10 {
			b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Access, Identity: signedIn})
		}
		one := privacy.CaseOpening{Customer: ada, Kind: privacy.Access, Channel: privacy.ByPortal}
		err := b.D.Update(context.Background(), func(tx *db.Tx) error { _, err := privacy.OpenCase(tx, b.T(), one); return err })
		b.is(err, privacy.ErrCasesMany)
		one.Actor = officer
		b.open(one)
	})
}

// What another customer or another tenant has is not there.
func TestH113_CasesOfOthersAreNotFound(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada, bob := h.Customer(), h.Customer()
		other := h.Tenant("moss", "https://id.moss.example")
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Access, Identity: signedIn})
		for name, do := range map[string]func(tx *db.Tx) error{
			"see":      func(tx *db.Tx) error { _, err := privacy.FindCase(tx, b.T(), bob, c.ID); return err },
			"add to":   func(tx *db.Tx) error { _, err := privacy.AddWords(tx, b.T(), bob, c.ID, "mine"); return err },
			"withdraw": func(tx *db.Tx) error { _, err := privacy.WithdrawCase(tx, b.T(), bob, c.ID); return err },
			"get":      func(tx *db.Tx) error { _, err := privacy.GetCase(tx, other, c.ID); return err },
			"take":     func(tx *db.Tx) error { _, err := privacy.FindCase(tx, other, ada, c.ID); return err },
			"pause":    func(tx *db.Tx) error { _, err := privacy.Pause(tx, other, c, officer, "x"); return err },
		} {
			if err := b.D.Update(context.Background(), do); !errors.Is(err, privacy.ErrNoCase) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if now := b.now(c); now.State != privacy.CaseOpen || len(b.acts(c)) != 1 {
			t.Errorf("%+v", now)
		}
	})
}

// Nobody erases a part of the data by erasing all of it.
func TestAnErasureIsNotDoneInPart(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		c := b.open(privacy.CaseOpening{Customer: h.Customer(), Kind: privacy.Erasure, Words: "All but my orders.", Identity: signedIn})
		err := b.act(c, func(tx *db.Tx, c privacy.Case) error {
			_, err := privacy.DecideCase(tx, b.T(), c, privacy.Decision{Outcome: privacy.Partly, Reason: "As you asked.", Actor: officer})
			return err
		})
		if now := b.now(c); !errors.Is(err, privacy.ErrCaseOutcome) || now.State != privacy.CaseOpen {
			t.Errorf("%v, %s", err, now.State)
		}
	})
}

// Of an erased customer the case stays, and no word of it.
func TestACaseOutlivesItsCustomerWithoutAWord(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Complaint, Words: "Nobody answers.", Identity: signedIn})
		b.Update(func(tx *db.Tx) error { return privacy.OpenItself(tx, b.T(), ada, privacy.Erasure, "") })
		b.Update(func(tx *db.Tx) error { return privacy.OpenItself(tx, b.T(), ada, privacy.Erasure, "") })
		b.Update(func(tx *db.Tx) error { return privacy.Destroy(tx, b.T(), ada) })
		b.View(func(tx *db.Tx) error {
			list, err := privacy.CasesOf(tx, b.T(), ada)
			if err != nil {
				return err
			}
			if len(list) != 2 {
				t.Fatalf("%d cases", len(list))
			}
			want := map[privacy.CaseKind]privacy.Outcome{privacy.Complaint: privacy.Lapsed, privacy.Erasure: privacy.Done}
			for i := range list {
				lines, err := privacy.History(tx, &list[i])
				if err != nil {
					return err
				}
				if list[i].State != privacy.CaseClosed || list[i].Outcome != want[list[i].Kind] || len(lines) < 2 {
					t.Errorf("%+v %+v", list[i], lines)
				}
				for _, e := range lines {
					if e.Sealed != nil {
						t.Errorf("%s of %s still has words", e.Act, c.ID)
					}
				}
			}
			return nil
		})
	})
}

// What the house opened ends with what it is about, whatever a form says; and
// customers ask for the rectification of nothing that they cannot see.
func TestCustomersReachNoCaseAndNoFieldThatIsTheHouses(t *testing.T) {
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		b := &bureau{h, t}
		ada := h.Customer()
		c := b.open(privacy.CaseOpening{Customer: ada, Kind: privacy.Access, ByItself: true, Identity: signedIn})
		err := b.act(c, func(tx *db.Tx, c privacy.Case) error {
			_, err := privacy.WithdrawCase(tx, b.T(), ada, c.ID)
			return err
		})
		b.is(err, privacy.ErrCaseItself)
		if now := b.now(c); now.State != privacy.CaseOpen {
			t.Errorf("%+v", now)
		}
		secret := catalog.Field{
			Name: "fraud_note", Type: catalog.Text, Class: catalog.Profile, Viewers: []string{"staff:operator"}, Editors: []string{"staff:operator"},
			Purposes: []string{"account"},
		}
		b.Update(func(tx *db.Tx) error { return catalog.Put(tx, b.T(), []catalog.Field{secret}) })
		if err := b.House.House.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		open := func(item string, actor journal.Actor) error {
			o := privacy.CaseOpening{Customer: ada, Kind: privacy.Rectification, Item: item, Channel: privacy.ByPortal, Words: "wrong", Actor: actor}
			return b.D.Update(context.Background(), func(tx *db.Tx) error { _, err := privacy.OpenCase(tx, b.T(), o); return err })
		}
		b.is(open("fraud_note", journal.Actor{}), privacy.ErrCaseItem)
		b.is(open("fraud_nose", journal.Actor{}), privacy.ErrCaseItem)
		b.is(open("fraud_note", officer), nil)
	})
}
