package customer

import (
	"encoding/base64"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

type subjectRow struct {
	tenant   tenant.ID
	customer ID
	sector   string
	sub      string
}

func (r *subjectRow) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer},
		{Column: "sector", Ptr: &r.sector}, {Column: "sub", Ptr: &r.sub},
	}
}

// Subject returns the `sub` by which an application knows a customer: random,
// drawn once per tenant, sector and customer, and never changed. Call it in an
// Update, since it may draw.
func Subject(tx *db.Tx, t *tenant.Tenant, a *app.Application, id ID) (string, error) {
	sub, ok, err := FindSubject(tx, t, a, id)
	if err != nil || ok {
		return sub, err
	}
	r := subjectRow{t.ID, id, a.Sector, base64.RawURLEncoding.EncodeToString(secret.Random(16))}
	if _, err := db.InsertNew(tx, "subject", r); err != nil {
		return "", err
	}
	sub, ok, err = FindSubject(tx, t, a, id)
	if err == nil && !ok {
		err = ErrNotFound
	}
	return sub, err
}

// FindSubject is Subject without drawing: false, if none was drawn yet.
func FindSubject(tx *db.Tx, t *tenant.Tenant, a *app.Application, id ID) (string, bool, error) {
	return db.Value[string](tx, ownSubject, t.ID, id, a.Sector)
}

// ParseSubject finds the customer behind a `sub`, in whatever sector it was
// drawn.
func ParseSubject(tx *db.Tx, t *tenant.Tenant, sub string) (ID, bool, error) {
	if len(sub) == 0 || len(sub) > 64 {
		return ID{}, false, nil
	}
	r, ok, err := db.Find[subjectRow](tx, `FROM subject WHERE tenant_id = $1 AND sub = $2`, t.ID, sub)
	return r.customer, ok, err
}

// ParseSubjectFor is ParseSubject for one application: a `sub` that was drawn
// for another sector leads nowhere.
func ParseSubjectFor(tx *db.Tx, t *tenant.Tenant, a *app.Application, sub string) (ID, bool, error) {
	if len(sub) == 0 || len(sub) > 64 {
		return ID{}, false, nil
	}
	r, ok, err := db.Find[subjectRow](tx, `FROM subject WHERE tenant_id = $1 AND sub = $2 AND sector = $3`, t.ID, sub, a.Sector)
	return r.customer, ok, err
}
