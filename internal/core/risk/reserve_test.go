package risk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/schema"
)

var bg = context.Background()

func count(t *testing.T, h *coretest.House, times int, meters func(i int) []risk.Meter) (passed int, last error) {
	t.Helper()
	for i := range times {
		err := risk.Reserve(bg, h.D, h.T(), meters(i)...)
		switch {
		case err == nil:
			passed++
		case fault.Is(err, fault.Limited):
			last = err
		default:
			t.Fatal(err)
		}
	}
	return passed, last
}

func TestH073_ParallelGuessesDoNotPassTheLimit(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		var verified atomic.Int64
		coretest.Together(200, func(int) error {
			err := risk.Reserve(bg, h.D, h.T(), risk.PasswordTry("ada", "203.0.113.7")...)
			if err == nil {
				verified.Add(1)
			}
			return err
		})
		if n := verified.Load(); n != 10 {
			t.Errorf("%d of 200 guesses reached the hash, want 10", n)
		}
	})
}

func TestH074_MetersOutliveTheProcessAndAFlood(t *testing.T) {
	t.Parallel()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			h := coretest.Open(t, engine, false)
			// The flood is an attack, during which strangers meet a gate before their meters.
			if err := risk.Remember(bg, h.D, h.T(), "ada", "203.0.113.7"); err != nil {
				t.Fatal(err)
			}
			tries := func(int) []risk.Meter { return risk.PasswordTry("ada", "203.0.113.7") }
			if n, _ := count(t, h, 9, tries); n != 9 {
				t.Fatalf("%d of 9 passed", n)
			}
			count(t, h, 300, func(i int) []risk.Meter {
				return risk.PasswordTry(fmt.Sprint("random-", i), fmt.Sprint("198.51.100.", i))
			})
			// The count is rows: nothing of it is held by this process.
			rows := 0
			h.View(func(tx *db.Tx) error {
				n, _, err := db.Value[int](tx, `SELECT count(*) FROM throttle`)
				rows = n
				return err
			})
			if rows < 300 {
				t.Errorf("there are only %d meters", rows)
			}
			if n, _ := count(t, h, 2, tries); n != 1 {
				t.Errorf("after nine tries and a flood %d more passed, want 1", n)
			}
		})
	}
}

func TestMetersSurviveAReopenedDatabase(t *testing.T) {
	t.Parallel()
	url, clock := dbtest.URL(t, schema.Files, dbtest.SQLite), dbtest.NewClock()
	open := func() *db.DB {
		d, err := db.Open(bg, db.Options{URL: url, Clock: clock.Now, Migrations: schema.Files})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	h := coretest.Open(t, dbtest.SQLite, false) // lends its tenant's keys
	passed := 0
	for range 12 {
		d := open()
		if risk.Reserve(bg, d, h.T(), risk.PasswordTry("ada", "n")...) == nil {
			passed++
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if passed != 10 {
		t.Errorf("%d tries passed over restarts, want 10", passed)
	}
}

func TestWaitIsHonestAndMetersRunEmpty(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		tries := func(int) []risk.Meter { return risk.PasswordTry("ada", "203.0.113.7") }
		_, refusal := count(t, h, 11, tries)
		wait := fault.Of(refusal).Retry
		if wait != 5*time.Minute || !errors.Is(refusal, risk.ErrTries) {
			t.Fatalf("the refusal is %v after %v", refusal, wait)
		}
		h.Wait(wait - time.Microsecond)
		if n, _ := count(t, h, 1, tries); n != 0 {
			t.Error("a try passed before the told time")
		}
		h.Wait(time.Microsecond)
		if n, _ := count(t, h, 2, tries); n != 1 {
			t.Errorf("%d tries passed at the told time, want 1", n)
		}
		h.Wait(24 * time.Hour)
		if n, _ := count(t, h, 11, tries); n != 10 {
			t.Errorf("%d tries passed a day later, want 10", n)
		}
	})
}

func TestH137_ThreeMailsAnHourForOneAddress(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		from := func(i int) []risk.Meter { return risk.Mail("victim@example.com", fmt.Sprint("192.0.2.", i%100)) }
		n, refusal := count(t, h, 100, from)
		if n != 3 || !errors.Is(refusal, risk.ErrMessages) {
			t.Fatalf("%d mails at once, %v; want 3", n, refusal)
		}
		day, hour := n, 0
		for minute := range 24 * 60 {
			if minute%60 == 0 {
				hour = 0
			}
			h.Wait(time.Minute)
			n, _ := count(t, h, 1, from)
			if hour += n; hour > 3 {
				t.Fatalf("%d mails within an hour", hour)
			}
			day += n
		}
		if day > 10 {
			t.Errorf("%d mails within a day, want at most 10", day)
		}
	})
}

