package risk_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
)

func TestWhatAFullNetworkIsRefusedCountsAtNoAccount(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		count(t, h, 200, func(i int) []risk.Meter { return risk.CodeTry(fmt.Sprint("victim-", i), "office") })
		try := func(int) []risk.Meter { return risk.FromDevice(risk.CodeTry("ada", "office"), "ada", "one") }
		if n, _ := count(t, h, 8, try); n != 0 {
			t.Fatalf("%d tries passed a full network", n)
		}
		n, _ := count(t, h, 61, func(i int) []risk.Meter { return risk.CodeTry("ada", fmt.Sprint("elsewhere-", i)) })
		if n != 60 {
			t.Errorf("%d tries from elsewhere passed, want 60: what was refused has filled the account", n)
		}
		n, _ = count(t, h, 61, func(i int) []risk.Meter {
			return risk.FromDevice(risk.CodeTry(fmt.Sprint("other-", i), fmt.Sprint("net-", i)), fmt.Sprint("other-", i), "one")
		})
		if n != 60 {
			t.Errorf("%d tries with the browser passed, want 60: what was refused has filled the browser", n)
		}
	})
}

func marksOf(h *coretest.House, meters []risk.Meter) (marks risk.Marks) {
	h.View(func(tx *db.Tx) (err error) { marks, err = risk.MarksOf(tx, h.T(), meters); return err })
	return marks
}

func TestMarksThatWereReadExcuseAsThoseThatAreAskedFor(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		remember(t, h, "ada", "home")
		count(t, h, 100, func(i int) []risk.Meter { return risk.PasswordTry("ada", fmt.Sprint("bot-", i)) })
		for place, passes := range map[string]bool{"home": true, "café": false} {
			meters := risk.FromDevice(risk.PasswordTry("ada", place), "ada", "hers")
			err := marksOf(h, meters).Reserve(bg, h.D, h.T(), meters...)
			if (err == nil) != passes {
				t.Errorf("from %s: %v", place, err)
			}
		}
		remember(t, h, "ada", risk.DeviceKey("hers"))
		meters := risk.FromDevice(risk.PasswordTry("ada", "hotel"), "ada", "hers")
		if err := marksOf(h, meters).Reserve(bg, h.D, h.T(), meters...); err != nil {
			t.Errorf("with the known browser: %v", err)
		}
	})
}

func TestAMarkIsMadeAnewOnceADay(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		meters := risk.FromDevice(risk.PasswordTry("ada", "home"), "ada", "hers")
		stands := func() (home, hers bool) {
			h.View(func(tx *db.Tx) (err error) { hers, err = risk.Familiar(tx, h.T(), "ada", "hers"); return err })
			return !marksOf(h, risk.CodeTry("ada", "home"))["ada\x00home"].IsZero(), hers
		}
		signIn := func() {
			if err := marksOf(h, meters).Remember(bg, h.D, h.T(), "ada", "home", risk.DeviceKey("hers")); err != nil {
				t.Fatal(err)
			}
		}
		signIn()
		h.Wait(time.Hour)
		signIn() // still fresh
		h.Wait(risk.Known - 30*time.Minute)
		if home, hers := stands(); home || hers {
			t.Errorf("marks that were fresh were made to stand longer: %v, %v", home, hers)
		}
		signIn()
		h.Wait(25 * time.Hour)
		signIn() // made anew
		h.Wait(risk.Known - time.Hour)
		if home, hers := stands(); !home || !hers {
			t.Errorf("marks of yesterday were not made anew: %v, %v", home, hers)
		}
	})
}
