package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	tenants "github.com/cardea-id/cardea/internal/core/tenant"
)

func rule(action, need string) tenants.Assurance {
	return tenants.Assurance{Rules: []tenants.AssuranceRule{{Action: action, Need: need}}}
}

// capable says that the browser makes passkeys, as its form would.
func (v *visit) capable() *visit {
	v.must(func(tx *db.Tx, f *signin.Flow) error {
		f.Capable = true
		return signin.Save(tx, v.T(), f)
	})
	return v
}

func (v *visit) offered() error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error {
		_, err := v.acts.OfferOptions(tx, v.T(), f, v.entrance(), false)
		return err
	})
}

func (v *visit) skipEnrol() error {
	return v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.SkipEnrol(tx, v.T(), f, v.entrance()) })
}

// H086, H095: an app that is worth too little for what is needed is asked for
// all the same, before a better way may be set up or put off. Whoever knows the
// password, or takes the phone number over, would set up their own past it.
func TestH086_H095_NoWayIsSetUpPastAFactorThatIsWorthTooLittle(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) {
			s.Identifiers.Phone = true
			s.Assurance.Grace = tenants.Duration(14 * 24 * time.Hour)
		})
		code := d.app(c)
		number := "+4915112345678"
		d.Update(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Phone, Value: number, Verified: true})
		})
		essential := signin.Facts{ACR: session.Resistant, Essential: true}
		byPhone := func(facts signin.Facts) *visit {
			v := d.visit(8, facts)
			v.identify(number)
			v.send()
			if err := v.code(aliceCode); err != nil {
				t.Fatal(err)
			}
			return v
		}
		for name, begin := range map[string]func() *visit{
			"a password where a passkey is essential": func() *visit { return d.byPassword(essential) },
			"a text message":                        func() *visit { return byPhone(signin.Facts{}) },
			"a text message where one is essential": func() *visit { return byPhone(essential) },
			"a recovery where a passkey is essential": func() *visit {
				v := d.visit(8, signin.Facts{Kind: signin.Recover, ACR: session.Resistant, Essential: true})
				v.identify(noa)
				v.send()
				if err := v.code(aliceCode); err != nil {
					t.Fatal(err)
				}
				return v
			},
		} {
			d.Wait(time.Minute)
			v := begin().capable()
			if got := v.next(); got.Name != signin.Second {
				t.Errorf("%s leads to %+v", name, got)
				continue
			}
			if err := v.offered(); !errors.Is(err, account.ErrStep) {
				t.Errorf("%s: a passkey can be made: %v", name, err)
			}
			if err := v.skipEnrol(); !errors.Is(err, account.ErrStep) {
				t.Errorf("%s: it can be put off: %v", name, err)
			}
			if err := v.second(code(nil)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			v.expect(signin.Enrol)
		}
	})
}

// H097: a browser that is trusted to skip the app is not trusted to set up
// another way in.
func TestH097_NoWayIsSetUpByTrustInABrowser(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		code := d.app(c)
		v := d.byPassword(signin.Facts{})
		v.must(func(tx *db.Tx, f *signin.Flow) error { f.Trust = true; return signin.Save(tx, v.T(), f) })
		d.Wait(time.Minute)
		if err := v.second(code(nil)); err != nil {
			t.Fatal(err)
		}
		token := v.opened().Trust
		for name, facts := range map[string]signin.Facts{"offer": {}, "wish": {ACR: session.Resistant}} {
			v := d.byPassword(facts).capable()
			v.must(func(tx *db.Tx, f *signin.Flow) error {
				f.From = signin.From{Device: [16]byte{7}, Trust: token}
				if got, err := account.Survey(tx, v.T(), f, v.policy, nil); err != nil || got.Name != signin.Done {
					t.Errorf("%s: %+v, %v", name, got, err)
				}
				return nil
			})
		}
	})
}

