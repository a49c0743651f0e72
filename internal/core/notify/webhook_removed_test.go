package notify_test

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
)

// expire has a rule of retention take a value away.
func (w *world) expire(c customer.ID, names ...string) {
	w.t.Helper()
	w.Wait(time.Millisecond)
	w.Update(func(tx *db.Tx) error {
		list, err := customer.DatedIn(tx, w.T(), customer.Span{Last: [16]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
		for _, d := range list {
			for _, name := range names {
				if err == nil && d.CustomerID == c && d.Name == name {
					_, err = customer.ExpireField(tx, w.T(), d, "purposes:"+name)
				}
			}
		}
		return err
	})
}

// A value whose time was over is told to whoever was given it, also when the
// right to it has ended, which is why it went; nobody else learns that there ever
// was one.
func TestWhatRetentionTookAwayIsToldToWhoWasGivenIt(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("account", "letter"))
		late := w.hook("late", true, declares("account")) // of the house, and not of this purpose
		other := w.hook("other", false, declares("letter"))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.knows(late, mia)
		w.knows(other, mia)
		w.decide(mia, consent.Given)
		w.set(mia, "shoe_size", "41")
		w.told()
		w.decide(mia, consent.Withdrawn)
		w.told()
		w.expire(mia, "shoe_size")
		got := w.told()
		if len(got) != 1 || got[0].url != "https://shop.example/hook" || got[0].said.Type != "customer.updated" ||
			got[0].data("fields") != "[shoe_size]" || got[0].data("removed") != "[shoe_size]" || got[0].said.Data["values"] != nil {
			t.Fatalf("%d: %+v", len(got), got)
		}
		if w.told() != nil {
			t.Error("told once more")
		}
	})
}

// A value that was set anew before the removal went out is not said to be gone,
// and its new value goes only as far as the gate lets it.
func TestAValueThatWasSetAnewIsNotSaidToBeGone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true, declares("account", "letter"))
		w.letter()
		mia := w.Customer()
		w.knows(shop, mia)
		w.decide(mia, consent.Given)
		w.set(mia, "shoe_size", "41")
		w.told()
		w.fails(500)
		w.expire(mia, "shoe_size")
		if got := w.told(); len(got) != 1 || got[0].data("removed") != "[shoe_size]" {
			t.Fatalf("%+v", got)
		}
		w.set(mia, "shoe_size", "42")
		w.answer = func(heard) (notify.Answer, error) { return notify.Answer{Status: 204}, nil }
		w.Wait(10 * time.Minute)
		got := w.told()
		if len(got) != 2 || got[0].data("removed") != "" || got[1].data("values") != "map[shoe_size:42]" {
			t.Fatalf("%+v", got)
		}
	})
}

// Several values of one night are one message, and what was given long ago counts.
func TestValuesThatGoTogetherAreToldTogether(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		w := newWorld(t, h)
		shop := w.hook("shop", true)
		mia := w.Customer()
		w.knows(shop, mia)
		w.set(mia, "given_name", "Mia")
		w.set(mia, "family_name", "Canary")
		w.told()
		w.expire(mia, "given_name", "family_name")
		got := w.told()
		if len(got) != 1 || got[0].data("removed") != "[family_name given_name]" || got[0].data("fields") != "[family_name given_name]" {
			t.Fatalf("%+v", got)
		}
	})
}
