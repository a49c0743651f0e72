package account_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// door drives the front door of a house as a hosted page would: one
// transaction for each request, messages delivered into the inbox.
type door struct {
	*coretest.House
	tb   testing.TB
	acts account.Acts
	loop *journal.Loop
	told []account.Ended
	asks app.ID // an application that asks for fields; zero: none
	made int    // accounts that walkers made
}

func open(t *testing.T, h *coretest.House) *door {
	t.Helper()
	d := &door{House: h, tb: t}
	d.acts.Logout = func(tx *db.Tx, _ *tenant, e account.Ended) error {
		tx.After(func() { d.told = append(d.told, e) })
		return nil
	}
	works := notify.Works(notify.Wiring{House: h.House, Inbox: true, Render: plain})
	works = append(works, privacy.Works(privacy.Wiring{
		House: h.House, Checkpoint: h.D.Checkpoint,
		Erase: func(tx *db.Tx, t *tenant, c customer.ID) error { return d.acts.Erase(tx, t, c, account.Rooms()) },
	})...)
	d.loop = journal.NewLoop(h.D, "test", works, nil, journal.Options{Alone: true})
	return d
}

func plain(l notify.Letter) (notify.Rendered, error) {
	return notify.Rendered{Subject: string(l.Template), Text: fmt.Sprint(l.Locale, l.Values)}, nil
}

// visit is a journey in one browser.
type visit struct {
	*door
	id      signin.ID
	browser [32]byte
	held    []session.Session
	policy  signin.Policy
}

func (d *door) visit(browser byte, facts signin.Facts, held ...session.Session) *visit {
	d.tb.Helper()
	if facts.Kind == "" {
		facts.Kind = signin.SignIn
	}
	v := &visit{door: d, browser: [32]byte{browser}, held: held, policy: signin.PolicyOf(d.T())}
	d.Update(func(tx *db.Tx) error {
		f, err := signin.Begin(tx, d.T(), signin.New{Browser: v.browser, Facts: facts})
		v.id = f.ID
		return err
	})
	return v
}

func (v *visit) try(fn func(tx *db.Tx, f *signin.Flow) error) error {
	return v.Try(func(tx *db.Tx) error {
		f, err := signin.Load(tx, v.T(), v.id, v.browser)
		if err != nil {
			return err
		}
		return fn(tx, &f)
	})
}

func (v *visit) must(fn func(tx *db.Tx, f *signin.Flow) error) {
	v.tb.Helper()
	if err := v.try(fn); err != nil {
		v.tb.Fatal(err)
	}
}

func (v *visit) next() (s signin.Step) {
	v.tb.Helper()
	v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
		s, err = account.Survey(tx, v.T(), f, v.policy, v.held)
		return err
	})
	return s
}

func (v *visit) expect(n signin.Name) {
	v.tb.Helper()
	if got := v.next(); got.Name != n {
		v.tb.Fatalf("next is %+v, want %s", got, n)
	}
}

func (v *visit) identify(raw string) {
	v.tb.Helper()
	kind, _, err := customer.Guess(v.T(), raw)
	if err != nil {
		v.tb.Fatal(err)
	}
	v.must(func(tx *db.Tx, f *signin.Flow) error { return account.Identify(tx, v.T(), f, kind, raw) })
}

func (v *visit) send() {
	v.tb.Helper()
	v.inbox("") // what was on its way comes before
	v.must(func(tx *db.Tx, f *signin.Flow) error { return v.acts.SendCode(tx, v.T(), f) })
}

func (v *visit) code(code string) error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProveCode(tx, v.T(), f, code) })
}

func (v *visit) link(link string) error {
	_, link, _ = strings.Cut(link, "?t=")
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.ProveLink(tx, v.T(), f, link) })
}

// prove goes through identify, message and code.
func (v *visit) prove(address string) {
	v.tb.Helper()
	v.identify(address)
	v.expect(signin.Code)
	v.send()
	if err := v.code(v.newest(address).Code); err != nil {
		v.tb.Fatal(err)
	}
}

func (v *visit) register() {
	v.tb.Helper()
	v.expect(signin.Register)
	v.must(func(tx *db.Tx, f *signin.Flow) error {
		_, err := v.acts.Register(tx, v.T(), f)
		return err
	})
}

func (v *visit) enter() (s session.Session) {
	v.tb.Helper()
	v.expect(signin.Done)
	v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
		opened, err := v.acts.SignIn(tx, v.T(), f, account.Entrance{Held: v.held, Policy: v.policy})
		s = opened.Session
		return err
	})
	return s
}

