package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const archiveKind = "privacy.archive"

// PrivacyPath is where a customer finds the privacy centre, on the tenant's
// origin.
const PrivacyPath = "/account/privacy"

// Document is everything that is held about a customer, in the clear, between
// the transaction that opened it and the one that seals it again.
type Document struct {
	Tenant   *tenant.Tenant
	Customer customer.ID
	Locale   string
	At       time.Time
	Rooms    []Chapter
	Names    map[string]string // the tenant's own words, by "field/…", "purpose/…" and "topic/…"
	Receipts []consent.Receipt // of the decisions that have one, not yet signed
}

// Chapter is what one room tells.
type Chapter struct {
	Room     string
	Sections []Section
}

// Collect asks every room for what it holds about a customer. What is personal
// in it is opened through the gate, which writes the export down once.
func Collect(tx *db.Tx, t *tenant.Tenant, c customer.ID, rooms []Subject) (Document, error) {
	locale, err := notify.Language(tx, t, c)
	if err != nil {
		return Document{}, err
	}
	d := Document{Tenant: t, Customer: c, Locale: locale, At: tx.Now}
	for _, room := range rooms {
		if room.Export == nil {
			continue
		}
		sections, err := room.Export(tx, t, c)
		if err != nil {
			return Document{}, err
		}
		d.Rooms = append(d.Rooms, Chapter{room.Room, sections})
	}
	if err := d.name(tx); err != nil {
		return Document{}, err
	}
	return d, d.receipts(tx)
}

// name finds what the tenant calls things in the customer's language.
func (d *Document) name(tx *db.Tx) error {
	d.Names = map[string]string{}
	book, err := catalog.For(tx, d.Tenant)
	if err != nil {
		return err
	}
	for _, f := range book.Fields() {
		if w, ok := f.Words[d.Locale]; ok {
			d.Names["field/"+f.Name] = w.Label
		}
	}
	purposes, err := consent.Purposes(tx, d.Tenant)
	if err != nil {
		return err
	}
	for i := range purposes {
		w, _ := purposes[i].WordsIn(d.Locale, d.Tenant.Locale())
		d.Names["purpose/"+purposes[i].ID] = w.Title
	}
	topics, err := consent.Topics(tx, d.Tenant)
	for i := range topics {
		d.Names["topic/"+topics[i].ID] = topics[i].In(d.Locale, d.Tenant.Locale()).Title
	}
	return err
}

// receipts makes those of the ledger.
func (d *Document) receipts(tx *db.Tx) error {
	list, err := consent.Ledger(tx, d.Tenant, d.Customer)
	if err != nil {
		return err
	}
	for i := range list {
		r, err := consent.MakeReceipt(tx, d.Tenant, d.Customer, list[i].ID)
		if errors.Is(err, consent.ErrNoReceipt) {
			continue
		}
		if err != nil {
			return err
		}
		d.Receipts = append(d.Receipts, r)
	}
	return nil
}

func archiveKey(c customer.ID) string { return "archive/" + c.String() }

func enqueueArchive(tx *db.Tx, t *tenant.Tenant, a Archive) error {
	payload, err := json.Marshal(due{a.CustomerID})
	if err != nil {
		return err
	}
	_, err = journal.Enqueue(tx, journal.Job{
		Tenant: t.ID, Kind: archiveKind, Payload: payload, Key: archiveKey(a.CustomerID), ExpiresAt: a.ExpiresAt, MaxAttempts: 6,
	})
	return err
}

// bundle is what a job carries from the transaction that opened it to the one
// that seals it.
type bundle struct {
	document Document
	file     []byte
}

// owner is whose job it is. A customer who is erased by now has none any more.
func (w Wiring) owner(j *journal.Job) (*tenant.Tenant, customer.ID, error) {
	var d due
	if err := json.Unmarshal(j.Payload, &d); err != nil {
		return nil, d.Customer, err
	}
	t, ok := w.House.ByID(tenant.ID(j.Tenant))
	if !ok {
		return nil, d.Customer, journal.ErrNothing
	}
	return t, d.Customer, nil
}

// gather opens what is held, in one snapshot, and says that it is being worked
// on.
func (w Wiring) gather(tx *db.Tx, j *journal.Job) error {
	t, c, err := w.owner(j)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE archive SET state = 'making' WHERE tenant_id = $1 AND customer_id = $2 AND state IN ('asked', 'making')`, t.ID, c)
	if err != nil {
		return err
	}
	if n == 0 {
		return journal.ErrNothing
	}
	d, err := Collect(tx, t, c, w.Rooms)
	j.Carry = &bundle{document: d}
	return err
}

// pack writes the file, outside of any transaction.
func (w Wiring) pack(_ context.Context, j *journal.Job) (err error) {
	b, ok := j.Carry.(*bundle)
	if !ok {
		return fault.New(fault.Internal, "no_document", "Something went wrong on our side.")
	}
	b.file, err = w.Pack(b.document)
	return err
}

// deliver seals the file, tells the customer, and forgets what was in the clear.
func (w Wiring) deliver(tx *db.Tx, j *journal.Job, result error) error {
	t, c, err := w.owner(j)
	if err != nil || j.State == journal.Waiting {
		return ignore(err, journal.ErrNothing)
	}
	b, ok := j.Carry.(*bundle)
	if result != nil || j.State != journal.Done {
		_, err := tx.Exec(`UPDATE archive SET state = 'failed' WHERE tenant_id = $1 AND customer_id = $2 AND state <> 'ready'`, t.ID, c)
		return err
	}
	a, there, err := FindArchive(tx, t, c)
	if err != nil || !ok || len(b.file) == 0 || !there {
		return err
	}
	sealed, err := customer.Seal(tx, t, c, archiveField+a.ID.String(), b.file)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE archive SET state = 'ready', sealed = $4, size = $5, ready_at = $6
		WHERE tenant_id = $1 AND customer_id = $2 AND id = $3 AND state = 'making'`, t.ID, c, a.ID, []byte(sealed), len(b.file), tx.Now)
	if err != nil || n == 0 {
		return err
	}
	if err := EndItself(tx, t, c, Access, Done); err != nil {
		return err
	}
	return announce(tx, t, a)
}

func ignore(err, which error) error {
	if err == which {
		return nil
	}
	return err
}

// announce writes to the customer's verified main address that the archive is
// ready. The link leads to the page, which asks for a fresh sign-in; nothing in
// the message opens anything.
func announce(tx *db.Tx, t *tenant.Tenant, a Archive) error {
	list, err := release.Identifiers(tx, t, release.Ask{Customer: a.CustomerID, Recipient: release.Recipient{Kind: release.Message}, Purpose: "service"})
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Kind != customer.Email || !i.Primary || !i.Verified() {
			continue
		}
		return notify.Send(tx, t, notify.Draft{
			Template: notify.ArchiveReady, Channel: notify.Email, Customer: a.CustomerID, Target: i.Digest,
			Values: map[string]string{"link": t.Origin + PrivacyPath, "date": a.ExpiresAt.Format(time.RFC3339)},
		})
	}
	return nil
}
