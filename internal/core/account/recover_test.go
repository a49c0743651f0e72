package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	tenants "github.com/cardea-id/cardea/internal/core/tenant"
)

func (v *visit) wait() error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.Wait(tx, v.T(), f, v.entrance()) })
}

func (v *visit) release() error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.Release(tx, v.T(), f, v.entrance()) })
}

func (v *visit) lost() (l account.Lost) {
	v.tb.Helper()
	v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
		l, err = account.LookLost(tx, v.T(), f, v.entrance())
		return err
	})
	return l
}

// arrives proves Noa's address by a code, up to the second factor.
func (d *door) arrives(browser byte) *visit {
	d.tb.Helper()
	v := d.visit(browser, signin.Facts{})
	v.prove(noa)
	v.expect(signin.Second)
	return v
}

// waiting is a house where Noa, who has an app, waits for her recovery.
func waiting(t *testing.T, h *coretest.House, change func(*settings)) (d *door, c customer.ID, stop string) {
	t.Helper()
	d, c = strong(t, h, change)
	d.acts.Codes.Fixed = nil
	d.app(c)
	v := d.arrives(3)
	if l := v.lost(); !l.Open || !l.Proven || l.Ready || l.For != 72*time.Hour {
		t.Fatalf("%+v", l)
	}
	if err := v.wait(); err != nil {
		t.Fatal(err)
	}
	notice := d.newest(noa)
	if notice.Subject != string(notify.RecoveryWaiting) || !strings.Contains(notice.Link, account.StopPath+"?t=") {
		t.Fatalf("told %+v", notice)
	}
	return d, c, notice.Link
}

func (d *door) factors(c customer.ID) (has credential.Factors) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		has, err = credential.FactorsOf(tx, d.T(), c)
		return err
	})
	return has
}

// H095: a lost second factor is given up after the waiting time alone, to who
// proves the same address again then, once, and with everything else ended.
func TestH095_ALostFactorIsGivenUpAfterWaitingAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c, _ := waiting(t, h, nil)
		trusted := d.trusts(c, 9)
		early := d.arrives(4)
		if err := early.release(); !errors.Is(err, account.ErrWaiting) {
			t.Errorf("before its time: %v", err)
		}
		sent := len(d.inbox(noa))
		if err := early.wait(); err != nil || len(d.inbox(noa)) != sent {
			t.Errorf("waiting again sends again, or fails: %v", err)
		}
		h.Wait(72*time.Hour - 5*time.Minute)
		before := d.arrives(5)
		h.Wait(6 * time.Minute)
		if l := before.lost(); l.Ready || !l.Again {
			t.Errorf("a proof from before: %+v", l)
		}
		if err := before.release(); !errors.Is(err, account.ErrWaiting) {
			t.Errorf("by a proof from before: %v", err)
		}
		v := d.arrives(6)
		if err := v.try(func(tx *db.Tx, f *signin.Flow) error {
			_, err := d.acts.SignIn(tx, d.T(), f, v.entrance())
			return err
		}); !errors.Is(err, account.ErrStep) {
			t.Errorf("without giving up: %v", err)
		}
		if err := v.release(); err != nil {
			t.Fatal(err)
		}
		if has := d.factors(c); has.TOTPs+has.RecoveryCodes+has.Passkeys != 0 || trusted() || d.waits(c) {
			t.Errorf("left: %+v, trusted %v", has, trusted())
		}
		if err := v.release(); err == nil {
			t.Error("twice")
		}
		v.enter()
		link := d.alarmOf(noa, notify.Recovered)
		if _, err := d.raise(link); err != nil || d.state(c) != customer.Recovery {
			t.Errorf("the notice raises no alarm: %v", err)
		}
	})
}

// The password alone, a session alone, or a wait for another address do not do.
func TestALostFactorNeedsTheProofOfItsAddress(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		d.acts.Codes.Fixed = nil
		d.app(c)
		v := d.byPassword(signin.Facts{})
		v.expect(signin.Second)
		if err := v.wait(); !errors.Is(err, account.ErrStep) || d.waits(c) {
			t.Errorf("by the password alone: %v", err)
		}
		v.must(func(tx *db.Tx, f *signin.Flow) error { return d.acts.ProveAnew(tx, d.T(), f, v.entrance()) })
		v.expect(signin.Code)
		v.send()
		if err := v.code(d.newest(noa).Code); err != nil {
			t.Fatal(err)
		}
		if err := v.wait(); err != nil || !d.waits(c) {
			t.Fatalf("by a code: %v", err)
		}
		d.do(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Email, Value: eve, Verified: true})
		})
		h.Wait(73 * time.Hour)
		other := d.visit(4, signin.Facts{})
		other.prove(eve)
		other.expect(signin.Second)
		if err := other.release(); !errors.Is(err, account.ErrWaiting) {
			t.Errorf("by another address: %v", err)
		}
	})
}

