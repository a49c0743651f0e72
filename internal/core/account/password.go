package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// PasswordContext opens what a new password must not contain: the customer's
// own identifiers. Hand it to credential.CheckPassword outside the transaction.
func PasswordContext(tx *db.Tx, t *tenant.Tenant, c customer.ID) (credential.PasswordContext, error) {
	list, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service",
	})
	var out credential.PasswordContext
	for _, i := range list {
		out.Identifiers = append(out.Identifiers, i.Value)
	}
	return out, err
}

// ChangePassword sets the password, which the caller has checked and hashed, of
// somebody who proved freshly who they are. Every other session, every grant
// given outside the kept session, the trust in browsers, every outstanding code
// and every pending address change end, and every verified address is told, with
// a link that says "this was not me".
func (a Acts) ChangePassword(tx *db.Tx, t *tenant.Tenant, c customer.ID, phc string, keep session.ID) error {
	if err := credential.SetPassword(tx, t, c, phc); err != nil {
		return err
	}
	if err := a.shut(tx, t, c, keep, "password_changed"); err != nil {
		return err
	}
	return alert(tx, t, c, keep, "password", notify.Draft{Template: notify.PasswordChanged})
}

// RemovePassword takes the password away from somebody who proved freshly who
// they are and signs in by code from then on.
func (a Acts) RemovePassword(tx *db.Tx, t *tenant.Tenant, c customer.ID, keep session.ID) error {
	removed, err := credential.RemovePassword(tx, t, c)
	if err != nil || !removed {
		return err
	}
	if err := a.shut(tx, t, c, keep, "password_removed"); err != nil {
		return err
	}
	return alert(tx, t, c, keep, "password", notify.Draft{Template: notify.PasswordChanged})
}

// shut ends whatever somebody else may hold: sessions and grants but the kept
// one, the trust in browsers, codes and links that are on their way, recoveries
// and address changes that wait.
func (a Acts) shut(tx *db.Tx, t *tenant.Tenant, c customer.ID, keep session.ID, reason string) error {
	if err := a.end(tx, t, c, keep, reason); err != nil {
		return err
	}
	if err := credential.EndOutstanding(tx, t, c); err != nil {
		return err
	}
	if err := session.DistrustAll(tx, t, c); err != nil {
		return err // H097
	}
	if _, err := credential.EndWaits(tx, t, c); err != nil {
		return err
	}
	// H116: an address change that somebody began before is dead.
	return signin.EndKind(tx, t, c, signin.Address)
}

// Reset sets the new password of the Reset step and brings an account in
// recovery back. Every session, grant, trust in a browser, outstanding code,
// waiting recovery and pending address change of the account end, and every
// verified address is told. The undo links of address changes that were made
// live on.
func (a Acts) Reset(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, phc string) error {
	if err := at(tx, t, f, signin.Reset); err != nil {
		return err
	}
	if err := a.ChangePassword(tx, t, f.World.Account.ID, phc, session.ID{}); err != nil {
		return err
	}
	f.Reset = true
	return a.recovered(tx, t, f)
}

// Restore brings an account in recovery back where there are no passwords: the
// proof of an address is all that is asked.
func (a Acts) Restore(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if err := at(tx, t, f, signin.Restore); err != nil {
		return err
	}
	c := f.World.Account.ID
	if err := a.shut(tx, t, c, session.ID{}, "recovered"); err != nil {
		return err
	}
	if err := alert(tx, t, c, session.ID{}, "recovered", recoveredNotice("proof")); err != nil {
		return err
	}
	return a.recovered(tx, t, f)
}

func (a Acts) recovered(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	from := []customer.State{customer.Active, customer.Recovery}
	if _, err := customer.SetState(tx, t, f.World.Account.ID, from, customer.Active, "recovered"); err != nil {
		return err
	}
	if err := renew(tx, t, f); err != nil {
		return err
	}
	f.CustomerID = f.World.Account.ID
	return signin.Save(tx, t, f)
}
