package account_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	core "github.com/cardea-id/cardea/internal/core/tenant"
)

const aDay = 24 * time.Hour

// keeper is a house whose rules of retention run.
type keeper struct {
	*coretest.House
	tb testing.TB
	w  privacy.Wiring
}

func keep(t *testing.T, h *coretest.House) *keeper {
	t.Helper()
	k := &keeper{h, t, privacy.Wiring{House: h.House, Idle: account.Acts{}.Idle}}
	k.w.Erase = func(tx *db.Tx, t *tenant, c customer.ID) error {
		return account.Acts{}.Erase(tx, t, c, account.Rooms())
	}
	return k
}

// fields gives the tenant fields and a purpose by consent named letters, which
// some of them are for.
func (k *keeper) fields(retention core.Duration) {
	k.tb.Helper()
	field := func(name, kept string, purposes ...string) catalog.Field {
		return catalog.Field{Name: name, Type: catalog.Text, Class: catalog.Profile, Retention: kept, Purposes: purposes, Search: catalog.SearchSealed}
	}
	k.Update(func(tx *db.Tx) error {
		return catalog.Put(tx, k.T(), []catalog.Field{
			field("size", "30d", "account"), field("taste", "", "letters"), field("both", "", "letters", "account"),
			field("lost", "", "nowhere"), field("canary", "", "account"),
		})
	})
	k.reload()
	k.publish(1, retention)
}

func (k *keeper) publish(version int64, retention core.Duration) {
	k.tb.Helper()
	k.Update(func(tx *db.Tx) error {
		_, err := consent.PutPurpose(tx, k.T(), consent.Purpose{
			ID: "letters", Version: version, Basis: consent.ByConsent, Fields: []string{"taste", "both"}, Retention: retention,
			Words: map[string]consent.Words{"en": {Title: "Letters", Text: "We write to you."}},
		})
		return err
	})
	k.reload()
}

func (k *keeper) reload() {
	k.tb.Helper()
	if err := k.House.House.Load(context.Background()); err != nil {
		k.tb.Fatal(err)
	}
}

// full makes a customer with a value in every field.
func (k *keeper) full() customer.ID {
	k.tb.Helper()
	c := k.Customer()
	for _, name := range []string{"size", "taste", "both", "lost", "canary"} {
		k.set(c, name)
	}
	return c
}

func (k *keeper) set(c customer.ID, name string) {
	k.tb.Helper()
	k.Update(func(tx *db.Tx) error {
		return customer.SetField(tx, k.T(), c, name, "word"+name, customer.SourceImport)
	})
}

func (k *keeper) decide(c customer.ID, given bool) {
	k.tb.Helper()
	k.Update(func(tx *db.Tx) error {
		return consent.Record(tx, k.T(), consent.Decision{
			Customer: c, Purpose: consent.ForPurpose, Item: "letters", Given: given, Version: 1, Surface: "test", Method: "button",
		})
	})
}

func (k *keeper) names(c customer.ID) (out []string) {
	k.tb.Helper()
	k.View(func(tx *db.Tx) error {
		list, err := customer.Profile(tx, k.T(), c)
		out = nil
		for _, v := range list {
			out = append(out, v.Name)
		}
		return err
	})
	return out
}

func (k *keeper) has(c customer.ID, want ...string) {
	k.tb.Helper()
	slices.Sort(want)
	if got := k.names(c); !slices.Equal(got, want) {
		k.tb.Errorf("has %v, want %v", got, want)
	}
}

func (k *keeper) plan() map[string]privacy.Due {
	k.tb.Helper()
	var s privacy.Survey
	for more := true; more; {
		var next privacy.Survey
		k.View(func(tx *db.Tx) (err error) {
			next, more, err = k.w.Survey(tx, k.T(), s)
			return err
		})
		s = next
	}
	return s.Dues
}

