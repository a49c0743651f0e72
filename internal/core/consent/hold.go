package consent

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Why a purpose holds for a customer, or does not.
const (
	WhyBasis     = "basis"      // holds: the basis asks for no consent
	WhyGiven     = "given"      // holds: the customer consented
	WhyNever     = "never"      // the customer was not asked, or never answered
	WhyWithdrawn = "withdrawn"  // the customer took it back
	WhyExpired   = "expired"    // the consent is too old
	WhyObjected  = "objected"   // the customer objected
	WhyOlder     = "older"      // the consent is to a version that a later one ended
	WhyRecipient = "recipient"  // the purpose does not name this recipient
	WhyUnknown   = "no_purpose" // there is no such purpose, or it was retired
)

// Holds tells whether data of the customer may be used for a purpose and handed
// to a recipient now, with where the ledger stands and why (State.Why). A zero
// recipient is the tenant itself, with its own applications; another one must
// be named by the purpose. It costs one read by primary key. Whether the
// customer had the use of data restricted is not looked at: the gate does that.
func Holds(tx *db.Tx, t *tenant.Tenant, c customer.ID, purpose string, recipient [16]byte) (State, bool, error) {
	p, ok, err := FindPurpose(tx, t, purpose)
	if err != nil || !ok {
		return State{Why: WhyUnknown}, false, err
	}
	if recipient != [16]byte{} && !p.Names(app.ID(recipient)) {
		return State{Why: WhyRecipient}, false, nil
	}
	s, _, err := db.Find[State](tx, `FROM consent_state WHERE tenant_id = $1 AND customer_id = $2
		AND purpose = 'purpose' AND recipient = $3 AND item = $4`, t.ID, c, [16]byte{}, purpose)
	if err != nil {
		return State{}, false, err
	}
	s.Why = s.why(tx.Now, &p)
	return s, s.Why == WhyBasis || s.Why == WhyGiven, nil
}

// why is the rule: what a decision, or none, means under a basis.
func (s *State) why(now time.Time, p *Purpose) string {
	switch {
	case p.Basis == ByConsent:
		return s.whyConsent(now, p)
	case p.Basis.Objectable() && s.Decision == Objected:
		return WhyObjected
	case p.Basis.Objectable() && s.Decision == Withdrawn:
		return WhyWithdrawn // a no that was said when the purpose rested on consent stays a no
	}
	return WhyBasis
}

func (s *State) whyConsent(now time.Time, p *Purpose) string {
	switch s.Decision {
	case "":
		return WhyNever
	case Objected:
		return WhyObjected
	case Expired:
		return WhyExpired
	case Given:
	default:
		return WhyWithdrawn
	}
	switch {
	case !s.ExpiresAt.IsZero() && !now.Before(s.ExpiresAt):
		return WhyExpired
	case s.Version < p.AskedFrom && !now.Before(p.AskedAt):
		return WhyOlder
	}
	return WhyGiven
}
