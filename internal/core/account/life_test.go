package account_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

const hash = "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

// grants gives the application a grant in the session, with a refresh token.
func (d *door) grants(s session.Session, a *app.Application, offline bool) (g grant.Grant, token string) {
	d.tb.Helper()
	d.Update(func(tx *db.Tx) error {
		p, err := permit.May(tx, d.T(), permit.Ask{Customer: s.CustomerID, Application: a, Session: &s, Purpose: permit.ForToken, Offline: offline, Scopes: []string{"openid"}})
		if err != nil {
			return err
		}
		g, err = grant.Issue(tx, d.T(), p, grant.New{Scopes: []string{"openid"}, Offline: offline})
		if err != nil {
			return err
		}
		token, err = grant.NewRefresh(tx, d.T(), g, a)
		return err
	})
	return g, token
}

func (d *door) granted(g grant.Grant) (alive bool) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		_, alive, err = grant.Alive(tx, d.T(), g.CustomerID, g.ID)
		return err
	})
	return alive
}

func (d *door) do(fn func(tx *db.Tx) error) {
	d.tb.Helper()
	d.Update(fn)
}

// wants goes through proving a new address of somebody who is signed in, up to
// the proof.
func (d *door) wants(s session.Session, n account.NewAddress) *visit {
	d.tb.Helper()
	v := &visit{door: d, browser: [32]byte{1}, policy: signin.PolicyOf(d.T())}
	d.Update(func(tx *db.Tx) error {
		f, err := d.acts.BeginAddress(tx, d.T(), s, v.browser, n)
		v.id = f.ID
		return err
	})
	return v
}

func (v *visit) verify(s session.Session) error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.VerifyAddress(tx, v.T(), f, s) })
}

// moves changes the address of somebody who is signed in from one to another.
func (d *door) moves(s session.Session, from, to string) {
	d.tb.Helper()
	v := d.wants(s, account.NewAddress{Kind: customer.Email, Value: to, Replaces: customer.Digest(d.T(), customer.Email, from)})
	v.send()
	if err := v.code(d.newest(to).Code); err != nil {
		d.tb.Fatal(err)
	}
	if err := v.verify(s); err != nil {
		d.tb.Fatal(err)
	}
}

func (d *door) holder(address string) (c customer.Customer, found bool) {
	d.tb.Helper()
	d.View(func(tx *db.Tx) (err error) {
		c, found, err = customer.ByIdentifier(tx, d.T(), customer.Email, address)
		return err
	})
	return c, found
}

func (d *door) undo(link string) error {
	_, token, _ := strings.Cut(link, "?t=")
	return d.Try(func(tx *db.Tx) error { return d.acts.UndoChange(tx, d.T(), token) })
}

// resets recovers the account by its address and chooses a new password.
func (d *door) resets(address string) session.Session {
	d.tb.Helper()
	v := d.visit(7, signin.Facts{Kind: signin.Recover})
	v.prove(address)
	v.expect(signin.Reset)
	v.must(func(tx *db.Tx, f *signin.Flow) error { return d.acts.Reset(tx, d.T(), f, hash) })
	return v.enter()
}

func TestResetEndsEverythingElseAndTellsEveryAddress(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		second := d.wants(s, account.NewAddress{Kind: customer.Email, Value: "mia2@example.test"})
		second.send()
		if err := second.code(d.newest("mia2@example.test").Code); err != nil {
			t.Fatal(err)
		}
		if err := second.verify(s); err != nil {
			t.Fatal(err)
		}
		a := h.App(true)
		inSession, _ := d.grants(s, a, false)
		offline, _ := d.grants(s, a, true)
		pending := d.visit(3, signin.Facts{})
		pending.identify(mia)
		pending.send()
		waiting := d.newest(mia).Code

		proven := d.visit(4, signin.Facts{})
		proven.prove("mia2@example.test")
		proven.expect(signin.Done)
		h.Wait(account.Cooldown)

		fresh := d.resets("mia2@example.test")
		if d.alive(s) || d.granted(inSession) || d.granted(offline) {
			t.Error("an old session or grant lives on")
		}
		if !d.alive(fresh) {
			t.Error("the session after the reset is not alive")
		}
		if err := pending.code(waiting); err == nil {
			t.Error("a code sent before the reset still works")
		}
		proven.expect(signin.Code)
		for _, address := range []string{mia, "mia2@example.test"} {
			if !slices.Contains(d.subjects(address), string(notify.PasswordChanged)) {
				t.Errorf("%s was not told", address)
			}
		}
		if len(d.told) == 0 || d.told[0].Session != s.ID || len(d.told[0].Grants) == 0 {
			t.Errorf("applications were told %+v", d.told)
		}
	})
}