// run runs the rules on command and returns what they took.
func (k *keeper) run() map[string]privacy.Due {
	k.tb.Helper()
	var r privacy.Run
	k.Update(func(tx *db.Tx) (err error) {
		r, err = privacy.BeginRun(tx, k.T(), journal.Actor{Kind: "operator"}, "test")
		return err
	})
	for id := r.ID; r.EndedAt.IsZero(); {
		k.Update(func(tx *db.Tx) (err error) {
			r, err = k.w.Continue(tx, k.T(), id)
			return err
		})
	}
	return r.Survey.Dues
}

// taken are the rules that take something, with how much of how many.
func taken(dues map[string]privacy.Due) map[string][2]int64 {
	out := map[string][2]int64{}
	for rule, d := range dues {
		if d.Values > 0 {
			out[rule] = [2]int64{d.Values, d.Customers}
		}
	}
	return out
}

// same tells that the plan is what the run then takes, and what both are.
func (k *keeper) same(want map[string][2]int64) {
	k.tb.Helper()
	plan := taken(k.plan())
	if again := taken(k.plan()); !maps.Equal(plan, again) {
		k.tb.Errorf("a plan changed something: %v, then %v", plan, again)
	}
	if did := taken(k.run()); !maps.Equal(plan, did) || !maps.Equal(did, want) {
		k.tb.Errorf("planned %v, did %v, want %v", plan, did, want)
	}
	if left := taken(k.plan()); len(left) > 0 {
		k.tb.Errorf("left %v", left)
	}
}

func (k *keeper) found(c customer.ID, word string) (is bool) {
	k.tb.Helper()
	k.View(func(tx *db.Tx) error {
		ids, err := customer.Search(tx, k.T(), word, 1000)
		is = slices.Contains(ids, c)
		return err
	})
	return is
}

func TestAValueGoesWhenItsTimeIsOverAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		k.fields(0)
		c, other := k.full(), k.full()
		k.decide(c, true)
		k.decide(other, true)
		k.Wait(30*aDay - time.Hour)
		k.set(other, "size") // told anew: begins anew
		k.same(map[string][2]int64{})
		k.Wait(time.Hour)
		if !k.found(c, "wordsize") {
			t.Error("is not found before")
		}
		next := k.plan()[privacy.RuleField+"size"]
		if next.Values != 1 || next.Next.Sub(h.Clock.Now()) != 30*aDay-time.Hour {
			t.Errorf("%+v", next)
		}
		k.same(map[string][2]int64{"field:size": {1, 1}})
		k.has(c, "taste", "both", "lost", "canary")
		k.has(other, "size", "taste", "both", "lost", "canary")
		if k.found(c, "wordsize") || !k.found(c, "wordcanary") || !k.found(other, "wordsize") {
			t.Error("what it was found by is still there, or more went")
		}
	})
}

func TestAValueGoesWhenEveryPurposeOfItIsOver(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]core.Duration{"the purpose's retention": core.Duration(90 * aDay), "the tenant's grace": 0} {
		wait := time.Duration(kept)
		if wait == 0 {
			wait = 30 * aDay
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				k := keep(t, h)
				k.fields(kept)
				withdrew, consents, never := k.full(), k.full(), k.full()
				k.decide(withdrew, true)
				k.decide(consents, true)
				k.Wait(5 * aDay)
				k.decide(withdrew, false)
				k.Wait(wait - 5*aDay)
				size := [2]int64{3, 3} // its own 30 days are over by then
				k.same(map[string][2]int64{"field:size": size, "purposes:taste": {1, 1}})
				k.has(never, "both", "lost", "canary")
				k.has(withdrew, "taste", "both", "lost", "canary")
				k.Wait(5 * aDay)
				k.same(map[string][2]int64{"purposes:taste": {1, 1}})
				k.has(withdrew, "both", "lost", "canary")
				k.Wait(1000 * aDay)
				k.same(map[string][2]int64{})
				k.has(consents, "taste", "both", "lost", "canary")
			})
		})
	}
}

func TestAValueGoesWhenItsPurposeIsRetired(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		k.fields(core.Duration(10 * aDay))
		c := k.full()
		k.decide(c, true)
		k.Wait(5 * aDay)
		k.Update(func(tx *db.Tx) error { return consent.RetirePurpose(tx, k.T(), "letters") })
		k.reload()
		k.Wait(9 * aDay)
		k.same(map[string][2]int64{})
		k.Wait(aDay)
		k.same(map[string][2]int64{"purposes:taste": {1, 1}})
		k.has(c, "size", "both", "lost", "canary")
	})
}