func (d *door) inbox(to string) (list []notify.Kept) {
	d.tb.Helper()
	d.Wait(time.Second) // the ids of what comes now are greater than all before
	if err := d.loop.Drain(context.Background()); err != nil {
		d.tb.Fatal(err)
	}
	d.View(func(tx *db.Tx) (err error) {
		list, err = notify.Inbox(tx, d.T(), to)
		return err
	})
	return list
}

func (d *door) newest(to string) notify.Kept {
	d.tb.Helper()
	list := d.inbox(to)
	if len(list) == 0 {
		d.tb.Fatalf("no message came to %s", to)
	}
	return list[0]
}

func (d *door) subjects(to string) (out []string) {
	for _, k := range d.inbox(to) {
		out = append(out, k.Subject)
	}
	return out
}

// newcomer registers an address and signs in with it.
func (d *door) newcomer(address string) session.Session {
	d.tb.Helper()
	v := d.visit(1, signin.Facts{})
	v.prove(address)
	v.register()
	return v.enter()
}

func (d *door) alive(s session.Session) (alive bool) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		_, alive, err = session.Alive(tx, d.T(), s.CustomerID, s.ID)
		return err
	})
	return alive
}

func (d *door) state(c customer.ID) (s customer.State) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) error {
		now, err := customer.Get(tx, d.T(), c)
		s = now.State
		return err
	})
	return s
}

const (
	mia = "mia@example.test"
	eve = "eve@example.test"
)

func TestNewcomerRegistersAndComesBack(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		first := d.newcomer(mia)
		if !d.alive(first) {
			t.Fatal("the first session is not alive")
		}
		again := d.visit(2, signin.Facts{})
		again.identify(" Mia@Example.TEST ")
		again.send()
		if err := again.code(d.newest(mia).Code); err != nil {
			t.Fatal(err)
		}
		second := again.enter()
		if second.CustomerID != first.CustomerID || second.ID == first.ID {
			t.Errorf("came back as %v in %v", second.CustomerID, second.ID)
		}
		if got := d.subjects(mia); !slices.Equal(got, []string{"code_signin", "code_signup"}) {
			t.Errorf("messages: %v", got)
		}
	})
}

func TestSessionOfTheBrowserAnswersAndEndsTheJourneyOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		v := d.visit(1, signin.Facts{}, s)
		v.expect(signin.Choose)
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			f.Picked(s.ID)
			return signin.Save(tx, v.T(), f)
		})
		if got := v.enter(); got.ID != s.ID {
			t.Errorf("another session %v", got.ID)
		}
		resume := func(browser byte) (f signin.Flow, err error) {
			err = d.Try(func(tx *db.Tx) (err error) {
				f, err = signin.Resume(tx, d.T(), v.id, [32]byte{browser})
				return err
			})
			return f, err
		}
		if _, err := resume(9); !errors.Is(err, signin.ErrExpired) {
			t.Errorf("another browser resumed: %v", err)
		}
		f, err := resume(1)
		if err != nil || f.Outcome == nil || f.Outcome.Session != s.ID {
			t.Errorf("%+v, %v", f.Outcome, err)
		}
		if _, err := resume(1); !errors.Is(err, signin.ErrExpired) {
			t.Errorf("resumed twice: %v", err)
		}
	})
}

func TestJourneyKeepsToItsBrowserAndItsHour(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		v := d.visit(1, signin.Facts{})
		v.browser[5]++
		if err := v.try(func(*db.Tx, *signin.Flow) error { return nil }); !errors.Is(err, signin.ErrElsewhere) {
			t.Errorf("another browser: %v", err)
		}
		v.browser[5]--
		var stale signin.Flow
		v.must(func(_ *db.Tx, f *signin.Flow) error { stale = *f; return nil })
		v.identify(mia)
		err := d.Try(func(tx *db.Tx) error { return signin.Save(tx, d.T(), &stale) })
		if !errors.Is(err, signin.ErrMoved) {
			t.Errorf("two tabs: %v", err)
		}
		h.Wait(signin.Life)
		if err := v.try(func(*db.Tx, *signin.Flow) error { return nil }); !errors.Is(err, signin.ErrExpired) {
			t.Errorf("after an hour: %v", err)
		}
		d.Update(func(tx *db.Tx) error {
			n, err := signin.Sweep(tx, 10)
			if n != 1 {
				t.Errorf("swept %d", n)
			}
			return err
		})
	})
}

