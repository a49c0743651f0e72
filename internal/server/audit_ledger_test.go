package server

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
)

// book is a house with two customers who decided four times each.
type book struct {
	*Base
	t        *testing.T
	ada, ben customer.ID
	given    consent.ID // the entry of ada's that stands on "email"
}

func newBook(t *testing.T, c Config) *book {
	t.Helper()
	b := &book{Base: setUp(t, c), t: t}
	b.ada, b.ben = register(t, b.Base, "ada@example.com").ID, register(t, b.Base, "ben@example.com").ID
	b.mustUpdate(t, func(tx *db.Tx) error {
		for _, who := range []customer.ID{b.ada, b.ben} {
			for i, item := range []string{"profile", "email", "profile", "email"} {
				d := consent.Decision{
					Customer: who, Purpose: consent.Scope, Recipient: [16]byte{7}, Item: item, Given: i%3 == 0, Version: 2,
					TextDigest: [32]byte{byte(i)}, Locale: "en", Surface: "signin", Method: "button",
				}
				if err := consent.Record(tx, b.House.BuiltIn(), d); err != nil {
					return err
				}
			}
		}
		list, err := consent.Ledger(tx, b.House.BuiltIn(), b.ada)
		b.given = list[0].ID
		return err
	})
	chain(t, b.Base)
	return b
}

func (b *book) exec(statement string, args ...any) {
	b.t.Helper()
	b.mustUpdate(b.t, func(tx *db.Tx) error {
		n, err := tx.Exec(statement, args...)
		if err == nil && n == 0 {
			b.t.Errorf("nothing was changed by %s", statement)
		}
		return err
	})
}

func (b *book) audit() AuditReport {
	b.t.Helper()
	r, err := b.Audit(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// tamperings are ways to change the ledger behind the house's back, each with
// the flaw that it is, and what the report says of it.
var ledgerTamperings = map[string]struct {
	do     func(b *book)
	flaw   string
	what   string
	inward bool // the chain of the journal is found bad as well
}{
	"an entry says another decision": {func(b *book) {
		b.exec(`UPDATE consent SET decision = 'withdrawn' WHERE id = $1`, b.given)
	}, consent.AlteredEntry, `its decision is "withdrawn" and was "given"`, false},
	"an entry says another time": {func(b *book) {
		b.exec(`UPDATE consent SET made_at = made_at + 1 WHERE id = $1`, b.given)
	}, consent.AlteredEntry, "its time, text digest", false},
	"an entry says another text": {func(b *book) {
		b.exec(`UPDATE consent SET text_digest = $2 WHERE id = $1`, b.given, [32]byte{9})
	}, consent.AlteredEntry, "text digest", false},
	"an entry is another customer's": {func(b *book) {
		b.exec(`UPDATE consent SET customer_id = $2 WHERE id = $1`, b.given, b.ben)
	}, consent.MissingEntry, "it was given", false},
	"an entry is deleted": {func(b *book) {
		b.exec(`DELETE FROM consent WHERE id = $1`, b.given)
	}, consent.MissingEntry, "it was given", false},
	"an entry is slipped in": {func(b *book) {
		b.exec(`INSERT INTO consent (tenant_id, customer_id, id, purpose, recipient, item, decision, version, text_digest, locale, surface,
			method, evidence_sealed, made_at, actor_kind, actor_id, expires_at)
			SELECT tenant_id, customer_id, $2, purpose, recipient, item, 'given', version, text_digest, locale, surface,
			method, evidence_sealed, made_at - 5, actor_kind, actor_id, expires_at FROM consent WHERE id = $1`, b.given, [16]byte{1})
	}, consent.InsertedEntry, "no such decision", false},
	"a state says another decision": {func(b *book) {
		b.exec(`UPDATE consent_state SET decision = 'withdrawn' WHERE consent_id = $1`, b.given)
	}, consent.AlteredState, "says withdrawn where the ledger stands at given", false},
	"a state says another version": {func(b *book) {
		b.exec(`UPDATE consent_state SET version = 9 WHERE consent_id = $1`, b.given)
	}, consent.AlteredState, "version 9", false},
	"a state lasts longer": {func(b *book) {
		b.exec(`UPDATE consent_state SET expires_at = 99 WHERE consent_id = $1`, b.given)
	}, consent.AlteredState, "its times", false},
	"a state is deleted": {func(b *book) {
		b.exec(`DELETE FROM consent_state WHERE consent_id = $1`, b.given)
	}, consent.MissingState, "the ledger stands at given", false},
	"a state is slipped in": {func(b *book) {
		b.exec(`INSERT INTO consent_state (tenant_id, customer_id, purpose, recipient, item, decision, version, consent_id, made_at)
			SELECT tenant_id, customer_id, purpose, recipient, 'phone', decision, version, consent_id, made_at FROM consent_state WHERE consent_id = $1`, b.given)
	}, consent.InsertedState, "no entry", false},
	"an event is deleted": {func(b *book) {
		b.exec(`DELETE FROM event WHERE event_id = $1`, b.event())
	}, consent.InsertedEntry, "no such decision", true},
	"an event says something else": {func(b *book) {
		e := b.event()
		b.exec(`UPDATE event SET payload = $2 WHERE event_id = $1`, e, []byte(`{"consent":"`+b.given.String()+`","row":"00"}`))
	}, consent.AlteredEntry, `its purpose is "scope" and was ""`, true},
	"an event is slipped in": {func(b *book) {
		b.exec(`INSERT INTO event (bucket, tenant_id, event_id, at, name, class, subject_id, actor_kind, actor_id, application_id, request,
			header_digest, payload_digest, salt, payload)
			SELECT bucket, tenant_id, $2, at, name, class, subject_id, actor_kind, actor_id, application_id, request, header_digest,
			payload_digest, salt, $3 FROM event WHERE event_id = $1`, b.event(), [16]byte{2},
			[]byte(`{"consent":"con_01hzzzzzzzzzzzzzzzzzzzzzzz","decision":"given"}`))
	}, consent.MissingEntry, "it was given", true},
}

// event is the one that tells of the entry.
func (b *book) event() (id [16]byte) {
	b.t.Helper()
	err := b.DB.View(context.Background(), func(tx *db.Tx) error {
		list, err := journal.List(tx, b.House.BuiltIn().ID, b.ada, [16]byte{}, 100)
		for _, e := range list {
			if strings.Contains(string(e.Payload), b.given.String()) {
				id = e.ID
			}
		}
		return err
	})
	if err != nil || id == [16]byte{} {
		b.t.Fatal("no event", err)
	}
	return id
}

// TestH221_EachKindOfTamperingWithTheLedgerIsNamed: the row, whose it is, and
// what does not fit.
func TestH221_EachKindOfTamperingWithTheLedgerIsNamed(t *testing.T) {
	t.Parallel()
	for name, k := range ledgerTamperings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, func(t *testing.T, c Config) {
				b := newBook(t, c)
				if r := b.audit(); !r.Holds || r.Ledger.Entries != 8 || r.Ledger.States != 4 || r.Ledger.Unproven != 0 {
					t.Fatalf("before: %+v", r)
				}
				k.do(b)
				r := b.audit()
				if r.Holds || r.Ledger.Bad == 0 || k.inward != (r.Bad != nil) {
					t.Fatalf("%+v", r)
				}
				for _, m := range r.Ledger.Misfits {
					if m.Flaw == k.flaw && strings.Contains(m.Text, k.what) && m.Customer == b.ada.String() && strings.Contains(m.Text, m.Customer) {
						return
					}
				}
				t.Errorf("nothing names %s of %s: %+v", k.flaw, b.ada, r.Ledger.Misfits)
			})
		})
	}
}