func TestAHoldAndARestrictionKeepEverything(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		h.Settings(func(s *settings) {
			s.Retention = core.Retention{InactiveAfter: core.Duration(100 * aDay), Messages: core.Duration(10 * aDay)}
		})
		k.fields(0)
		held, restricted := k.full(), k.full()
		var hold privacy.Hold
		k.Update(func(tx *db.Tx) (err error) {
			for _, c := range []customer.ID{held, restricted} {
				if err := drafted(tx, k.T(), c); err != nil {
					return err
				}
			}
			if hold, err = privacy.PlaceHold(tx, k.T(), privacy.HoldOrder{Customer: held, Actor: journal.Actor{Kind: "operator"}, Reason: "a lawsuit"}); err != nil {
				return err
			}
			return consent.Restrict(tx, k.T(), consent.Choice{Customer: restricted, Surface: "portal"})
		})
		k.Wait(80 * aDay)
		k.same(map[string][2]int64{})
		k.has(held, "size", "taste", "both", "lost", "canary")
		k.Update(func(tx *db.Tx) error {
			_, err := privacy.ReleaseHold(tx, k.T(), hold.ID, privacy.HoldOrder{Customer: held, Actor: journal.Actor{Kind: "operator"}, Reason: "over"})
			if err != nil {
				return err
			}
			return consent.Lift(tx, k.T(), consent.Choice{Customer: restricted, Surface: "portal"})
		})
		k.same(map[string][2]int64{"field:size": {2, 2}, "purposes:taste": {2, 2}, "messages": {2, 2}, "inactive:warn": {2, 2}})
	})
}

func drafted(tx *db.Tx, t *tenant, c customer.ID) error {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return err
	}
	return notify.Send(tx, t, notify.Draft{Template: notify.Test, Channel: notify.Email, Customer: c, Target: list[0].Digest})
}

func TestRecordsOfAKindGoAndTheJournalKeepsItsChain(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		h.Settings(func(s *settings) {
			s.Retention.Messages = core.Duration(40 * aDay)
			s.Retention.Journal = map[string]core.Duration{"profile": core.Duration(20 * aDay)}
		})
		c, other := k.Customer(), k.Customer()
		k.Update(func(tx *db.Tx) error { return drafted(tx, k.T(), c) })
		k.Wait(20 * aDay)
		k.Update(func(tx *db.Tx) error { return errors.Join(drafted(tx, k.T(), c), drafted(tx, k.T(), other)) })
		k.Wait(20*aDay + time.Hour)
		k.same(map[string][2]int64{"messages": {1, 1}, "journal:profile": {2, 2}})
		k.Update(func(tx *db.Tx) error {
			for who, want := range map[customer.ID]int{c: 1, other: 1} {
				if list, err := notify.List(tx, k.T(), who, 10); err != nil || len(list) != want {
					t.Errorf("%d messages, %v", len(list), err)
				}
			}
			return nil
		})
	})
}

// A run that is cut off between any two of its parts goes on where it stopped,
// and takes what one that is not cut off takes.
func TestARunThatIsCutOffGoesOn(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		k.fields(0)
		const people = 450 // three pages
		var all []customer.ID
		for range people {
			c := k.Customer()
			k.set(c, "size")
			all = append(all, c)
		}
		k.Wait(31 * aDay)
		var r privacy.Run
		k.Update(func(tx *db.Tx) (err error) {
			r, err = privacy.BeginRun(tx, k.T(), journal.Actor{Kind: "operator"}, "test")
			return err
		})
		cut := errors.New("the power failed")
		for n := 0; r.EndedAt.IsZero(); n++ {
			err := k.Try(func(tx *db.Tx) (err error) {
				if r, err = k.w.Continue(tx, k.T(), r.ID); err == nil && n%2 == 0 {
					r.EndedAt = time.Time{}
					return cut // after the work, before the commit
				}
				return err
			})
			if err != nil && !errors.Is(err, cut) {
				t.Fatal(err)
			}
		}
		if got := taken(r.Survey.Dues); !maps.Equal(got, map[string][2]int64{"field:size": {people, people}}) {
			t.Error(got)
		}
		for _, c := range all {
			if names := k.names(c); len(names) > 0 {
				t.Fatal(names)
			}
		}
	})
}

