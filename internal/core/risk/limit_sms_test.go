package risk_test

import (
	"fmt"
	"testing"

	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/risk"
)

// A thousand numbers of one range, each in a block and asked for from a network
// of its own: nobody answers, so it ends. Messages that are answered do not
// count, and neither do sign-ins that needed none.
func TestH103_ARangeOfNumbersThatNobodyAnswersIsBounded(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		pump := func(i int) []risk.Meter {
			return risk.SMS(fmt.Sprintf("+882139%03d%04d", i/10%1000, i), fmt.Sprintf("198.18.%d.%d", i/250, i%250))
		}
		n, _ := count(t, h, 300, pump)
		if n != 200 {
			t.Errorf("%d messages to one range, want 200", n)
		}
		other := func(i int) []risk.Meter {
			return risk.SMS(fmt.Sprintf("+4474%03d%05d", i, i), fmt.Sprintf("198.19.0.%d", i))
		}
		for i := range 250 { // customers who answer
			if n, refusal := count(t, h, 1, func(int) []risk.Meter { return other(i) }); n != 1 {
				t.Fatalf("customer %d is refused: %v", i, refusal)
			}
			if err := risk.Forgive(bg, h.D, h.T(), other(i)...); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 { // sign-ins without a message give nothing back
			if err := risk.Forgive(bg, h.D, h.T(), risk.SMS("+8821390000000", "198.18.0.0")...); err != nil {
				t.Fatal(err)
			}
		}
		if n, _ := count(t, h, 20, func(i int) []risk.Meter { return pump(400 + 10*i) }); n > 1 {
			t.Errorf("%d more messages after sign-ins that needed none", n)
		}
	})
}
