package risk_test

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// from is a circumstance at an address.
func from(address string) risk.Circumstance {
	a := netip.MustParseAddr(address)
	return risk.Circumstance{Action: "signin", Method: "password", Address: a, Network: address}
}

func look(t *testing.T, h *coretest.House, atlas risk.Atlas, cus customer.ID, c risk.Circumstance) (a risk.Attempt) {
	t.Helper()
	h.View(func(tx *db.Tx) (err error) { a, err = atlas.Look(tx, h.T(), cus, c); return err })
	return a
}

func observe(t *testing.T, h *coretest.House, atlas risk.Atlas, cus customer.ID, c risk.Circumstance) {
	t.Helper()
	h.Update(func(tx *db.Tx) error { return atlas.Observe(tx, h.T(), cus, c) })
}

func TestWhatWasLetInBecomesUsual(t *testing.T) {
	t.Parallel()
	atlas := risk.Atlas{Geo: openGeo(t)}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bea := h.Customer(), h.Customer()
		if a := look(t, h, atlas, ada, from("192.0.2.1")); a.History != 0 || a.KnownNetwork || a.NewCountry {
			t.Errorf("of a new customer it is known: %+v", a)
		}
		observe(t, h, atlas, ada, from("192.0.2.1"))
		observe(t, h, atlas, ada, from("192.0.2.1"))
		for address, want := range map[string]risk.Attempt{
			"192.0.2.200":      {History: 2, KnownNetwork: true}, // the same provider's network
			"2001:db8:1::1":    {History: 2},                     // another network in the same country
			"198.51.100.1":     {History: 2, NewCountry: true},
			"203.0.113.200":    {History: 2}, // a country that the file does not know is not new
			"::ffff:192.0.2.9": {History: 2, KnownNetwork: true},
		} {
			a := look(t, h, atlas, ada, from(address))
			if a.History != want.History || a.KnownNetwork != want.KnownNetwork || a.NewCountry != want.NewCountry {
				t.Errorf("from %s: %+v", address, a)
			}
		}
		if a := look(t, h, atlas, bea, from("192.0.2.1")); a.History != 0 || a.KnownNetwork {
			t.Errorf("one customer's habits are another's: %+v", a)
		}
		h.Wait(risk.HabitsKept + time.Hour)
		if a := look(t, h, atlas, ada, from("192.0.2.1")); a.History != 0 || a.KnownNetwork {
			t.Errorf("habits are for ever: %+v", a)
		}
	})
}

func TestTheDayTheGeoFileComesNobodyIsAbroad(t *testing.T) {
	t.Parallel()
	geo := risk.Atlas{Geo: openGeo(t)}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		observe(t, h, risk.Atlas{}, ada, from("192.0.2.1"))
		if a := look(t, h, geo, ada, from("192.0.2.1")); a.NewCountry {
			t.Error("the first country that is known is new")
		}
		observe(t, h, geo, ada, from("192.0.2.1"))
		if a := look(t, h, geo, ada, from("198.51.100.1")); !a.NewCountry {
			t.Error("the second is not")
		}
	})
}

func TestHoursOfWorkingDaysAndWeekends(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		monday := time.Date(2031, 3, 3, 9, 30, 0, 0, time.UTC)
		at := func(d time.Duration) risk.Attempt {
			h.Clock.Set(monday.Add(d))
			return look(t, h, risk.Atlas{}, ada, from("192.0.2.1"))
		}
		for day := range 28 { // 20 working days at half past nine
			if day%7 >= 5 {
				continue
			}
			usual := time.Duration(day) * 24 * time.Hour
			if at(usual).UnusualHour {
				t.Fatalf("day %d is unusual", day)
			}
			observe(t, h, risk.Atlas{}, ada, from("192.0.2.1"))
			if day == 4 && at(usual+12*time.Hour).UnusualHour {
				t.Fatal("five sign-ins are no habit")
			}
		}
		for _, c := range []struct {
			hours int // after half past nine of the fifth Monday; the clock only goes on
			want  bool
		}{{-2, true}, {-1, false}, {0, false}, {1, false}, {2, true}, {14, true}, {5 * 24, false}, {5*24 + 12, false}} {
			if got := at(28*24*time.Hour + time.Duration(c.hours)*time.Hour).UnusualHour; got != c.want {
				t.Errorf("%d hours from the usual one: unusual %v, want %v", c.hours, got, c.want)
			}
		}
	})
}

