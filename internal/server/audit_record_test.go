package server

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

// looks is a house with a shop that was given data of two customers, and an
// operator who looked at them.
type looks struct {
	*book
	shop    app.ID
	counter *release.Counter
}

func newLooks(t *testing.T, c Config) *looks {
	t.Helper()
	l := &looks{book: &book{Base: setUp(t, c), t: t}, counter: release.NewCounter()}
	l.mustUpdate(t, func(tx *db.Tx) error {
		n := app.New{Name: "Shop", Kind: app.Web, FirstParty: true}
		n.Settings.RedirectURIs = []string{"https://shop.example/back"}
		made, _, err := app.Register(tx, l.House.BuiltIn(), n)
		l.shop = made.ID
		return err
	})
	return l
}

// pair registers two customers, who are looked at.
func (l *looks) pair(name string) {
	l.t.Helper()
	l.ada, l.ben = register(l.t, l.Base, "ada."+name+"@example.com").ID, register(l.t, l.Base, "ben."+name+"@example.com").ID
	l.see(l.ada)
	l.see(l.ben)
	chain(l.t, l.Base)
}

// see has the shop read twice, a webhook once and the operator once.
func (l *looks) see(who customer.ID) {
	l.t.Helper()
	shop := release.Ask{
		Customer: who, Recipient: release.Recipient{Kind: release.Application, ID: l.shop}, Fields: []string{"email"},
		Scopes: []string{"openid", "email"}, Counter: l.counter,
	}
	webhook, operator := shop, release.Ask{
		Customer: who, Recipient: release.Recipient{Kind: release.Operator}, Purpose: "support", Fields: []string{"email"}, Reason: "ticket 7",
	}
	webhook.Occasion = [16]byte{who[0], who[15], 1}
	for _, a := range []release.Ask{shop, shop, webhook, webhook, operator} {
		l.mustUpdate(l.t, func(tx *db.Tx) error {
			d, err := release.Disclose(tx, l.House.BuiltIn(), a)
			if err == nil && d.Values["email"].Text == "" {
				l.t.Errorf("nothing went: %v", d.Withheld)
			}
			return err
		})
	}
	if err := l.counter.Flush(context.Background(), l.DB, time.Now().Add(time.Minute)); err != nil {
		l.t.Fatal(err)
	}
}

const daily = ` WHERE customer_id = $1 AND recipient_kind = 'application' AND reason = '' AND entry = $2`

