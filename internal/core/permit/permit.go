package permit

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Purpose is what the permit is for. One that is given for one purpose is
// refused for another.
type Purpose uint8

// The purposes.
const (
	ForSession Purpose = iota + 1 // a session begins, or something more is proven in it
	ForToken                      // an application is granted something
	ForCode                       // an authorization code is redeemed
	ForRefresh                    // a refresh token is exchanged
	ForClient                     // an application acts for itself
)

// Ask is what is asked for, for whom and through whom.
type Ask struct {
	Purpose      Purpose
	Customer     customer.ID      // required but for ForClient
	Application  *app.Application // required but for ForSession
	Organization organization.ID  // zero: none
	Session      *session.Session // required for ForToken; for ForCode and ForRefresh unless Offline
	Offline      bool             // the grant outlives the session (ForCode, ForRefresh)
	Scopes       []string         // what a third party gets must have been consented to
	Aged         bool             // MaxAge counts
	MaxAge       time.Duration    // how long ago the last proof may be
	ACR          string           // the level that the session must have; "": any
	Proofs       []session.Proof  // of ForSession, what the new session begins with
}

// Permit is the answer yes, within one transaction.
type Permit struct {
	tx     *db.Tx
	tenant tenant.ID
	ask    Ask
}

// Admits makes a Permit for ForSession a session.Admission.
func (p Permit) Admits(tx *db.Tx) (ten, cus [16]byte, ok bool) {
	if !p.Holds(tx, ForSession) {
		return ten, cus, false
	}
	return p.tenant, p.ask.Customer, true
}

// Holds reports whether the permit was given in this transaction for this purpose.
func (p Permit) Holds(tx *db.Tx, purpose Purpose) bool {
	return p.tx != nil && p.tx == tx && p.ask.Purpose == purpose
}

// Tenant is whose permit it is.
func (p Permit) Tenant() tenant.ID { return p.tenant }

// Customer is for whom it is given; zero for an application for itself.
func (p Permit) Customer() customer.ID { return p.ask.Customer }

// Application is through which application; nil for a session.
func (p Permit) Application() *app.Application { return p.ask.Application }

// Organization is for which organization; zero: none.
func (p Permit) Organization() organization.ID { return p.ask.Organization }

// Session is on which session it rests, if on one.
func (p Permit) Session() (session.Session, bool) {
	if p.ask.Session == nil {
		return session.Session{}, false
	}
	return *p.ask.Session, true
}

// Scopes are the scopes that were asked about.
func (p Permit) Scopes() []string { return slices.Clone(p.ask.Scopes) }
