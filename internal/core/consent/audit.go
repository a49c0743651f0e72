package consent

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The ways in which a row does not fit.
const (
	AlteredEntry  = "altered entry"  // it is not the one that the journal tells of
	InsertedEntry = "inserted entry" // the journal tells of no such entry
	MissingEntry  = "missing entry"  // the journal tells of an entry that is not there
	AlteredState  = "altered state"  // it is not where the ledger stands
	InsertedState = "inserted state" // the ledger has nothing on this item
	MissingState  = "missing state"  // the customer lives, and the ledger stands somewhere
)

// Misfit names a row that does not fit what the rest of the house says.
type Misfit struct {
	Flaw     string
	Customer customer.ID
	Entry    ID     // zero where it is not known
	Purpose  string // "" where it is not known
	Item     string
	What     string // what does not fit, for people
}

// String names the row for people.
func (m *Misfit) String() string {
	s := fmt.Sprintf("%s: customer %s", m.Flaw, m.Customer)
	if !m.Entry.IsZero() {
		s += ", entry " + m.Entry.String()
	}
	if m.Purpose != "" {
		s += ", " + m.Purpose + " " + m.Item
	}
	return s + ": " + m.What
}

// Audited is what one step of a walk over the ledger found.
type Audited struct {
	Next     customer.ID // where the next step begins
	Done     bool        // there is none
	Entries  int64
	States   int64
	Unproven int64 // entries whose event does not hold their digest (any more)
	Gone     int64 // customers of the ledger who are erased, or part of an account: they have no state
	Misfits  []Misfit
}

const auditPage = 500