func TestHabitsHoldNoNames(t *testing.T) {
	t.Parallel()
	atlas := risk.Atlas{Geo: openGeo(t)}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bea := h.Customer(), h.Customer()
		observe(t, h, atlas, ada, from("192.0.2.1"))
		observe(t, h, atlas, bea, from("192.0.2.1"))
		h.View(func(tx *db.Tx) error {
			rows, _, err := db.Value[int](tx, `SELECT count(*) FROM habit WHERE length(value) = 32`)
			if err != nil {
				return err
			}
			distinct, _, err := db.Value[int](tx, `SELECT count(DISTINCT value) FROM habit`)
			if rows != 12 || distinct != 12 {
				t.Errorf("of 12 habits of two alike customers %d are digests, %d distinct", rows, distinct)
			}
			return err
		})
	})
}

func TestH212_ACustomersHabitsAreBounded(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		for i := range 130 {
			h.Wait(time.Minute)
			observe(t, h, risk.Atlas{}, ada, from(fmt.Sprintf("10.0.%d.1", i)))
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM habit WHERE kind = 'network'`)
			if n != 100 {
				t.Errorf("%d networks are kept, want 100", n)
			}
			return err
		})
		if !look(t, h, risk.Atlas{}, ada, from("10.0.129.1")).KnownNetwork || look(t, h, risk.Atlas{}, ada, from("10.0.0.1")).KnownNetwork {
			t.Error("not the oldest made room")
		}
	})
}

func TestTravelIsMeasuredBetweenKnownPlaces(t *testing.T) {
	t.Parallel()
	atlas := risk.Atlas{Geo: openGeo(t)}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		travel := func(atlas risk.Atlas, network string, ago time.Duration, to string) risk.Attempt {
			c := from(to)
			c.Last = risk.Sighting{Network: network, At: h.Clock.Now().Add(-ago)}
			return look(t, h, atlas, ada, c)
		}
		a := travel(atlas, "192.0.2.0/24", 90*time.Minute, "198.51.100.9")
		if a.Kilometres < 17000 || a.Minutes < 89 || a.Minutes > 90 {
			t.Errorf("the way is %+v", a)
		}
		v := risk.Assess(a, risk.NewPolicy(tenant.Risk{}))
		if len(v.Reasons) == 0 || v.Reasons[0].Code != "impossible_travel" {
			t.Errorf("it is %+v", v)
		}
		for name, a := range map[string]risk.Attempt{
			"no file":            travel(risk.Atlas{}, "192.0.2.0/24", time.Hour, "198.51.100.9"),
			"no last place":      travel(atlas, "", time.Hour, "198.51.100.9"),
			"last place unknown": travel(atlas, "10.0.0.0/24", time.Hour, "198.51.100.9"),
			"this one unknown":   travel(atlas, "192.0.2.0/24", time.Hour, "10.0.0.1"),
			"country only":       travel(atlas, "203.0.113.0/24", time.Hour, "198.51.100.9"),
			"the same place":     travel(atlas, "192.0.2.0/24", 0, "192.0.2.77"),
		} {
			if a.Kilometres != 0 {
				t.Errorf("%s: %+v", name, a)
			}
		}
		if a := travel(atlas, "192.0.2.0/24", -time.Hour, "198.51.100.9"); a.Minutes != 0 { // the clock went back (H217)
			t.Errorf("time runs backwards: %+v", a)
		}
	})
}

func TestLookSeesListsAndMeters(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *tenant.Settings) {
			s.Risk.Block, s.Risk.Trust = []string{"198.51.100.0/24", "2001:db8::/32"}, []string{"192.0.2.0/24"}
		})
		networks, err := risk.ReadNetworks(strings.NewReader("203.0.113.0/24 tor"))
		if err != nil {
			t.Fatal(err)
		}
		atlas, ada := risk.Atlas{Networks: networks}, h.Customer()
		for address, want := range map[string]risk.Attempt{
			"198.51.100.7": {Blocked: true}, "::ffff:198.51.100.7": {Blocked: true}, "2001:db8:5::1": {Blocked: true},
			"192.0.2.3": {Trusted: true}, "203.0.113.9": {Repute: "tor"}, "10.0.0.1": {},
		} {
			a := look(t, h, atlas, ada, from(address))
			if a.Blocked != want.Blocked || a.Trusted != want.Trusted || a.Repute != want.Repute {
				t.Errorf("%s: %+v", address, a)
			}
		}
		count(t, h, 12, func(i int) []risk.Meter { return risk.PasswordTry(ada.String(), fmt.Sprint("bot-", i)) })
		count(t, h, 9, func(i int) []risk.Meter { return risk.PasswordTry(fmt.Sprint("victim-", i), "10.0.0.1") })
		a := look(t, h, atlas, ada, from("10.0.0.1"))
		if a.Tries != 12 || a.Accounts != 9 || a.Attack {
			t.Errorf("what goes on is %+v", a)
		}
		stuff(t, h, 300, 60, 0)
		if a := look(t, h, atlas, ada, from("10.0.0.1")); !a.Attack {
			t.Error("the attack is not seen")
		}
		c := from("10.0.0.1")
		c.Account = "ada@example.com" // nobody by this name
		count(t, h, 3, func(int) []risk.Meter { return risk.Worked(risk.PasswordTry(c.Account, "elsewhere")) })
		if a := look(t, h, atlas, customer.ID{}, c); a.Tries != 3 || a.History != 0 {
			t.Errorf("of nobody it is known: %+v", a)
		}
	})
}

func TestWhoGetsInDoesNotCountAsTried(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		for i := range 30 { // an office behind one address
			if err := signsIn(t, h, fmt.Sprint("colleague-", i), "203.0.113.1"); err != nil {
				t.Fatal(err)
			}
		}
		if a := look(t, h, risk.Atlas{}, h.Customer(), from("203.0.113.1")); a.Accounts != 0 {
			t.Errorf("%d accounts count as tried in vain", a.Accounts)
		}
	})
}

func TestAVerdictComesBackAsItWasKept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		a := risk.Attempt{Action: "signin", Method: "password", History: 4, NewCountry: true, Automation: []string{risk.Hasty}, Repute: "tor"}
		v := risk.Assess(a, risk.NewPolicy(tenant.Risk{Mode: risk.Enforce}))
		flow := [16]byte{1, 2, 3}
		h.Update(func(tx *db.Tx) error {
			return risk.Store(tx, h.T(), risk.Kept{Customer: ada, Flow: flow, Attempt: a, Verdict: v})
		})
		list := verdicts(t, h, ada, 10)
		if len(list) != 1 {
			t.Fatalf("%d verdicts", len(list))
		}
		k := list[0]
		if !reflect.DeepEqual(k.Attempt, a) || !reflect.DeepEqual(k.Verdict, v) || k.Customer != ada || k.Flow != flow || k.At.IsZero() {
			t.Errorf("it comes back as %+v", k)
		}
		if again := risk.Assess(k.Attempt, risk.NewPolicy(tenant.Risk{Mode: risk.Enforce})); !reflect.DeepEqual(again, v) {
			t.Errorf("the same policy now says %+v", again)
		}
	})
}

func verdicts(t *testing.T, h *coretest.House, cus customer.ID, limit int) (list []risk.Kept) {
	t.Helper()
	h.View(func(tx *db.Tx) (err error) { list, err = risk.Verdicts(tx, h.T(), cus, limit); return err })
	return list
}

func TestAJourneyKeepsItsGravestVerdict(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bea := h.Customer(), h.Customer()
		keep := func(cus customer.ID, flow [16]byte, score int) {
			h.Wait(time.Second)
			h.Update(func(tx *db.Tx) error {
				return risk.Store(tx, h.T(), risk.Kept{
					Customer: cus, Flow: flow, Attempt: risk.Attempt{Action: "signin"}, Verdict: risk.Verdict{Action: risk.Allow, Score: score},
				})
			})
		}
		one, two := [16]byte{1}, [16]byte{2}
		keep(ada, one, 10)
		keep(ada, one, 40)
		keep(ada, one, 20)
		keep(bea, one, 5) // another account in the same journey
		keep(ada, two, 7)
		keep(customer.ID{}, one, 3) // nobody was known
		keep(ada, [16]byte{}, 1)
		keep(ada, [16]byte{}, 2) // without a journey each is one
		var scores []int
		for _, k := range verdicts(t, h, ada, 10) {
			scores = append(scores, k.Verdict.Score)
		}
		if !reflect.DeepEqual(scores, []int{2, 1, 7, 40}) {
			t.Errorf("the scores are %v", scores)
		}
		if n := len(verdicts(t, h, bea, 10)); n != 1 {
			t.Errorf("the other has %d", n)
		}
		if n := len(verdicts(t, h, ada, 2)); n != 2 {
			t.Errorf("of at most two there are %d", n)
		}
	})
}

func TestVerdictsArePagedThroughInOrder(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		other := h.Tenant("other", "https://id.other.example")
		begun := h.Clock.Now()
		h.Update(func(tx *db.Tx) error { // 25 of one instant, and one of somebody else's
			for range 25 {
				if err := risk.Store(tx, h.T(), risk.Kept{Attempt: risk.Attempt{Action: "signin"}}); err != nil {
					return err
				}
			}
			return risk.Store(tx, other, risk.Kept{})
		})
		seen, at, after := map[risk.VerdictID]bool{}, begun.Add(-time.Second), risk.VerdictID{}
		for {
			var page []risk.Kept
			h.View(func(tx *db.Tx) (err error) { page, err = risk.VerdictsAfter(tx, h.T(), at, after, 10); return err })
			if len(page) == 0 {
				break
			}
			for _, k := range page {
				if seen[k.ID] {
					t.Fatal("one comes twice")
				}
				seen[k.ID], at, after = true, k.At, k.ID
			}
		}
		if len(seen) != 25 {
			t.Errorf("%d of 25 came", len(seen))
		}
	})
}

func TestOldVerdictsAndHabitsAreSwept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada := h.Customer()
		keep := func() {
			h.Update(func(tx *db.Tx) error {
				for range 3 {
					if err := risk.Store(tx, h.T(), risk.Kept{Customer: ada}); err != nil {
						return err
					}
				}
				return nil
			})
			observe(t, h, risk.Atlas{}, ada, from("192.0.2.1"))
		}
		sweep := func(limit int) (n int) {
			h.Update(func(tx *db.Tx) (err error) { n, err = risk.Sweep(tx, limit); return err })
			return n
		}
		keep()
		h.Wait(risk.VerdictsKept - time.Hour)
		if n := sweep(100); n != 0 {
			t.Errorf("%d rows went too early", n)
		}
		h.Wait(2 * time.Hour)
		if n := sweep(2); n != 2 {
			t.Errorf("%d of at most two went", n)
		}
		if n := sweep(100); n != 1 || len(verdicts(t, h, ada, 10)) != 0 {
			t.Errorf("%d more went", n)
		}
		h.Wait(risk.HabitsKept)
		if n := sweep(100); n != 6 {
			t.Errorf("%d habits went, want 6", n)
		}
	})
}

func TestErasureAndLockDownLeaveNoMemory(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bea := h.Customer(), h.Customer()
		for _, cus := range []customer.ID{ada, bea} {
			observe(t, h, risk.Atlas{}, cus, from("192.0.2.1"))
			h.Update(func(tx *db.Tx) error { return risk.Store(tx, h.T(), risk.Kept{Customer: cus}) })
		}
		h.Update(func(tx *db.Tx) error { return risk.Destroy(tx, h.T(), ada) })
		h.Update(func(tx *db.Tx) error { return risk.ForgetHabits(tx, h.T(), bea) })
		if len(verdicts(t, h, ada, 9)) != 0 || len(verdicts(t, h, bea, 9)) != 1 {
			t.Error("the wrong verdicts are there")
		}
		for _, cus := range []customer.ID{ada, bea} {
			if look(t, h, risk.Atlas{}, cus, from("192.0.2.1")).History != 0 {
				t.Error("habits are left")
			}
		}
	})
}