func TestPasswordIsAskedForInItsOwnTransaction(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.do(func(tx *db.Tx) error { return d.acts.ChangePassword(tx, d.T(), s.CustomerID, hash, s.ID) })
		if !d.alive(s) {
			t.Error("the session that changed the password ended")
		}
		v := d.visit(2, signin.Facts{})
		v.identify(mia)
		phc := func() (phc string) {
			v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
				phc, _, err = d.acts.PasswordOf(tx, d.T(), f)
				return err
			})
			return phc
		}
		prove := func(phc string) error {
			return v.try(func(tx *db.Tx, f *signin.Flow) error { return d.acts.ProvePassword(tx, d.T(), f, phc) })
		}
		old := phc()
		if old != hash {
			t.Fatal("another hash")
		}
		d.do(func(tx *db.Tx) error { return credential.SetPassword(tx, d.T(), s.CustomerID, hash+"A") })
		if err := prove(old); !errors.Is(err, account.ErrPassword) {
			t.Errorf("a hash that was replaced meanwhile: %v", err)
		}
		if err := prove(phc()); err != nil {
			t.Error(err)
		}
		v.expect(signin.Code) // it does not stand alone here
		v.identify("nobody@example.test")
		if phc() != "" {
			t.Error("nobody has a hash")
		}
		if err := prove(""); !errors.Is(err, account.ErrPassword) {
			t.Errorf("nobody: %v", err)
		}
	})
}

func TestStaffLockRecoverAndUnlockWithAReason(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		c := s.CustomerID
		staff := account.Staff{Actor: journal.Actor{Kind: "staff"}, Reason: "called us"}
		for _, act := range []func(*db.Tx, *tenant, customer.ID, account.Staff) error{d.acts.Lock, d.acts.Unlock, d.acts.StartRecovery} {
			err := d.Try(func(tx *db.Tx) error { return act(tx, d.T(), c, account.Staff{Reason: " "}) })
			if !errors.Is(err, account.ErrReason) {
				t.Errorf("without a reason: %v", err)
			}
		}
		d.do(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), c, staff) })
		if d.alive(s) || d.state(c) != customer.Locked {
			t.Error("not locked")
		}
		v := d.visit(1, signin.Facts{})
		v.prove(mia)
		if got := v.next(); got.Reason != signin.CustomerLocked {
			t.Errorf("locked: %+v", got)
		}
		d.do(func(tx *db.Tx) error { return d.acts.StartRecovery(tx, d.T(), c, staff) })
		d.do(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), c, staff) })
		d.do(func(tx *db.Tx) error { return d.acts.Unlock(tx, d.T(), c, staff) })
		if d.state(c) != customer.Recovery {
			t.Errorf("unlocked into %s", d.state(c))
		}
		d.resets(mia)
		if d.state(c) != customer.Active {
			t.Errorf("recovered into %s", d.state(c))
		}
		if !slices.Contains(d.subjects(mia), string(notify.RecoveryStarted)) {
			t.Error("the customer was not told")
		}
	})
}

func TestClosingAccountCanBeKept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.do(func(tx *db.Tx) error {
			at, err := d.acts.Close(tx, d.T(), s.CustomerID)
			if !at.Equal(tx.Now.Add(account.Closing)) {
				t.Errorf("closes at %v", at)
			}
			return err
		})
		if d.alive(s) {
			t.Error("the session lives on")
		}
		h.Wait(13 * 24 * time.Hour)
		v := d.visit(1, signin.Facts{})
		v.prove(mia)
		v.expect(signin.Reopen)
		v.must(func(tx *db.Tx, f *signin.Flow) error { return d.acts.Reopen(tx, d.T(), f) })
		v.enter()
		if got := d.subjects(mia)[0]; got != string(notify.AccountReopened) {
			t.Errorf("told %s", got)
		}
		h.Wait(3 * 24 * time.Hour)
		d.inbox(mia)
		if d.state(s.CustomerID) != customer.Active {
			t.Errorf("state %s", d.state(s.CustomerID))
		}
	})
}

