package release

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The ways in which a line of the record does not fit.
const (
	AlteredLine  = "altered line"  // it is not the one that the journal tells of
	InsertedLine = "inserted line" // the journal tells of no such release
	MissingLine  = "missing line"  // the journal tells of a release that is not there
)

// Misfit names a line of the record that does not fit what the journal says.
type Misfit struct {
	Flaw      string
	Customer  customer.ID
	Kind      string // of recipient; "" where it is not known
	Recipient [16]byte
	Purpose   string // "" where it is not known
	At        time.Time
	What      string // what does not fit, for people
}

// String names the line for people.
func (m *Misfit) String() string {
	s := fmt.Sprintf("%s: customer %s, %s", m.Flaw, m.Customer, m.At.UTC().Format(time.RFC3339Nano))
	if m.Kind != "" {
		s += ", " + m.Kind
		if m.Recipient != [16]byte{} {
			s += " " + hex.EncodeToString(m.Recipient[:])
		}
	}
	if m.Purpose != "" {
		s += ", for " + m.Purpose
	}
	return s + ": " + m.What
}

// Audited is what one step of a walk over the record found.
type Audited struct {
	Next      customer.ID // where the next step begins
	Done      bool        // there is none
	Lines     int64
	Forgotten int64 // lines that a retention rule took, as the journal tells
	Unproven  int64 // lines, or events of lines, whose other half has no digest (any more)
	Gone      int64 // customers who are erased, and their lines with them
	Misfits   []Misfit
}

const auditPage = 500

// BoundSince is when the journal began to tell of the lines of applications, for
// Audit: what is older cannot be proven. It reads the whole journal of the
// tenant once.
func BoundSince(tx *db.Tx, t *tenant.Tenant) (time.Time, error) {
	at, there, err := journal.First(tx, t.ID, Released{}.EventName())
	if err == nil && !there {
		at = tx.Now
	}
	return at, err
}

// Audit holds the record of some customers against the journal: of those whose
// ids come after one, about 500 rows at a time, and always all of a customer, in
// one snapshot. Every line has the digest that an event of it names, and every
// digest that an event names has its line, unless a later event tells that it
// was forgotten. How often a day's line was used is nobody's to prove. That the
// events themselves are whole, journal.Verify tells.
func Audit(tx *db.Tx, t *tenant.Tenant, after customer.ID, since time.Time) (Audited, error) {
	a := audit{tx: tx, t: t, since: since, of: map[customer.ID]*dossier{}}
	if err := a.bound(after); err != nil {
		return a.out, err
	}
	list, err := db.All[Entry](tx, `FROM disclosure WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		ORDER BY customer_id, recipient_kind, recipient, purpose, fields_digest, day, entry`, t.ID, [16]byte(after), [16]byte(a.out.Next))
	if err != nil {
		return a.out, err
	}
	for i := range list {
		c := a.dossier(list[i].CustomerID)
		c.rows = append(c.rows, &list[i])
	}
	for _, name := range boundBy {
		events, err := journal.Named(tx, t.ID, name, after, a.out.Next)
		if err != nil {
			return a.out, err
		}
		for i := range events {
			if err := a.dossier(events[i].Subject).read(&events[i]); err != nil {
				return a.out, err
			}
		}
	}
	for _, id := range a.order {
		if err := a.hold(id, a.of[id]); err != nil {
			return a.out, err
		}
	}
	return a.out, nil
}

// boundBy are the events that tell of lines of the record.
var boundBy = []string{Released{}.EventName(), Disclosed{}.EventName(), Forgotten{}.EventName()}

type audit struct {
	tx    *db.Tx
	t     *tenant.Tenant
	since time.Time
	of    map[customer.ID]*dossier
	order []customer.ID
	out   Audited
}