// A trusted browser stands for the second factor, never for the proof that a
// rule wants to be fresh.
func TestH097_TrustInABrowserMakesNothingFresh(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) {
			s.Assurance.Rules = []tenants.AssuranceRule{{Need: "multi", Within: tenants.Duration(10 * time.Minute)}}
		})
		code := d.app(c)
		v := d.byPassword(signin.Facts{})
		v.must(func(tx *db.Tx, f *signin.Flow) error { f.Trust = true; return signin.Save(tx, v.T(), f) })
		d.Wait(time.Minute)
		if err := v.second(code(nil)); err != nil {
			t.Fatal(err)
		}
		out := v.opened()
		d.Wait(3 * time.Hour)
		v = d.visit(7, signin.Facts{}, out.Session)
		v.policy.Silent = true
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			f.From = signin.From{Device: [16]byte{7}, Trust: out.Trust}
			if got, err := account.Survey(tx, v.T(), f, v.policy, v.held); err != nil || got.Name != signin.Again {
				t.Errorf("a session of three hours ago leads to %+v, %v", got, err)
			}
			return nil
		})
	})
}

// H095: who comes back by the mailbox signs in, and needs what signing in needs.
func TestH095_RecoveryNeedsWhatSigningInNeeds(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) { s.Assurance = rule("signin", "multi") })
		d.passkey(c)
		v := d.visit(8, signin.Facts{Kind: signin.Recover})
		v.identify(noa)
		v.send()
		if err := v.code(aliceCode); err != nil {
			t.Fatal(err)
		}
		v.expect(signin.Second)
	})
}

// The rules for coming back also hold for who comes back through the front door.
func TestH095_ARecoveringAccountNeedsWhatRecoveryNeeds(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) { s.Assurance = rule("recover", "multi") })
		d.passkey(c)
		d.Update(func(tx *db.Tx) error { return d.acts.StartRecovery(tx, d.T(), c, account.Staff{Reason: "test"}) })
		v := d.visit(8, signin.Facts{})
		v.identify(noa)
		v.send()
		if err := v.code(aliceCode); err != nil {
			t.Fatal(err)
		}
		v.expect(signin.Second)
	})
}

// Law 3: what was proven before the account was secured counts no more after it,
// in any journey that goes on in another window.
func TestProofsEndWhenTheAccountIsSecured(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		d.Update(func(tx *db.Tx) error { return d.acts.ChangePassword(tx, d.T(), c, noasHash, session.ID{}) })
		link := d.alarmOf(noa, notify.PasswordChanged)
		for name, secure := range map[string]func() error{
			"an alarm": func() error {
				_, err := d.raise(link)
				return err
			},
			"staff": func() error {
				return d.Try(func(tx *db.Tx) error { return d.acts.StartRecovery(tx, d.T(), c, account.Staff{Reason: "test"}) })
			},
		} {
			d.Update(func(tx *db.Tx) error {
				_, err := customer.SetState(tx, d.T(), c, []customer.State{customer.Recovery}, customer.Active, "test")
				return err
			})
			v := d.visit(8, signin.Facts{})
			v.identify(noa)
			v.send()
			if err := v.code(aliceCode); err != nil {
				t.Fatal(err)
			}
			v.expect(signin.Done)
			if err := secure(); err != nil {
				t.Fatal(err)
			}
			if got := v.next(); got.Name != signin.Code {
				t.Errorf("%s: a proof from before leads to %+v", name, got)
			}
			if err := v.try(func(tx *db.Tx, f *signin.Flow) error { return v.acts.Reset(tx, v.T(), f, "$argon2id$thief") }); !errors.Is(err, account.ErrStep) {
				t.Errorf("%s: it chooses a password: %v", name, err)
			}
		}
	})
}

// A recovery that waits ends when its customer signs in with a passkey: nothing
// is lost.
func TestAWaitingRecoveryEndsWhenAPasskeyIsUsed(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		d.acts.Codes.Fixed = nil
		d.app(c)
		k := d.passkey(c)
		begin := map[string]func() *visit{
			"first":  func() *visit { return d.visit(7, signin.Facts{}) },
			"second": func() *visit { return d.byPassword(signin.Facts{}) },
		}
		for name, v := range begin {
			h.Wait(time.Hour)
			if err := d.arrives(3).wait(); err != nil || !d.waits(c) {
				t.Fatal(err)
			}
			if err := v().use(k); err != nil {
				t.Fatal(err)
			}
			if d.waits(c) {
				t.Errorf("as the %s factor: it goes on", name)
			}
		}
	})
}

