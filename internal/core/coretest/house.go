package coretest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/db/dbtest"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/schema"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// House is one tenant on one database with a clock that is turned by hand.
type House struct {
	tb     testing.TB
	D      *db.DB
	Clock  *dbtest.Clock
	Ring   *secret.Keyring
	House  *tenant.House
	tenant tenant.ID
	drawn  atomic.Int64
}

// Each runs the test in a house on every engine, in parallel; every closure runs
// twice, the first time for nothing, and every seventh commit fails to serialize.
func Each(t *testing.T, test func(t *testing.T, h *House)) {
	t.Helper()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, engine, true))
		})
	}
}

// Race is Each for tests in which many closures race: they run once.
func Race(t *testing.T, test func(t *testing.T, h *House)) {
	t.Helper()
	for _, engine := range dbtest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, engine, false))
		})
	}
}

// Open sets a house up on one engine.
func Open(tb testing.TB, engine string, twice bool) *House {
	tb.Helper()
	h := &House{tb: tb, Clock: dbtest.NewClock()}
	opts := db.Options{Clock: h.Clock.Now, Twice: twice}
	if twice {
		var commits atomic.Int64
		opts.Failures = func() bool { return commits.Add(1)%7 == 0 }
	}
	h.D = dbtest.Open(tb, schema.Files, engine, opts)
	ring, err := secret.KeyringFromText(secret.NewKeyringText(h.Clock.Now()))
	h.ok(err)
	h.Ring = ring
	h.tenant = h.Tenant("fern", "https://id.fernfield.example").ID
	return h
}

// Tenant makes one more tenant.
func (h *House) Tenant(slug, origin string) *tenant.Tenant {
	h.tb.Helper()
	var made tenant.ID
	h.Update(func(tx *db.Tx) (err error) {
		made, err = tenant.Create(tx, h.Ring, tenant.New{Slug: slug, Name: "Fern & Field", Origin: origin})
		return err
	})
	if h.House == nil {
		h.House = tenant.NewHouse(h.D, h.Ring)
	}
	h.ok(h.House.Load(context.Background()))
	t, _ := h.House.ByID(made)
	return t
}

// T is the tenant as it is now.
func (h *House) T() *tenant.Tenant {
	t, ok := h.House.ByID(h.tenant)
	if !ok {
		h.tb.Fatal("the tenant is gone")
	}
	return t
}

// Settings changes the tenant's settings.
func (h *House) Settings(change func(*tenant.Settings)) {
	h.tb.Helper()
	t := h.T()
	s := t.Settings
	change(&s)
	h.Update(func(tx *db.Tx) error { return tenant.SetSettings(tx, t, s) })
	h.ok(h.House.Load(context.Background()))
}

// Customer registers a customer with a verified address.
func (h *House) Customer() customer.ID {
	h.tb.Helper()
	address := fmt.Sprintf("customer-%d@example.com", h.drawn.Add(1))
	var c customer.Customer
	h.Update(func(tx *db.Tx) (err error) {
		c, err = customer.Register(tx, h.T(), customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: address, Verified: true}}, Source: "test",
		})
		return err
	})
	return c.ID
}

// App registers a web application.
func (h *House) App(firstParty bool, change ...func(*app.New)) *app.Application {
	h.tb.Helper()
	n := app.New{Kind: app.Web, Name: "Shop", FirstParty: firstParty}
	n.Settings.RedirectURIs = []string{"https://shop.example/cb", "https://shop.example/other"}
	for _, c := range change {
		c(&n)
	}
	var a app.Application
	h.Update(func(tx *db.Tx) (err error) {
		a, _, err = app.Register(tx, h.T(), n)
		return err
	})
	return &a
}

// Update runs a closure that must not fail.
func (h *House) Update(fn func(*db.Tx) error) {
	h.tb.Helper()
	h.ok(h.Try(fn))
}

// Try runs a closure and returns what became of it.
func (h *House) Try(fn func(*db.Tx) error) error { return h.D.Update(context.Background(), fn) }

// View runs a reading closure that must not fail.
func (h *House) View(fn func(*db.Tx) error) {
	h.tb.Helper()
	h.ok(h.D.View(context.Background(), fn))
}

// Wait turns the clock.
func (h *House) Wait(d time.Duration) { h.Clock.Advance(d) }

func (h *House) ok(err error) {
	h.tb.Helper()
	if err != nil {
		h.tb.Fatal(err)
	}
}

// Together runs n functions from one barrier and returns what each told.
func Together(n int, fn func(i int) error) []error {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	told := make([]error, n)
	for i := range n {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			told[i] = fn(i)
		}()
	}
	ready.Wait()
	close(start)
	done.Wait()
	return told
}
