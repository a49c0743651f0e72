package notify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// erase does what the erasing transaction does of it.
func (w *world) erase(c customer.ID) (told []notify.Told) {
	w.t.Helper()
	w.Update(func(tx *db.Tx) (err error) {
		if told, err = notify.TellErased(tx, w.T(), c); err != nil {
			return err
		}
		_, err = customer.Destroy(tx, w.T(), c)
		return err
	})
	return told
}

func (w *world) events(subject [16]byte, name string) (n int) {
	w.t.Helper()
	w.View(func(tx *db.Tx) error {
		list, err := journal.List(tx, w.T().ID, subject, [16]byte{}, 100)
		for _, e := range list {
			if e.Name == name {
				n++
			}
		}
		return err
	})
	return n
}

func (w *world) acknowledge(a *app.Application, id string) error {
	w.t.Helper()
	hook, err := notify.ParseWebhookID(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Try(func(tx *db.Tx) error { return notify.Acknowledge(tx, w.T(), a.ID, hook) })
}

// Those who know the customer hear of the erasure after the customer is gone,
// by the name that they know; what waited for them is not told any more, and
// who acknowledged outlives the customer.
func TestAnErasureReachesItsRecipientsAfterTheCustomerIsGone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, partner := w.hook("shop", true, declares("account", "letter")), w.hook("partner", false)
		w.hook("stranger", false)
		w.letter(partner)
		mia := w.Customer()
		subs := map[string]string{"https://shop.example/hook": w.knows(shop, mia), "https://partner.example/hook": w.knows(partner, mia)}
		w.told()
		w.fails(500)
		w.decide(mia, consent.Given)
		w.told()
		w.set(mia, "given_name", "Mia")
		told := w.erase(mia)
		if len(told) != 2 || !told[0].Connected || !told[1].Connected {
			t.Fatalf("%+v", told)
		}
		w.answer = nil
		w.Wait(10 * time.Minute)
		got := w.told()
		if kinds(got) != "customer.erased customer.erased" {
			t.Fatalf("%s", kinds(got))
		}
		for _, g := range got {
			if g.data("sub") != subs[g.url] || strings.Contains(g.body, "Mia") || strings.Contains(g.body, "cus_") {
				t.Errorf("%s", g.body)
			}
		}
		states := map[string]int{}
		for _, a := range w.ledger(mia) {
			states[a.Type+" "+a.State]++
			if a.Type == app.CustomerErased && (a.ToldAt.IsZero() || !a.AcknowledgedAt.Equal(a.ToldAt)) {
				t.Errorf("%+v", a)
			}
		}
		if states["consent.given superseded"] != 2 || states["customer.erased acknowledged"] != 2 || len(states) != 2 {
			t.Errorf("%v", states)
		}
		for _, d := range w.deliveries() {
			if d.CustomerID == mia && (d.Type != app.CustomerErased || d.Subject != "") {
				t.Errorf("%+v", d)
			}
		}
		if n := w.events(mia, "webhook.acknowledged"); n != 2 {
			t.Errorf("%d events", n)
		}
		w.View(func(tx *db.Tx) error {
			late, err := notify.CountOverdue(tx, w.T())
			if late != 0 {
				t.Errorf("%d overdue", late)
			}
			return err
		})
	})
}

// An endpoint that says 202 has received it; what it says later, in a call of
// its own, is the acknowledgement, once.
func TestAnAcknowledgementMayComeLaterAndComesOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop, other := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven)), w.hook("other", true, declares("account"))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(202)
		w.decide(mia, consent.Given)
		got := w.told()
		line := w.ledger(mia)[0]
		if len(got) != 1 || line.State != notify.AcknowledgementTold || line.ToldAt.IsZero() || !line.AcknowledgedAt.IsZero() {
			t.Fatalf("%d, %+v", len(got), line)
		}
		if err := w.acknowledge(other, got[0].id()); !errors.Is(err, notify.ErrNoDelivery) {
			t.Errorf("by another application: %v", err)
		}
		w.Wait(time.Hour)
		if err := w.acknowledge(shop, got[0].id()); err != nil {
			t.Fatal(err)
		}
		if err := w.acknowledge(shop, got[0].id()); !errors.Is(err, notify.ErrAcknowledged) {
			t.Errorf("once more: %v", err)
		}
		line = w.ledger(mia)[0]
		if line.State != notify.Acknowledged || !line.AcknowledgedAt.Equal(w.Clock.Now()) || line.About != "letter" || w.events(mia, "webhook.acknowledged") != 1 {
			t.Errorf("%+v", line)
		}
	})
}

