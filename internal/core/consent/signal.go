package consent

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// SurfaceGPC is the surface of what a browser decided by Global Privacy Control.
const SurfaceGPC = "gpc"

// Unheard lists the purposes of sale or sharing that a Global Privacy Control
// signal of the customer has yet to object to (W3C Global Privacy Control,
// section 3). What the customer allowed by hand after the signal had been
// heard stays allowed: the wish that was said in so many words counts more than
// the one that every request carries.
func Unheard(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]Purpose, error) {
	list, err := Purposes(tx, t)
	if err != nil {
		return nil, err
	}
	var out []Purpose
	for _, p := range list {
		if !p.SaleOrShare {
			continue
		}
		s, _, err := Holds(tx, t, c, p.ID, [16]byte{})
		if err != nil {
			return nil, err
		}
		if s.Decision == Objected {
			continue
		}
		if heard, err := overruled(tx, t, c, p.ID, s); err != nil {
			return nil, err
		} else if !heard {
			out = append(out, p)
		}
	}
	return out, nil
}

// overruled reports whether the customer allowed a purpose after the signal had
// objected to it.
func overruled(tx *db.Tx, t *tenant.Tenant, c customer.ID, purpose string, s State) (bool, error) {
	if !s.Given() {
		return false, nil
	}
	n, _, err := db.Value[int64](tx, `SELECT count(*) FROM consent WHERE tenant_id = $1 AND customer_id = $2
		AND purpose = 'purpose' AND item = $3 AND surface = 'gpc'`, t.ID, c, purpose)
	return n > 0, err
}

// Heed objects, in the customer's name, to what Unheard lists, and tells to how
// many. ch brings who, the language and the evidence.
func Heed(tx *db.Tx, t *tenant.Tenant, ch Choice) (int, error) {
	list, err := Unheard(tx, t, ch.Customer)
	if err != nil {
		return 0, err
	}
	for _, p := range list {
		ch.Purpose, ch.Version, ch.Decision = p.ID, p.Version, Objected
		ch.Surface, ch.Method = SurfaceGPC, "header"
		if _, err := Decide(tx, t, ch); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}