// H130, H223: after an erasure nothing is left but the pseudonym, and whoever
// registers with the address next inherits nothing.
func TestH130_H223_ErasedAccountLeavesNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		c := s.CustomerID
		third := h.App(false)
		d.do(func(tx *db.Tx) error {
			if err := consent.Record(tx, d.T(), consent.Decision{Customer: c, Purpose: "scope", Recipient: third.ID, Item: "openid", Given: true}); err != nil {
				return err
			}
			return d.acts.ChangePassword(tx, d.T(), c, hash, s.ID)
		})
		g, _ := d.grants(s, h.App(true), true)
		d.do(func(tx *db.Tx) error { _, err := d.acts.Close(tx, d.T(), c); return err })
		h.Wait(account.Closing)
		d.inbox(mia) // drains the jobs of now: the erasure is one of them
		if d.state(c) != customer.Erased || d.granted(g) {
			t.Fatalf("state %s", d.state(c))
		}
		if got := d.subjects(mia); !slices.Contains(got, string(notify.AccountErased)) {
			t.Errorf("told %v", got)
		}
		left(t, d, c)
		again := d.visit(2, signin.Facts{})
		again.prove(mia)
		again.register()
		if n := again.enter(); n.CustomerID == c {
			t.Error("the old account came back")
		}
	})
}

// left counts what is left of a customer in every table of the schema.
func left(t *testing.T, d *door, c customer.ID) {
	t.Helper()
	for _, table := range customerTables(t) {
		if table == "customer" {
			continue
		}
		var n int64
		d.View(func(tx *db.Tx) (err error) {
			n, _, err = db.Value[int64](tx, "SELECT count(*) FROM "+table+" WHERE tenant_id = $1 AND customer_id = $2", d.T().ID, c)
			return err
		})
		kept := privacy.Kept[table] != ""
		must := slices.Contains([]string{"erasure", "consent", "erasure_fact"}, table)
		if n > 0 && !kept || n == 0 && must {
			t.Errorf("%s: %d rows are left", table, n)
		}
	}
}

func TestFreshProofOfSomebodySignedIn(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		h.Wait(account.Fresh)
		d.View(func(tx *db.Tx) error {
			if account.IsFresh(tx, s) {
				t.Error("an old proof is fresh")
			}
			return nil
		})
		v := &visit{door: d, browser: [32]byte{1}, policy: signin.PolicyOf(d.T())}
		d.do(func(tx *db.Tx) error {
			f, err := d.acts.BeginConfirm(tx, d.T(), s, account.Confirmation{Action: access.ActClose, Browser: v.browser, Back: "/account/close"})
			v.id = f.ID
			return err
		})
		v.expect(signin.Code)
		v.send()
		if got := d.newest(mia); got.Subject != string(notify.CodeStepUp) {
			t.Errorf("sent %s", got.Subject)
		}
		if err := v.code(d.newest(mia).Code); err != nil {
			t.Fatal(err)
		}
		var out session.Session
		v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
			_, out, err = d.acts.Confirm(tx, d.T(), f, s)
			return err
		})
		d.View(func(tx *db.Tx) error {
			if !account.IsFresh(tx, out) || out.ID != s.ID {
				t.Errorf("%+v", out)
			}
			return nil
		})
	})
}

func TestH154_SessionOfSomebodyElseIsNone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		mine, theirs := d.newcomer(mia), d.newcomer(eve)
		d.do(func(tx *db.Tx) error {
			ended, err := d.acts.EndSession(tx, d.T(), mine.CustomerID, theirs.ID, "x")
			if ended {
				t.Error("ended")
			}
			return err
		})
		if !d.alive(theirs) {
			t.Error("the session of somebody else ended")
		}
	})
}