// An acknowledgement that overtakes the answer ends the delivery, and the next
// one goes.
func TestAnAcknowledgementEndsADeliveryThatIsTriedAgain(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven, app.ConsentWithdrawn))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(400)
		w.decide(mia, consent.Given)
		w.decide(mia, consent.Withdrawn)
		first := w.told()
		w.answer = nil
		if err := w.acknowledge(shop, first[0].id()); err != nil {
			t.Fatal(err)
		}
		if got := w.told(); kinds(got) != app.ConsentWithdrawn {
			t.Errorf("%s", kinds(got))
		}
	})
}

func TestWhatIsOverdueStandsOutAndIsToldTheJournalOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(202)
		w.decide(mia, consent.Given)
		w.told()
		look := func(overdue bool) (n int) {
			w.Update(func(tx *db.Tx) error {
				if _, err := notify.SweepOverdue(tx, 10); err != nil {
					return err
				}
				list, err := notify.Outstanding(tx, w.T(), overdue, 10)
				n = len(list)
				return err
			})
			return n
		}
		w.Wait(71 * time.Hour)
		if look(true) != 0 || look(false) != 1 || w.events(mia, "webhook.overdue") != 0 {
			t.Error("overdue before its time")
		}
		w.Wait(2 * time.Hour)
		first, second := look(true), look(true)
		if first != 1 || second != 1 || w.events(mia, "webhook.overdue") != 1 {
			t.Errorf("%d events", w.events(mia, "webhook.overdue"))
		}
		if err := w.acknowledge(shop, w.ledger(mia)[0].ID.String()); err != nil || look(true) != 0 {
			t.Error("late is better than never", err)
		}
	})
}

// What ended long ago goes; the ledger stays. What sleeps though it is due is
// begun again.
func TestTheSweepOfWebhooks(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven, app.ConsentWithdrawn))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.decide(mia, consent.Given)
		w.told()
		w.fails(500)
		w.decide(mia, consent.Withdrawn)
		w.told()
		w.Update(func(tx *db.Tx) error {
			_, err := journal.CancelAll(tx, "webhook.wake") // as if it had been lost
			return err
		})
		w.answer = nil
		w.Wait(10 * time.Minute)
		if got := w.told(); got != nil {
			t.Fatalf("%v", got)
		}
		sweep := func() (n int) {
			w.Update(func(tx *db.Tx) (err error) { n, err = notify.SweepWebhooks(tx, 10); return err })
			return n
		}
		if sweep() != 0 || kinds(w.told()) != app.ConsentWithdrawn {
			t.Error("what slept was not begun again")
		}
		w.Wait(91 * 24 * time.Hour)
		if sweep() != 2 || len(w.deliveries()) != 0 || len(w.ledger(mia)) != 2 {
			t.Errorf("%d deliveries, %d lines", len(w.deliveries()), len(w.ledger(mia)))
		}
	})
}

// Who was given data and has no endpoint must be told by hand; the ledger says so.
func TestWhoHasNoEndpointIsToldByHand(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		given, never := w.App(true), w.App(true)
		mia := w.Customer()
		w.knows(given, mia)
		w.knows(never, mia)
		w.Update(func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO disclosure (tenant_id, customer_id, recipient_kind, recipient, purpose, fields_digest, day, entry, fields, reason, times, first_at, last_at)
				VALUES ($1, $2, 'application', $3, 'account', $4, 0, $5, 'email', '', 1, $6, $6)`, w.T().ID, mia, given.ID, [32]byte{}, [16]byte{}, tx.Now)
			return err
		})
		told := w.erase(mia)
		if len(told) != 1 || told[0].Connected || told[0].Application != given.ID {
			t.Fatalf("%+v", told)
		}
		if l := w.ledger(mia); len(l) != 1 || l[0].State != notify.Unconnected || !l[0].DueAt.IsZero() {
			t.Errorf("%+v", l)
		}
	})
}