// nightly has the jobs run as a node does, until nothing is due.
func (k *keeper) nightly() func() {
	k.tb.Helper()
	loop := journal.NewLoop(k.D, "test", privacy.Works(k.w), nil, journal.Options{Alone: true})
	return func() {
		k.tb.Helper()
		k.Update(func(tx *db.Tx) error { return k.w.Retain(tx) })
		for range 12 {
			if err := loop.Drain(context.Background()); err != nil {
				k.tb.Fatal(err)
			}
			k.Wait(time.Minute)
		}
	}
}

// What one tenant's run fails at is in nobody's way: it is told once, stands with
// the run as a code, and the run goes on where it stopped when that is mended.
func TestATenantWhoseRunFailsIsInNobodysWay(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		k.fields(0)
		other := h.Tenant("moss", "https://id.moss.example")
		c := k.full()
		work := k.nightly()
		work() // the first night looks alone
		k.Update(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO purpose (tenant_id, id, version, definition, asks, published_at, retired_at)
				VALUES ($1, 'spoiled', 1, '{', false, $2, $2)`, k.T().ID, tx.Now)
			return err
		})
		tally := func(of core.ID, event string) (n int64) {
			k.View(func(tx *db.Tx) (err error) {
				n, _, err = db.Value[int64](tx, `SELECT count(*) FROM event WHERE name = $2 AND tenant_id = $1`, of, event)
				return err
			})
			return n
		}
		stumbling := func() (r privacy.Run, is bool) {
			k.View(func(tx *db.Tx) (err error) { r, is, err = privacy.Stumbling(tx, k.T()); return err })
			return r, is
		}
		k.Wait(31 * aDay)
		work()
		if n := tally(other.ID, "privacy.retention_ran"); n != 1 {
			t.Errorf("the other tenant had %d runs", n)
		}
		r, is := stumbling()
		if !is || r.Failures < 2 || r.Failure != "internal" || r.FailedAt.IsZero() || tally(k.T().ID, "privacy.retention_failed") != 1 {
			t.Errorf("%v %+v, told %d times", is, r, tally(k.T().ID, "privacy.retention_failed"))
		}
		k.has(c, "size", "taste", "both", "lost", "canary")
		k.Update(func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM purpose WHERE tenant_id = $1 AND id = 'spoiled'`, k.T().ID)
			return err
		})
		k.Wait(2 * time.Hour)
		work()
		if r, is := stumbling(); is || tally(k.T().ID, "privacy.retention_ran") != 1 || tally(k.T().ID, "privacy.retention_failed") != 1 {
			t.Errorf("%v %+v", is, r)
		}
		k.has(c, "both", "lost", "canary")
		if n := tally(other.ID, "privacy.retention_failed"); n != 0 {
			t.Errorf("the other tenant is told of %d", n)
		}
	})
}

// Whoever reads the tables or the journal does not read why staff ran the rules.
func TestTheReasonOfARunRestsSealed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		const reason = "Mia Canary asked on the phone"
		var r privacy.Run
		k.Update(func(tx *db.Tx) (err error) {
			r, err = privacy.BeginRun(tx, k.T(), journal.Actor{Kind: "operator"}, reason)
			return err
		})
		for id := r.ID; r.EndedAt.IsZero(); {
			k.Update(func(tx *db.Tx) (err error) {
				r, err = k.w.Continue(tx, k.T(), id)
				return err
			})
		}
		k.View(func(tx *db.Tx) error {
			runs, err := privacy.Runs(tx, k.T(), 10)
			if err != nil || len(runs) != 1 {
				t.Fatalf("%v %v", runs, err)
			}
			if got, err := runs[0].Reason(k.T()); got != reason || err != nil {
				t.Errorf("%q %v", got, err)
			}
			told, found, err := db.Value[[]byte](tx, `SELECT payload FROM event WHERE name = 'privacy.retention_ran'`)
			if !found || strings.Contains(string(told), "Canary") {
				t.Errorf("the journal tells %s", told)
			}
			return err
		})
	})
}

