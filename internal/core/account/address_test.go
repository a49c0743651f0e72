package account_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

func TestAddressChangeTellsTheOldAddressAndCanBeUndoneThere(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		owner := s.CustomerID
		d.moves(s, mia, eve) // by somebody who sits at Mia's machine
		if _, found := d.holder(mia); found {
			t.Fatal("the old address still signs in")
		}
		notice := d.newest(mia)
		if notice.Subject != string(notify.AddressChanged) || notice.Link == "" {
			t.Fatalf("the old address was told %+v", notice)
		}
		if slices.Contains(d.subjects(eve), string(notify.AddressChanged)) {
			t.Error("the new address got the undo link")
		}
		thief := d.resets(eve) // a reset does not end the undo link
		h.Wait(71 * time.Hour)
		if err := d.undo(notice.Link); err != nil {
			t.Fatal(err)
		}
		if c, found := d.holder(mia); !found || c.ID != owner || c.State != customer.Recovery {
			t.Errorf("restored: %+v %v", c, found)
		}
		if _, found := d.holder(eve); found {
			t.Error("the other address still signs in")
		}
		if d.alive(thief) || d.alive(s) {
			t.Error("a session lives on")
		}
		if err := d.undo(notice.Link); !fault.Is(err, fault.Gone) {
			t.Errorf("twice: %v", err)
		}
		if got := d.newest(mia).Subject; got != string(notify.AddressRestored) {
			t.Errorf("told %s", got)
		}
		v := d.visit(1, signin.Facts{})
		v.prove(mia)
		v.expect(signin.Reset)
		v.must(func(tx *db.Tx, f *signin.Flow) error { return d.acts.Reset(tx, d.T(), f, hash) })
		v.enter()
		if d.state(owner) != customer.Active {
			t.Errorf("state %s", d.state(owner))
		}
	})
}

func TestUndoLinkDiesAfterThreeDays(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.moves(s, mia, eve)
		link := d.newest(mia).Link
		h.Wait(account.Undo)
		if err := d.undo(link); !fault.Is(err, fault.Gone) {
			t.Errorf("%v", err)
		}
	})
}

// An address change that somebody began in an account before its owner reset
// the password, verified an address or began another change is dead.
func TestH116_PendingAddressChangeDies(t *testing.T) {
	t.Parallel()
	then := map[string]func(d *door, s session.Session){
		"reset": func(d *door, _ session.Session) { d.resets(mia) },
		"later change": func(d *door, s session.Session) {
			d.wants(s, account.NewAddress{Kind: customer.Email, Value: "x@example.test"})
		},
		"verified": func(d *door, s session.Session) { d.moves(s, mia, "new@example.test") },
		"locked": func(d *door, s session.Session) {
			d.do(func(tx *db.Tx) error { return d.acts.Lock(tx, d.T(), s.CustomerID, account.Staff{Reason: "x"}) })
		},
		"password": func(d *door, s session.Session) {
			d.do(func(tx *db.Tx) error { return d.acts.ChangePassword(tx, d.T(), s.CustomerID, hash, s.ID) })
		},
	}
	for what, act := range then {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				d := open(t, h)
				s := d.newcomer(mia)
				old := d.wants(s, account.NewAddress{Kind: customer.Email, Value: eve})
				old.send()
				code := d.newest(eve).Code
				act(d, s)
				if err := old.code(code); !fault.Is(err, fault.Gone) {
					t.Errorf("the old code: %v", err)
				}
				if err := old.verify(s); err == nil {
					t.Error("the old change went through")
				}
				if _, found := d.holder(eve); found {
					t.Error("the other address is in")
				}
			})
		})
	}
}

// An account whose address nobody had proven belongs to the one who proves it,
// empty of what somebody else had put into it.
func TestH113_H115_WhatWasPreparedForAVictimIsGone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		h.Settings(func(s *settings) { s.Password.Alone = true })
		var prepared customer.Customer
		d.do(func(tx *db.Tx) (err error) {
			prepared, err = customer.Register(tx, d.T(), customer.New{Source: "import", Identifiers: []customer.NewIdentifier{
				{Kind: customer.Email, Value: mia}, {Kind: customer.Email, Value: eve},
			}})
			if err != nil {
				return err
			}
			return credential.SetPassword(tx, d.T(), prepared.ID, hash)
		})
		thief := d.visit(1, signin.Facts{})
		thief.identify(mia)
		thief.must(func(tx *db.Tx, f *signin.Flow) error { return d.acts.ProvePassword(tx, d.T(), f, hash) })
		thief.expect(signin.Code)

		victim := d.visit(2, signin.Facts{})
		victim.prove(mia)
		s := victim.enter()
		if s.CustomerID != prepared.ID {
			t.Error("another account")
		}
		if _, found := d.holder(eve); found {
			t.Error("the address that the other one put in still signs in")
		}
		d.View(func(tx *db.Tx) error {
			_, found, err := credential.Password(tx, d.T(), prepared.ID)
			if found {
				t.Error("the password that the other one chose still works")
			}
			return err
		})
		thief.expect(signin.Password)
	})
}

// An address that nobody has proven opens no account that has a proven one.
func TestH125_UnprovenAddressIsNoWayIn(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		s := d.newcomer(mia)
		d.do(func(tx *db.Tx) error {
			return customer.AddIdentifier(tx, d.T(), s.CustomerID, customer.NewIdentifier{Kind: customer.Email, Value: eve})
		})
		v := d.visit(1, signin.Facts{})
		v.prove(eve)
		if got := v.next(); got.Name != signin.Refuse || got.Reason != signin.AddressRefused {
			t.Errorf("%+v", got)
		}
		began := d.wants(s, account.NewAddress{Kind: customer.Email, Value: "third@example.test"})
		if err := began.verify(s); !errors.Is(err, account.ErrStep) {
			t.Errorf("an address was verified without proof: %v", err)
		}
	})
}

func TestAddressOfSomebodyElseIsToldOnlyAfterProof(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		d := open(t, h)
		d.newcomer(eve)
		s := d.newcomer(mia)
		v := d.wants(s, account.NewAddress{Kind: customer.Email, Value: eve})
		v.send()
		if err := v.verify(s); !errors.Is(err, account.ErrStep) {
			t.Errorf("before proof: %v", err)
		}
		if err := v.code(d.newest(eve).Code); err != nil {
			t.Fatal(err)
		}
		if err := v.verify(s); !errors.Is(err, customer.ErrTaken) {
			t.Errorf("after proof: %v", err)
		}
	})
}
