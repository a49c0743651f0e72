package customer_test

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
)

const aDay = 24 * time.Hour

func rests(h *coretest.House, kind, value string) (since time.Time, ok bool) {
	h.View(func(tx *db.Tx) (err error) { since, ok, err = customer.Resting(tx, h.T(), kind, value); return err })
	return since, ok
}

// give adds an identifier that somebody has proven, or not.
func give(h *coretest.House, c customer.ID, kind, value string, verified bool) error {
	return h.Try(func(tx *db.Tx) error {
		return customer.AddIdentifier(tx, h.T(), c, customer.NewIdentifier{Kind: kind, Value: value, Verified: verified})
	})
}

func take(t *testing.T, h *coretest.House, c customer.ID, kind, value string) {
	t.Helper()
	h.Update(func(tx *db.Tx) error { return customer.RemoveIdentifier(tx, h.T(), c, digest(h, kind, value)) })
}

// reassigned says it of the customer's identifier.
func reassigned(t *testing.T, h *coretest.House, c customer.ID, kind, value string) (yes bool) {
	t.Helper()
	h.View(func(tx *db.Tx) error {
		all, err := customer.Identifiers(tx, h.T(), c)
		for i := range all {
			if all[i].Digest == digest(h, kind, value) {
				yes, err = all[i].Reassigned(tx, h.T())
				return err
			}
		}
		t.Errorf("the customer has no %s", value)
		return err
	})
	return yes
}

func TestH130_WhatIsGivenUpRestsAsLongAsItsKindNeeds(t *testing.T) {
	t.Parallel()
	values := map[string]string{customer.Phone: "+493012345678", customer.Email: "mia.old@example.com", customer.Username: "mia.old"}
	days := map[string]int{customer.Phone: 90, customer.Email: 180, customer.Username: 365}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		c := h.Customer()
		for kind, v := range values {
			if err := give(h, c, kind, v, true); err != nil {
				t.Fatal(err)
			}
			if _, ok := rests(h, kind, v); ok {
				t.Errorf("%s rests while it is somebody's", v)
			}
			take(t, h, c, kind, v)
		}
		released := h.Clock.Now()
		for _, kind := range []string{customer.Phone, customer.Email, customer.Username} {
			h.Clock.Set(released.Add(time.Duration(days[kind])*aDay - time.Microsecond))
			if since, ok := rests(h, kind, values[kind]); !ok || !since.Equal(released) {
				t.Errorf("%s rests: %v since %v", values[kind], ok, since)
			}
			h.Wait(time.Microsecond)
			if _, ok := rests(h, kind, values[kind]); ok {
				t.Errorf("%s rests for more than %d days", values[kind], days[kind])
			}
		}
		h.Wait(time.Hour)
		h.Update(func(tx *db.Tx) error {
			n, err := customer.SweepRests(tx, 10)
			if n != 3 {
				t.Errorf("%d were swept", n)
			}
			return err
		})
	})
}

func TestH130_AnErasedCustomersIdentifiersRestAndBlockNobody(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		old, err := register(h, email("mia@example.com"), username("mia"))
		if err != nil {
			t.Fatal(err)
		}
		h.Update(func(tx *db.Tx) error { _, err := customer.Destroy(tx, h.T(), old.ID); return err })
		h.Wait(time.Hour)
		if _, ok := rests(h, customer.Email, "mia@example.com"); !ok {
			t.Error("the address does not rest")
		}
		if _, ok := rests(h, customer.Username, "rnia"); !ok { // reads as mia
			t.Error("a name that looks like the one that was given up does not rest")
		}
		fresh, err := register(h, email("mia@example.com"), username("mia"))
		if err != nil || fresh.ID == old.ID {
			t.Fatalf("who proves a resting address cannot register: %v", err)
		}
		if !reassigned(t, h, fresh.ID, customer.Email, "mia@example.com") {
			t.Error("nobody is told that the address was another's")
		}
		h.Wait(180 * aDay)
		if reassigned(t, h, fresh.ID, customer.Email, "mia@example.com") {
			t.Error("it is another's for ever")
		}
		other := h.Tenant("other", "https://id.other.example")
		h.View(func(tx *db.Tx) error {
			if _, ok, err := customer.Resting(tx, other, customer.Username, "mia"); ok || err != nil {
				t.Errorf("it rests at another tenant: %v", err)
			}
			return nil
		})
	})
}