// bound finds up to which customer this step goes.
func (a *audit) bound(after customer.ID) error {
	last, done := customer.ID(bytes.Repeat([]byte{0xff}, 16)), true
	nearer := func(b []byte, ok bool) {
		if ok && bytes.Compare(b, last[:]) < 0 {
			last, done = customer.ID(b), false
		}
	}
	b, ok, err := db.Value[[]byte](a.tx, `SELECT customer_id FROM disclosure WHERE tenant_id = $1 AND customer_id > $2
		ORDER BY customer_id LIMIT 1 OFFSET $3`, a.t.ID, [16]byte(after), auditPage)
	if err != nil {
		return err
	}
	nearer(b, ok)
	for _, name := range boundBy {
		b, ok, err := journal.NthSubject(a.tx, a.t.ID, name, after, auditPage)
		if err != nil {
			return err
		}
		nearer(b[:], ok)
	}
	a.out.Next, a.out.Done = last, done
	return nil
}

func (a *audit) dossier(id customer.ID) *dossier {
	c := a.of[id]
	if c == nil {
		c = &dossier{forgotten: map[string]bool{}}
		a.of[id], a.order = c, append(a.order, id)
	}
	return c
}

// hold compares what there is of one customer with what the journal tells.
func (a *audit) hold(id customer.ID, c *dossier) error {
	alive, err := a.alive(id)
	if err != nil {
		return err
	}
	if !alive {
		a.out.Gone++
	}
	a.out.Lines += int64(len(c.rows))
	for _, row := range c.rows {
		if !alive {
			a.bad(InsertedLine, id, told{kind: row.RecipientKind, recipient: row.Recipient, purpose: row.Purpose, at: row.FirstAt}, "the customer is erased")
			continue
		}
		a.line(id, c, row)
	}
	if alive {
		a.unlike(id, c)
		a.lost(id, c)
	}
	return nil
}

// line looks for the digest of a row among those that the journal told of.
func (a *audit) line(id customer.ID, c *dossier, row *Entry) {
	digest := row.row()
	at, there := c.find(func(t *told) bool { return t.row == digest })
	t := told{kind: row.RecipientKind, recipient: row.Recipient, purpose: row.Purpose, at: row.FirstAt}
	switch {
	case there && c.forgotten[digest]:
		a.bad(InsertedLine, id, t, "the journal tells that it was forgotten")
	case there && row.uncounted() != "":
		a.bad(AlteredLine, id, t, row.uncounted())
	case there:
	default:
		c.left = append(c.left, row)
		return
	}
	c.told[at].met = true
}

// uncounted tells what cannot be of the counts of a line. What a person saw is a
// line of its own, which nothing changes afterwards.
func (e *Entry) uncounted() string {
	each := e.RecipientKind != Application
	switch {
	case e.Times < 1 || e.LastAt.Before(e.FirstAt):
		return "it says that it was never used, or used last before it was used first"
	case each && (e.Times != 1 || !e.LastAt.Equal(e.FirstAt)):
		return "it says that a single look happened more than once"
	}
	return ""
}

// unlike goes through the rows whose digest the journal does not know.
func (a *audit) unlike(id customer.ID, c *dossier) {
	for _, row := range c.left {
		t := told{kind: row.RecipientKind, recipient: row.Recipient, purpose: row.Purpose, at: row.FirstAt}
		if at, there := c.find(func(o *told) bool { return o.row == "" && o.mute(row) }); there {
			c.told[at].used = true // an event may tell of several lines
			a.out.Unproven++
			continue
		}
		at, there := c.find(func(o *told) bool { return o.row != "" && o.like(row) })
		switch {
		case there:
			c.told[at].met = true
			a.bad(AlteredLine, id, t, c.told[at].differs(row))
		case row.RecipientKind == Application && row.FirstAt.Before(a.since):
			a.out.Unproven++
		default:
			a.bad(InsertedLine, id, t, "the journal tells of no such release")
		}
	}
}

// lost names what the journal tells of and the record does not have.
func (a *audit) lost(id customer.ID, c *dossier) {
	for i := range c.told {
		t := &c.told[i]
		switch {
		case t.met || t.used:
		case c.forgotten[t.row]:
			a.out.Forgotten++
		case t.at.Before(c.mute), t.row == "" && t.at.Before(c.last):
			a.out.Unproven++ // which lines were forgotten is not known any more, or which these were
		case t.row == "":
			a.bad(MissingLine, id, *t, "the journal tells of a release, whose details are not kept any more")
		default:
			a.bad(MissingLine, id, *t, "the journal tells of this release")
		}
	}
}

