package customer

import (
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// FieldValue is a profile value as it rests.
type FieldValue struct {
	TenantID   tenant.ID
	CustomerID ID
	Name       string
	Version    int64
	Sealed     Sealed
	Source     string
	SetAt      time.Time
}

// Fields names the columns.
func (f *FieldValue) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &f.TenantID}, {Column: "customer_id", Ptr: &f.CustomerID}, {Column: "name", Ptr: &f.Name},
		{Column: "version", Ptr: &f.Version}, {Column: "sealed", Ptr: &f.Sealed}, {Column: "source", Ptr: &f.Source},
		{Column: "set_at", Ptr: &f.SetAt},
	}
}

// Item is the sealed value with what it is bound to.
func (f *FieldValue) Item() Item {
	return Item{Field: "field/" + f.Name, Version: f.Version, Sealed: f.Sealed}
}

// ProfileChanged is told when a profile field is set or cleared.
type ProfileChanged struct {
	Field   string `json:"field"`
	Source  string `json:"source"`
	Cleared bool   `json:"cleared,omitempty"`
}

// EventName names the event.
func (ProfileChanged) EventName() string { return "customer.profile_changed" }

// Trusted sources may set every stored field: an import, the house itself, and
// a rectification that staff decided (GDPR Art. 16), whoever may edit the field
// otherwise.
const (
	SourceImport = "import"
	SourceHouse  = "house"
	SourceCase   = "staff:case"
)

// SetField sets a profile field to the one spelling of value. Source says who
// tells it ("customer", "staff:support", "application", "import", "house") and
// must be an editor of the field. "" clears it. Faults, each At the field:
// field_unknown, field_read_only, those of catalog.Check; customer_erased.
func SetField(tx *db.Tx, t *tenant.Tenant, id ID, name, value, source string) error {
	f, err := editable(tx, t, name, source)
	if err != nil {
		return err
	}
	if strings.TrimSpace(value) == "" {
		return ClearField(tx, t, id, name, source)
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	if value, err = c.Check(name, value); err != nil {
		return err
	}
	key, err := dataKey(tx, t, id)
	if err != nil {
		return err
	}
	old, _, err := db.Find[FieldValue](tx, `FROM customer_field WHERE tenant_id = $1 AND customer_id = $2 AND name = $3`, t.ID, id, name)
	if err != nil {
		return err
	}
	now := FieldValue{TenantID: t.ID, CustomerID: id, Name: name, Version: old.Version + 1, Source: source, SetAt: tx.Now}
	now.Sealed = key.Seal([]byte(value), sealContext(t.ID, id, now.Item().Field, now.Version))
	if _, err := tx.Exec(`INSERT INTO customer_field (tenant_id, customer_id, name, version, sealed, source, set_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, customer_id, name)
		DO UPDATE SET version = excluded.version, sealed = excluded.sealed, source = excluded.source, set_at = excluded.set_at`,
		t.ID, id, name, now.Version, now.Sealed, source, tx.Now); err != nil {
		return err
	}
	return profileChanged(tx, t, id, f, ProfileChanged{Field: name, Source: source})
}

// ClearField takes a profile value away. One that is not there is fine. Faults
// as SetField.
func ClearField(tx *db.Tx, t *tenant.Tenant, id ID, name, source string) error {
	f, err := editable(tx, t, name, source)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`DELETE FROM customer_field WHERE tenant_id = $1 AND customer_id = $2 AND name = $3`, t.ID, id, name)
	if err != nil || n == 0 {
		return err
	}
	return profileChanged(tx, t, id, f, ProfileChanged{Field: name, Source: source, Cleared: true})
}

// editable finds a stored field that the source may set. Identifiers and
// derived fields, "verified" flags above all, are never among them.
func editable(tx *db.Tx, t *tenant.Tenant, name, source string) (catalog.Field, error) {
	c, err := catalog.For(tx, t)
	if err != nil {
		return catalog.Field{}, err
	}
	f, ok := c.Field(name)
	if !ok {
		return catalog.Field{}, catalog.ErrUnknownField.At(name)
	}
	if !f.Stored() {
		return catalog.Field{}, catalog.ErrReadOnly.At(name)
	}
	if source == SourceImport || source == SourceHouse || source == SourceCase {
		return f, nil
	}
	for _, editor := range f.Editors {
		if editor == source {
			return f, nil
		}
	}
	return catalog.Field{}, catalog.ErrReadOnly.At(name)
}

func profileChanged(tx *db.Tx, t *tenant.Tenant, id ID, f catalog.Field, e ProfileChanged) error {
	n, err := tx.Exec(`UPDATE customer SET changed_at = $3 WHERE tenant_id = $1 AND id = $2 AND state <> 'erased'`, t.ID, id, tx.Now)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	if f.Search.Indexed() {
		if err := reindex(tx, t, id); err != nil {
			return err
		}
	}
	return note(tx, t, id, e, journal.Profile)
}

// Profile lists a customer's profile values, sealed, by name.
func Profile(tx *db.Tx, t *tenant.Tenant, id ID) ([]FieldValue, error) {
	return db.All[FieldValue](tx, wholeProfile, t.ID, id)
}
