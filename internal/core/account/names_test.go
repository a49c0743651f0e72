package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/signin"
)

func TestPhoneNumberSignsUpByTextMessage(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		h.Settings(func(s *settings) { s.Identifiers.Phone, s.Identifiers.PhoneRegion = true, "DE" })
		v := d.visit(1, signin.Facts{})
		v.identify("0151 55512345")
		v.send()
		const number = "+4915155512345"
		if got := d.newest(number); got.Channel != notify.Text {
			t.Fatalf("%+v", got)
		}
		if err := v.code(d.newest(number).Code); err != nil {
			t.Fatal(err)
		}
		v.register()
		v.enter()
	})
}

// A username is chosen after the address is proven, and signs in by a code to
// the address that it never shows. One that nobody has looks the same.
func TestUsernameSignsInByTheAddressBehindIt(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		h.Settings(func(s *settings) { s.Identifiers.Username = true })
		v := d.visit(1, signin.Facts{})
		v.prove(mia)
		v.register()
		v.expect(signin.Username)
		v.must(func(tx *db.Tx, f *signin.Flow) error { return account.Name(tx, d.T(), f, "mia_fern") })
		s := v.enter()

		again := d.visit(2, signin.Facts{})
		again.identify("Mia_Fern")
		again.send()
		if err := again.code(d.newest(mia).Code); err != nil {
			t.Fatal(err)
		}
		if got := again.enter(); got.CustomerID != s.CustomerID {
			t.Error("another account")
		}
		before := len(d.inbox(""))
		nobody := d.visit(3, signin.Facts{})
		nobody.identify("nobody_here")
		nobody.send()
		nobody.expect(signin.Code)
		if n := len(d.inbox("")); n != before {
			t.Errorf("%d messages were sent to nobody", n-before)
		}
	})
}

func TestClosedRegistrationSendsNothingToStrangers(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.newcomer(mia)
		h.Settings(func(s *settings) { s.Registration.Closed = true })
		stranger := d.visit(1, signin.Facts{})
		stranger.identify(eve)
		stranger.send()
		stranger.expect(signin.Code)
		if n := len(d.inbox(eve)); n != 0 {
			t.Errorf("%d messages", n)
		}
		known := d.visit(2, signin.Facts{})
		known.prove(mia)
		known.enter()
	})
}

func TestWhoIsWelcome(t *testing.T) {
	t.Parallel()
	rows := []struct {
		rule    func(*settings)
		address string
		want    bool
	}{
		{func(*settings) {}, "a@x.test", true},
		{func(s *settings) { s.Registration.AllowDomains = []string{"X.test"} }, "a@x.test", true},
		{func(s *settings) { s.Registration.AllowDomains = []string{"x.test"} }, "a@sub.x.test", true},
		{func(s *settings) { s.Registration.AllowDomains = []string{"x.test"} }, "a@evilx.test", false},
		{func(s *settings) { s.Registration.BlockDomains = []string{"x.test"} }, "a@sub.x.test", false},
		{func(s *settings) { s.Registration.BlockDomains = []string{"x.test"} }, "a@y.test", true},
		{func(s *settings) { s.Registration.BlockDisposable = true }, "a@mailinator.com", false},
		{func(s *settings) { s.Registration.BlockAlias = true }, "a+shop@x.test", false},
		{func(s *settings) { s.Registration.BlockAlias = true }, "a@x.test", true},
	}
	for _, row := range rows {
		var who tenant
		row.rule(&who.Settings)
		if got := account.Welcome(&who, "email", row.address); got != row.want {
			t.Errorf("%s under %+v: %v", row.address, who.Settings.Registration, got)
		}
	}
}

// Every link that an act puts into a message leads to the tenant's configured
// origin (H142).
func TestH142_LinksAreBuiltFromTheConfiguredOrigin(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.moves(s, mia, eve)
		d.do(func(tx *db.Tx) error { return d.acts.SignOutEverywhere(tx, d.T(), s.CustomerID) })
		for _, k := range d.inbox("") {
			if !strings.HasPrefix(k.Link, d.T().Origin+"/") {
				t.Errorf("%s: %s", k.Subject, k.Link)
			}
		}
	})
}

// A closing whose job was lost is found by the sweep, hours later.
func TestSweepErasesWhatTheJobsForgot(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		c := d.newcomer(mia).CustomerID
		d.do(func(tx *db.Tx) error {
			if _, err := d.acts.Close(tx, d.T(), c); err != nil {
				return err
			}
			return privacy.Unschedule(tx, d.T(), c)
		})
		w := privacy.Wiring{House: h.House, Erase: func(tx *db.Tx, t *tenant, c customer.ID) error {
			return d.acts.Erase(tx, t, c, account.Rooms())
		}}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{account.Closing, 0}, {6 * time.Hour, 1}, {0, 0}} {
			h.Wait(step.wait)
			d.do(func(tx *db.Tx) error {
				n, err := w.Sweep(tx, 10)
				if n != step.want {
					t.Errorf("erased %d, want %d", n, step.want)
				}
				return err
			})
		}
		if d.state(c) != customer.Erased {
			t.Errorf("state %s", d.state(c))
		}
	})
}