// Whoever types the address of another without proving it cannot spoil it for
// them.
func TestH130_WhatNobodyProvedDoesNotRest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		mallory := h.Customer()
		if err := give(h, mallory, customer.Email, "victim@example.com", false); err != nil {
			t.Fatal(err)
		}
		take(t, h, mallory, customer.Email, "victim@example.com")
		if _, ok := rests(h, customer.Email, "victim@example.com"); ok {
			t.Error("an address rests that was never theirs")
		}
	})
}

func TestH130_ANewUserNameLetsTheOldOneRest(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		c := h.Customer()
		for _, name := range []string{"fern", "field"} {
			if err := give(h, c, customer.Username, name, true); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := rests(h, customer.Username, "fern"); !ok {
			t.Error("the old name does not rest")
		}
		if _, ok := rests(h, customer.Username, "field"); ok {
			t.Error("the new name rests")
		}
	})
}

// An intruder replaces the phone; the customer undoes it. The phone has been the
// customer's all along, and the intruder's rests.
func TestH130_WhatAnUndoBringsBackWasNeverAnothers(t *testing.T) {
	t.Parallel()
	const hers, his = "+493012345678", "+493087654321"
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		c, err := register(h, email("mia@example.com"))
		if err != nil {
			t.Fatal(err)
		}
		if err := give(h, c.ID, customer.Phone, hers, true); err != nil {
			t.Fatal(err)
		}
		h.Wait(100 * aDay)
		var token string
		h.Update(func(tx *db.Tx) (err error) {
			token, err = customer.KeepUndo(tx, h.T(), c.ID, digest(h, customer.Email, "mia@example.com"))
			return err
		})
		take(t, h, c.ID, customer.Phone, hers)
		if err := give(h, c.ID, customer.Phone, his, true); err != nil {
			t.Fatal(err)
		}
		h.Wait(time.Hour)
		h.Update(func(tx *db.Tx) error { _, err := customer.Undo(tx, h.T(), token); return err })
		if reassigned(t, h, c.ID, customer.Phone, hers) {
			t.Error("the customer's own phone counts as another's after the undo")
		}
		if _, ok := rests(h, customer.Phone, his); !ok {
			t.Error("the phone that was slipped in does not rest")
		}
		if _, ok := rests(h, customer.Email, "mia@example.com"); ok {
			t.Error("an address that never went rests")
		}
	})
}

// Giving up and taking back does not shorten what stands since the first time.
func TestH130_RestingAgainCountsFromTheFirstTime(t *testing.T) {
	t.Parallel()
	const number = "+493012345678"
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		ada, bob := h.Customer(), h.Customer()
		pass := func(c customer.ID) {
			if err := give(h, c, customer.Phone, number, true); err != nil {
				t.Fatal(err)
			}
		}
		pass(ada)
		take(t, h, ada, customer.Phone, number)
		first := h.Clock.Now()
		h.Wait(aDay)
		pass(bob)
		h.Wait(79 * aDay)
		take(t, h, bob, customer.Phone, number)
		h.Wait(89 * aDay)
		if since, ok := rests(h, customer.Phone, number); !ok || !since.Equal(first) {
			t.Errorf("it rests: %v since %v", ok, since)
		}
		h.Wait(2 * aDay)
		pass(ada)
		if reassigned(t, h, ada, customer.Phone, number) {
			t.Error("it rests for more than 90 days")
		}
		take(t, h, ada, customer.Phone, number)
		if since, ok := rests(h, customer.Phone, number); !ok || !since.Equal(h.Clock.Now()) {
			t.Errorf("after a rest that was over it rests: %v since %v", ok, since)
		}
	})
}
