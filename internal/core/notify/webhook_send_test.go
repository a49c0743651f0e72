package notify_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// A node that dies after it sent and before it wrote that down sends again,
// under the same id.
func TestWhatWasSentByANodeThatDiedIsSentAgainUnderItsID(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.set(mia, "given_name", "Mia")
		ctx, die := context.WithCancel(context.Background())
		w.answer = func(heard) (notify.Answer, error) {
			die()
			return notify.Answer{Status: 200}, nil
		}
		if err := w.loop.Drain(ctx); err == nil {
			t.Fatal("it did not die")
		}
		for w.deliveries()[0].State != notify.WebhookWaiting {
			t.Fatal("the end was written")
		}
		w.answer = nil
		w.loop = w.node("next")
		got := w.told()
		if len(got) != 2 || got[0].id() != got[1].id() || got[0].body != got[1].body {
			t.Fatalf("%v", got)
		}
		if d := w.deliveries()[0]; d.State != notify.WebhookDelivered || d.Attempts != 1 {
			t.Errorf("%+v", d)
		}
	})
}

func TestTenAttemptsInThreeDaysAndThenTheNext(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(302) // a redirect that outbound let through would be a failure too
		w.set(mia, "given_name", "Mia")
		w.set(mia, "family_name", "Moss")
		w.drain()
		for _, p := range []time.Duration{6 * time.Second, 6 * time.Minute, 34 * time.Minute, 133 * time.Minute, 6 * time.Hour, 11 * time.Hour, 16 * time.Hour, 23 * time.Hour, 27 * time.Hour} {
			w.later(p)
		}
		got := w.told()
		if len(got) != 11 || got[9].id() != got[0].id() || got[10].id() == got[0].id() || !strings.Contains(got[10].body, "family_name") {
			t.Fatalf("%d attempts", len(got))
		}
		list := w.deliveries()
		if list[1].State != notify.WebhookFailed || list[1].Reason != "status_302" || list[0].State != notify.WebhookWaiting {
			t.Errorf("%+v", list)
		}
	})
}

func TestABusyEndpointIsLeftInPeaceAsLongAsItAsks(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia, ben := w.Customer(), w.Customer()
		w.knows(shop, mia)
		w.knows(shop, ben)
		w.told()
		w.answer = func(heard) (notify.Answer, error) { return notify.Answer{Status: 429, RetryAfter: time.Hour}, nil }
		w.set(mia, "given_name", "Mia")
		if n := len(w.told()); n != 1 {
			t.Fatalf("%d", n)
		}
		w.set(ben, "given_name", "Ben")
		w.Wait(50 * time.Minute)
		if got := w.told(); got != nil {
			t.Fatalf("not left in peace: %v", got)
		}
		w.answer = nil
		w.Wait(11 * time.Minute)
		if got := w.told(); len(got) != 2 {
			t.Fatalf("%d were told when it was ready", len(got))
		}
	})
}

func TestAnEndpointThatIsGoneIsTurnedOffAndReplayTurnsItOn(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(410)
		w.set(mia, "given_name", "Mia")
		w.set(mia, "family_name", "Moss")
		if got := w.told(); len(got) != 1 {
			t.Fatalf("%d", len(got))
		}
		w.set(mia, "nickname", "M")
		w.Wait(24 * time.Hour)
		if got := w.told(); got != nil {
			t.Fatalf("told though it is off: %v", got)
		}
		var stands []notify.Standing
		events := 0
		w.View(func(tx *db.Tx) (err error) {
			list, err := journal.List(tx, w.T().ID, shop.ID, [16]byte{}, 20)
			for _, e := range list {
				if e.Name == "webhook.disabled" {
					events++
				}
			}
			if err == nil {
				stands, err = notify.Standings(tx, w.T())
			}
			return err
		})
		if events != 1 || len(stands) != 1 || stands[0].Endpoint.DisabledAt.IsZero() || stands[0].Endpoint.Reason != "gone" || stands[0].Failed != 3 {
			t.Fatalf("%d events, %+v", events, stands)
		}
		w.answer = nil
		var n int64
		w.Update(func(tx *db.Tx) (err error) {
			n, err = notify.ReplayFailed(tx, w.T(), shop.ID, time.Unix(0, 0), 100)
			return err
		})
		got := w.told()
		if n != 3 || len(got) != 3 || got[0].data("fields") != "[given_name]" || got[1].data("fields") != "[family_name]" || got[2].data("fields") != "[nickname]" {
			t.Fatalf("%d, %v", n, got)
		}
		w.View(func(tx *db.Tx) (err error) { stands, err = notify.Standings(tx, w.T()); return err })
		if !stands[0].Endpoint.DisabledAt.IsZero() || stands[0].Failed != 0 {
			t.Errorf("%+v", stands[0])
		}
	})
}