func (a *audit) bad(flaw string, id customer.ID, t told, what string) {
	a.out.Misfits = append(a.out.Misfits, Misfit{flaw, id, t.kind, t.recipient, t.purpose, t.at, what})
}

// alive tells whether somebody is there for whom a record is kept.
func (a *audit) alive(id customer.ID) (bool, error) {
	n, _, err := db.Value[int64](a.tx, `SELECT count(*) FROM customer WHERE tenant_id = $1 AND id = $2 AND state <> 'erased'`, a.t.ID, id)
	return n > 0, err
}

// dossier is what the walk knows of one customer.
type dossier struct {
	rows, left []*Entry // of the record; those whose digest the journal does not know
	told       []told
	forgotten  map[string]bool // digests
	last       time.Time       // when something was forgotten last
	mute       time.Time       // when something was forgotten last, of which no digest is kept any more
}

// told is what an event says of one line. Without a row it tells that there were
// lines, and no more.
type told struct {
	kind      string
	recipient [16]byte
	purpose   string
	row       string
	at        time.Time
	met       bool // by a row
	used      bool // by rows, which it cannot prove
}

// find is the first that fits and that no row met yet.
func (c *dossier) find(fits func(*told) bool) (int, bool) {
	for i := range c.told {
		if !c.told[i].met && fits(&c.told[i]) {
			return i, true
		}
	}
	return 0, false
}

func (c *dossier) read(e *journal.Recorded) error {
	one := told{kind: Application, recipient: e.Application, at: e.At}
	if e.Name == (Disclosed{}).EventName() {
		one.kind, one.recipient = e.Actor.Kind, e.Actor.ID
		if one.kind != Staff && one.kind != Operator {
			one.kind = Export
		}
	}
	if e.Payload == nil {
		return c.pruned(e, one)
	}
	switch e.Name {
	case Released{}.EventName():
		var is Released
		if err := e.Decode(&is); err != nil {
			return err
		}
		for _, l := range is.Lines {
			one.purpose, one.row = l.Purpose, l.Row
			c.told = append(c.told, one)
		}
	case Disclosed{}.EventName():
		var is Disclosed
		if err := e.Decode(&is); err != nil {
			return err
		}
		one.kind, one.purpose, one.row = is.Recipient, is.Purpose, is.Row
		c.told = append(c.told, one)
	default:
		var is Forgotten
		if err := e.Decode(&is); err != nil {
			return err
		}
		for _, row := range is.Rows {
			c.forgotten[row] = true
		}
		c.last = later(c.last, e.At)
	}
	return nil
}

// pruned reads an event whose payload a rule of retention took.
func (c *dossier) pruned(e *journal.Recorded, one told) error {
	if e.Name == (Forgotten{}).EventName() {
		c.mute, c.last = later(c.mute, e.At), later(c.last, e.At)
		return nil
	}
	c.told = append(c.told, one)
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// mute tells whether an event without digests may have told of a row.
func (t *told) mute(row *Entry) bool {
	return t.kind == row.RecipientKind && t.recipient == row.Recipient && t.at.Equal(row.FirstAt) && (t.purpose == "" || t.purpose == row.Purpose)
}

// like tells whether a row is the one of the event, but for one thing.
func (t *told) like(row *Entry) bool {
	alike := 0
	for _, same := range []bool{t.kind == row.RecipientKind && t.recipient == row.Recipient, t.purpose == row.Purpose, t.at.Equal(row.FirstAt)} {
		if same {
			alike++
		}
	}
	return alike > 1
}

// differs says what is different.
func (t *told) differs(row *Entry) string {
	var out []string
	differ := func(name, is, was string) {
		if is != was {
			out = append(out, fmt.Sprintf("its %s is %q and was %q", name, is, was))
		}
	}
	differ("recipient", row.RecipientKind+" "+hex.EncodeToString(row.Recipient[:]), t.kind+" "+hex.EncodeToString(t.recipient[:]))
	differ("purpose", row.Purpose, t.purpose)
	differ("time", row.FirstAt.UTC().Format(time.RFC3339Nano), t.at.UTC().Format(time.RFC3339Nano))
	if len(out) == 0 {
		return "its fields, day, entry or reason are not what they were"
	}
	return strings.Join(out, ", ")
}