// recordTamperings are ways to change the record of disclosures behind the
// house's back, each with the flaw that it is, and what the report says of it.
var recordTamperings = map[string]struct {
	do     func(l *looks)
	flaw   string
	what   string
	inward bool // the chain of the journal is found bad as well
}{
	"a line names another purpose": {func(l *looks) {
		l.exec(`UPDATE disclosure SET purpose = 'privacy'`+daily, l.ada, [16]byte{})
	}, release.AlteredLine, `its purpose is "privacy" and was "account"`, false},
	"a line names fewer fields": {func(l *looks) {
		l.exec(`UPDATE disclosure SET fields = 'locale'`+daily, l.ada, [16]byte{})
	}, release.AlteredLine, "its fields, day, entry or reason", false},
	"a line names other fields and their digest": {func(l *looks) {
		l.exec(`UPDATE disclosure SET fields = 'locale', fields_digest = $3`+daily, l.ada, [16]byte{}, [32]byte{7})
	}, release.AlteredLine, "its fields, day, entry or reason", false},
	"a line is of another day": {func(l *looks) {
		l.exec(`UPDATE disclosure SET day = day - 1`+daily, l.ada, [16]byte{})
	}, release.AlteredLine, "its fields, day, entry or reason", false},
	"a line is of another time": {func(l *looks) {
		l.exec(`UPDATE disclosure SET first_at = first_at + 1`+daily, l.ada, [16]byte{})
	}, release.AlteredLine, "its time is", false},
	"a line names another recipient": {func(l *looks) {
		l.exec(`UPDATE disclosure SET recipient = $3`+daily, l.ada, [16]byte{}, [16]byte{9})
	}, release.AlteredLine, "its recipient is", false},
	"a line names another kind of recipient": {func(l *looks) {
		l.exec(`UPDATE disclosure SET recipient_kind = 'export' WHERE customer_id = $1 AND recipient_kind = 'operator'`, l.ada)
	}, release.AlteredLine, `its recipient is "export`, false},
	"a webhook's line becomes a day's": {func(l *looks) {
		l.exec(`UPDATE disclosure SET entry = $2 WHERE customer_id = $1 AND entry = $3`, l.ada, [16]byte{5}, [16]byte{l.ada[0], l.ada[15], 1})
	}, release.AlteredLine, "its fields, day, entry or reason", false},
	"a look has another reason": {func(l *looks) {
		l.exec(`UPDATE disclosure SET reason = 'ticket 8' WHERE customer_id = $1 AND recipient_kind = 'operator'`, l.ada)
	}, release.AlteredLine, "its fields, day, entry or reason", false},
	"a look happened twice": {func(l *looks) {
		l.exec(`UPDATE disclosure SET times = 2 WHERE customer_id = $1 AND recipient_kind = 'operator'`, l.ada)
	}, release.AlteredLine, "a single look", false},
	"a line was never used": {func(l *looks) {
		l.exec(`UPDATE disclosure SET times = 0`+daily, l.ada, [16]byte{})
	}, release.AlteredLine, "never used", false},
	"a line is another customer's": {func(l *looks) {
		l.exec(`DELETE FROM disclosure`+daily, l.ben, [16]byte{})
		l.exec(`UPDATE disclosure SET customer_id = $3`+daily, l.ada, [16]byte{}, l.ben)
	}, release.MissingLine, "the journal tells of this release", false},
	"a line is deleted": {func(l *looks) {
		l.exec(`DELETE FROM disclosure`+daily, l.ada, [16]byte{})
	}, release.MissingLine, "application", false},
	"a webhook's line is deleted": {func(l *looks) {
		l.exec(`DELETE FROM disclosure WHERE customer_id = $1 AND entry = $2`, l.ada, [16]byte{l.ada[0], l.ada[15], 1})
	}, release.MissingLine, "application", false},
	"a look is deleted": {func(l *looks) {
		l.exec(`DELETE FROM disclosure WHERE customer_id = $1 AND recipient_kind = 'operator'`, l.ada)
	}, release.MissingLine, "operator, for support", false},
	"a line is slipped in": {func(l *looks) {
		l.exec(slipped+daily, l.ada, [16]byte{}, 5)
	}, release.InsertedLine, "no such release", false},
	"a look is slipped in": {func(l *looks) {
		l.exec(slipped+` WHERE customer_id = $1 AND entry <> $2 AND recipient_kind = 'operator'`, l.ada, [16]byte{}, 5)
	}, release.InsertedLine, "no such release", false},
	"an event is deleted": {func(l *looks) {
		l.exec(`DELETE FROM event WHERE event_id = $1`, l.told("customer.released"))
	}, release.InsertedLine, "no such release", true},
	"an event of a look is deleted": {func(l *looks) {
		l.exec(`DELETE FROM event WHERE event_id = $1`, l.told("customer.disclosed"))
	}, release.InsertedLine, "operator", true},
	"an event says something else": {func(l *looks) {
		l.exec(`UPDATE event SET payload = $2 WHERE event_id = $1`, l.told("customer.released"), []byte(`{"lines":[{"purpose":"account","row":"00"}]}`))
	}, release.AlteredLine, "its fields, day, entry or reason", true},
	"an event tells that a line was forgotten that is there": {func(l *looks) {
		e := l.told("customer.released")
		l.exec(`INSERT INTO event (bucket, tenant_id, event_id, at, name, class, subject_id, actor_kind, actor_id, application_id, request,
			header_digest, payload_digest, salt, payload)
			SELECT bucket, tenant_id, $2, at, 'customer.record_forgotten', class, subject_id, actor_kind, actor_id, application_id, request, header_digest,
			payload_digest, salt, $3 FROM event WHERE event_id = $1`, e, [16]byte{2}, []byte(`{"rows":["`+l.digest()+`"]}`))
	}, release.InsertedLine, "it was forgotten", true},
}

// slipped copies a line with other fields and another time, after those that
// the journal tells of.
const slipped = `INSERT INTO disclosure (tenant_id, customer_id, recipient_kind, recipient, purpose, fields_digest, day, entry, fields, reason, times, first_at, last_at)
	SELECT tenant_id, customer_id, recipient_kind, recipient, 'privacy', fields_digest, day, entry, 'name', reason, 1, first_at + $3, first_at + $3 FROM disclosure`

// told is the first event of a name about ada.
func (l *looks) told(name string) [16]byte { return l.event(name).ID }

func (l *looks) event(name string) (found journal.Recorded) {
	l.t.Helper()
	err := l.DB.View(context.Background(), func(tx *db.Tx) error {
		list, err := journal.Named(tx, l.House.BuiltIn().ID, name, [16]byte{}, [16]byte(bytes.Repeat([]byte{255}, 16)))
		for _, e := range list {
			if e.Subject == l.ada && found.ID == [16]byte{} {
				found = e
			}
		}
		return err
	})
	if err != nil || found.ID == [16]byte{} {
		l.t.Fatal("no event", name, err)
	}
	return found
}

// digest is that of ada's line of the day.
func (l *looks) digest() string {
	l.t.Helper()
	var told release.Released
	e := l.event("customer.released")
	if err := e.Decode(&told); err != nil {
		l.t.Fatal(err)
	}
	return told.Lines[0].Row
}

