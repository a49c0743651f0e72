package consent

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Standing is where a customer stands on everything that a release may rest on:
// purposes, what one application may have, and whether processing is restricted.
type Standing struct {
	Restricted bool // GDPR Article 18
	purposes   map[string]State
	scopes     map[string]State
}

// StandingOf reads where the customer stands, and on the scopes of one
// application; a zero recipient has none. It costs one read of an index.
func StandingOf(tx *db.Tx, t *tenant.Tenant, c customer.ID, recipient app.ID) (*Standing, error) {
	list, err := db.All[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose IN ('purpose', 'restriction', 'scope') AND recipient IN ($3, $4)`, t.ID, c, [16]byte{}, [16]byte(recipient))
	if err != nil {
		return nil, err
	}
	s := &Standing{purposes: map[string]State{}, scopes: map[string]State{}}
	for _, one := range list {
		switch one.Purpose {
		case ForPurpose:
			s.purposes[one.Item] = one
		case Restriction:
			s.Restricted = one.Given()
		case Scope:
			s.scopes[one.Item] = one
		}
	}
	return s, nil
}

// Holds tells whether the customer's data may be used for a purpose now, and why
// or why not; it is Holds without a recipient, and pure. A restriction is not
// looked at: see Restricts.
func (s *Standing) Holds(p *Purpose, now time.Time) (why string, ok bool) {
	state := s.purposes[p.ID]
	why = state.why(now, p)
	return why, why == WhyBasis || why == WhyGiven
}

// Scope tells whether the customer lets the application have a scope, and why
// or why not.
func (s *Standing) Scope(name string, now time.Time) (why string, ok bool) {
	state := s.scopes[name]
	why = state.whyConsent(now, &Purpose{})
	return why, why == WhyGiven
}

// Rests reports whether a purpose is nobody's choice and no restriction stops
// it, so that where a customer stands need not be read. signedIn: what asks was
// given to the application by a sign-in of the customer.
func (p *Purpose) Rests(signedIn bool) bool {
	if p.ID == catalog.PurposeAccount {
		return signedIn
	}
	return p.Basis == ByLegalObligation || p.Basis == ByVitalInterests
}

// unrestricted are the bases on which data is used although the customer
// restricted its use (GDPR Article 18(2)): their consent, what a law demands,
// which is the important public interest that it states, and what protects
// somebody's life.
var unrestricted = []Basis{ByConsent, ByLegalObligation, ByVitalInterests}

// Restricts reports whether a restriction keeps an application from data for
// the purpose. The account goes on where the customer signed in, since signing
// in is asking for it, and where not even that is so, it rests like all else.
func (p *Purpose) Restricts(signedIn bool) bool {
	if p.ID == catalog.PurposeAccount {
		return !signedIn
	}
	return !slices.Contains(unrestricted, p.Basis)
}

// Admits reports whether a purpose lets an application have data: the house's
// own that declare it, and of others those that it names too. The standard
// purpose of an account names nobody: there the customer allows scopes.
func (p *Purpose) Admits(a *app.Application) bool {
	return slices.Contains(a.Settings.Purposes, p.ID) && (a.FirstParty || p.ID == catalog.PurposeAccount || p.Names(a.ID))
}
