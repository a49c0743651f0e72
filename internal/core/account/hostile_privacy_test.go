package account_test

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
)

// H223: of a hold and an erasure that meet, one happens. Nobody is told that data
// is kept which is gone.
func TestH223_AHoldAndAnErasureThatMeetDoNotBothHappen(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k := keep(t, h)
		const rounds = 25
		var list [rounds]customer.ID
		for i := range list {
			list[i] = k.Customer()
			k.Update(func(tx *db.Tx) error { _, err := account.Acts{}.Close(tx, k.T(), list[i]); return err })
		}
		k.Wait(customer.CloseAfter + time.Minute)
		told := coretest.Together(2*rounds, func(i int) error {
			c := list[i/2]
			return k.Try(func(tx *db.Tx) error {
				if i%2 == 0 {
					return k.w.Erase(tx, k.T(), c)
				}
				_, err := privacy.PlaceHold(tx, k.T(), privacy.HoldOrder{Customer: c, Actor: journal.Actor{Kind: "operator"}, Reason: "a lawsuit"})
				return err
			})
		})
		for i, c := range list {
			erased, held := told[2*i] == nil, told[2*i+1] == nil
			if gone := k.state(c).State == customer.Erased; erased && held || gone != erased {
				t.Errorf("erased %v (%v), held %v (%v), gone %v", erased, told[2*i], held, told[2*i+1], gone)
			}
		}
	})
}

// An account that is used in the very moment in which nobody seems to use it is
// not left closing with somebody in it.
func TestASignInAndTheClosingForDisuseThatMeetLeaveNoSessionBehind(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		k, first := idler(t, h)
		list := []customer.ID{first}
		for range 11 {
			list = append(list, k.Customer())
		}
		for range 80 { // through the warnings, to the day before the closing
			if k.Wait(10 * aDay); k.closesSoon(list[0]) {
				break
			}
			k.together()
		}
		k.Wait(10 * aDay)
		told := coretest.Together(len(list)+1, func(i int) error {
			if i == len(list) {
				k.together()
				return nil
			}
			return k.Try(func(tx *db.Tx) error {
				p, err := permit.May(tx, k.T(), permit.Ask{Customer: list[i], Purpose: permit.ForSession, Proofs: []session.Proof{{Method: session.Password}}})
				if err != nil {
					return err
				}
				_, _, err = session.Start(tx, k.T(), p, session.New{Proofs: []session.Proof{{Method: session.Password}}})
				return err
			})
		})
		closing := 0
		for i, c := range list {
			var alive []session.Session
			k.View(func(tx *db.Tx) (err error) { alive, err = session.List(tx, k.T(), c); return err })
			state := k.state(c).State
			if state == customer.Closing {
				closing++
			}
			if state == customer.Closing && len(alive) > 0 {
				t.Errorf("%s with %d sessions (%v)", state, len(alive), told[i])
			}
		}
		t.Logf("%d of %d closing", closing, len(list))
	})
}

// closesSoon reports whether every warning was sent.
func (k *keeper) closesSoon(c customer.ID) (soon bool) {
	k.tb.Helper()
	k.View(func(tx *db.Tx) error {
		at, there, err := db.Value[int64](tx, `SELECT warned FROM inactivity WHERE tenant_id = $1 AND customer_id = $2`, k.T().ID, c)
		soon = there && at >= int64(len(k.T().Settings.Retention.Warnings()))
		return err
	})
	return soon
}
