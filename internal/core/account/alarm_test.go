package account_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	tenants "github.com/cardea-id/cardea/internal/core/tenant"
)

func (d *door) raise(link string) (out account.Raised, err error) {
	_, token, _ := strings.Cut(link, "?t=")
	err = d.Try(func(tx *db.Tx) (err error) {
		out, err = d.acts.Alarm(tx, d.T(), token)
		return err
	})
	return out, err
}

// alarmOf is the link of the newest notice of a kind.
func (d *door) alarmOf(to string, name notify.Template) string {
	d.tb.Helper()
	for _, k := range d.inbox(to) {
		if k.Subject == string(name) && strings.Contains(k.Link, account.AlarmPath+"?t=") {
			return k.Link
		}
	}
	d.tb.Fatalf("%s was sent no %s with an alarm: %v", to, name, d.subjects(to))
	return ""
}

func (d *door) events(c customer.ID) (names []string) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) error {
		list, err := journal.List(tx, d.T().ID, c, [16]byte{}, 200)
		for _, e := range list {
			names = append(names, e.Name)
		}
		return err
	})
	return names
}

// changes sets a password as the account's own page does.
func (d *door) changes(s session.Session) {
	d.tb.Helper()
	d.do(func(tx *db.Tx) error { return d.acts.ChangePassword(tx, d.T(), s.CustomerID, hash, s.ID) })
}

func (d *door) waits(c customer.ID) (waiting bool) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		_, waiting, err = credential.Waiting(tx, d.T(), c)
		return err
	})
	return waiting
}

// trusts makes a browser one that skips the second factor.
func (d *door) trusts(c customer.ID, device byte) (trusted func() bool) {
	d.tb.Helper()
	var token string
	d.do(func(tx *db.Tx) error {
		if _, err := session.See(tx, d.T(), c, [16]byte{device}, session.Place{}); err != nil {
			return err
		}
		var err error
		token, err = session.Trust(tx, d.T(), c, [16]byte{device}, time.Hour*24*30)
		return err
	})
	return func() (yes bool) {
		d.View(func(tx *db.Tx) (err error) {
			yes, err = session.Trusted(tx, d.T(), c, [16]byte{device}, token)
			return err
		})
		return yes
	}
}

func (d *door) knows(c customer.ID, device byte) (known bool) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		known, err = session.Knows(tx, d.T(), c, [16]byte{device})
		return err
	})
	return known
}

// "This was not me" ends whatever somebody else may hold, leaves the account to
// who proves an address, opens a case and tells everybody, once.
func TestAlarmSecuresTheAccount(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		c := s.CustomerID
		granted, _ := d.grants(s, h.App(true), true)
		d.changes(s)
		link := d.alarmOf(mia, notify.PasswordChanged)
		trusted := d.trusts(c, 9)
		d.do(func(tx *db.Tx) error {
			_, _, err := credential.StartWait(tx, d.T(), c, "second", [32]byte{1})
			return err
		})
		thief := d.visit(5, signin.Facts{})
		thief.identify(mia)
		thief.send()
		code := d.newest(mia).Code
		change := d.wants(s, account.NewAddress{Kind: customer.Email, Value: eve})
		if !trusted() || !d.waits(c) || !d.knows(c, 9) {
			t.Fatal("there is nothing to end")
		}
		peek := func() (cause string, ok bool) {
			_, token, _ := strings.Cut(link, "?t=")
			d.View(func(tx *db.Tx) (err error) {
				cause, _, ok, err = account.PeekAlarm(tx, d.T(), token)
				return err
			})
			return cause, ok
		}
		if cause, ok := peek(); cause != "password" || !ok || !d.alive(s) {
			t.Fatalf("looking is raising: %q %v", cause, ok)
		}
		if _, err := d.raise(link); err != nil {
			t.Fatal(err)
		}
		if d.alive(s) || d.granted(granted) || trusted() || d.waits(c) || d.state(c) != customer.Recovery {
			t.Errorf("session %v, grant %v, trust %v, wait %v, %s", d.alive(s), d.granted(granted), trusted(), d.waits(c), d.state(c))
		}
		if d.knows(c, 9) {
			t.Error("the thief's browser still passes for the customer's own")
		}
		if err := thief.code(code); err == nil {
			t.Error("a code that was on its way works")
		}
		if err := change.try(func(*db.Tx, *signin.Flow) error { return nil }); !errors.Is(err, signin.ErrExpired) {
			t.Errorf("a pending address change goes on: %v", err)
		}
		if !slices.Contains(d.events(c), "account.alarm_raised") || d.newest(mia).Subject != string(notify.AccountSecured) {
			t.Errorf("no case, or nobody told: %v", d.events(c))
		}
		if _, err := d.raise(link); !errors.Is(err, credential.ErrLinkUsed) {
			t.Errorf("raised twice: %v", err)
		}
		if _, ok := peek(); ok {
			t.Error("a used link is shown as good")
		}
		back := d.resets(mia)
		if !d.alive(back) || d.state(c) != customer.Active {
			t.Error("the owner does not get back in")
		}
	})
}

