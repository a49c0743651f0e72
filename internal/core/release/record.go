package release

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Entry is a line of the record: who got which fields, for which purpose.
type Entry struct {
	TenantID      tenant.ID
	CustomerID    customer.ID
	RecipientKind string
	Recipient     [16]byte
	Purpose       string
	FieldsDigest  [32]byte
	Day           int64    // days since 1970, UTC
	Entry         [16]byte // zero for a day's line, random for one of its own
	Names         string   // the fields, separated by spaces
	Country       string   // an application's, as it was known then; "" if it was not
	Reason        string
	Times         int64
	FirstAt       time.Time
	LastAt        time.Time
}

// Fields names the columns.
func (e *Entry) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &e.TenantID}, {Column: "customer_id", Ptr: &e.CustomerID},
		{Column: "recipient_kind", Ptr: &e.RecipientKind}, {Column: "recipient", Ptr: &e.Recipient},
		{Column: "purpose", Ptr: &e.Purpose}, {Column: "fields_digest", Ptr: &e.FieldsDigest}, {Column: "day", Ptr: &e.Day},
		{Column: "entry", Ptr: &e.Entry}, {Column: "fields", Ptr: &e.Names}, {Column: "reason", Ptr: &e.Reason}, {Column: "country", Ptr: &e.Country},
		{Column: "times", Ptr: &e.Times}, {Column: "first_at", Ptr: &e.FirstAt}, {Column: "last_at", Ptr: &e.LastAt},
	}
}

// Disclosed is told when a person, or an export, gets to see a customer's data.
type Disclosed struct {
	Recipient string          `json:"recipient"`
	Purpose   string          `json:"purpose"`
	Fields    []string        `json:"fields"`
	Reason    customer.Sealed `json:"reason"` // Seal(customer.EventField)
	Row       string          `json:"row"`    // Entry.Digest of the line, in hexadecimal
}

// EventName names the event.
func (Disclosed) EventName() string { return "customer.disclosed" }

const maxReason = 500

// record writes a release down before anything is opened, if it is of a kind
// that is written down.
func (p *party) record(tx *db.Tx, t *tenant.Tenant, a *Ask, list []line) error {
	switch {
	case p.recordsDaily():
		return daily(tx, p.entries(tx, t, a, list), a.Counter)
	case p.recordsEach():
		return each(tx, t, a, p.entries(tx, t, a, list), list)
	}
	return nil
}

func (p *party) entries(tx *db.Tx, t *tenant.Tenant, a *Ask, list []line) []Entry {
	country := ""
	if p.app != nil {
		country = p.app.Settings.Country
	}
	out := make([]Entry, len(list))
	for i, l := range list {
		names := strings.Join(l.fields, " ")
		out[i] = Entry{
			TenantID: t.ID, CustomerID: a.Customer, RecipientKind: p.kind, Recipient: a.Recipient.ID, Purpose: l.purpose,
			FieldsDigest: secret.Digest([]byte(names)), Day: tx.Now.Unix() / daySeconds, Names: names, Times: 1,
			FirstAt: tx.Now, LastAt: tx.Now, Entry: a.Occasion, Country: country,
		}
	}
	return out
}

// each writes a line of its own for everything that a person sees.
func each(tx *db.Tx, t *tenant.Tenant, a *Ask, list []Entry, of []line) error {
	reason := strings.TrimSpace(a.Reason)
	if reason == "" || !tenant.ShortText(reason, maxReason) {
		return ErrReason.At("reason")
	}
	if !tx.Writable() {
		return ErrUnrecorded
	}
	for i := range list {
		list[i].Reason, list[i].Entry = reason, [16]byte(secret.Random(16))
		if err := list[i].tell(tx, t, of[i].fields); err != nil {
			return err
		}
	}
	return db.Insert(tx, "disclosure", list...)
}

// onDay are the lines of one customer and recipient on one day, by the index
// that leads with the recipient.
const onDay = `FROM disclosure WHERE tenant_id = $1 AND recipient_kind = $2 AND recipient = $3
	AND customer_id = $4 AND day = $5 AND entry = $6`

// begun is what tells the lines of a day apart.
type begun struct {
	purpose string
	digest  [32]byte
}

