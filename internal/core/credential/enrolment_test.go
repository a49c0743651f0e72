package credential_test

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
)

func decline(h *coretest.House, cus customer.ID, offer string, rest time.Duration, never bool) {
	h.Update(func(tx *db.Tx) error {
		return credential.Decline(tx, h.T(), cus, offer, tx.Now.Add(rest), never)
	})
}

func declined(h *coretest.House, cus customer.ID, offer string) (no bool) {
	h.View(func(tx *db.Tx) (err error) { no, err = credential.Declined(tx, h.T(), cus, offer); return err })
	return no
}

func TestNotNowRestsAndNeverStays(t *testing.T) {
	t.Parallel()
	const fortnight = 14 * 24 * time.Hour
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus, other := h.Customer(), h.Customer()
		decline(h, cus, "passkey", fortnight, false)
		if !declined(h, cus, "passkey") || declined(h, cus, "second") || declined(h, other, "passkey") {
			t.Error("a refusal counts for another offer or customer, or not at all")
		}
		h.Wait(fortnight)
		if declined(h, cus, "passkey") {
			t.Error("not now is for ever")
		}
		decline(h, cus, "passkey", 0, true)
		decline(h, cus, "passkey", time.Hour, false)
		h.Wait(1000 * fortnight)
		if !declined(h, cus, "passkey") {
			t.Error("a later not now undoes never")
		}
	})
}

func TestGraceBeginsOnce(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		owe := func() (since time.Time) {
			h.Update(func(tx *db.Tx) (err error) { since, err = credential.Owe(tx, h.T(), cus, "second"); return err })
			return since
		}
		owed := func() (since time.Time) {
			h.View(func(tx *db.Tx) (err error) { since, err = credential.Owed(tx, h.T(), cus, "second"); return err })
			return since
		}
		if !owed().IsZero() {
			t.Error("something is owed before it was asked for")
		}
		decline(h, cus, "second", time.Hour, false)
		first := owe()
		if !first.Equal(h.Clock.Now()) {
			t.Errorf("owed since %v", first)
		}
		h.Wait(40 * 24 * time.Hour)
		decline(h, cus, "second", time.Hour, false)
		if again := owe(); !again.Equal(first) || !owed().Equal(first) {
			t.Errorf("the grace begins anew at %v", again)
		}
		if !declined(h, cus, "second") {
			t.Error("owing undoes not now")
		}
	})
}

func TestGraceBeginsOnceOfFiftyAtOnce(t *testing.T) {
	t.Parallel()
	coretest.Race(t, func(t *testing.T, h *coretest.House) {
		cus := h.Customer()
		since := make([]time.Time, 50)
		for i, err := range coretest.Together(50, func(i int) error {
			h.Wait(time.Millisecond)
			return h.Try(func(tx *db.Tx) (err error) { since[i], err = credential.Owe(tx, h.T(), cus, "second"); return err })
		}) {
			if err != nil || !since[i].Equal(since[0]) {
				t.Errorf("%d: %v, %v", i, since[i], err)
			}
		}
	})
}
