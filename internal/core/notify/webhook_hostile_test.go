package notify_test

import (
	"errors"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/notify"
)

func (w *world) replay(id string) error {
	w.t.Helper()
	hook, err := notify.ParseWebhookID(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.Try(func(tx *db.Tx) error { _, err := notify.Replay(tx, w.T(), hook); return err })
}

// By whichever way an erasure is acknowledged, nothing knows afterwards whom it
// was about, and nobody is told once more.
func TestH223_AnErasureThatIsAcknowledgedLaterLeavesNoSub(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, hears(app.CustomerErased))
		mia := w.Customer()
		w.knows(shop, mia)
		w.told()
		w.fails(202)
		w.erase(mia)
		got := w.told()
		if kinds(got) != app.CustomerErased {
			t.Fatalf("%s", kinds(got))
		}
		if err := w.acknowledge(shop, got[0].id()); err != nil {
			t.Fatal(err)
		}
		for _, d := range w.deliveries() {
			if d.Subject != "" || d.State != notify.WebhookDelivered {
				t.Errorf("%+v", d)
			}
		}
		if err := w.replay(got[0].id()); !errors.Is(err, notify.ErrNoReplay) {
			t.Errorf("replayed: %v", err)
		}
	})
}

// A replay does not give a consent again that was taken back meanwhile: neither
// one by one nor with all that were given up.
func TestH221_AReplayGivesNoConsentThatWasTakenBack(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("letter"), hears(app.ConsentGiven, app.ConsentWithdrawn))
		w.letter()
		mia, ben := w.Customer(), w.Customer()
		w.knows(shop, mia)
		w.knows(shop, ben)
		w.told()
		w.decide(mia, consent.Given)
		given := w.told()
		w.decide(mia, consent.Withdrawn)
		if got := w.told(); kinds(got) != app.ConsentWithdrawn {
			t.Fatalf("%s", kinds(got))
		}
		if err := w.replay(given[0].id()); !errors.Is(err, notify.ErrOutdated) {
			t.Errorf("replayed: %v", err)
		}
		w.fails(400)
		w.decide(ben, consent.Given)
		for range 12 {
			w.later(25 * time.Hour)
			w.told()
			w.Update(func(tx *db.Tx) error { return notify.Resume(tx, w.T(), shop.ID) })
		}
		w.answer = nil
		w.decide(ben, consent.Withdrawn)
		w.told()
		w.Update(func(tx *db.Tx) error {
			n, err := notify.ReplayFailed(tx, w.T(), shop.ID, time.Unix(0, 0), 100)
			if n != 1 {
				t.Errorf("%d given up", n)
			}
			return err
		})
		if got := w.told(); len(got) != 0 {
			t.Errorf("told %s", kinds(got))
		}
	})
}