// Audit holds the ledger of some customers against the journal and against the
// states: of those whose ids come after one, about 500 rows of each at a time,
// and always all of a customer, in one snapshot. That the events themselves are
// whole, journal.Verify tells.
func Audit(tx *db.Tx, t *tenant.Tenant, after customer.ID) (Audited, error) {
	a := audit{tx: tx, t: t, events: map[customer.ID]*decisions{}, derived: map[stateKey]*Entry{}}
	if err := a.bound(after); err != nil {
		return a.out, err
	}
	entries, err := db.All[Entry](tx, `FROM consent WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		ORDER BY customer_id, id`, t.ID, [16]byte(after), [16]byte(a.out.Next))
	if err != nil {
		return a.out, err
	}
	states, err := db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		ORDER BY customer_id, purpose, recipient, item`, t.ID, [16]byte(after), [16]byte(a.out.Next))
	if err != nil {
		return a.out, err
	}
	events, err := journal.Named(tx, t.ID, Decided{}.EventName(), after, a.out.Next)
	if err != nil {
		return a.out, err
	}
	if err := a.read(events); err != nil {
		return a.out, err
	}
	for i := range entries {
		a.entry(&entries[i])
	}
	a.lost()
	return a.out, a.states(entries, states)
}

type stateKey struct {
	customer      customer.ID
	purpose, item string
	recipient     [16]byte
}

// decisions are what the journal tells of one customer.
type decisions struct {
	told   map[ID]toldOf
	pruned int64 // events that say nothing any more
}

type toldOf struct {
	Decided
	recipient [16]byte
}

type audit struct {
	tx      *db.Tx
	t       *tenant.Tenant
	events  map[customer.ID]*decisions
	order   []customer.ID // of events
	derived map[stateKey]*Entry
	out     Audited
}

// bound finds up to which customer this step goes.
func (a *audit) bound(after customer.ID) error {
	last, done := customer.ID(bytes.Repeat([]byte{0xff}, 16)), true
	nearer := func(b []byte, ok bool, err error) error {
		if ok && bytes.Compare(b, last[:]) < 0 {
			last, done = customer.ID(b), false
		}
		return err
	}
	for _, statement := range []string{
		`SELECT customer_id FROM consent WHERE tenant_id = $1 AND customer_id > $2 ORDER BY customer_id LIMIT 1 OFFSET $3`,
		`SELECT customer_id FROM consent_state WHERE tenant_id = $1 AND customer_id > $2 ORDER BY customer_id LIMIT 1 OFFSET $3`,
	} {
		b, ok, err := db.Value[[]byte](a.tx, statement, a.t.ID, [16]byte(after), auditPage)
		if err := nearer(b, ok, err); err != nil {
			return err
		}
	}
	b, ok, err := journal.NthSubject(a.tx, a.t.ID, Decided{}.EventName(), after, auditPage)
	if err := nearer(b[:], ok, err); err != nil {
		return err
	}
	a.out.Next, a.out.Done = last, done
	return nil
}

func (a *audit) read(events []journal.Recorded) error {
	for i := range events {
		e := &events[i]
		of := a.events[e.Subject]
		if of == nil {
			of = &decisions{told: map[ID]toldOf{}}
			a.events[e.Subject] = of
			a.order = append(a.order, e.Subject)
		}
		if e.Payload == nil {
			of.pruned++
			continue
		}
		d := toldOf{recipient: e.Application}
		if err := e.Decode(&d.Decided); err != nil {
			return err
		}
		of.told[d.Consent] = d
	}
	return nil
}

func (a *audit) bad(flaw string, e *Entry, what string) {
	a.out.Misfits = append(a.out.Misfits, Misfit{flaw, e.CustomerID, e.ID, e.Purpose, e.Item, what})
}

// entry holds one entry against its event, and remembers the last on its item.
func (a *audit) entry(e *Entry) {
	a.out.Entries++
	key := stateKey{e.CustomerID, e.Purpose, e.Item, e.Recipient}
	if was := a.derived[key]; was == nil || e.after(was) {
		a.derived[key] = e
	}
	of := a.events[e.CustomerID]
	if of == nil {
		a.bad(InsertedEntry, e, "the journal tells of no decision of this customer")
		return
	}
	d, there := of.told[e.ID]
	delete(of.told, e.ID)
	digest := e.Digest()
	switch {
	case !there && of.pruned > 0:
		of.pruned--
		a.out.Unproven++
	case !there:
		a.bad(InsertedEntry, e, "the journal tells of no such decision")
	case d.Row == "":
		a.out.Unproven++
	case d.Row != hex.EncodeToString(digest[:]):
		a.bad(AlteredEntry, e, d.unlike(e))
	}
}

func (e *Entry) after(was *Entry) bool {
	return e.MadeAt.After(was.MadeAt) || e.MadeAt.Equal(was.MadeAt) && bytes.Compare(e.ID[:], was.ID[:]) > 0
}

// unlike says what is different.
func (d *toldOf) unlike(e *Entry) string {
	var out []string
	differs := func(name, row, event string) {
		if row != event {
			out = append(out, fmt.Sprintf("its %s is %q and was %q", name, row, event))
		}
	}
	differs("purpose", e.Purpose, d.Purpose)
	differs("item", e.Item, d.Item)
	if d.Decision != "" {
		differs("decision", e.Decision, d.Decision)
	}
	differs("version", fmt.Sprint(e.Version), fmt.Sprint(d.Version))
	differs("recipient", hex.EncodeToString(e.Recipient[:]), hex.EncodeToString(d.recipient[:]))
	if len(out) == 0 {
		return "its time, text digest, language, place, method, actor or evidence is not what it was"
	}
	return strings.Join(out, ", ")
}

// lost names what the journal tells of and the ledger does not have.
func (a *audit) lost() {
	for _, c := range a.order {
		of := a.events[c]
		for _, id := range slices.SortedFunc(maps.Keys(of.told), func(x, y ID) int { return bytes.Compare(x[:], y[:]) }) {
			d := of.told[id]
			a.bad(MissingEntry, &Entry{CustomerID: c, ID: id, Purpose: d.Purpose, Item: d.Item}, "the journal tells that it was "+d.Decision)
		}
		if of.pruned > 0 {
			a.bad(MissingEntry, &Entry{CustomerID: c}, fmt.Sprintf("the journal tells of %d decisions more, whose details are not kept any more", of.pruned))
		}
	}
}

// states holds every state against the last entry on its item.
func (a *audit) states(entries []Entry, states []State) error {
	for i := range states {
		s := &states[i]
		a.out.States++
		key := stateKey{s.CustomerID, s.Purpose, s.Item, s.Recipient}
		last := a.derived[key]
		as := Entry{CustomerID: s.CustomerID, ID: s.ConsentID, Purpose: s.Purpose, Item: s.Item}
		if last == nil {
			a.bad(InsertedState, &as, "the ledger has no entry on it")
		} else if what := s.unlike(last); what != "" {
			a.bad(AlteredState, &as, what)
		}
		delete(a.derived, key)
	}
	living := map[customer.ID]bool{}
	for i := range entries {
		e := &entries[i]
		if a.derived[stateKey{e.CustomerID, e.Purpose, e.Item, e.Recipient}] != e {
			continue
		}
		alive, known := living[e.CustomerID]
		if !known {
			var err error
			if alive, err = a.alive(e.CustomerID); err != nil {
				return err
			}
			living[e.CustomerID] = alive
			if !alive {
				a.out.Gone++
			}
		}
		if alive {
			a.bad(MissingState, e, "the ledger stands at "+e.Decision)
		}
	}
	return nil
}

func (s *State) unlike(e *Entry) string {
	switch {
	case s.Decision != e.Decision:
		return fmt.Sprintf("it says %s where the ledger stands at %s by %s", s.Decision, e.Decision, e.ID)
	case s.ConsentID != e.ID:
		return "it names another entry than the last one, " + e.ID.String()
	case s.Version != e.Version:
		return fmt.Sprintf("it says version %d where the ledger stands at %d", s.Version, e.Version)
	case !s.MadeAt.Equal(e.MadeAt) || !s.ExpiresAt.Equal(e.ExpiresAt):
		return "its times are not those of the last entry, " + e.ID.String()
	}
	return ""
}

// alive tells whether somebody is there for whom states are kept: an account
// that is not erased, or an address that decided before it had one. Of others
// the entries remain and still fit their events.
func (a *audit) alive(c customer.ID) (bool, error) {
	n, _, err := db.Value[int64](a.tx, `SELECT (SELECT count(*) FROM customer WHERE tenant_id = $1 AND id = $2 AND state <> 'erased')
		+ (SELECT count(*) FROM lite_customer WHERE tenant_id = $1 AND customer_id = $2)`, a.t.ID, c)
	return n > 0, err
}
