package notify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// A decision is told to those who use data for the purpose and know the
// customer, to each by its own name for them, and to nobody else.
func TestAConsentIsToldToItsRecipientsAndToNobodyElse(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, named := w.hook("shop", true, declares("account", "letter"), hears(app.ConsentGiven, app.ConsentWithdrawn)), w.hook("named", false)
		w.hook("idle", true, hears(app.ConsentGiven))       // of the house, and does not use the purpose
		other := w.hook("other", false, declares("letter")) // of another, and not named by it
		w.hook("deaf", true, declares("letter"), hears(app.CustomerErased))
		w.letter(named)
		mia, stranger := w.Customer(), w.Customer()
		subs := map[string]string{"https://shop.example/hook": w.knows(shop, mia), "https://named.example/hook": w.knows(named, mia)}
		w.knows(other, mia)
		w.told()
		w.decide(mia, consent.Given)
		w.decide(stranger, consent.Given)
		w.decide(mia, consent.Withdrawn)
		got := w.told()
		if len(got) != 4 {
			t.Fatalf("%d: %s", len(got), kinds(got))
		}
		for _, g := range got {
			want := map[string]bool{app.ConsentGiven: true, app.ConsentWithdrawn: true}
			if !want[g.said.Type] || subs[g.url] == "" || g.data("sub") != subs[g.url] || g.data("purpose") != "letter" || g.data("version") != "1" {
				t.Errorf("%s %s", g.url, g.body)
			}
			if strings.Contains(g.body, "cus_") || g.data("acknowledge_by") == "" || !g.said.Timestamp.Equal(w.Clock.Now()) {
				t.Errorf("%s", g.body)
			}
		}
		if n := len(w.ledger(mia)); n != 4 || len(w.ledger(stranger)) != 0 {
			t.Errorf("%d lines in the ledger", n)
		}
	})
}

func TestEventsOfACustomerComeInTheirOrderThoughTheFirstOneFails(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("account", "letter"))
		w.letter()
		mia, ben := w.Customer(), w.Customer()
		subs := map[string]string{w.knows(shop, mia): "mia"}
		w.Update(func(tx *db.Tx) error {
			sub, err := customer.Subject(tx, w.T(), shop, ben)
			subs[sub] = "ben"
			return err
		})
		w.told()
		down := true
		w.answer = func(g heard) (notify.Answer, error) {
			if down && subs[g.data("sub")] == "mia" {
				return notify.Answer{Status: 400}, nil // of this one alone
			}
			return notify.Answer{Status: 204}, nil
		}
		for _, d := range []string{consent.Given, consent.Withdrawn, consent.Given} {
			w.decide(mia, d)
			w.decide(ben, d)
		}
		of := func(list []heard, who string) (out []heard) {
			for _, g := range list {
				if subs[g.data("sub")] == who {
					out = append(out, g)
				}
			}
			return out
		}
		got := w.told()
		if kinds(of(got, "ben")) != "consent.given consent.withdrawn consent.given" || kinds(of(got, "mia")) != "consent.given" {
			t.Fatalf("ben %q, mia %q", kinds(of(got, "ben")), kinds(of(got, "mia")))
		}
		first := of(got, "mia")[0].id()
		w.Wait(6 * time.Second)
		if again := w.told(); kinds(again) != "consent.given" || again[0].id() != first {
			t.Fatalf("%q", kinds(again))
		}
		w.mu.Lock()
		down = false
		w.mu.Unlock()
		w.Wait(6 * time.Minute)
		got = w.told()
		if kinds(got) != "consent.given consent.withdrawn consent.given" || got[0].id() != first {
			t.Fatalf("%q", kinds(got))
		}
		if w.told() != nil {
			t.Error("told once more")
		}
	})
}

// Between two attempts the customer takes the consent back: the value does not
// go out any more, and the withdrawal does.
func TestTheGateIsAskedAgainAtEachAttempt(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("account", "letter"))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.decide(mia, consent.Given)
		w.told()
		w.fails(503)
		w.set(mia, "shoe_size", "38")
		got := w.told()
		if kinds(got) != app.CustomerUpdated || !strings.Contains(got[0].body, `"values":{"shoe_size":"38"}`) {
			t.Fatalf("%v", got)
		}
		w.set(mia, "shoe_size", "39")
		w.Wait(10 * time.Second)
		if got = w.told(); len(got) != 1 || !strings.Contains(got[0].body, `"shoe_size":"39"`) {
			t.Fatalf("not the value of now: %v", got)
		}
		w.decide(mia, consent.Withdrawn)
		w.answer = nil
		w.Wait(10 * time.Minute)
		got = w.told()
		if kinds(got) != app.ConsentWithdrawn || strings.Contains(got[0].body, "shoe_size") {
			t.Fatalf("%v", got)
		}
		for _, d := range w.deliveries() {
			if d.Type == app.CustomerUpdated && d.State != notify.WebhookWithheld {
				t.Errorf("%s is %s", d.Type, d.State)
			}
		}
	})
}