// H137: strangers who use a recipient's budget up keep nobody from a code who
// comes with a browser that the account knows; that browser has its own.
func TestH137_StrangersKeepNobodyFromAMail(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		if err := risk.Remember(bg, h.D, h.T(), "ada", risk.DeviceKey("hers")); err != nil {
			t.Fatal(err)
		}
		mail := func(account, device string) func(int) []risk.Meter {
			return func(i int) []risk.Meter {
				return risk.MailFor(risk.Mail("ada@example.com", fmt.Sprint("192.0.2.", i%100)), account, device)
			}
		}
		if n, _ := count(t, h, 20, mail("ada", "theirs")); n != 3 {
			t.Fatalf("%d mails to strangers, want 3", n)
		}
		if n, _ := count(t, h, 20, mail("ada", "hers")); n != 10 {
			t.Errorf("%d mails for a browser that is known, want 10", n)
		}
		for name, of := range map[string]func(int) []risk.Meter{
			"another account": mail("eve", "hers"), "another browser": mail("ada", "new"), "none": mail("ada", ""),
		} {
			if n, _ := count(t, h, 1, of); n != 0 {
				t.Errorf("%s passes", name)
			}
		}
	})
}

// A browser that the account knows is not shut out of codes and second factors.
func TestNobodyIsShutOutOfCodesByStrangers(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		if err := risk.Remember(bg, h.D, h.T(), "ada", risk.DeviceKey("hers")); err != nil {
			t.Fatal(err)
		}
		for name, try := range map[string]func(account, network string) []risk.Meter{"code": risk.CodeTry, "second": risk.SecondTry} {
			count(t, h, 100, func(i int) []risk.Meter { return try("ada", fmt.Sprint("bot-", i)) })
			if n, _ := count(t, h, 1, func(int) []risk.Meter { return try("ada", "café") }); n != 0 {
				t.Errorf("%s: the account is not full", name)
			}
			if n, _ := count(t, h, 1, func(int) []risk.Meter { return risk.FromDevice(try("ada", "hotel"), "ada", "hers") }); n != 1 {
				t.Errorf("%s: the browser that is known is shut out", name)
			}
		}
	})
}

func TestH103_TextMessagesAreBudgetedPerBlockOfNumbers(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		n, _ := count(t, h, 300, func(i int) []risk.Meter {
			return risk.SMS(fmt.Sprintf("+88213%04d", i), fmt.Sprint("192.0.2.", i))
		})
		if n != 10 {
			t.Errorf("%d messages went to one block of numbers, want 10", n)
		}
	})
}

