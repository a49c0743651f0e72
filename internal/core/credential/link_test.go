package credential_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var target = [32]byte{4, 2}

func startWait(h *coretest.House, cus customer.ID, lost string) (w credential.Wait, token string) {
	h.Update(func(tx *db.Tx) (err error) {
		w, token, err = credential.StartWait(tx, h.T(), cus, lost, target)
		return err
	})
	return w, token
}

func stopWait(h *coretest.House, token string) (cus customer.ID, err error) {
	err = h.Try(func(tx *db.Tx) (err error) { cus, err = credential.StopWait(tx, h.T(), token); return err })
	return cus, err
}

func takeWait(h *coretest.House, cus customer.ID, one credential.WaitID) (taken bool) {
	h.Update(func(tx *db.Tx) (err error) { taken, err = credential.TakeWait(tx, h.T(), cus, one); return err })
	return taken
}

func waiting(h *coretest.House, cus customer.ID) (w credential.Wait, ok bool) {
	h.View(func(tx *db.Tx) (err error) { w, ok, err = credential.Waiting(tx, h.T(), cus); return err })
	return w, ok
}

func TestRecoveryWaitsAsLongAsTheTenantSaysAndCountsOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus, mallory := h.Customer(), h.Customer()
		h.Settings(func(s *tenant.Settings) { s.SecondFactor.RecoveryWait = tenant.Duration(48 * time.Hour) })
		w, token := startWait(h, cus, "second")
		if !w.ReadyAt.Equal(h.Clock.Now().Add(48*time.Hour)) || w.Target != target || token == "" {
			t.Errorf("it waits as %+v", w)
		}
		h.Wait(48*time.Hour - time.Microsecond)
		if takeWait(h, cus, w.ID) {
			t.Fatal("it does not wait to the end")
		}
		h.Wait(time.Microsecond)
		if takeWait(h, mallory, w.ID) {
			t.Fatal("somebody else takes it")
		}
		if now, ok := waiting(h, cus); !ok || now.ID != w.ID || !now.Ready(h.Clock.Now()) {
			t.Errorf("it waits: %v %+v", ok, now)
		}
		if !takeWait(h, cus, w.ID) {
			t.Fatal("it cannot be taken")
		}
		if takeWait(h, cus, w.ID) {
			t.Error("it is taken twice")
		}
		if _, err := stopWait(h, token); !errors.Is(err, credential.ErrLinkExpired) {
			t.Errorf("stopped after its use: %v", err)
		}
	})
}

func TestStoppedRecoveryIsOver(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		w, token := startWait(h, cus, "second")
		h.View(func(tx *db.Tx) error {
			peek, err := credential.PeekWait(tx, h.T(), token)
			if peek.ID != w.ID || peek.CustomerID != cus {
				t.Errorf("the link shows %+v", peek)
			}
			return err
		})
		if got, err := stopWait(h, token); err != nil || got != cus {
			t.Fatalf("%v, %v", got, err)
		}
		if _, err := stopWait(h, token); !errors.Is(err, credential.ErrLinkUsed) {
			t.Errorf("stopped twice: %v", err)
		}
		h.Wait(30 * 24 * time.Hour)
		if takeWait(h, cus, w.ID) {
			t.Error("what was stopped can be taken")
		}
		if _, ok := waiting(h, cus); ok {
			t.Error("what was stopped waits")
		}
	})
}

func TestStopLinksCannotBeAlteredOrShownElsewhere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		_, token := startWait(h, cus, "second")
		stranger := h.Tenant("other", "https://id.other.example")
		h.Update(func(tx *db.Tx) error {
			for _, bad := range coretest.Altered(token) {
				if _, err := credential.StopWait(tx, h.T(), bad); !errors.Is(err, credential.ErrLinkInvalid) {
					t.Fatalf("%q: %v", bad, err)
				}
			}
			if _, err := credential.StopWait(tx, stranger, token); !errors.Is(err, credential.ErrLinkInvalid) {
				t.Errorf("another tenant: %v", err)
			}
			if _, err := credential.TakeAlarm(tx, h.T(), token); !errors.Is(err, credential.ErrLinkInvalid) {
				t.Errorf("shown as an alarm: %v", err)
			}
			return nil
		})
		if _, err := stopWait(h, token); err != nil {
			t.Error(err)
		}
	})
}