// TestH221_WhatRemainsOfTheErasedStillFits: their entries stay, their states are
// gone; and what a retention rule takes of the journal leaves entries unproven,
// not bad.
func TestH221_WhatRemainsOfTheErasedStillFits(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := newBook(t, c)
		b.mustUpdate(t, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE customer SET state = 'closing', close_at = $2 WHERE id = $1`, b.ada, tx.Now); err != nil {
				return err
			}
			return account.Acts{}.Erase(tx, b.House.BuiltIn(), b.ada, account.Rooms())
		})
		chain(t, b.Base)
		if r := b.audit(); !r.Holds || r.Ledger.Entries != 8 || r.Ledger.States != 2 || r.Ledger.Gone != 1 {
			t.Fatalf("%+v", r)
		}
		b.mustUpdate(t, func(tx *db.Tx) error {
			_, err := journal.Prune(tx, journal.Pruning{Tenant: b.House.BuiltIn().ID, Class: journal.Consent, Before: tx.Now.Add(time.Hour)})
			return err
		})
		if r := b.audit(); !r.Holds || r.Ledger.Unproven != 8 {
			t.Fatalf("%+v", r)
		}
		b.exec(`DELETE FROM consent WHERE id = $1`, b.given)
		if r := b.audit(); r.Holds || r.Ledger.Misfits[0].Flaw != consent.MissingEntry || r.Ledger.Misfits[0].Customer != b.ada.String() {
			t.Fatalf("an entry without its event's details can be taken away: %+v", r.Ledger)
		}
	})
}

// TestTheWalkOverTheLedgerGoesByPages: and meets everybody once.
func TestTheWalkOverTheLedgerGoesByPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := newBook(t, c)
		const each, rest = 4, 300
		for from := 0; from < rest; from += 50 {
			b.mustUpdate(t, func(tx *db.Tx) error {
				for n := from; n < from+50; n++ {
					for i := range each {
						d := consent.Decision{Customer: customer.ID{byte(n >> 8), byte(n), 1}, Purpose: consent.TopicPurpose, Item: "a/email", Given: i%2 == 0}
						if err := consent.Record(tx, b.House.BuiltIn(), d); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		if r := b.audit(); !r.Holds || r.Ledger.Entries != 8+each*rest || r.Ledger.States != 4+rest {
			t.Fatalf("%+v", r.Ledger)
		}
		last := customer.ID{byte((rest - 1) >> 8), byte((rest - 1) & 255), 1}
		b.exec(`UPDATE consent_state SET decision = 'given' WHERE customer_id = $1`, last)
		if r := b.audit(); r.Ledger.Bad != 1 || r.Ledger.Misfits[0].Customer != last.String() {
			t.Fatalf("%+v %s", r.Ledger, hex.EncodeToString(last[:]))
		}
	})
}
