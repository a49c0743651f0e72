package permit

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/organization"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The reasons to refuse.
var (
	ErrTenant       = fault.New(fault.Denied, "tenant_disabled", "This sign-in is switched off.")
	ErrApplication  = fault.New(fault.Denied, "application_disabled", "This application is switched off.")
	ErrLocked       = fault.New(fault.Denied, "customer_locked", "This account is locked.")
	ErrRecovering   = fault.New(fault.Denied, "customer_recovering", "This account must be recovered first.")
	ErrClosing      = fault.New(fault.Denied, "customer_closing", "This account is being closed.")
	ErrGone         = fault.New(fault.Denied, "customer_gone", "There is no such account.")
	ErrOrganization = fault.New(fault.Denied, "organization_unknown", "This account does not belong to that organization.")
	ErrSession      = fault.New(fault.Unauthenticated, "session_ended", "You are signed out. Sign in again.")
	ErrStale        = fault.New(fault.Unauthenticated, "reauthentication_needed", "Sign in again to go on.")
	ErrAssurance    = fault.New(fault.Unauthenticated, "assurance_needed", "This needs a stronger proof that it is you.")
	ErrConsent      = fault.New(fault.Denied, "consent_missing", "The customer has not agreed to this.")

	errAsk = fault.New(fault.Internal, "permit_incomplete", "Something went wrong on our side. Try again in a moment.")
)

// check is one condition; a nil error lets the next one be asked.
type check func(*db.Tx, *tenant.Tenant, *Ask) error

// checks is the list, in the order in which it is asked. A check that does not
// concern a purpose says so itself.
var checks = []check{
	complete, switchedOn, customerActive, organizationMember,
	sessionAlive, proofFresh, assuranceMet, consentAlive,
}

// May answers whether the subject may get what is asked for, as everything
// stands in this transaction. The refusal is one of the faults above.
func May(tx *db.Tx, t *tenant.Tenant, ask Ask) (Permit, error) {
	for _, c := range checks {
		if err := c(tx, t, &ask); err != nil {
			return Permit{}, err
		}
	}
	return Permit{tx: tx, tenant: t.ID, ask: ask}, nil
}

// complete refuses an ask that leaves out what its purpose needs: a defect of
// the caller must not pass as "nothing to check".
func complete(_ *db.Tx, t *tenant.Tenant, a *Ask) error {
	customerGiven, appGiven := !a.Customer.IsZero(), a.Application != nil
	ok := false
	switch a.Purpose {
	case ForSession:
		ok = customerGiven
	case ForToken:
		ok = customerGiven && appGiven && a.Session != nil
	case ForCode, ForRefresh:
		ok = customerGiven && appGiven && (a.Offline || a.Session != nil)
	case ForClient:
		ok = appGiven && !customerGiven && a.Session == nil
	}
	if !ok || appGiven && a.Application.TenantID != t.ID {
		return errAsk
	}
	return nil
}

// whichOff has subqueries and no join: SQLite plans a join anew for every value.
const whichOff = `SELECT CASE WHEN NOT coalesce((SELECT enabled FROM tenant WHERE id = $1), FALSE) THEN 1
		WHEN coalesce((SELECT enabled FROM application WHERE tenant_id = $1 AND id = $2), FALSE) THEN 0 ELSE 2 END`

// Asking are the questions that May asks about a customer and an application when
// a code or a token is used, for db.Tx.Foresee.
func Asking(t *tenant.Tenant, c customer.ID, a *app.Application) []db.Question {
	return []db.Question{db.AskingValue[int64](whichOff, t.ID, a.ID), customer.AskingState(t, c)}
}

// switchedOn asks for the tenant and the application at once. Their state is
// read in this transaction, not from the cached snapshots: switching off holds
// at once, on every node.
func switchedOn(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	var asked app.ID
	if a.Application != nil {
		asked = a.Application.ID
	}
	off, found, err := db.Value[int64](tx, whichOff, t.ID, asked)
	switch {
	case err != nil:
		return err
	case !found || off == 1:
		return ErrTenant
	case off == 2 && a.Application != nil:
		return ErrApplication
	}
	return nil
}

var states = map[customer.State]error{
	customer.Active:   nil,
	customer.Locked:   ErrLocked,
	customer.Recovery: ErrRecovering,
	customer.Closing:  ErrClosing,
	customer.Erased:   ErrGone,
}

func customerActive(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	if a.Purpose == ForClient {
		return nil
	}
	state, err := stateFor(tx, t, a)
	if fault.Is(err, fault.NotFound) {
		return ErrGone
	}
	if err != nil {
		return err
	}
	refusal, known := states[state]
	if !known {
		return ErrLocked
	}
	return refusal
}

// stateFor asks for the state alone where that is all that is asked of the
// customer; a sign-in has looked the whole customer up in this transaction.
func stateFor(tx *db.Tx, t *tenant.Tenant, a *Ask) (customer.State, error) {
	if a.Purpose == ForCode || a.Purpose == ForRefresh {
		return customer.StateOf(tx, t, a.Customer)
	}
	c, err := customer.Get(tx, t, a.Customer)
	return c.State, err
}

// organizationMember refuses every organization until there are any: the id
// stands in the tables from the first day, memberships do not.
func organizationMember(_ *db.Tx, _ *tenant.Tenant, a *Ask) error {
	if a.Organization != (organization.ID{}) {
		return ErrOrganization
	}
	return nil
}

// sessionAlive looks the session up anew: the one in the ask may be a minute old.
func sessionAlive(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	if a.Session == nil {
		return nil
	}
	s, alive, err := session.Alive(tx, t, a.Customer, a.Session.ID)
	if err != nil {
		return err
	}
	if alive {
		a.Session = &s
		return nil
	}
	if a.Offline && (a.Purpose == ForCode || a.Purpose == ForRefresh) {
		a.Session = nil
		return nil
	}
	return ErrSession
}

func proofFresh(tx *db.Tx, _ *tenant.Tenant, a *Ask) error {
	if !a.Aged {
		return nil
	}
	if a.Session == nil || tx.Now.Sub(a.Session.AuthenticatedAt) > a.MaxAge {
		return ErrStale
	}
	return nil
}

// assuranceMet computes the level from the proofs of the session (law 4).
func assuranceMet(tx *db.Tx, _ *tenant.Tenant, a *Ask) error {
	if a.ACR == "" {
		return nil
	}
	if a.Session == nil && a.Purpose != ForSession {
		return ErrAssurance
	}
	proofs, err := a.Proofs, error(nil)
	if a.Session != nil {
		proofs, err = session.Proofs(tx, *a.Session)
		proofs = append(proofs, a.Proofs...)
	}
	if err == nil && !session.Meets(session.Assure(proofs).ACR, a.ACR) {
		err = ErrAssurance
	}
	return err
}

// consentAlive asks the ledger for what a third party is to get, every time: a
// withdrawal ends the next refresh. The company's own applications need none.
func consentAlive(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	if a.Purpose == ForSession || a.Purpose == ForClient || a.Application.FirstParty {
		return nil
	}
	missing, err := consent.Missing(tx, t, a.Customer, a.Application.ID, a.Scopes)
	// A third party that was given no scope was given nothing.
	if err == nil && (len(missing) > 0 || len(a.Scopes) == 0) {
		err = ErrConsent
	}
	return err
}
