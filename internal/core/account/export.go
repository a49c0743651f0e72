package account

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// mostRows is how many rows of a kind an archive holds at most.
const mostRows = 10_000

// ExportReason is what stands in the record of disclosures for an archive.
const ExportReason = "access request"

// exportCustomer tells the profile, the identifiers and what applications know
// the customer by. The one disclosure that is written down is made here, with
// every field of the catalogue that customers may see.
func exportCustomer(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	account, err := exportAccount(tx, t, c)
	if err != nil {
		return nil, err
	}
	profile, err := exportProfile(tx, t, c)
	if err != nil {
		return nil, err
	}
	identifiers, err := exportIdentifiers(tx, t, c)
	if err != nil {
		return nil, err
	}
	subjects, err := told[subjectRow](tx, "subjects", []string{"sector", "subject"},
		`FROM subject WHERE tenant_id = $1 AND customer_id = $2 ORDER BY sector`, t, c)
	if err != nil {
		return nil, err
	}
	searched, err := exportSearchWords(tx, t, c)
	return []privacy.Section{account, profile, identifiers, subjects, searched}, err
}

// exportSearchWords tells the words of the profile that rest readable, of fields
// that the catalogue shows to customers.
func exportSearchWords(tx *db.Tx, t *tenant.Tenant, c customer.ID) (privacy.Section, error) {
	s := privacy.Section{Name: "search_words", Columns: []string{"field", "word"}}
	book, err := catalog.For(tx, t)
	if err != nil {
		return s, err
	}
	list, err := customer.OpenWords(tx, t, c)
	for _, w := range list {
		if f, ok := book.Field(w.Field); ok && slices.Contains(f.Viewers, catalog.Customer) {
			s.Rows = append(s.Rows, []any{w.Field, w.Word})
		}
	}
	return s, err
}

func exportAccount(tx *db.Tx, t *tenant.Tenant, c customer.ID) (privacy.Section, error) {
	now, err := customer.Get(tx, t, c)
	return privacy.Section{
		Name:    "account",
		Columns: []string{"id", "state", "since", "changed", "last_seen", "closes"},
		Rows:    [][]any{{c.String(), string(now.State), now.CreatedAt, now.ChangedAt, when(now.LastSeenAt), when(now.CloseAt)}},
	}, err
}

// exportProfile opens every field through the gate. Fields that the catalogue
// does not show to customers are named with the reason, without their value.
func exportProfile(tx *db.Tx, t *tenant.Tenant, c customer.ID) (privacy.Section, error) {
	s := privacy.Section{Name: "profile", Columns: []string{"field", "value", "source", "set", "purposes", "withheld"}}
	book, err := catalog.For(tx, t)
	if err != nil {
		return s, err
	}
	ask := release.Ask{Customer: c, Recipient: release.Recipient{Kind: release.Export}, Purpose: catalog.PurposePrivacy, Reason: ExportReason}
	for _, f := range book.Fields() {
		ask.Fields = append(ask.Fields, f.Name)
	}
	d, err := release.Disclose(tx, t, ask)
	if err != nil {
		return s, err
	}
	kept, err := customer.Profile(tx, t, c)
	if err != nil {
		return s, err
	}
	stored := map[string]customer.FieldValue{}
	for _, v := range kept {
		stored[v.Name] = v
	}
	for _, f := range book.Fields() {
		value, shown := d.Values[f.Name]
		row, there := stored[f.Name]
		if !shown && !there {
			continue
		}
		s.Rows = append(s.Rows, []any{f.Name, text(value.Text), text(row.Source), when(row.SetAt), f.Purposes, text(d.Withheld[f.Name])})
	}
	return s, nil
}

func exportIdentifiers(tx *db.Tx, t *tenant.Tenant, c customer.ID) (privacy.Section, error) {
	s := privacy.Section{Name: "identifiers", Columns: []string{"kind", "value", "main", "verified", "since"}}
	list, err := release.Identifiers(tx, t, release.Ask{Customer: c, Recipient: release.Recipient{Kind: release.Self, ID: c}})
	for _, i := range list {
		s.Rows = append(s.Rows, []any{i.Kind, i.Value, i.Primary, when(i.VerifiedAt), i.CreatedAt})
	}
	return s, err
}