func TestNobodyIsShutOutByStrangers(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		if err := risk.Remember(bg, h.D, h.T(), "ada", "home"); err != nil {
			t.Fatal(err)
		}
		n, _ := count(t, h, 200, func(i int) []risk.Meter { return risk.PasswordTry("ada", fmt.Sprint("bot-", i)) })
		if n != 60 {
			t.Errorf("%d guesses from everywhere, want 60", n)
		}
		if n, _ := count(t, h, 12, func(int) []risk.Meter { return risk.PasswordTry("ada", "home") }); n != 10 {
			t.Errorf("%d tries from the known network, want 10", n)
		}
		if n, _ := count(t, h, 1, func(int) []risk.Meter { return risk.PasswordTry("ada", "café") }); n != 0 {
			t.Error("an unknown network passes a full account")
		}
		h.Wait(risk.Known + time.Hour)
		count(t, h, 100, func(i int) []risk.Meter { return risk.PasswordTry("ada", fmt.Sprint("bot-", i)) })
		if n, _ := count(t, h, 1, func(int) []risk.Meter { return risk.PasswordTry("ada", "home") }); n != 0 {
			t.Error("a network is known for longer than told")
		}
	})
}

func TestForgiveEmptiesOnesOwnMetersOnly(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		own := func(int) []risk.Meter { return risk.PasswordTry("mallory", "one") }
		passed := 0
		for range 30 { // an attacker's own account must not refill the network's meter
			n, _ := count(t, h, 10, own)
			passed += n
			if err := risk.Forgive(bg, h.D, h.T(), own(0)...); err != nil {
				t.Fatal(err)
			}
		}
		if passed != 60 {
			t.Errorf("%d tries passed with forgiveness, want the account's 60", passed)
		}
		mail := risk.Mail("ada@example.com", "one")
		for range 5 {
			if n, _ := count(t, h, 1, func(int) []risk.Meter { return mail }); n != 1 {
				t.Fatal("an answered message counts against its recipient")
			}
			if err := risk.Forgive(bg, h.D, h.T(), mail...); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestMetersAreTheTenantsOwnAndHoldNoNames(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		other := h.Tenant("other", "https://id.other.example")
		count(t, h, 11, func(int) []risk.Meter { return risk.PasswordTry("ada", "n") })
		if err := risk.Reserve(bg, h.D, other, risk.PasswordTry("ada", "n")...); err != nil {
			t.Errorf("one tenant's tries count at another: %v", err)
		}
		h.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM throttle WHERE length(meter) <> 32`)
			if n != 0 {
				t.Errorf("%d meters are no hashes", n)
			}
			return err
		})
	})
}

func TestKeysOfMetersAreNotAmbiguous(t *testing.T) {
	t.Parallel()
	a, b := risk.PasswordTry("ada", "b.c"), risk.PasswordTry("adab", ".c")
	if a[1].Key == b[1].Key {
		t.Error("two pairs share a key")
	}
	for _, m := range risk.SMS("12", "n") {
		if strings.Contains(m.Limit.Name, "block") && m.Key != "" {
			t.Errorf("a short number gives the block %q", m.Key)
		}
	}
}

func TestSweepDeletesEmptyMeters(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		count(t, h, 20, func(i int) []risk.Meter { return risk.Lookup(fmt.Sprint(i)) })
		count(t, h, 1, func(int) []risk.Meter { return risk.Mail("ada@example.com", "n") })
		h.Wait(10 * time.Minute)
		swept := 0
		h.Update(func(tx *db.Tx) (err error) { swept, err = risk.Sweep(tx, 15); return err })
		if swept != 15 {
			t.Errorf("%d meters were swept, want 15", swept)
		}
		h.Update(func(tx *db.Tx) (err error) { swept, err = risk.Sweep(tx, 100); return err })
		if swept != 7 { // five look-ups, and the mail meters of network and tenant
			t.Errorf("%d more meters were swept, want 7", swept)
		}
	})
}

func BenchmarkReserve(b *testing.B) {
	for _, engine := range dbtest.Engines() {
		b.Run(engine, func(b *testing.B) {
			h := coretest.Open(b, engine, false)
			t, i := h.T(), 0
			for b.Loop() {
				i++
				if err := risk.Reserve(bg, h.D, t, risk.Lookup(fmt.Sprint(i))...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
