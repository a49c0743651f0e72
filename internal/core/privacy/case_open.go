package privacy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Identity is how it was checked who asks.
type Identity struct {
	How   string // SignedIn, SeenByStaff; "" is Unverified
	Level string // of the session, if SignedIn
	Words string // what staff saw, if SeenByStaff
}

// CaseOpening is a request that comes in.
type CaseOpening struct {
	Customer customer.ID
	Kind     CaseKind
	Item     string // see the kinds
	Channel  string
	ByItself bool
	Words    string // of the customer, in the clear; they rest sealed
	Identity Identity
	Actor    journal.Actor // who opens it; zero: the customer
	Note     string        // of staff, not told
}

// OpenCase opens a case, starts its clock, and confirms it to the customer by
// mail unless the house does by other words (ByItself). Faults: case_kind,
// case_item, case_words, cases_many, customer_erased.
func OpenCase(tx *db.Tx, t *tenant.Tenant, o CaseOpening) (Case, error) {
	if err := o.check(tx, t); err != nil {
		return Case{}, err
	}
	c := Case{
		TenantID: t.ID, CustomerID: o.Customer, ID: CaseID(id.Next(tx.Now)), Kind: o.Kind, Item: o.Item, Channel: o.Channel,
		ByItself: o.ByItself, State: CaseOpen, Identity: o.Identity.How, Level: o.Identity.Level,
		OpenedAt: tx.Now, DueAt: dueAt(t, tx.Now),
	}
	if c.Identity == "" {
		c.Identity = Unverified
	}
	if err := db.Insert(tx, "privacy_case", c); err != nil {
		return Case{}, err
	}
	lines := []line{{act: ActOpened, actor: o.Actor, told: true, words: o.Words}}
	if o.Identity.Words != "" {
		lines = append(lines, line{act: ActIdentified, actor: o.Actor, words: o.Identity.Words})
	}
	if o.Note != "" {
		lines = append(lines, line{act: ActNote, actor: o.Actor, words: o.Note})
	}
	for _, l := range lines {
		if err := c.write(tx, t, l); err != nil {
			return Case{}, err
		}
	}
	if o.ByItself {
		return c, nil
	}
	return c, c.confirm(tx, t)
}

func (o *CaseOpening) check(tx *db.Tx, t *tenant.Tenant) error {
	if !slices.Contains(CaseKinds(), o.Kind) {
		return ErrCaseKind
	}
	if err := o.checkItem(tx, t); err != nil {
		return err
	}
	for _, w := range []*string{&o.Words, &o.Identity.Words, &o.Note} {
		if *w = strings.TrimSpace(*w); !sayable(*w) {
			return ErrCaseWords
		}
	}
	if o.Words == "" && !o.ByItself && o.needsWords() {
		return ErrCaseWords
	}
	if o.ByItself || actorOf(o.Actor, o.Customer).Kind != "customer" {
		return nil
	}
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2
		AND channel = 'portal' AND NOT by_itself AND opened_at > $3`, t.ID, o.Customer, tx.Now.Add(-24*time.Hour))
	if err == nil && n >= mostCasesADay {
		err = ErrCasesMany
	}
	return err
}

// needsWords tells for which kinds nothing can be answered without any.
func (o *CaseOpening) needsWords() bool { return o.Kind == Rectification || o.Kind == Complaint }

// checkItem: a field of the profile, a purpose that may be objected to, Lift.
func (o *CaseOpening) checkItem(tx *db.Tx, t *tenant.Tenant) error {
	switch {
	case o.Kind == Objection:
		p, ok, err := consent.FindPurpose(tx, t, o.Item)
		if err == nil && (!ok || !p.Basis.Objectable() && !p.SaleOrShare) {
			err = ErrCaseItem
		}
		return err
	case o.Item == "":
		return nil
	case o.Kind == Rectification:
		book, err := catalog.For(tx, t)
		if err != nil {
			return err
		}
		f, ok := book.Field(o.Item)
		theirs := actorOf(o.Actor, o.Customer).Kind == "customer" && !slices.Contains(f.Viewers, catalog.Customer)
		if !ok || !f.Stored() || theirs { // what the house keeps to itself is not there for customers
			return ErrCaseItem
		}
		return nil
	case o.Kind == Restriction && o.Item == Lift:
		return nil
	}
	return ErrCaseItem
}

// sayable reports whether a text may be kept as somebody's words.
func sayable(s string) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= mostWords && !strings.ContainsRune(s, 0)
}

// line is what is written into the history.
type line struct {
	act   string
	actor journal.Actor
	told  bool
	words string
}

// write adds a line to the history of the case as it stands now, and tells the
// journal.
func (c *Case) write(tx *db.Tx, t *tenant.Tenant, l line) error {
	actor := actorOf(l.actor, c.CustomerID)
	e := CaseEntry{
		TenantID: c.TenantID, CustomerID: c.CustomerID, CaseID: c.ID, ID: id.ID[caseEntryID](id.Next(tx.Now)), Act: l.act,
		ActorKind: actor.Kind, ActorID: actor.ID, Told: l.told, DueAt: c.DueAt, MadeAt: tx.Now,
	}
	if l.words != "" {
		sealed, err := customer.Seal(tx, t, c.CustomerID, caseField(c.ID, e.ID), []byte(l.words))
		if err != nil {
			return err
		}
		e.Sealed = sealed
	}
	if err := db.Insert(tx, "case_entry", e); err != nil {
		return err
	}
	row := e.Digest()
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c.CustomerID, Actor: actor, Class: journal.Privacy,
		Event: CaseActed{
			Case: c.ID, Entry: e.ID.String(), Kind: c.Kind, Item: c.Item, Act: e.Act, Outcome: c.Outcome, Due: c.DueAt, Row: hex.EncodeToString(row[:]),
		},
	})
}

// Digest is the digest of everything that the line says, with the words as they
// rest.
func (e *CaseEntry) Digest() [32]byte {
	number := func(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
	told := byte(0)
	if e.Told {
		told = 1
	}
	h := sha256.New()
	for _, part := range [][]byte{
		[]byte("cardea/case/1"), e.TenantID[:], e.CustomerID[:], e.CaseID[:], e.ID[:], []byte(e.Act), []byte(e.ActorKind),
		e.ActorID[:], {told}, e.Sealed, number(e.DueAt.UnixMicro()), number(e.MadeAt.UnixMicro()),
	} {
		h.Write(number(int64(len(part))))
		h.Write(part)
	}
	return [32]byte(h.Sum(nil))
}
