package account

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// OfferRests is how long "not now" keeps the offer of a passkey quiet.
const OfferRests = 14 * 24 * time.Hour

// BeginApp starts setting up an authenticator app for somebody who proved
// freshly who they are. What was begun before and not confirmed is dead.
func (a Acts) BeginApp(tx *db.Tx, t *tenant.Tenant, c customer.ID) (credential.TOTPSetup, error) {
	label, err := appLabel(tx, t, c)
	if err != nil {
		return credential.TOTPSetup{}, err
	}
	return credential.BeginTOTP(tx, t, c, label)
}

// PendingApp shows an authenticator app that is being set up once more.
func (a Acts) PendingApp(tx *db.Tx, t *tenant.Tenant, c customer.ID, one credential.TOTPID) (credential.TOTPSetup, bool, error) {
	label, err := appLabel(tx, t, c)
	if err != nil {
		return credential.TOTPSetup{}, false, err
	}
	return credential.PendingTOTP(tx, t, c, one, label)
}

// appLabel is how the app names the account: by its primary address.
func appLabel(tx *db.Tx, t *tenant.Tenant, c customer.ID) (string, error) {
	list, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service",
	})
	for _, i := range list {
		if i.Primary {
			return i.Value, err
		}
	}
	return t.Name, err
}

// ConfirmApp ends setting up an authenticator app with a code that it shows.
// With the first one the customer gets recovery codes, which are returned this
// once; every verified address is told. Reserve risk.SecondTry before.
func (a Acts) ConfirmApp(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, one credential.TOTPID, code string) ([]string, error) {
	if err := credential.ConfirmTOTP(tx, t, c, one, code); err != nil {
		return nil, err
	}
	left, _, _, err := credential.RecoveryCodes(tx, t, c)
	if err != nil {
		return nil, err
	}
	var codes []string
	if left == 0 {
		if codes, err = credential.IssueRecoveryCodes(tx, t, c); err != nil {
			return nil, err
		}
	}
	return codes, alert(tx, t, c, s, "app_added:"+one.String(), factorNotice(notify.FactorAdded, "app"))
}

// RemoveApp takes an authenticator app away from somebody who proved freshly who
// they are. With the last one the recovery codes go, and no browser is trusted
// any more (H097).
func (a Acts) RemoveApp(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, one credential.TOTPID) error {
	removed, err := credential.RemoveTOTP(tx, t, c, one)
	if err != nil {
		return err
	}
	if !removed {
		return credential.ErrNoTOTP
	}
	has, err := credential.FactorsOf(tx, t, c)
	if err != nil {
		return err
	}
	if has.TOTPs == 0 {
		if _, err := credential.RemoveRecoveryCodes(tx, t, c); err != nil {
			return err
		}
	}
	if err := session.DistrustAll(tx, t, c); err != nil {
		return err
	}
	return alert(tx, t, c, s, "app_removed", factorNotice(notify.FactorRemoved, "app"))
}

// RenewCodes gives the customer new recovery codes, shown this once; the ones
// before are dead. The caller has made sure of two factors (H094).
func (a Acts) RenewCodes(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID) ([]string, error) {
	codes, err := credential.IssueRecoveryCodes(tx, t, c)
	if err != nil {
		return nil, err
	}
	return codes, alert(tx, t, c, s, "codes_renewed", factorNotice(notify.FactorAdded, "codes"))
}

func factorNotice(name notify.Template, factor string) notify.Draft {
	return notify.Draft{Template: name, Values: map[string]string{"factor": factor}}
}

// EnrolApp begins to set up an authenticator app within the journey.
func (a Acts) EnrolApp(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (credential.TOTPSetup, error) {
	if err := enrolling(tx, t, f, e, session.TOTP); err != nil {
		return credential.TOTPSetup{}, err
	}
	setup, err := a.BeginApp(tx, t, f.World.Account.ID)
	if err != nil {
		return setup, err
	}
	f.Enrolling = setup.ID
	return setup, signin.Save(tx, t, f)
}

// EnrolledApp confirms it; the code counts as the second factor of the journey.
func (a Acts) EnrolledApp(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, code string) ([]string, error) {
	if err := enrolling(tx, t, f, e, session.TOTP); err != nil {
		return nil, err
	}
	codes, err := a.ConfirmApp(tx, t, f.World.Account.ID, session.ID{}, credential.TOTPID(f.Enrolling), code)
	if err != nil {
		return nil, err
	}
	f.Prove(signin.Second, string(session.TOTP), f.Enrolling)
	f.Enrolling = [16]byte{}
	return codes, signin.Save(tx, t, f)
}

func enrolling(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, what session.Method) error {
	if err := reached(tx, t, f, e, signin.Enrol); err != nil {
		return err
	}
	if !slices.Contains(f.Lacking(), what) {
		return ErrStep
	}
	return nil
}

// SkipEnrol puts off setting up a way, where that may be put off. The time of
// grace runs from the first time.
func (a Acts) SkipEnrol(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := reached(tx, t, f, e, signin.Enrol); err != nil {
		return err
	}
	if !f.MaySkip() {
		return ErrStep
	}
	if !f.Met() {
		if _, err := credential.Owe(tx, t, f.World.Account.ID, credential.OwedFactor); err != nil {
			return err
		}
	}
	f.Skip(signin.Enrol)
	return signin.Save(tx, t, f)
}

// DeclineOffer leaves the offer of a passkey: for OfferRests, or for good.
func (a Acts) DeclineOffer(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, never bool) error {
	if err := reached(tx, t, f, e, signin.Offer); err != nil {
		return err
	}
	err := credential.Decline(tx, t, f.World.Account.ID, credential.OfferPasskey, tx.Now.Add(OfferRests), never)
	if err != nil {
		return err
	}
	f.Skip(signin.Offer)
	return signin.Save(tx, t, f)
}