// What is put off for ever is never done: the time of grace has to begin before
// it can be used for something dangerous.
func TestGraceForSomethingDangerousBegins(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, _ := strong(t, h, func(s *settings) {
			s.Assurance = rule("password", "multi")
			s.Assurance.Grace = tenants.Duration(14 * 24 * time.Hour)
		})
		assured := func(s session.Session) (is bool) {
			d.View(func(tx *db.Tx) (err error) {
				is, err = account.IsAssured(tx, d.T(), s, "password")
				return err
			})
			return is
		}
		s := d.byPassword(signin.Facts{}).opened().Session
		if assured(s) {
			t.Error("before anybody was told of what is owed")
		}
		var v *visit
		d.Update(func(tx *db.Tx) error {
			f, err := d.acts.BeginConfirm(tx, d.T(), s, account.Confirmation{Action: "password", Browser: [32]byte{7}})
			v = &visit{door: d, id: f.ID, browser: [32]byte{7}, policy: signin.PolicyOf(d.T())}
			return err
		})
		v.send()
		if err := v.code(aliceCode); err != nil {
			t.Fatal(err)
		}
		if err := v.skipEnrol(); err != nil {
			t.Fatal(err)
		}
		var raised session.Session
		v.must(func(tx *db.Tx, f *signin.Flow) (err error) {
			_, raised, err = v.acts.Confirm(tx, v.T(), f, s)
			return err
		})
		if !assured(raised) {
			t.Error("within its grace")
		}
		d.Wait(15 * 24 * time.Hour)
		if assured(d.byPassword(signin.Facts{}).opened().Session) {
			t.Error("after its grace")
		}
	})
}

// A passkey that the tenant takes no more, or that was made for another RP id,
// is no way: nobody is asked for it, and it is not what keeps an account open.
func TestAPasskeyThatIsNotTakenIsNoWay(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) { s.Assurance = rule("signin", "multi") })
		d.passkey(c)
		h.Settings(func(s *settings) { s.Passkeys.Off = true })
		v := d.byPassword(signin.Facts{})
		v.expect(signin.Enrol)
		h.Settings(func(s *settings) { s.Passkeys.Off = false })
		d.byPassword(signin.Facts{}).expect(signin.Second)
		d.Update(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE passkey SET rp_id = 'old.example'`)
			return err
		})
		d.byPassword(signin.Facts{}).expect(signin.Enrol)
	})
}

// What was decided about one account says nothing about another.
func TestNothingIsCarriedFromOneAccountToAnother(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, nil)
		v := d.visit(8, signin.Facts{})
		v.prove("nora@example.test")
		v.register()
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			f.Reset, f.Consented, f.Trust = true, true, true
			f.Skip(signin.Enrol)
			return signin.Save(tx, v.T(), f)
		})
		v.must(func(tx *db.Tx, f *signin.Flow) error {
			f.Held(c)
			if f.Registered || f.Reset || f.Consented || f.Trust || len(f.Skipped)+len(f.Accepted) > 0 {
				t.Errorf("carried over: %+v", f.Facts)
			}
			return nil
		})
	})
}

// H103: whoever reads one of the addresses rings the others a few times a day, and
// not without end.
func TestH103_WaitsAndNoticesByTextMessageAreBounded(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d, c := strong(t, h, func(s *settings) { s.Identifiers.Phone = true })
		d.acts.Codes.Fixed = nil
		d.app(c)
		d.Update(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Phone, Value: "+4915112345678", Verified: true})
		})
		v := d.arrives(3)
		stop := func() {
			token := linkToken(d.newest(noa).Link)
			d.Update(func(tx *db.Tx) error { return d.acts.Stop(tx, d.T(), token) })
			d.inbox("") // before what comes next
		}
		for range 3 {
			if err := v.wait(); err != nil {
				t.Fatal(err)
			}
			stop()
		}
		if err := v.wait(); !errors.Is(err, risk.ErrMessages) {
			t.Errorf("a fourth wait: %v", err)
		}
		for range 20 {
			d.Update(func(tx *db.Tx) error {
				_, err := d.acts.RenewCodes(tx, d.T(), c, session.ID{})
				return err
			})
		}
		texts, mails := 0, 0
		d.View(func(tx *db.Tx) error {
			list, err := notify.List(tx, d.T(), c, 200)
			for _, m := range list {
				if m.Channel == notify.Text && !m.Template.HasCode() {
					texts++
				} else {
					mails++
				}
			}
			return err
		})
		if texts != 10 || mails < 20 {
			t.Errorf("%d text messages and %d mails", texts, mails)
		}
	})
}

func linkToken(link string) string {
	_, token, _ := strings.Cut(link, "?t=")
	return token
}