// What was changed by one act is told at once, by names, with the values that
// the application may have, and what it may not have is not even named.
func TestAChangeIsToldAsFarAsTheApplicationMayKnow(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, partner := w.hook("shop", true), w.hook("partner", false)
		mia := w.Customer()
		w.knows(shop, mia)
		w.knows(partner, mia)
		got := w.told()
		if kinds(got) != app.CustomerRegistered || got[0].url != "https://shop.example/hook" || !strings.Contains(got[0].body, "customer-1@example.com") {
			t.Fatalf("the house's own hears of newcomers, and nobody else: %v", got)
		}
		w.Update(func(tx *db.Tx) error {
			if err := customer.SetField(tx, w.T(), mia, "given_name", "Mia", customer.SourceHouse); err != nil {
				return err
			}
			if err := customer.SetField(tx, w.T(), mia, "birthdate", "2000-01-02", customer.SourceHouse); err != nil {
				return err
			}
			return consent.Record(tx, w.T(), consent.Decision{Customer: mia, Purpose: consent.Scope, Recipient: partner.ID, Item: "email", Given: true, Surface: "signin", Method: "button"})
		})
		got = w.told()
		if kinds(got) != "customer.updated consent.given" && kinds(got) != "consent.given customer.updated" {
			t.Fatalf("%s", kinds(got))
		}
		for _, g := range got {
			switch g.url {
			case "https://shop.example/hook":
				if g.data("fields") != "[birthdate given_name]" || g.data("values") != "map[birthdate:2000-01-02 given_name:Mia]" {
					t.Errorf("%s", g.body)
				}
			default:
				if g.data("scope") != "email" || g.said.Type != app.ConsentGiven {
					t.Errorf("%s", g.body)
				}
			}
		}
		w.Update(func(tx *db.Tx) error { return customer.ClearField(tx, w.T(), mia, "given_name", customer.SourceHouse) })
		if got = w.told(); len(got) != 1 || got[0].data("fields") != "[given_name]" || got[0].data("values") != "" {
			t.Errorf("that a field is empty now is told by its name: %v", got)
		}
	})
}

func TestPreferencesAndTheEndOfAnAccountAreTold(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		partner := w.hook("partner", false)
		mia := w.Customer()
		w.knows(shop, mia)
		w.knows(partner, mia)
		w.told()
		w.Update(func(tx *db.Tx) error {
			return consent.Record(tx, w.T(), consent.Decision{Customer: mia, Purpose: consent.TopicPurpose, Item: "news/email", Surface: "portal", Method: "button"})
		})
		got := w.told()
		if kinds(got) != app.PreferenceChanged || got[0].data("topic") != "news" || got[0].data("channel") != "email" || got[0].data("on") != "false" {
			t.Errorf("%v", got)
		}
		pause := w.Clock.Now().Add(48 * time.Hour).Truncate(time.Second)
		w.Update(func(tx *db.Tx) error { return consent.SetRule(tx, w.T(), mia, consent.Rule{PausedUntil: pause}) })
		if got = w.told(); kinds(got) != app.PreferenceChanged || got[0].data("rule") != "true" || got[0].data("paused_until") != pause.UTC().Format(time.RFC3339) {
			t.Errorf("%v", got)
		}
		for _, act := range []func(*db.Tx, *tenant.Tenant, consent.Choice) error{consent.Restrict, consent.Lift} {
			w.Wait(time.Second)
			w.Update(func(tx *db.Tx) error {
				return act(tx, w.T(), consent.Choice{Customer: mia, Surface: "portal", Method: "case"})
			})
		}
		restricted := map[string]string{}
		for _, g := range w.told() {
			restricted[g.url] += g.said.Type + " "
		}
		for url, types := range restricted {
			if types != "customer.restricted customer.unrestricted " || len(restricted) != 2 {
				t.Errorf("%s: %s", url, types)
			}
		}
		if len(restricted) == 0 {
			t.Error("nobody was told of the restriction")
		}
		move := func(from, to customer.State) {
			w.Update(func(tx *db.Tx) error {
				_, err := customer.SetState(tx, w.T(), mia, []customer.State{from}, to, "customer")
				return err
			})
		}
		move(customer.Active, customer.Closing)
		move(customer.Closing, customer.Active)
		got = w.told()
		var shops []heard
		for _, g := range got {
			if strings.Contains(g.url, "shop") {
				shops = append(shops, g)
			}
		}
		if len(got) != 4 || kinds(shops) != "customer.closed customer.reopened" {
			t.Errorf("%d: %s", len(got), kinds(shops))
		}
	})
}