func TestAWaitingRecoveryIsStopped(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(d *door, c customer.ID, link string){
		"by its link": func(d *door, _ customer.ID, link string) {
			_, token, _ := strings.Cut(link, "?t=")
			press := func() error { return d.Try(func(tx *db.Tx) error { return d.acts.Stop(tx, d.T(), token) }) }
			if err := press(); err != nil {
				d.tb.Fatal(err)
			}
			if err := press(); !errors.Is(err, credential.ErrLinkUsed) {
				d.tb.Errorf("twice: %v", err)
			}
			d.alarmOf(noa, notify.RecoveryStopped)
		},
		"by a new password": func(d *door, c customer.ID, _ string) {
			d.do(func(tx *db.Tx) error { return d.acts.ChangePassword(tx, d.T(), c, hash, session.ID{}) })
		},
		"by the staff's lock": func(d *door, c customer.ID, _ string) {
			s := account.Staff{Reason: "called us"}
			d.do(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), c, s) })
			d.do(func(tx *db.Tx) error { return d.acts.Unlock(tx, d.T(), c, s) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				d, c, link := waiting(t, h, nil)
				stop(d, c, link)
				h.Wait(73 * time.Hour)
				v := d.arrives(6)
				if err := v.release(); !errors.Is(err, account.ErrWaiting) || d.factors(c).TOTPs != 1 {
					t.Errorf("%v, %+v", err, d.factors(c))
				}
			})
		})
	}
}

// Who finds the app again has lost nothing: nobody else can wait it away.
func TestAWaitingRecoveryEndsWhenTheFactorIsUsed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		d.acts.Codes.Fixed = nil
		code := d.app(c)
		if err := d.arrives(3).wait(); err != nil {
			t.Fatal(err)
		}
		if err := d.arrives(4).second(code(nil)); err != nil || d.waits(c) {
			t.Errorf("%v, waits %v", err, d.waits(c))
		}
	})
}

// A rule that asks for what only a passkey proves is not waited away, in no
// journey: not where it applies, and not by way of one where it does not.
func TestWaitingIsNoPasskey(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) {
			s.Assurance.Rules = []tenants.AssuranceRule{{Need: "phishing-resistant", Action: "export"}}
		})
		d.acts.Codes.Fixed = nil
		d.app(c)
		d.passkey(c)
		if err := d.arrives(3).wait(); err != nil {
			t.Fatal(err)
		}
		h.Wait(73 * time.Hour)
		v := d.arrives(4)
		if err := v.release(); err != nil {
			t.Fatal(err)
		}
		if has := d.factors(c); has.TOTPs != 0 || has.Passkeys != 1 {
			t.Errorf("left: %+v", has)
		}
		h.Settings(func(s *settings) {
			s.Assurance.Rules = []tenants.AssuranceRule{{Need: "phishing-resistant", Action: "signin"}}
		})
		v = d.arrives(5)
		if l := v.lost(); l.Open {
			t.Errorf("%+v", l)
		}
		if err := v.wait(); !errors.Is(err, account.ErrNoWait) {
			t.Errorf("%v", err)
		}
	})
}