// Fields names the columns.
func (b *begun) Fields() []db.Field {
	return []db.Field{{Column: "purpose", Ptr: &b.purpose}, {Column: "fields_digest", Ptr: &b.digest}}
}

// Asking is what Disclose asks of the record before it opens something for an
// application, for db.Tx.Foresee.
func Asking(t *tenant.Tenant, id customer.ID, a *app.Application, now time.Time) db.Question {
	return db.Asking[begun](onDay, t.ID, Application, [16]byte(a.ID), id, now.Unix()/daySeconds, [16]byte{})
}

// daily finds today's lines, or begins them. Repeats are counted in memory, once
// all that goes is written down.
func daily(tx *db.Tx, list []Entry, c *Counter) error {
	all, err := db.All[begun](tx, onDay, list[0].TenantID, list[0].RecipientKind, list[0].Recipient, list[0].CustomerID, list[0].Day, list[0].Entry)
	if err != nil {
		return err
	}
	var fresh []Entry
	for i := range list {
		there := slices.Contains(all, begun{list[i].Purpose, list[i].FieldsDigest})
		switch {
		case there && list[i].Entry != [16]byte{}:
			if err := list[i].again(tx); err != nil {
				return err
			}
			continue
		case there:
			tx.After(func() { c.count(list[i]) })
			continue
		case !tx.Writable():
			return ErrUnrecorded
		}
		first, err := db.InsertNew(tx, "disclosure", list[i])
		if err != nil {
			return err
		}
		if first {
			fresh = append(fresh, list[i])
		}
	}
	return bind(tx, fresh)
}

// again counts one more attempt of a webhook.
func (e *Entry) again(tx *db.Tx) error {
	_, err := tx.Exec(`UPDATE disclosure SET times = times + 1, last_at = $9 WHERE tenant_id = $1 AND customer_id = $2
		AND recipient_kind = $3 AND recipient = $4 AND purpose = $5 AND fields_digest = $6 AND day = $7 AND entry = $8`,
		append(e.key(), tx.Now)...)
	return err
}

func (e *Entry) key() []any {
	return []any{e.TenantID, e.CustomerID, e.RecipientKind, e.Recipient, e.Purpose, e.FieldsDigest, e.Day, e.Entry}
}

func (e *Entry) tell(tx *db.Tx, t *tenant.Tenant, fields []string) error {
	reason, err := customer.Seal(tx, t, e.CustomerID, customer.EventField, []byte(e.Reason))
	if err != nil {
		return err
	}
	actor := journal.Actor{Kind: e.RecipientKind, ID: e.Recipient}
	if e.RecipientKind == Export {
		actor = journal.Actor{Kind: "system"}
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: e.CustomerID, Actor: actor, Class: journal.Staff,
		Event: Disclosed{Recipient: e.RecipientKind, Purpose: e.Purpose, Fields: fields, Reason: reason, Row: e.row()},
	})
}

// Record lists what was released of a customer, the latest first, at most limit
// lines.
func Record(tx *db.Tx, t *tenant.Tenant, id customer.ID, limit int) ([]Entry, error) {
	return db.All[Entry](tx, `FROM disclosure WHERE tenant_id = $1 AND customer_id = $2
		ORDER BY last_at DESC, recipient_kind, recipient, purpose, fields_digest, day, entry LIMIT $3`, t.ID, id, limit)
}

// GivenTo are those of the fields that stand in the record as given to an
// application, sorted: whatever may go to it now.
func GivenTo(tx *db.Tx, t *tenant.Tenant, id customer.ID, a app.ID, fields []string) (out []string, err error) {
	list, err := db.All[givenLine](tx, `FROM disclosure WHERE tenant_id = $1 AND recipient_kind = $2 AND recipient = $3 AND customer_id = $4
		ORDER BY fields`, t.ID, Application, [16]byte(a), id)
	for _, l := range list {
		for _, name := range strings.Fields(l.names) {
			if slices.Contains(fields, name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out, err
}

type givenLine struct{ names string }

// Fields names the columns.
func (g *givenLine) Fields() []db.Field { return []db.Field{{Column: "fields", Ptr: &g.names}} }