func TestAlarmIsRaisedOnceInFiftyPresses(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.changes(s)
		link := d.alarmOf(mia, notify.PasswordChanged)
		_, token, _ := strings.Cut(link, "?t=")
		tenant := d.T()
		won := 0
		for _, err := range coretest.Together(50, func(int) error {
			return d.Try(func(tx *db.Tx) error {
				_, err := d.acts.Alarm(tx, tenant, token)
				return err
			})
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, credential.ErrLinkUsed):
				t.Errorf("%v", err)
			}
		}
		if won != 1 {
			t.Errorf("raised %d times", won)
		}
		if n := len(slices.DeleteFunc(d.subjects(mia), func(s string) bool { return s != string(notify.AccountSecured) })); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// H115: what came to the account since goes, what was there before stays.
func TestH115_AnAlarmTakesBackWhatCameSince(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		own := d.passkey(c)
		d.inbox(noa)
		d.Wait(time.Hour)
		d.passkey(c) // by somebody else
		link := d.alarmOf(noa, notify.FactorAdded)
		d.app(c)
		done, err := d.raise(link)
		if err != nil || done.Stays || !slices.Equal(done.Back, []string{"passkey", "app", "codes"}) {
			t.Fatalf("%+v, %v", done, err)
		}
		d.View(func(tx *db.Tx) error {
			has, err := credential.FactorsOf(tx, d.T(), c)
			if has.Passkeys != 1 || has.TOTPs != 0 || has.RecoveryCodes != 0 {
				t.Errorf("left: %+v", has)
			}
			return err
		})
		v := d.visit(3, signin.Facts{})
		if err := v.use(own); err != nil {
			t.Fatal(err)
		}
		v.expect(signin.Again) // in recovery, a passkey is not enough
	})
}

// H095: who reads a mailbox alone, with an old notice in it, does not get rid of
// the app that keeps them out.
func TestH095_AnOldAlarmDoesNotMakeTheMailboxEnough(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		rule := func(s *settings) { s.Assurance.Rules = []tenants.AssuranceRule{{Need: "multi", Action: "close"}} }
		d, c := strong(t, h, rule)
		d.passkey(c)
		d.app(c)
		link := d.alarmOf(noa, notify.FactorAdded)
		d.Wait(account.Undo + time.Hour)
		done, err := d.raise(link)
		if err != nil || !done.Stays {
			t.Fatalf("%+v, %v", done, err)
		}
		d.View(func(tx *db.Tx) error {
			has, err := credential.FactorsOf(tx, d.T(), c)
			if has.TOTPs != 1 {
				t.Errorf("left: %+v", has)
			}
			return err
		})
		d.acts.Codes.Fixed = nil
		v := d.visit(3, signin.Facts{})
		v.prove(noa)
		v.expect(signin.Second)
	})
}

// Whose address was taken off an account has no say over it any more; whose
// address was replaced by somebody else gets it back.
func TestH116_AnAlarmIsWorthAsMuchAsItsAddress(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		c := s.CustomerID
		h.Wait(time.Hour)
		d.changes(s)
		owners := d.alarmOf(mia, notify.PasswordChanged)
		d.moves(s, mia, eve) // Eve sits at Mia's machine
		d.changes(s)
		eves := d.alarmOf(eve, notify.PasswordChanged)
		done, err := d.raise(owners)
		if err != nil || !slices.Equal(done.Back, []string{"address"}) {
			t.Fatalf("%+v, %v", done, err)
		}
		if now, found := d.holder(mia); !found || now.ID != c || now.State != customer.Recovery {
			t.Errorf("%+v %v", now, found)
		}
		if _, found := d.holder(eve); found {
			t.Error("the other address still signs in")
		}
		back := d.resets(mia)
		if _, err := d.raise(eves); !errors.Is(err, credential.ErrLinkExpired) || !d.alive(back) {
			t.Errorf("the intruder secures the account against its owner: %v", err)
		}
	})
}

// H131: an alarm opens nothing that staff have shut.
func TestH131_AnAlarmLeavesALockedAccountLocked(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.changes(s)
		link := d.alarmOf(mia, notify.PasswordChanged)
		d.do(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), s.CustomerID, account.Staff{Reason: "abuse"}) })
		if _, err := d.raise(link); err != nil {
			t.Fatal(err)
		}
		if d.state(s.CustomerID) != customer.Locked {
			t.Errorf("%s", d.state(s.CustomerID))
		}
	})
}

// A new browser is told of, the first one is not, and neither is one that is known.
func TestANewDeviceIsToldOfOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, _ := strong(t, h, nil)
		for _, browser := range []byte{7, 8, 8, 7} {
			v := d.byPassword(signin.Facts{})
			v.must(func(tx *db.Tx, f *signin.Flow) error {
				e := v.entrance()
				e.Device, e.Place = [16]byte{browser}, session.Place{Browser: "Firefox", System: "Windows"}
				_, err := v.acts.SignIn(tx, v.T(), f, e)
				return err
			})
		}
		told := slices.DeleteFunc(d.inbox(noa), func(k notify.Kept) bool { return k.Subject != string(notify.NewDevice) })
		if len(told) != 1 || !strings.Contains(told[0].Text, "Firefox") {
			t.Fatalf("%+v", told)
		}
		if done, err := d.raise(told[0].Link); err != nil || done.Cause != "new_device" {
			t.Errorf("%+v, %v", done, err)
		}
	})
}