// Twenty windows press at once: the waiting is used up by one.
func TestAWaitIsUsedOnceInTwentyPresses(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		d, c, _ := waiting(t, h, nil)
		h.Wait(73 * time.Hour)
		v := d.arrives(6)
		tenant, won := d.T(), 0
		for _, err := range coretest.Together(20, func(int) error {
			return d.Try(func(tx *db.Tx) error {
				f, err := signin.Load(tx, tenant, v.id, v.browser)
				if err != nil {
					return err
				}
				return d.acts.Release(tx, tenant, &f, v.entrance())
			})
		}) {
			if err == nil {
				won++
			}
		}
		if won != 1 || d.factors(c).TOTPs != 0 {
			t.Errorf("won %d times, %+v", won, d.factors(c))
		}
		if n := len(slices.DeleteFunc(d.subjects(noa), func(s string) bool { return s != string(notify.Recovered) })); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

const number = "+4915155512345"

// ID-07, H130: a number that was given out again registers and signs in whoever
// proves it, attaches to nothing old, and gets nobody back into an account.
func TestH130_ANumberThatWasGivenOutAgainRecoversNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		h.Settings(func(s *settings) { s.Identifiers.Phone = true })
		d := open(t, h)
		old := d.newcomer(mia)
		add := func(c customer.ID) {
			d.do(func(tx *db.Tx) error {
				return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Phone, Value: number, Verified: true})
			})
		}
		digest := customer.Digest(d.T(), customer.Phone, number)
		add(old.CustomerID)
		d.resets(mia)
		d.do(func(tx *db.Tx) error { return d.acts.RemoveAddress(tx, d.T(), old.CustomerID, digest) })
		h.Wait(24 * time.Hour)
		fresh := d.newcomer(number) // registration by proof is never blocked
		if fresh.CustomerID == old.CustomerID {
			t.Fatal("the number leads to its old account")
		}
		again := d.visit(2, signin.Facts{})
		again.prove(number)
		again.enter()
		recover := func() signin.Step {
			v := d.visit(3, signin.Facts{Kind: signin.Recover})
			v.prove(number)
			return v.next()
		}
		if got := recover(); got.Name != signin.Refuse {
			t.Errorf("recovers at once: %+v", got)
		}
		d.do(func(tx *db.Tx) error {
			return d.acts.StartRecovery(tx, d.T(), fresh.CustomerID, account.Staff{Reason: "called us"})
		})
		in := d.visit(4, signin.Facts{})
		in.prove(number)
		if got := in.next(); got.Name != signin.Refuse {
			t.Errorf("an account in recovery opens to it: %+v", got)
		}
		h.Wait(91 * 24 * time.Hour)
		if got := recover(); got.Name != signin.Reset {
			t.Errorf("after three months: %+v", got)
		}
	})
}

// The chooser of addresses is for who is signed in: to anybody else it says no
// more than that another step comes next, whether there is an account or not.
func TestTheAddressesOfAnAccountAreShownToItsOwnerAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.do(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, d.T(), s.CustomerID, customer.NewIdentifier{Kind: customer.Email, Value: eve, Verified: true})
		})
		choices := func(v *visit) (list []account.Choice, err error) {
			err = v.try(func(tx *db.Tx, f *signin.Flow) (err error) {
				list, err = account.Choices(tx, d.T(), f, v.entrance())
				return err
			})
			return list, err
		}
		for _, name := range []string{mia, "nobody@example.test"} {
			for _, k := range []signin.Kind{signin.SignIn, signin.Recover} {
				v := d.visit(4, signin.Facts{Kind: k}, s)
				v.identify(name)
				if _, err := choices(v); !errors.Is(err, account.ErrStep) {
					t.Errorf("%s %s: %v", name, k, err)
				}
			}
		}
		v := &visit{door: d, browser: [32]byte{1}, policy: signin.PolicyOf(d.T())}
		d.Update(func(tx *db.Tx) error {
			f, err := d.acts.BeginConfirm(tx, d.T(), s, account.Confirmation{Browser: v.browser, Back: "/account"})
			v.id = f.ID
			return err
		})
		if _, err := choices(v); !errors.Is(err, account.ErrStep) {
			t.Errorf("without the session: %v", err)
		}
		v.held = []session.Session{s}
		list, err := choices(v)
		if err != nil || len(list) != 2 || strings.Contains(list[0].Masked+list[1].Masked, "mia@") {
			t.Fatalf("%+v, %v", list, err)
		}
		choose := func(digest [32]byte) error {
			return v.try(func(tx *db.Tx, f *signin.Flow) error { return d.acts.ChooseAddress(tx, d.T(), f, v.entrance(), digest) })
		}
		if err := choose(customer.Digest(d.T(), customer.Email, noa)); !errors.Is(err, account.ErrStep) {
			t.Errorf("an address of nobody: %v", err)
		}
		if err := choose(customer.Digest(d.T(), customer.Email, eve)); err != nil {
			t.Fatal(err)
		}
		v.send()
		if err := v.code(d.newest(eve).Code); err != nil {
			t.Fatal(err)
		}
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			_, _, err := d.acts.Confirm(tx, d.T(), f, s)
			return err
		})
	})
}