// A link that is opened elsewhere signs nobody in there, and stays good where
// it belongs.
func TestH133_LinkOpenedElsewhere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.newcomer(mia)
		mine := d.visit(1, signin.Facts{})
		mine.identify(mia)
		mine.send()
		link := d.newest(mia).Link
		theirs := d.visit(2, signin.Facts{})
		theirs.identify(mia)
		if err := theirs.link(link); !errors.Is(err, account.ErrProof) {
			t.Errorf("in another browser: %v", err)
		}
		theirs.expect(signin.Code)
		if err := mine.link(link); err != nil {
			t.Fatalf("where it belongs: %v", err)
		}
		mine.expect(signin.Done)
		if err := mine.link(link); err == nil {
			t.Error("the link worked twice")
		}
	})
}

func TestH134_NewMessageEndsTheOldOne(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		v := d.visit(1, signin.Facts{})
		v.identify(mia)
		v.send()
		old := d.newest(mia)
		soon := func() error {
			return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.SendCode(tx, v.T(), f) })
		}
		if err := soon(); !errors.Is(err, account.ErrTooSoon) {
			t.Errorf("at once: %v", err)
		}
		h.Wait(account.Cooldown)
		v.send()
		if err := v.link(old.Link); err == nil {
			t.Error("the old link still works")
		}
		fresh := d.newest(mia)
		if fresh.Code != old.Code && v.code(old.Code) == nil {
			t.Error("the old code still works")
		}
		if err := v.code(fresh.Code); err != nil {
			t.Error(err)
		}
		v.expect(signin.Register)
	})
}

func TestCodeOfAnotherJourneyOrPurposeIsNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.newcomer(mia)
		recover := d.visit(1, signin.Facts{Kind: signin.Recover})
		recover.identify(mia)
		recover.send()
		code := d.newest(mia).Code
		v := d.visit(1, signin.Facts{})
		v.identify(mia)
		if err := v.code(code); err == nil {
			t.Error("a recovery code signed in")
		}
		v.expect(signin.Code)
	})
}

// Of two that prove the same new address at once, the first gets the account;
// the other is not let into it by a proof that was given as nobody.
func TestFirstRegistrationWins(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		const n = 8
		var visits [n]*visit
		for i := range n {
			visits[i] = d.visit(byte(i), signin.Facts{})
			visits[i].prove(mia)
			visits[i].expect(signin.Register)
		}
		won := 0
		for _, err := range coretest.Together(n, func(i int) error {
			return visits[i].try(func(tx *db.Tx, f *signin.Flow) error {
				_, err := d.acts.Register(tx, d.T(), f)
				return err
			})
		}) {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, account.ErrTaken):
				t.Errorf("%v", err)
			}
		}
		if won != 1 {
			t.Fatalf("%d registered", won)
		}
		for _, v := range visits {
			if s := v.next(); s.Name != signin.Code && s.Name != signin.Done {
				t.Errorf("%+v", s)
			}
		}
		loser := visits[0]
		if loser.next().Name == signin.Done {
			loser = visits[1]
		}
		loser.send()
		if err := loser.code(d.newest(mia).Code); err != nil {
			t.Fatal(err)
		}
		loser.enter()
	})
}

func TestOneCodeOpensOneSession(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.newcomer(mia)
		v := d.visit(1, signin.Facts{})
		v.identify(mia)
		v.send()
		code := d.newest(mia).Code
		ok := 0
		for _, err := range coretest.Together(50, func(int) error {
			if err := v.code(code); err != nil {
				return err
			}
			return v.try(func(tx *db.Tx, f *signin.Flow) error {
				_, err := d.acts.SignIn(tx, d.T(), f, account.Entrance{Policy: v.policy})
				return err
			})
		}) {
			if err == nil {
				ok++
			}
		}
		if ok != 1 {
			t.Errorf("%d sign-ins", ok)
		}
	})
}

func TestMessagesAreRememberedWithoutTheirWords(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.Update(func(tx *db.Tx) error { return d.acts.SignOutEverywhere(tx, d.T(), s.CustomerID) })
		var list []notify.Message
		read := func() {
			d.View(func(tx *db.Tx) (err error) {
				list, err = notify.List(tx, d.T(), s.CustomerID, 10)
				return err
			})
		}
		if read(); len(list) != 1 || list[0].State != notify.Queued || list[0].Template != notify.SessionsEnded {
			t.Fatalf("%+v", list)
		}
		h.Wait(time.Second)
		d.inbox(mia)
		if read(); len(list) != 1 || list[0].State != notify.Sent {
			t.Errorf("%+v", list)
		}
	})
}