// exportDisclosures tells who got what. Staff are told as staff: their names
// are personal data of their own.
func exportDisclosures(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s := privacy.Section{Name: "disclosures", Columns: []string{"recipient_kind", "recipient", "country", "purpose", "fields", "reason", "times", "first", "last"}}
	list, err := release.Record(tx, t, c, mostRows)
	if err != nil {
		return nil, err
	}
	names, err := applications(tx, t)
	for _, e := range list {
		s.Rows = append(s.Rows, []any{
			e.RecipientKind, text(names[app.ID(e.Recipient)]), text(e.Country), e.Purpose, strings.Fields(e.Names), text(e.Reason), e.Times, e.FirstAt, e.LastAt,
		})
	}
	s.Cut = len(list) == mostRows
	return []privacy.Section{s}, err
}

func exportMessages(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s := privacy.Section{Name: "messages", Columns: []string{"template", "channel", "state", "reason", "drafted", "changed"}}
	list, err := notify.List(tx, t, c, mostRows)
	for _, m := range list {
		s.Rows = append(s.Rows, []any{string(m.Template), string(m.Channel), string(m.State), text(m.Reason), m.CreatedAt, m.ChangedAt})
	}
	s.Cut = len(list) == mostRows
	return []privacy.Section{s}, err
}

// exportJournal tells what happened, when and by whose hand, without the
// payloads: what they say stands in the other sections, and the words of staff
// may hold what is somebody else's.
func exportJournal(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]privacy.Section, error) {
	s := privacy.Section{Name: "events", Columns: []string{"event", "by", "application", "at"}}
	names, err := applications(tx, t)
	if err != nil {
		return nil, err
	}
	var after [16]byte
	for len(s.Rows) < mostRows {
		list, err := journal.List(tx, t.ID, c, after, 500)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			s.Rows = append(s.Rows, []any{e.Name, text(e.Actor.Kind), text(names[app.ID(e.Application)]), e.At})
			after = e.ID
		}
		if len(list) < 500 {
			return []privacy.Section{s}, nil
		}
	}
	s.Cut = true
	return []privacy.Section{s}, nil
}

// applications are the names of the tenant's applications.
func applications(tx *db.Tx, t *tenant.Tenant) (map[app.ID]string, error) {
	list, err := app.List(tx, t)
	out := map[app.ID]string{}
	for i := range list {
		out[list[i].ID] = list[i].Name
	}
	return out, err
}

// teller is a row that tells itself.
type teller[T any] interface {
	*T
	db.Row
	tell() []any
}

// told reads rows that are told as they are.
func told[T any, P teller[T]](tx *db.Tx, name string, columns []string, from string, t *tenant.Tenant, c customer.ID) (privacy.Section, error) {
	list, err := db.All[T, P](tx, from, t.ID, c)
	s := privacy.Section{Name: name, Columns: columns}
	for i := range list {
		s.Rows = append(s.Rows, P(&list[i]).tell())
	}
	return s, err
}

// at is an instant, or nothing.
func when(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at
}

// text is a word, or nothing.
func text(word string) any {
	if word == "" {
		return nil
	}
	return word
}

// opened gathers what rests sealed, so that all of it is opened at the cost of
// one.
type opened struct {
	items []customer.Item
	read  []func([]byte)
}

func (o *opened) add(field string, sealed customer.Sealed, read func([]byte)) {
	if len(sealed) > 0 {
		o.items, o.read = append(o.items, customer.Item{Field: field, Sealed: sealed}), append(o.read, read)
	}
}

// into has what is opened stand in a cell of a row.
func (o *opened) into(cell *any, field string, sealed customer.Sealed) {
	o.add(field, sealed, func(b []byte) { *cell = string(b) })
}

func (o *opened) open(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	for len(o.items) > 0 {
		n := min(len(o.items), 1000)
		plain, err := release.OpenAll(tx, t, release.Recipient{Kind: release.Self, ID: c}, c, o.items[:n]...)
		if err != nil {
			return err
		}
		for i := range plain {
			o.read[i](plain[i])
		}
		o.items, o.read = o.items[n:], slices.Delete(o.read, 0, n)
	}
	return nil
}