// TestH221_EachKindOfTamperingWithTheRecordIsNamed: whose line it is, and what
// does not fit. Each pair of customers stands for one kind.
func TestH221_EachKindOfTamperingWithTheRecordIsNamed(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		l, lines := newLooks(t, c), int64(0)
		for _, inward := range []bool{false, true} {
			for name, k := range recordTamperings {
				if k.inward != inward {
					continue
				}
				l.pair(strconv.FormatInt(lines, 10))
				lines += 6
				if r := l.audit(); l.named(r.Record, "", "") || r.Record.Unproven != 0 {
					t.Fatalf("before: %+v", r)
				}
				k.do(l)
				r := l.audit()
				if r.Holds || !l.named(r.Record, k.flaw, k.what) || inward != (r.Bad != nil) {
					t.Errorf("%s: nothing names the %s: %+v", name, k.flaw, r)
				}
			}
		}
	})
}

// named tells whether the report names a line of ada's.
func (l *looks) named(r RecordReport, flaw, what string) bool {
	for _, m := range r.Misfits {
		if strings.Contains(m.Flaw, flaw) && strings.Contains(m.Text, what) && m.Customer == l.ada.String() && strings.Contains(m.Text, m.Customer) {
			return true
		}
	}
	return false
}

// TestH221_WhatRuleTakesOfTheRecordIsToldAndNothingElse: lines that a retention
// rule took, days that go on being counted, customers who are erased, events
// whose details are not kept any more, and lines from before the journal told of
// them are all fine; one line more taken away is not.
func TestH221_WhatRuleTakesOfTheRecordIsToldAndNothingElse(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		l := newLooks(t, c)
		l.pair("1")
		home := l.House.BuiltIn()
		l.exec(`UPDATE disclosure SET times = times + 40, last_at = last_at + 100`+daily, l.ada, [16]byte{})
		if r := l.audit(); !r.Holds || r.Record.Lines != 6 {
			t.Fatalf("a day's line that is counted on: %+v", r)
		}
		forget := func(who customer.ID, before time.Time) (n int64) {
			l.mustUpdate(t, func(tx *db.Tx) (err error) { n, err = release.Forget(tx, home, who, before); return err })
			return n
		}
		if n := forget(l.ada, time.Now().Add(time.Hour)); n != 3 {
			t.Fatalf("%d lines were forgotten", n)
		}
		if n := forget(l.ada, time.Now().Add(time.Hour)); n != 0 {
			t.Fatalf("%d lines were forgotten twice", n)
		}
		if r := l.audit(); !r.Holds || r.Record.Lines != 3 || r.Record.Forgotten != 3 {
			t.Fatalf("lines that a rule took: %+v", r)
		}
		l.see(l.ada)
		l.exec(`DELETE FROM disclosure`+daily, l.ada, [16]byte{})
		if r := l.audit(); r.Holds || r.Record.Bad != 1 || r.Record.Forgotten != 3 || !l.named(r.Record, release.MissingLine, "account") {
			t.Fatalf("a line that no rule took: %+v", r.Record)
		}
		l.mustUpdate(t, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE customer SET state = 'closing', close_at = $2 WHERE id = $1`, l.ada, tx.Now); err != nil {
				return err
			}
			return account.Acts{}.Erase(tx, home, l.ada, account.Rooms())
		})
		if r := l.audit(); !r.Holds || r.Record.Lines != 3 || r.Record.Gone != 1 {
			t.Fatalf("of the erased nothing remains, and nothing is missed: %+v", r)
		}
		for _, class := range []journal.Class{journal.Privacy, journal.Staff} {
			l.mustUpdate(t, func(tx *db.Tx) error {
				_, err := journal.Prune(tx, journal.Pruning{Tenant: home.ID, Class: class, Before: tx.Now.Add(time.Hour)})
				return err
			})
		}
		if r := l.audit(); !r.Holds || r.Record.Unproven != 3 {
			t.Fatalf("events without details: %+v", r)
		}
		l.exec(`DELETE FROM disclosure`+daily, l.ben, [16]byte{})
		if r := l.audit(); r.Holds || r.Record.Misfits[0].Flaw != release.MissingLine || r.Record.Misfits[0].Customer != l.ben.String() {
			t.Fatalf("a line without its event's details can be taken away: %+v", r.Record)
		}
		l.exec(slipped+` WHERE customer_id = $1 AND entry <> $2 AND recipient_kind = 'application'`, l.ben, [16]byte{}, -int64(time.Hour/time.Microsecond))
		if r := l.audit(); r.Record.Bad != 1 || r.Record.Unproven != 3 {
			t.Fatalf("what is older than the first that was bound cannot be proven: %+v", r.Record)
		}
	})
}

// TestTheWalkOverTheRecordGoesByPages: and meets everybody once.
func TestTheWalkOverTheRecordGoesByPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		l := newLooks(t, c)
		const people = 260
		for n := range people {
			l.ada = register(t, l.Base, "p"+strconv.Itoa(n)+"@example.com").ID
			l.see(l.ada)
		}
		if r := l.audit(); !r.Holds || r.Record.Lines != 3*people || r.Record.Unproven != 0 {
			t.Fatalf("%+v", r)
		}
		l.exec(`DELETE FROM disclosure`+daily, l.ada, [16]byte{})
		if r := l.audit(); r.Record.Bad != 1 || r.Record.Misfits[0].Customer != l.ada.String() {
			t.Fatalf("%+v", r.Record)
		}
	})
}