func TestTheNightComesOncePerTenantAndTheFirstOneOnlyLooks(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		k.fields(0)
		c := k.full()
		nights := func() (ran int64) {
			k.View(func(tx *db.Tx) (err error) {
				ran, _, err = db.Value[int64](tx, `SELECT count(*) FROM event WHERE name = 'privacy.retention_ran'`)
				return err
			})
			return ran
		}
		work := k.nightly()
		k.Wait(31 * aDay)
		work()
		work()
		if n := nights(); n != 0 {
			t.Errorf("%d runs in the first night", n)
		}
		k.has(c, "size", "taste", "both", "lost", "canary")
		for want := int64(1); want < 4; want++ {
			k.Wait(aDay)
			work()
			work()
			if n := nights(); n != want {
				t.Errorf("%d runs after %d nights", n, want)
			}
		}
		k.has(c, "both", "lost", "canary")
	})
}

// idler is a house with accounts that nobody uses.
func idler(t *testing.T, h *coretest.House) (*keeper, customer.ID) {
	t.Helper()
	k := keep(t, h)
	h.Settings(func(s *settings) { s.Retention.InactiveAfter = core.Duration(730 * aDay) })
	return k, k.Customer()
}

func (k *keeper) mails(c customer.ID) (out []string) {
	k.tb.Helper()
	k.View(func(tx *db.Tx) error {
		list, err := notify.List(tx, k.T(), c, 100)
		out = nil
		for _, m := range list {
			out = append(out, string(m.Template))
		}
		slices.Reverse(out)
		return err
	})
	return out
}

func (k *keeper) state(c customer.ID) (out customer.Customer) {
	k.tb.Helper()
	k.View(func(tx *db.Tx) (err error) {
		out, err = customer.Get(tx, k.T(), c)
		return err
	})
	return out
}

// together runs the rules on two nodes at once, with tries that fail.
func (k *keeper) together() {
	k.tb.Helper()
	for _, err := range coretest.Together(2, func(int) error {
		for {
			err := k.Try(func(tx *db.Tx) error {
				r, err := privacy.BeginRun(tx, k.T(), journal.Actor{Kind: "operator"}, "test")
				if err != nil {
					return err
				}
				for r.EndedAt.IsZero() {
					if r, err = k.w.Continue(tx, k.T(), r.ID); err != nil {
						return err
					}
				}
				return nil
			})
			if !fault.Is(err, fault.Unavailable) {
				return err
			}
		}
	}) {
		if err != nil {
			k.tb.Error(err)
		}
	}
}

func TestAnAccountThatNobodyUsesIsWarnedThreeTimesThenCloses(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k, c := idler(t, h)
		want := []string{}
		at := 0 * aDay
		for _, step := range []struct {
			day  time.Duration
			mail string
		}{{670, "inactive_warning"}, {700, "inactive_warning"}, {723, "inactive_warning"}, {730, "inactive_closing"}} {
			k.Wait(step.day*aDay - at - time.Hour)
			k.together()
			if got := k.mails(c); !slices.Equal(got, want) {
				t.Fatalf("an hour before day %d: %v", step.day, got)
			}
			k.Wait(time.Hour)
			at = step.day * aDay
			k.together()
			k.together()
			if want = append(want, step.mail); !slices.Equal(k.mails(c), want) {
				t.Fatalf("on day %d: %v", step.day, k.mails(c))
			}
		}
		now := k.state(c)
		if now.State != customer.Closing || now.StateReason != account.BecauseInactive || now.CloseAt.Sub(h.Clock.Now()) != customer.CloseAfter {
			t.Errorf("%+v", now)
		}
		k.Wait(customer.CloseAfter)
		k.Update(func(tx *db.Tx) error { return k.w.Erase(tx, k.T(), c) })
		if k.state(c).State != customer.Erased {
			t.Error("it is not erased in the end")
		}
	})
}

