package customer

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// What this room asks about one customer, over and over.
const (
	whole          = `FROM customer WHERE tenant_id = $1 AND id = $2`
	allIdentifiers = `FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2`
	itsState       = `SELECT state FROM customer WHERE tenant_id = $1 AND id = $2`
	primaries      = `FROM customer_identifier WHERE tenant_id = $1 AND customer_id = $2 AND is_primary`
	wholeProfile   = `FROM customer_field WHERE tenant_id = $1 AND customer_id = $2 ORDER BY name`
	ownKey         = `FROM customer_key WHERE tenant_id = $1 AND customer_id = $2`
	ownSubject     = `SELECT sub FROM subject WHERE tenant_id = $1 AND customer_id = $2 AND sector = $3`
)

// Asking is the question of Get, for db.Tx.Foresee.
func Asking(t *tenant.Tenant, id ID) db.Question { return db.Asking[Customer](whole, t.ID, id) }

// Foresee asks for a customer and their identifiers at once.
func Foresee(tx *db.Tx, t *tenant.Tenant, id ID) error {
	return tx.Foresee(Asking(t, id), AskingIdentifiers(t, id))
}

// AskingIdentifiers is the question of Identifiers, for db.Tx.Foresee.
func AskingIdentifiers(t *tenant.Tenant, id ID) db.Question {
	return db.Asking[Identifier](allIdentifiers, t.ID, id)
}

// AskingState is the question of StateOf, for db.Tx.Foresee.
func AskingState(t *tenant.Tenant, id ID) db.Question {
	return db.AskingValue[State](itsState, t.ID, id)
}

// AskingPrimaries is the question of Primaries, for db.Tx.Foresee.
func AskingPrimaries(t *tenant.Tenant, id ID) db.Question {
	return db.Asking[Primary](primaries, t.ID, id)
}

// AskingProfile is the question of Profile, for db.Tx.Foresee.
func AskingProfile(t *tenant.Tenant, id ID) db.Question {
	return db.Asking[FieldValue](wholeProfile, t.ID, id)
}

// AskingKey is the question of Seal and Unseal, for db.Tx.Foresee. The key comes
// wrapped, and opens nothing until Unseal unwraps it.
func AskingKey(t *tenant.Tenant, id ID) db.Question { return db.Asking[wrappedKey](ownKey, t.ID, id) }

// AskingSubject is the question of Subject and FindSubject, for db.Tx.Foresee.
func AskingSubject(t *tenant.Tenant, a *app.Application, id ID) db.Question {
	return db.AskingValue[string](ownSubject, t.ID, id, a.Sector)
}
