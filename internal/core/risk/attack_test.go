package risk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
)

func underAttack(t *testing.T, h *coretest.House) (under bool) {
	t.Helper()
	h.View(func(tx *db.Tx) (err error) { under, err = risk.Attack(tx, h.T()); return err })
	return under
}

// stuff tries one password at many accounts, each once, from many networks in
// turn, and tells how many tries would have reached the hash.
func stuff(t *testing.T, h *coretest.House, accounts, networks int, pause time.Duration) (reached int) {
	t.Helper()
	n, _ := count(t, h, accounts, func(i int) []risk.Meter {
		h.Wait(pause)
		return risk.PasswordTry(fmt.Sprint("victim-", i), fmt.Sprintf("198.51.%d.%d", i%networks/250, i%networks%250))
	})
	return n
}

func remember(t *testing.T, h *coretest.House, account, place string) {
	t.Helper()
	if err := risk.Remember(bg, h.D, h.T(), account, place); err != nil {
		t.Fatal(err)
	}
}

func signsIn(t *testing.T, h *coretest.House, account, network string) error {
	t.Helper()
	meters := risk.PasswordTry(account, network)
	if err := risk.Reserve(bg, h.D, h.T(), meters...); err != nil {
		return err
	}
	if err := risk.Forgive(bg, h.D, h.T(), meters...); err != nil {
		t.Fatal(err)
	}
	remember(t, h, account, network)
	return nil
}

func TestOnePasswordAtManyAccountsFromManyNetworksTripsTheGate(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		remember(t, h, "ada", "home")
		remember(t, h, "bea", risk.DeviceKey("bea's browser"))
		reached := stuff(t, h, 300, 60, 0)
		if !underAttack(t, h) {
			t.Fatal("300 accounts from 60 networks were no attack")
		}
		if reached < 120 || reached > 155 { // until it is an attack, and the gate's own burst
			t.Errorf("%d of 300 guesses reached the hash", reached)
		}
		for range 20 {
			if err := signsIn(t, h, "ada", "home"); err != nil {
				t.Fatalf("a customer at home is shut out: %v", err)
			}
		}
		if err := risk.Reserve(bg, h.D, h.T(), risk.FromDevice(risk.PasswordTry("bea", "hotel"), "bea", "bea's browser")...); err != nil {
			t.Errorf("a known browser is shut out: %v", err)
		}
		if err := risk.Reserve(bg, h.D, h.T(), risk.CodeTry("ada", "hotel")...); err != nil {
			t.Errorf("a code is refused: %v", err)
		}
	})
}

func TestDuringAnAttackStrangersWaitOrWork(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		stuff(t, h, 300, 60, 0)
		try := risk.PasswordTry("ada", "hotel")
		err := risk.Reserve(bg, h.D, h.T(), try...)
		if !errors.Is(err, risk.ErrStrangers) || fault.Of(err).Retry <= 0 {
			t.Fatalf("a stranger during an attack is told %v", err)
		}
		for range 9 { // being refused costs none of the account's own tries
			if err := risk.Reserve(bg, h.D, h.T(), risk.Worked(try)...); err != nil {
				t.Fatalf("who did the work is told %v", err)
			}
		}
		if n, _ := count(t, h, 1000, func(i int) []risk.Meter {
			return risk.Worked(risk.PasswordTry(fmt.Sprint("other-", i), fmt.Sprint("n", i)))
		}); n > 400 {
			t.Errorf("%d guesses with work reached the hash at once", n)
		}
		h.Wait(time.Minute)
		if n, _ := count(t, h, 100, func(i int) []risk.Meter {
			return risk.PasswordTry(fmt.Sprint("late-", i), fmt.Sprint("m", i))
		}); n > 31 {
			t.Errorf("%d guesses of strangers passed after a minute", n)
		}
	})
}

func TestAnAttackLastsAsLongAsItGoesOn(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		stuff(t, h, 150, 60, 0)
		for i := range 40 { // half an hour and more: most are refused, and it is still an attack
			h.Wait(time.Minute)
			count(t, h, 40, func(j int) []risk.Meter { return risk.PasswordTry(fmt.Sprint("more-", i, "-", j), fmt.Sprint("n", j)) })
		}
		if !underAttack(t, h) {
			t.Error("it ended while it went on")
		}
		h.Wait(risk.AttackHolds + time.Second)
		if underAttack(t, h) {
			t.Error("it did not end")
		}
		if err := signsIn(t, h, "ada", "hotel"); err != nil {
			t.Errorf("after the attack a stranger is told %v", err)
		}
	})
}