func TestSignOutEverywhereEndsOfflineGrantsToo(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		g, _ := d.grants(s, h.App(true), true)
		d.do(func(tx *db.Tx) error { return d.acts.SignOut(tx, d.T(), s) })
		if !d.granted(g) || d.alive(s) {
			t.Error("sign-out ends the session and leaves what was granted beyond it")
		}
		d.do(func(tx *db.Tx) error { return d.acts.SignOutEverywhere(tx, d.T(), s.CustomerID) })
		if d.granted(g) {
			t.Error("the grant lives on")
		}
		if err := d.loop.Drain(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestThirdPartyAsksForConsentOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		third := h.App(false)
		ask := func() (v *visit, e account.Entrance) {
			v = d.visit(1, signin.Facts{}, s)
			v.do(func(tx *db.Tx) error {
				f, err := signin.Begin(tx, d.T(), signin.New{Browser: v.browser, Facts: signin.Facts{Kind: signin.SignIn, Session: s.ID}, Request: signin.Request{Application: third.ID, Scopes: []string{"openid", "email"}}})
				v.id = f.ID
				return err
			})
			return v, account.Entrance{Held: v.held, Policy: v.policy}
		}
		v, e := ask()
		v.expect(signin.Consent)
		v.must(func(tx *db.Tx, f *signin.Flow) error { return account.Agree(tx, d.T(), f, e) })
		v.enter()
		v, _ = ask()
		v.expect(signin.Done)
		d.do(func(tx *db.Tx) error {
			return d.acts.RevokeApplication(tx, d.T(), consent.Choice{Customer: s.CustomerID}, third.ID)
		})
		v, _ = ask()
		v.expect(signin.Consent)
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			f.Cancelled = true
			return signin.Save(tx, d.T(), f)
		})
		if got := v.next(); got.Reason != signin.AccessDenied {
			t.Errorf("%+v", got)
		}
	})
}

// Within its grace a new version can be put off, at each sign-in again, by who
// has an account; never by a newcomer, and never after it.
func TestANewVersionOfTheTermsMayWaitForItsGrace(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		later := func(tx *db.Tx, f *signin.Flow) error { return account.AcceptLater(tx, d.T(), f, nil) }
		d.newcomer(mia)
		d.do(func(tx *db.Tx) error {
			return consent.PutDocument(tx, d.T(), consent.Document{
				Kind: "terms", Version: 1, Locale: "en", Title: "Terms", URL: "https://fern.example/terms", Digest: [32]byte{1},
				EffectiveAt: tx.Now, Grace: 14 * 24 * time.Hour,
			})
		})
		v := d.visit(2, signin.Facts{Locale: "en"})
		v.prove(eve)
		v.expect(signin.Terms)
		if err := v.try(later); !errors.Is(err, account.ErrStep) {
			t.Errorf("a newcomer put the terms off: %v", err)
		}
		for range 2 {
			v = d.visit(1, signin.Facts{Locale: "en"})
			v.prove(mia)
			v.expect(signin.Terms)
			v.must(later)
			v.enter()
			h.Wait(time.Hour)
		}
		h.Wait(14 * 24 * time.Hour)
		v = d.visit(1, signin.Facts{Locale: "en"})
		v.prove(mia)
		v.expect(signin.Terms)
		if err := v.try(later); !errors.Is(err, account.ErrStep) {
			t.Errorf("put off after the grace: %v", err)
		}
	})
}

func TestTermsAreAcceptedBeforeThereIsAnAccount(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.do(func(tx *db.Tx) error {
			return consent.PutDocument(tx, d.T(), consent.Document{Kind: "terms", Version: 1, Locale: "en", Title: "Terms", URL: "https://fern.example/terms", Digest: [32]byte{1}, EffectiveAt: tx.Now})
		})
		v := d.visit(1, signin.Facts{Locale: "en"})
		v.prove(mia)
		v.expect(signin.Terms)
		err := v.try(func(tx *db.Tx, f *signin.Flow) error { _, err := d.acts.Register(tx, d.T(), f); return err })
		if !errors.Is(err, account.ErrStep) {
			t.Errorf("registered without the terms: %v", err)
		}
		v.must(func(tx *db.Tx, f *signin.Flow) error { return account.Accept(tx, d.T(), f, nil) })
		v.register()
		s := v.enter()
		d.View(func(tx *db.Tx) error {
			list, err := consent.Ledger(tx, d.T(), s.CustomerID)
			if len(list) != 1 || list[0].TextDigest != [32]byte{1} || list[0].Locale != "en" || list[0].Decision != "given" ||
				list[0].Surface != consent.AtSignUp || len(list[0].Evidence) == 0 {
				t.Errorf("%+v", list)
			}
			return err
		})
	})
}
