package customer

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Span is a run of customers in the order of their ids: those after After, up
// to and with Last.
type Span struct{ After, Last [16]byte }

// Walk lists customers after an id, in order of ids and in any state.
func Walk(tx *db.Tx, t *tenant.Tenant, after ID, limit int) ([]Customer, error) {
	return db.All[Customer](tx, `FROM customer WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3`, t.ID, [16]byte(after), limit)
}

// Dated is that a profile value is there and since when, without the value.
type Dated struct {
	CustomerID ID
	Name       string
	Version    int64
	Source     string
	SetAt      time.Time
}

// Fields names the columns.
func (d *Dated) Fields() []db.Field {
	return []db.Field{
		{Column: "customer_id", Ptr: &d.CustomerID}, {Column: "name", Ptr: &d.Name}, {Column: "version", Ptr: &d.Version},
		{Column: "source", Ptr: &d.Source}, {Column: "set_at", Ptr: &d.SetAt},
	}
}

// DatedIn lists the profile values of a span of customers, by customer and name.
func DatedIn(tx *db.Tx, t *tenant.Tenant, s Span) ([]Dated, error) {
	return db.All[Dated](tx, `FROM customer_field WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		ORDER BY customer_id, name`, t.ID, s.After, s.Last)
}

// FieldNames are the names of the profile values that a customer has.
func FieldNames(tx *db.Tx, t *tenant.Tenant, c ID) ([]string, error) {
	list, err := db.All[Dated](tx, `FROM customer_field WHERE tenant_id = $1 AND customer_id = $2 ORDER BY name`, t.ID, c)
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.Name
	}
	return out, err
}

// Aged is how many of a customer's rows of a kind are older than an instant:
// since when the oldest was there, and when the oldest of the others was made.
type Aged struct {
	CustomerID ID
	Due        int64
	Oldest     time.Time
	Next       time.Time
}

// Fields names the columns.
func (a *Aged) Fields() []db.Field {
	return []db.Field{
		{Column: "customer_id", Ptr: &a.CustomerID}, {Column: "due", Ptr: &a.Due},
		{Column: "oldest", Ptr: &a.Oldest}, {Column: "next", Ptr: &a.Next},
	}
}

// FieldExpired is told when a profile value is taken away because its time is
// over: by which rule, who had told it and when.
type FieldExpired struct {
	Field  string    `json:"field"`
	Rule   string    `json:"rule"`
	Source string    `json:"source"`
	SetAt  time.Time `json:"set_at"`
}

// EventName names the event.
func (FieldExpired) EventName() string { return "customer.field_expired" }

// ExpireField takes away a profile value as it was seen, with what it is found
// by, and tells whether it did. One that was set anew meanwhile stays.
func ExpireField(tx *db.Tx, t *tenant.Tenant, d Dated, rule string) (bool, error) {
	n, err := tx.Exec(`DELETE FROM customer_field WHERE tenant_id = $1 AND customer_id = $2 AND name = $3 AND version = $4`,
		t.ID, d.CustomerID, d.Name, d.Version)
	if err != nil || n == 0 {
		return false, err
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return false, err
	}
	if f, ok := c.Field(d.Name); !ok || f.Search.Indexed() {
		if err := reindex(tx, t, d.CustomerID); err != nil {
			return false, err
		}
	}
	if _, err := tx.Exec(`UPDATE customer SET changed_at = $3 WHERE tenant_id = $1 AND id = $2 AND state <> 'erased'`,
		t.ID, d.CustomerID, tx.Now); err != nil {
		return false, err
	}
	return true, note(tx, t, d.CustomerID, FieldExpired{d.Name, rule, d.Source, d.SetAt.UTC()}, journal.Privacy)
}

// Seen notes a use of the account that happened without Touch, if it is later
// than what is known.
func Seen(tx *db.Tx, t *tenant.Tenant, id ID, at time.Time) error {
	_, err := tx.Exec(`UPDATE customer SET last_seen_at = $3
		WHERE tenant_id = $1 AND id = $2 AND (last_seen_at IS NULL OR last_seen_at < $3)`, t.ID, id, at)
	return err
}