func TestABusyTenantIsNotUnderAttack(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		// Four new customers a second; every fifth does not remember the password.
		for i := range 1000 {
			h.Wait(250 * time.Millisecond)
			account, network := fmt.Sprint("customer-", i), fmt.Sprint("network-", i)
			if i%5 == 0 {
				for range 3 {
					if err := risk.Reserve(bg, h.D, h.T(), risk.PasswordTry(account, network)...); err != nil {
						t.Fatal(err)
					}
				}
				continue
			}
			if err := signsIn(t, h, account, network); err != nil {
				t.Fatal(err)
			}
		}
		if underAttack(t, h) {
			t.Error("it is taken for one")
		}
	})
}

func TestOneForgetfulCustomerOrOfficeIsNoAttack(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		count(t, h, 500, func(i int) []risk.Meter { return risk.PasswordTry("ada", fmt.Sprint("n", i)) })
		remember(t, h, "bea", "home")
		count(t, h, 500, func(i int) []risk.Meter { return risk.PasswordTry("bea", "home") })
		if underAttack(t, h) {
			t.Error("many guesses at two accounts are taken for many accounts")
		}
	})
}

func TestOneAccountOfTheAttackersOwnBuysNoQuiet(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		for i := range 300 {
			network := fmt.Sprint("n", i)
			if err := risk.Reserve(bg, h.D, h.T(), risk.PasswordTry(fmt.Sprint("victim-", i), network)...); err != nil {
				break
			}
			signsIn(t, h, "mallory", network)
		}
		if !underAttack(t, h) {
			t.Error("signing in to one's own account hides an attack")
		}
	})
}

func TestTheAttackIsOneTenantsOwn(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		other := h.Tenant("other", "https://id.other.example")
		stuff(t, h, 200, 60, 0)
		h.View(func(tx *db.Tx) error {
			under, err := risk.Attack(tx, other)
			if under {
				t.Error("another tenant is under attack too")
			}
			return err
		})
		if err := risk.Reserve(bg, h.D, other, risk.PasswordTry("ada", "hotel")...); err != nil {
			t.Error(err)
		}
	})
}

func TestABrowserAsAWholeIsMetered(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		n, _ := count(t, h, 100, func(i int) []risk.Meter {
			return risk.FromDevice(risk.PasswordTry(fmt.Sprint("victim-", i), fmt.Sprint("n", i)), fmt.Sprint("victim-", i), "one browser")
		})
		if n != 60 {
			t.Errorf("%d guesses of one browser passed, want 60", n)
		}
		if a, b := risk.PasswordTry("ada", "n"), risk.FromDevice(risk.PasswordTry("ada", "n"), "ada", ""); len(a) != len(b) {
			t.Error("no browser is metered as one")
		}
	})
}

func TestABrowserThatManyShareIsNotWornOutByThoseWhoGetIn(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		meters := func(i int) []risk.Meter {
			return risk.FromDevice(risk.PasswordTry(fmt.Sprint("guest-", i), "library"), fmt.Sprint("guest-", i), "shared")
		}
		for i := range 80 {
			if err := risk.Reserve(bg, h.D, h.T(), meters(i)...); err != nil {
				t.Fatalf("guest %d is told %v", i, err)
			}
			if err := risk.Forgive(bg, h.D, h.T(), meters(i)...); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := count(t, h, 80, func(i int) []risk.Meter { return meters(100 + i) }); n != 60 {
			t.Errorf("afterwards %d guesses passed, want 60", n)
		}
	})
}

func TestStrangersDoNotShutOutAKnownBrowser(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		remember(t, h, "ada", risk.DeviceKey("hers"))
		count(t, h, 200, func(i int) []risk.Meter { return risk.PasswordTry("ada", fmt.Sprint("bot-", i)) })
		mine := func(device string) error {
			return risk.Reserve(bg, h.D, h.T(), risk.FromDevice(risk.PasswordTry("ada", "train"), "ada", device)...)
		}
		if err := mine("hers"); err != nil {
			t.Errorf("her own browser is shut out: %v", err)
		}
		if err := mine("another"); !errors.Is(err, risk.ErrTries) {
			t.Errorf("an unknown browser is told %v", err)
		}
	})
}

func TestFiftyAttackersAtOnceTripTheGateOnce(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		reached := 0
		for _, err := range coretest.Together(400, func(i int) error {
			return risk.Reserve(bg, h.D, h.T(), risk.PasswordTry(fmt.Sprint("v", i), fmt.Sprint("n", i%97))...)
		}) {
			if err == nil {
				reached++
			} else if !errors.Is(err, risk.ErrStrangers) {
				t.Fatal(err)
			}
		}
		if !underAttack(t, h) || reached < 120 {
			t.Errorf("%d of 400 at once reached the hash", reached)
		}
		if again := stuff(t, h, 100, 60, 0); again > 31 {
			t.Errorf("%d of 100 reached it afterwards", again)
		}
	})
}
