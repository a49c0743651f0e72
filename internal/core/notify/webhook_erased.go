package notify

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/id"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Told is an application that is told of an erasure, or has no endpoint for it.
type Told struct {
	Application app.ID
	Name        string
	Connected   bool // false: it was given data and has no endpoint, so somebody must tell it by hand
}

// lastPlace orders an erasure after everything that happened before it.
const lastPlace = 1 << 62

// manyDisclosures bounds how far back the record is asked who was given data.
const manyDisclosures = 10_000

// TellErased tells every application that knows the customer that they are
// erased, by the `sub` that it knows them by. Call it inside the erasing
// transaction, before anything of the customer is destroyed. What else waited
// for the customer's recipients is taken away: the erasure says it all.
func TellErased(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Told, error) {
	if _, err := tx.Exec(`DELETE FROM webhook_delivery WHERE tenant_id = $1 AND customer_id = $2`, t.ID, c); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`UPDATE webhook_acknowledgement SET state = $3, due_at = NULL WHERE tenant_id = $1 AND customer_id = $2
		AND acknowledged_at IS NULL AND state IN ('open', 'told')`, t.ID, c, Superseded); err != nil {
		return nil, err
	}
	list, err := app.List(tx, t)
	if err != nil {
		return nil, err
	}
	given, err := givenTo(tx, t, c)
	if err != nil {
		return nil, err
	}
	var out []Told
	for i := range list {
		told, known, err := tellErased(tx, t, c, &list[i], given)
		if err != nil {
			return nil, err
		}
		if known {
			out = append(out, told)
		}
	}
	return out, nil
}

func givenTo(tx *db.Tx, t *tenant.Tenant, c customer.ID) (list []app.ID, err error) {
	record, err := release.Record(tx, t, c, manyDisclosures)
	for _, e := range record {
		if e.RecipientKind == release.Application && !slices.Contains(list, app.ID(e.Recipient)) {
			list = append(list, app.ID(e.Recipient))
		}
	}
	return list, err
}

func tellErased(tx *db.Tx, t *tenant.Tenant, c customer.ID, a *app.Application, given []app.ID) (told Told, known bool, err error) {
	told = Told{Application: a.ID, Name: a.Name, Connected: a.Hears(app.CustomerErased)}
	if !told.Connected {
		if !slices.Contains(given, a.ID) {
			return told, false, nil
		}
		return told, true, db.Insert(tx, "webhook_acknowledgement", Acknowledgement{
			TenantID: t.ID, CustomerID: c, ID: id.New[webhookKind](tx.Now), ApplicationID: a.ID, Application: a.Name,
			Type: app.CustomerErased, State: Unconnected, HappenedAt: tx.Now,
		})
	}
	sub, known, err := customer.FindSubject(tx, t, a, c)
	if err != nil || !known {
		return told, false, err
	}
	if err := ring(tx, t.ID, a.ID, tx.Now); err != nil {
		return told, false, err
	}
	d := Delivery{
		TenantID: t.ID, CustomerID: c, Position: lastPlace, Type: app.CustomerErased, Subject: sub, HappenedAt: tx.Now,
	}
	if err := d.add(tx, a); err != nil {
		return told, false, err
	}
	return told, true, wake(tx, t.ID, a.ID)
}