func TestOneRecoveryWaitsAtATime(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		first, token := startWait(h, cus, "second")
		h.Wait(time.Hour)
		if again, none := startWait(h, cus, "second"); again.ID != first.ID || !again.ReadyAt.Equal(first.ReadyAt) || none != "" {
			t.Errorf("the same recovery begins anew: %+v, %q", again, none)
		}
		other, _ := startWait(h, cus, "all")
		if other.ID == first.ID || !other.ReadyAt.Equal(h.Clock.Now().Add(72*time.Hour)) {
			t.Errorf("another recovery takes over the waiting: %+v", other)
		}
		if _, err := stopWait(h, token); !errors.Is(err, credential.ErrLinkUsed) {
			t.Errorf("the first one goes on: %v", err)
		}
		h.Update(func(tx *db.Tx) error {
			ended, err := credential.EndWaits(tx, h.T(), cus)
			if !ended {
				t.Error("there was none to end")
			}
			return err
		})
		h.Wait(72 * time.Hour)
		if takeWait(h, cus, other.ID) || takeWait(h, cus, first.ID) {
			t.Error("an ended recovery can be taken")
		}
	})
}

func TestRecoveryThatNobodyEndsRunsOutAndIsSwept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		w, token := startWait(h, cus, "second")
		h.Wait(72*time.Hour + credential.WaitOpen)
		if takeWait(h, cus, w.ID) {
			t.Error("it can be taken for ever")
		}
		if _, err := stopWait(h, token); !errors.Is(err, credential.ErrLinkExpired) {
			t.Errorf("stopped too late: %v", err)
		}
		h.Wait(25 * time.Hour)
		h.Update(func(tx *db.Tx) error {
			n, err := credential.SweepFactors(tx, 10)
			if n != 1 {
				t.Errorf("%d were swept", n)
			}
			return err
		})
		if _, err := stopWait(h, token); !errors.Is(err, credential.ErrLinkInvalid) {
			t.Errorf("after the sweep: %v", err)
		}
	})
}

// Fifty start, stop and take at once: one recovery waits, and it is either
// stopped or used, never both.
func TestOfFiftyOneEndsAWaitingRecovery(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		for range 4 {
			began := make([]string, 50)
			for i, err := range coretest.Together(50, func(i int) error {
				return h.Try(func(tx *db.Tx) (err error) {
					_, began[i], err = credential.StartWait(tx, h.T(), cus, "second", target)
					return err
				})
			}) {
				if err != nil {
					t.Errorf("start %d: %v", i, err)
				}
			}
			token, n := "", 0
			for _, b := range began {
				if b != "" {
					token, n = b, n+1
				}
			}
			if n != 1 {
				t.Fatalf("%d of 50 began to wait, want 1", n)
			}
			h.Wait(72 * time.Hour)
			w, _ := waiting(h, cus)
			stopped, used := 0, 0
			for i, err := range coretest.Together(50, func(i int) error {
				if i%2 == 0 {
					_, err := stopWait(h, token)
					return err
				}
				if takeWait(h, cus, w.ID) {
					return nil
				}
				return credential.ErrLinkUsed
			}) {
				switch {
				case err == nil && i%2 == 0:
					stopped++
				case err == nil:
					used++
				}
			}
			if stopped+used != 1 {
				t.Errorf("stopped %d times and used %d times, want one of them", stopped, used)
			}
		}
	})
}

