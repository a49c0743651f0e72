package consent

import (
	"encoding/json"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Restriction is the kind of an entry by which a customer's data rests (GDPR
// Article 18): given means restricted, withdrawn that this was lifted. There is
// one item.
const Restriction = "restriction"

const processing = "processing"

// WhyRestricted is why a purpose that holds lets nothing go: the customer had
// its use restricted.
const WhyRestricted = "restricted"

// Restrict has a customer's data rest: the gate lets it go for purposes by
// consent, legal obligation and vital interests, and to applications with what a
// sign-in of the customer gave them; no webhook carries it for the account, and
// staff see it for the purpose "privacy" alone. as brings
// who, where and by whom; what it says of a purpose and a decision is not looked
// at. Once more writes nothing.
func Restrict(tx *db.Tx, t *tenant.Tenant, as Choice) error { return restrict(tx, t, as, true) }

// Lift ends a restriction. Where there is none it writes nothing.
func Lift(tx *db.Tx, t *tenant.Tenant, as Choice) error { return restrict(tx, t, as, false) }

func restrict(tx *db.Tx, t *tenant.Tenant, as Choice, wanted bool) error {
	stands, _, err := Restricted(tx, t, as.Customer)
	if err != nil || stands == wanted {
		return err
	}
	d := Decision{
		Customer: as.Customer, Purpose: Restriction, Item: processing, Given: wanted, Locale: as.Locale,
		Surface: as.Surface, Method: as.Method, Actor: as.Actor,
	}
	if as.Network != "" || as.Agent != "" {
		plain, err := json.Marshal(map[string]string{"network": as.Network, "agent": as.Agent})
		if err != nil {
			return err
		}
		if d.Evidence, err = customer.Seal(tx, t, as.Customer, evidence, plain); err != nil {
			return err
		}
	}
	return Record(tx, t, d)
}

// Restricted tells whether the use of a customer's data is restricted, and since
// when.
func Restricted(tx *db.Tx, t *tenant.Tenant, c customer.ID) (bool, time.Time, error) {
	s, _, err := db.Find[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose = 'restriction' AND recipient = $3 AND item = 'processing'`, t.ID, c, [16]byte{})
	return s.Given(), s.MadeAt, err
}
