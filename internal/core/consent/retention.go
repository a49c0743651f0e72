package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// StandingsIn reads where a span of customers stand, as StandingOf without an
// application. Who never decided anything is not among them.
func StandingsIn(tx *db.Tx, t *tenant.Tenant, s customer.Span) (map[customer.ID]*Standing, error) {
	list, err := db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		AND purpose IN ('purpose', 'restriction') AND recipient = $4`, t.ID, s.After, s.Last, [16]byte{})
	out := map[customer.ID]*Standing{}
	for _, one := range list {
		st := out[one.CustomerID]
		if st == nil {
			st = &Standing{purposes: map[string]State{}, scopes: map[string]State{}}
			out[one.CustomerID] = st
		}
		if one.Purpose == Restriction {
			st.Restricted = one.Given()
			continue
		}
		st.purposes[one.Item] = one
	}
	return out, err
}

// Ends tells of purposes, retired ones too, when they end for a customer.
type Ends struct {
	inForce map[string]Purpose
	retired map[string]ending
}

type ending struct {
	purpose Purpose
	at      time.Time
}

// EndsOf reads the tenant's purposes for Ends.
func EndsOf(tx *db.Tx, t *tenant.Tenant) (*Ends, error) {
	list, err := Purposes(tx, t)
	if err != nil {
		return nil, err
	}
	e := &Ends{inForce: map[string]Purpose{}, retired: map[string]ending{}}
	for _, p := range list {
		e.inForce[p.ID] = p
	}
	rows, err := db.All[purposeRow](tx, `FROM purpose WHERE tenant_id = $1 AND retired_at IS NOT NULL ORDER BY id, version`, t.ID)
	for _, r := range rows {
		if _, on := e.inForce[r.id]; !on {
			e.retired[r.id] = ending{r.definition, r.retiredAt}
		}
	}
	return e, err
}

// Over tells whether a purpose is over for a customer, since when (zero: it
// never began), and how long its data is kept from then on (zero: the purpose
// does not say). A purpose that nobody published is not over: nothing is known
// of it.
func (e *Ends) Over(purpose string, s *Standing, now time.Time) (since time.Time, keep time.Duration, over bool) {
	if r, ok := e.retired[purpose]; ok {
		return r.at, time.Duration(r.purpose.Retention), true
	}
	p, ok := e.inForce[purpose]
	if !ok {
		return time.Time{}, 0, false
	}
	state := State{}
	if s != nil {
		state = s.purposes[purpose]
	}
	keep = time.Duration(p.Retention)
	switch state.why(now, &p) {
	case WhyNever:
		return time.Time{}, keep, true
	case WhyWithdrawn, WhyObjected:
		return state.MadeAt, keep, true
	case WhyExpired:
		if state.Decision == Given {
			return state.ExpiresAt, keep, true
		}
		return state.MadeAt, keep, true
	case WhyOlder:
		return p.AskedAt, keep, true
	}
	return time.Time{}, 0, false
}
