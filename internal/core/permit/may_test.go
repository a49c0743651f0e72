package permit_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// world is one customer, signed in with a password, a company's own application
// and a third party's with consent to two scopes.
type world struct {
	*coretest.House
	cus        customer.ID
	own, third *app.Application
	session    session.Session
}

func newWorld(h *coretest.House) *world {
	w := &world{House: h, cus: h.Customer(), own: h.App(true), third: h.App(false)}
	h.Update(func(tx *db.Tx) (err error) {
		p, err := permit.May(tx, h.T(), permit.Ask{Purpose: permit.ForSession, Customer: w.cus})
		if err != nil {
			return err
		}
		_, w.session, err = session.Start(tx, h.T(), p, session.New{Proofs: []session.Proof{{Method: session.Password}}})
		if err != nil {
			return err
		}
		for _, scope := range []string{"openid", "email"} {
			d := consent.Decision{
				Customer: w.cus, Purpose: consent.Scope, Recipient: w.third.ID, Item: scope, Given: true,
				Version: 1, Locale: "en", Surface: "signin", Method: "button",
			}
			if err := consent.Record(tx, h.T(), d); err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *world) may(ask permit.Ask) error {
	return w.Try(func(tx *db.Tx) error {
		_, err := permit.May(tx, w.T(), ask)
		return err
	})
}

// asks are one good ask of every kind.
func (w *world) asks() map[string]permit.Ask {
	scopes := []string{"openid", "email"}
	return map[string]permit.Ask{
		"session":         {Purpose: permit.ForSession, Customer: w.cus},
		"session via app": {Purpose: permit.ForSession, Customer: w.cus, Application: w.own},
		"token":           {Purpose: permit.ForToken, Customer: w.cus, Application: w.own, Session: &w.session, Scopes: scopes},
		"token, third":    {Purpose: permit.ForToken, Customer: w.cus, Application: w.third, Session: &w.session, Scopes: scopes},
		"code":            {Purpose: permit.ForCode, Customer: w.cus, Application: w.own, Session: &w.session, Scopes: scopes},
		"code, third":     {Purpose: permit.ForCode, Customer: w.cus, Application: w.third, Session: &w.session, Scopes: scopes},
		"refresh":         {Purpose: permit.ForRefresh, Customer: w.cus, Application: w.own, Session: &w.session, Scopes: scopes},
		"refresh offline": {Purpose: permit.ForRefresh, Customer: w.cus, Application: w.own, Offline: true, Scopes: scopes},
		"refresh, third":  {Purpose: permit.ForRefresh, Customer: w.cus, Application: w.third, Offline: true, Scopes: scopes},
		"client":          {Purpose: permit.ForClient, Application: w.own},
	}
}

// TestH067_H131_TheGateIsOneForAllPaths breaks one thing at a time and asks on
// every path. The rows name the paths that go on.
func TestH067_H131_TheGateIsOneForAllPaths(t *testing.T) {
	t.Parallel()
	state := func(to customer.State) func(w *world) {
		return func(w *world) {
			w.Update(func(tx *db.Tx) error {
				_, err := customer.SetState(tx, w.T(), w.cus, []customer.State{customer.Active}, to, "test")
				return err
			})
		}
	}
	rows := []struct {
		name  string
		spoil func(w *world)
		want  error
		goOn  map[string]bool
	}{
		{"nothing", func(*world) {}, nil, nil},
		{"customer locked", state(customer.Locked), permit.ErrLocked, map[string]bool{"client": true}},
		{"customer in recovery", state(customer.Recovery), permit.ErrRecovering, map[string]bool{"client": true}},
		{"account closing", state(customer.Closing), permit.ErrClosing, map[string]bool{"client": true}},
		{"customer erased", func(w *world) {
			w.Update(func(tx *db.Tx) error { _, err := customer.Destroy(tx, w.T(), w.cus); return err })
		}, permit.ErrGone, map[string]bool{"client": true}},
		{"tenant off", func(w *world) {
			w.Update(func(tx *db.Tx) error { return tenant.SetEnabled(tx, w.T(), false) })
		}, permit.ErrTenant, nil},
		{"the company's application off", func(w *world) { w.off(w.own) }, permit.ErrApplication,
			map[string]bool{"session": true, "token, third": true, "code, third": true, "refresh, third": true}},
		{"consent withdrawn", func(w *world) {
			w.Update(func(tx *db.Tx) error {
				return consent.Withdraw(tx, w.T(), w.third.ID, consent.Choice{Customer: w.cus, Surface: "portal"})
			})
		}, permit.ErrConsent, map[string]bool{
			"session": true, "session via app": true, "token": true, "code": true, "refresh": true, "refresh offline": true, "client": true,
		}},
		{"signed out", func(w *world) {
			w.Update(func(tx *db.Tx) error {
				_, err := session.End(tx, w.T(), w.cus, w.session.ID, "signed_out")
				return err
			})
		}, permit.ErrSession, offlineGoesOn},
		{"session idle too long", func(w *world) { w.Wait(25 * time.Hour) }, permit.ErrSession, offlineGoesOn},
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, r := range rows {
			w := newWorld(h)
			asks := w.asks()
			r.spoil(w)
			for path, ask := range asks {
				want := r.want
				if r.goOn[path] {
					want = nil
				}
				if err := w.may(ask); !errors.Is(err, want) {
					t.Errorf("%s, %s: %v, want %v", r.name, path, err, want)
				}
			}
			if r.name == "tenant off" {
				w.Update(func(tx *db.Tx) error { return tenant.SetEnabled(tx, w.T(), true) })
			}
		}
	})
}

var offlineGoesOn = map[string]bool{
	"session": true, "session via app": true, "refresh offline": true, "refresh, third": true, "client": true,
}

func (w *world) off(a *app.Application) {
	w.Update(func(tx *db.Tx) error {
		now, err := app.Get(tx, w.T(), a.ID)
		if err != nil {
			return err
		}
		now.Enabled = false
		_, err = app.Change(tx, w.T(), now)
		return err
	})
}

func TestConsentIsAskedForEveryScope(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(h)
		for _, scopes := range [][]string{{"openid", "email", "phone"}, {"offline_access"}, {}, nil} {
			ask := w.asks()["token, third"]
			ask.Scopes = scopes
			if err := w.may(ask); !errors.Is(err, permit.ErrConsent) {
				t.Errorf("%v: %v", scopes, err)
			}
		}
	})
}

