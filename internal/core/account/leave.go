package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// EndSession ends one session of the customer with what was granted in it, and
// lets the applications of the session know. It tells whether there was one:
// a session of somebody else is none (H154).
func (a Acts) EndSession(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, reason string) (bool, error) {
	list, err := grant.BySession(tx, t, c, s)
	if err != nil {
		return false, err
	}
	ended, err := session.End(tx, t, c, s, reason)
	if err != nil || !ended {
		return false, err
	}
	if _, err := grant.EndBySession(tx, t, c, s, reason); err != nil {
		return false, err
	}
	if a.Logout == nil {
		return true, nil
	}
	return true, a.Logout(tx, t, Ended{Customer: c, Session: s, Grants: list})
}

// SignOut ends the session of this browser. Other accounts in it stay.
func (a Acts) SignOut(tx *db.Tx, t *tenant.Tenant, s session.Session) error {
	_, err := a.EndSession(tx, t, s.CustomerID, s.ID, "signed_out")
	return err
}

// SignOutEverywhere ends every session and every grant of the customer, also
// those that outlive sessions, trusts no browser any more, and tells every
// verified address.
func (a Acts) SignOutEverywhere(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	if err := a.end(tx, t, c, session.ID{}, "signed_out_everywhere"); err != nil {
		return err
	}
	if err := credential.EndOutstanding(tx, t, c); err != nil {
		return err
	}
	if err := session.DistrustAll(tx, t, c); err != nil {
		return err
	}
	return alert(tx, t, c, session.ID{}, "signed_out_everywhere", notify.Draft{Template: notify.SessionsEnded})
}

// SignOutOthers ends every session of the customer but this one.
func (a Acts) SignOutOthers(tx *db.Tx, t *tenant.Tenant, s session.Session) error {
	return a.end(tx, t, s.CustomerID, s.ID, "signed_out_others")
}

// RevokeApplication takes back what the customer allowed an application:
// its scopes, its grants, its refresh families. The session stays. by brings who,
// where, how and the evidence.
func (a Acts) RevokeApplication(tx *db.Tx, t *tenant.Tenant, by consent.Choice, application app.ID) error {
	if err := consent.Withdraw(tx, t, application, by); err != nil {
		return err
	}
	_, err := grant.EndByApplication(tx, t, by.Customer, application, "revoked")
	return err
}