func TestWhoIsSeenAgainKeepsTheAccount(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, c := idler(t, h)
		k.Wait(701 * aDay)
		k.run()
		k.Wait(10 * aDay)
		if err := customer.Touch(context.Background(), h.D, k.T(), c, h.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		k.run()
		k.Wait(669 * aDay)
		k.same(map[string][2]int64{})
		k.Wait(aDay)
		k.same(map[string][2]int64{"inactive:warn": {1, 1}})
		if k.state(c).State != customer.Active {
			t.Error("it closes")
		}
	})
}

// Whoever is found late, because the rule is new or the house stood still, has
// as much time as who is warned in time.
func TestWhoIsWarnedLateHasAllTheTime(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, c := idler(t, h)
		k.Wait(3000 * aDay)
		k.same(map[string][2]int64{"inactive:warn": {1, 1}})
		k.Wait(59 * aDay) // and nobody looked: two warnings passed
		k.same(map[string][2]int64{"inactive:warn": {1, 1}})
		k.Wait(6 * aDay)
		k.same(map[string][2]int64{})
		if k.state(c).State != customer.Active {
			t.Error("it closes before the time that the mail tells")
		}
		k.Wait(aDay)
		k.same(map[string][2]int64{"inactive:close": {1, 1}})
	})
}

func TestStaffAndTheLockedAreNeverClosed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, c := idler(t, h)
		k.Update(func(tx *db.Tx) error {
			return account.Acts{}.Lock(tx, k.T(), c, account.Staff{Actor: journal.Actor{Kind: "operator"}, Reason: "fraud"})
		})
		k.Wait(5000 * aDay)
		k.same(map[string][2]int64{})
		k.Update(func(tx *db.Tx) error {
			staff := *k.T()
			staff.BuiltIn = true
			list, err := customer.Walk(tx, k.T(), customer.ID{}, 10)
			if err != nil {
				return err
			}
			for i := range list {
				list[i].State = customer.Active
			}
			if found, err := (account.Acts{}).Idle(tx, &staff, list, true); err != nil || len(found) > 0 {
				t.Errorf("%v %v", found, err)
			}
			return nil
		})
	})
}

func TestAPlanOfManyCustomersKeepsNothingOfThem(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("fifty thousand customers")
	}
	h := coretest.Open(t, "sqlite", false)
	k := keep(t, h)
	k.fields(0)
	const people, batch = 50000, 1000
	for n := range people / batch {
		k.Update(func(tx *db.Tx) error {
			for i := range batch {
				id := customer.NewID(tx.Now.Add(time.Duration(n*batch+i) * time.Microsecond))
				if _, err := tx.Exec(`INSERT INTO customer (tenant_id, id, state, version, created_at, changed_at) VALUES ($1, $2, 'active', 1, $3, $3)`,
					k.T().ID, id, tx.Now); err != nil {
					return err
				}
				if _, err := tx.Exec(`INSERT INTO customer_field (tenant_id, customer_id, name, version, sealed, source, set_at)
					VALUES ($1, $2, 'size', 1, $3, 'import', $4)`, k.T().ID, id, []byte{1}, tx.Now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	k.Wait(31 * aDay)
	var s privacy.Survey
	longest, steps := 0, 0
	for more := true; more; steps++ {
		var next privacy.Survey
		k.View(func(tx *db.Tx) (err error) {
			next, more, err = k.w.Survey(tx, k.T(), s)
			return err
		})
		s = next
		longest = max(longest, len(fmt.Sprint(s)))
	}
	if d := s.Dues["field:size"]; d.Values != people || d.Customers != people {
		t.Errorf("%+v", d)
	}
	// What is carried from page to page is the sums alone, and each page is read
	// in a transaction of its own.
	if longest > 2000 || steps < people/200 {
		t.Errorf("%d characters after %d steps", longest, steps)
	}
}