func TestFreshnessAndAssurance(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(h)
		h.Wait(time.Hour)
		rows := []struct {
			name   string
			change func(a *permit.Ask)
			want   error
		}{
			{"no age asked", func(*permit.Ask) {}, nil},
			{"an age that holds", func(a *permit.Ask) { a.Aged, a.MaxAge = true, time.Hour }, nil},
			{"an age that is over", func(a *permit.Ask) { a.Aged, a.MaxAge = true, time.Hour-time.Second }, permit.ErrStale},
			{"max_age=0", func(a *permit.Ask) { a.Aged = true }, permit.ErrStale},
			{"the level that is met", func(a *permit.Ask) { a.ACR = session.Single }, nil},
			{"H088: a level that is not", func(a *permit.Ask) { a.ACR = session.Multi }, permit.ErrAssurance},
			{"an unknown level", func(a *permit.Ask) { a.ACR = "urn:unknown" }, permit.ErrAssurance},
			{"H061: an organization", func(a *permit.Ask) { a.Organization = organization.ID{1} }, permit.ErrOrganization},
		}
		for _, r := range rows {
			ask := w.asks()["token"]
			r.change(&ask)
			if err := w.may(ask); !errors.Is(err, r.want) {
				t.Errorf("%s: %v, want %v", r.name, err, r.want)
			}
		}
	})
}

func TestIncompleteAsksAreDefects(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(h)
		stranger := *w.own
		stranger.TenantID = tenant.ID{9}
		for name, ask := range map[string]permit.Ask{
			"nothing":                {},
			"no customer":            {Purpose: permit.ForSession},
			"no application":         {Purpose: permit.ForToken, Customer: w.cus, Session: &w.session},
			"no session":             {Purpose: permit.ForToken, Customer: w.cus, Application: w.own},
			"refresh of no session":  {Purpose: permit.ForRefresh, Customer: w.cus, Application: w.own},
			"client with a customer": {Purpose: permit.ForClient, Customer: w.cus, Application: w.own},
			"another tenant's app":   {Purpose: permit.ForToken, Customer: w.cus, Application: &stranger, Session: &w.session},
			"unknown purpose":        {Purpose: 99, Customer: w.cus, Application: w.own, Session: &w.session},
		} {
			if err := w.may(ask); !fault.Is(err, fault.Internal) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := w.may(permit.Ask{Purpose: permit.ForSession, Customer: customer.ID{1}}); !errors.Is(err, permit.ErrGone) {
			t.Errorf("an unknown customer: %v", err)
		}
		other := h.Customer()
		ask := w.asks()["token"]
		ask.Customer = other
		if err := w.may(ask); !errors.Is(err, permit.ErrSession) {
			t.Errorf("another customer's session: %v", err)
		}
	})
}

func TestPermitIsForItsTransactionAndPurpose(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(h)
		var kept permit.Permit
		h.Update(func(tx *db.Tx) (err error) {
			if kept, err = permit.May(tx, h.T(), w.asks()["session"]); err != nil {
				return err
			}
			if _, _, ok := kept.Admits(tx); !ok || !kept.Holds(tx, permit.ForSession) || kept.Holds(tx, permit.ForToken) {
				t.Error("the permit does not hold for what it was given")
			}
			token, err := permit.May(tx, h.T(), w.asks()["token"])
			if _, _, ok := token.Admits(tx); ok {
				t.Error("a permit for a token starts a session")
			}
			return err
		})
		h.Update(func(tx *db.Tx) error {
			if _, _, ok := kept.Admits(tx); ok {
				t.Error("a kept permit is good in another transaction")
			}
			if _, _, ok := (permit.Permit{}).Admits(tx); ok {
				t.Error("an empty permit is good")
			}
			return nil
		})
	})
}