func alarm(h *coretest.House, cus customer.ID) (token string) {
	h.Update(func(tx *db.Tx) (err error) {
		token, err = credential.IssueAlarm(tx, h.T(), cus, credential.NewAlarm{Cause: "new_device", Session: [16]byte{9}})
		return err
	})
	return token
}

func raise(h *coretest.House, token string) (a credential.Alarm, err error) {
	err = h.Try(func(tx *db.Tx) (err error) { a, err = credential.TakeAlarm(tx, h.T(), token); return err })
	return a, err
}

func TestAlarmIsSeenOftenAndRaisedOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		token := alarm(h, cus)
		peek := func() (ok bool) {
			h.View(func(tx *db.Tx) error {
				who, cause, until, there, err := credential.PeekAlarm(tx, h.T(), token)
				if there && (who != cus || cause != "new_device" || !until.After(h.Clock.Now())) {
					t.Errorf("it shows %v, %s, %v", who, cause, until)
				}
				ok = there
				return err
			})
			return ok
		}
		for range 2 {
			if !peek() {
				t.Fatal("looking uses it up")
			}
		}
		a, err := raise(h, token)
		if err != nil || a.CustomerID != cus || a.Cause != "new_device" || a.SessionID != ([16]byte{9}) {
			t.Fatalf("%+v, %v", a, err)
		}
		if _, err := raise(h, token); !errors.Is(err, credential.ErrLinkUsed) || peek() {
			t.Errorf("raised twice: %v", err)
		}
		if events(h, cus)[0] != "alarm.raised" {
			t.Errorf("the journal tells %v", events(h, cus))
		}
		late := alarm(h, cus)
		h.Wait(credential.AlarmFor - time.Microsecond)
		if _, err := raise(h, alarm(h, cus)); err != nil {
			t.Error(err)
		}
		h.Wait(time.Microsecond)
		if _, err := raise(h, late); !errors.Is(err, credential.ErrLinkExpired) {
			t.Errorf("after 14 days: %v", err)
		}
	})
}

func TestAlarmsCannotBeAlteredOrShownElsewhere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		token := alarm(h, h.Customer())
		stranger := h.Tenant("other", "https://id.other.example")
		h.Update(func(tx *db.Tx) error {
			for _, bad := range coretest.Altered(token) {
				if _, err := credential.TakeAlarm(tx, h.T(), bad); !errors.Is(err, credential.ErrLinkInvalid) {
					t.Fatalf("%q: %v", bad, err)
				}
				if _, _, _, ok, err := credential.PeekAlarm(tx, h.T(), bad); ok || err != nil {
					t.Fatalf("%q shows something: %v", bad, err)
				}
			}
			_, err := credential.TakeAlarm(tx, stranger, token)
			if !errors.Is(err, credential.ErrLinkInvalid) {
				t.Errorf("another tenant: %v", err)
			}
			return nil
		})
		if _, err := raise(h, token); err != nil {
			t.Error(err)
		}
	})
}

func TestOneOfFiftyRaisesAnAlarm(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		token := alarm(h, h.Customer())
		won := 0
		for i, err := range coretest.Together(50, func(int) error { _, err := raise(h, token); return err }) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, credential.ErrLinkUsed):
				t.Errorf("%d: %v", i, err)
			}
		}
		if won != 1 {
			t.Errorf("%d of 50 raised it, want 1", won)
		}
	})
}

func TestAlarmsOutliveResetsAndAreSwept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		token := alarm(h, cus)
		h.Update(func(tx *db.Tx) error { return credential.EndOutstanding(tx, h.T(), cus) })
		if _, err := raise(h, token); err != nil {
			t.Errorf("a reset ends the alarm of its own notice: %v", err)
		}
		h.Wait(credential.AlarmFor + 25*time.Hour)
		h.Update(func(tx *db.Tx) error {
			n, err := credential.SweepFactors(tx, 10)
			if n != 1 {
				t.Errorf("%d were swept", n)
			}
			return err
		})
	})
}