func TestAnEndpointThatFailsForFiveDaysIsTurnedOff(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.answer = func(heard) (notify.Answer, error) {
			return notify.Answer{}, fault.New(fault.Unavailable, "outbound_timeout", "Late.")
		}
		for day := range 6 {
			w.set(mia, "given_name", "Mia "+strconv.Itoa(day))
			w.later(25 * time.Hour)
		}
		var stands []notify.Standing
		w.View(func(tx *db.Tx) (err error) { stands, err = notify.Standings(tx, w.T()); return err })
		if e := stands[0].Endpoint; e.DisabledAt.IsZero() || e.Reason != "outbound_timeout" {
			t.Errorf("%+v", e)
		}
		// Another address begins anew.
		w.Update(func(tx *db.Tx) error {
			a, err := app.Get(tx, w.T(), shop.ID)
			if err != nil {
				return err
			}
			a.Settings.Webhook = &app.Webhook{URL: "https://new.example/hook"}
			_, err = app.Change(tx, w.T(), a)
			return err
		})
		if err := w.House.House.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.answer = nil
		w.told()
		w.set(mia, "given_name", "Mia")
		if got := w.told(); len(got) != 1 || got[0].url != "https://new.example/hook" {
			t.Errorf("%v", got)
		}
	})
}

// A replay has the id that the first attempt had, so that the endpoint knows it.
func TestAReplayKeepsItsID(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.set(mia, "given_name", "Mia")
		w.set(mia, "given_name", "Mira")
		first := w.told()
		w.Wait(time.Hour)
		id, err := notify.ParseWebhookID(first[0].id())
		if err != nil {
			t.Fatal(err)
		}
		w.Update(func(tx *db.Tx) error { _, err := notify.Replay(tx, w.T(), id); return err })
		got := w.told()
		if len(got) != 1 || got[0].id() != first[0].id() || got[0].data("values") != "map[given_name:Mira]" ||
			got[0].head[notify.HeaderWebhookTimestamp] == first[0].head[notify.HeaderWebhookTimestamp] {
			t.Errorf("%v", got)
		}
		if err := w.Try(func(tx *db.Tx) error { _, err := notify.Replay(tx, w.T(), notify.WebhookID{1}); return err }); !errors.Is(err, notify.ErrNoDelivery) {
			t.Error(err)
		}
	})
}

// While customers decide and two nodes send, nothing is lost, and each
// customer's events come in their order.
func TestTwoNodesSendEverythingInOrderWhileMoreComes(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven, app.ConsentWithdrawn))
		w.letter()
		const customers, decided = 6, 12
		list := make([]customer.ID, customers)
		for i := range list {
			list[i] = w.Customer()
			w.knows(shop, list[i])
		}
		w.drain()
		tries := map[string]int{} // under the lock of the calls
		w.answer = func(g heard) (notify.Answer, error) {
			if tries[g.id()]++; tries[g.id()] == 1 && len(tries)%9 == 0 {
				return notify.Answer{Status: 400}, nil
			}
			return notify.Answer{Status: 200}, nil
		}
		hooks := notify.Webhooks{House: w.House.House, Call: w.call}
		ctx, stop := context.WithCancel(t.Context())
		var nodes sync.WaitGroup
		for range 2 {
			loop := journal.NewLoop(w.D, "node", hooks.Works(), []journal.Reader{hooks.Reader()}, journal.Options{Poll: 10 * time.Millisecond})
			nodes.Go(func() {
				if err := loop.Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		for _, err := range coretest.Together(customers, func(i int) error {
			for n := range decided {
				err := w.Try(func(tx *db.Tx) error {
					return consent.Record(tx, w.T(), consent.Decision{
						Customer: list[i], Purpose: consent.ForPurpose, Item: "letter", Given: n%2 == 0, Version: 1, Surface: "portal", Method: "button",
					})
				})
				if err != nil {
					return err
				}
			}
			return nil
		}) {
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 400 {
			w.Wait(time.Second)
			if open := w.open(); open == 0 && len(w.deliveries()) == customers*decided {
				break
			}
			time.Sleep(25 * time.Millisecond)
		}
		stop()
		nodes.Wait()
		taken, subs := map[string]bool{}, map[string]bool{}
		for _, g := range w.calls {
			taken[g.id()], subs[g.data("sub")] = true, true
		}
		if len(taken) != customers*decided || w.open() != 0 {
			t.Errorf("%d of %d were sent, %d are open", len(taken), customers*decided, w.open())
		}
		for sub := range subs {
			kinds := w.sequence(sub)
			for i, k := range kinds {
				if (k == app.ConsentGiven) != (i%2 == 0) {
					t.Errorf("not in order: %v", kinds)
					break
				}
			}
		}
	})
}

// open counts what is not delivered yet.
func (w *world) open() (n int64) {
	w.t.Helper()
	w.View(func(tx *db.Tx) (err error) {
		n, _, err = db.Value[int64](tx, `SELECT count(*) FROM webhook_delivery WHERE state <> 'delivered'`)
		return err
	})
	return n
}

// sequence are the types of what was told of a customer, each id once, as they
// first came.
func (w *world) sequence(sub string) (out []string) {
	seen := map[string]bool{}
	for _, g := range w.calls {
		if g.data("sub") == sub && !seen[g.id()] {
			seen[g.id()] = true
			out = append(out, g.said.Type)
		}
	}
	return out
}
