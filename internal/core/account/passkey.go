package account

import (
	"encoding/json"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// ErrLastWay is told when the last way into an account would be taken away.
var ErrLastWay = fault.New(fault.Conflict, "last_way", "This is the only way into this account. Add another one first.")

// BeginPasskey hands out the options by which the browser asks for a passkey. As
// long as nobody has proven who they are, it asks for any passkey of the tenant:
// whether the named account has some is not to be seen (H077).
func (a Acts) BeginPasskey(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (json.RawMessage, error) {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return nil, err
	}
	if !takesPasskey(f, next) {
		return nil, ErrStep
	}
	o := credential.GetOptions{Context: f.ID, Customer: f.Pinned}
	if next.Name == signin.Second {
		o.Customer = f.World.Account.ID
	}
	return credential.BeginPasskeyGet(tx, t, o)
}

// takesPasskey reports whether a passkey leads on from the step.
func takesPasskey(f *signin.Flow, s signin.Step) bool {
	if f.Kind == signin.Address {
		return false // it proves a person, not an address
	}
	switch s.Name {
	case signin.Identify, signin.Choose, signin.Code, signin.Password:
		return true
	case signin.Second:
		return slices.Contains(f.Seconds(), session.Passkey)
	}
	return false
}

// ProvePasskey uses an assertion up: as the first proof, for whomever it names,
// or as the second factor of who the journey is about. Its refusals are kept by
// the database: return them unchanged from the Update.
func (a Acts) ProvePasskey(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, by credential.Assertion) error {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return err
	}
	if !takesPasskey(f, next) {
		return ErrStep
	}
	by.Place = passkeyPlace(e.Place)
	key, result, err := credential.RedeemPasskeyGet(tx, t, a.WebAuthn, by, f.ID)
	if err != nil {
		return err
	}
	step := signin.Passkey
	if next.Name == signin.Second {
		step = signin.Second
		if key.CustomerID != f.World.Account.ID {
			return db.Keep(ErrProof)
		}
	} else {
		f.Held(key.CustomerID)
		if _, err := Survey(tx, t, f, e.Policy, e.Held); err != nil {
			return err
		}
	}
	f.Prove(step, string(session.PasskeyMethod(result.UserVerified, key.BackupEligible)), key.ID)
	if err := found(tx, t, key.CustomerID); err != nil {
		return err
	}
	if err := found(tx, t, key.CustomerID); err != nil {
		return err
	}
	if step == signin.Passkey {
		if err := a.judge(tx, t, f, "passkey"); err != nil {
			return err
		}
	}
	return signin.Save(tx, t, f)
}

func passkeyPlace(p session.Place) credential.PasskeyPlace {
	text, err := json.Marshal(p)
	if err != nil || p == (session.Place{}) {
		return credential.PasskeyPlace{}
	}
	return credential.PasskeyPlace{Text: text, Words: p.Agent}
}

// PasskeyOptions hands out the options by which the browser of somebody who
// proved freshly who they are makes a passkey. context is the session or the
// journey in which that happens.
func (a Acts) PasskeyOptions(tx *db.Tx, t *tenant.Tenant, c customer.ID, context [16]byte, quietly bool) (json.RawMessage, error) {
	label, err := appLabel(tx, t, c)
	if err != nil {
		return nil, err
	}
	d, err := release.Disclose(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service", Fields: []string{"name"},
	})
	if err != nil {
		return nil, err
	}
	return credential.BeginPasskeyCreate(tx, t, credential.CreateOptions{
		Context: context, Customer: c, Name: label, DisplayName: d.Values["name"].Text, Quietly: quietly,
	})
}

// AddPasskey keeps a new passkey, and every verified address is told. Refusals
// are kept by the database.
func (a Acts) AddPasskey(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, context [16]byte, by credential.Attested, place session.Place) (credential.Passkey, error) {
	key, err := credential.RedeemPasskeyCreate(tx, t, a.WebAuthn, by, context, c, passkeyPlace(place))
	if err != nil {
		return key, err
	}
	return key, alert(tx, t, c, s, "passkey_added:"+key.ID.String(), factorNotice(notify.FactorAdded, "passkey"))
}

// DropPasskey takes a passkey away from somebody who proved freshly who they
// are, unless it is the last way in, and every verified address is told.
func (a Acts) DropPasskey(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, key credential.PasskeyID) (credential.Passkey, error) {
	gone, err := credential.RemovePasskey(tx, t, c, key)
	if err != nil {
		return gone, err
	}
	left, err := waysIn(tx, t, c)
	if err == nil && left == 0 {
		err = ErrLastWay
	}
	if err != nil {
		return gone, err
	}
	return gone, alert(tx, t, c, s, "passkey_removed", factorNotice(notify.FactorRemoved, "passkey"))
}

// waysIn counts by what the customer could sign in: verified addresses, to which
// codes are sent, passkeys, and a password that stands alone.
func waysIn(tx *db.Tx, t *tenant.Tenant, c customer.ID) (int, error) {
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, i := range list {
		if i.Kind != customer.Username && i.Verified() {
			n++
		}
	}
	has, err := credential.FactorsOf(tx, t, c)
	if err != nil {
		return 0, err
	}
	if p := signin.PolicyOf(t); p.Password && p.Alone {
		at, err := credential.PasswordChanged(tx, t, c)
		if err != nil {
			return 0, err
		}
		if !at.IsZero() {
			n++
		}
	}
	return n + int(has.Passkeys), nil
}

// OfferOptions hands out the options of a passkey that is made within the
// journey: at the Offer or the Enrol step.
func (a Acts) OfferOptions(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, quietly bool) (json.RawMessage, error) {
	if _, err := makesPasskey(tx, t, f, e); err != nil {
		return nil, err
	}
	return a.PasskeyOptions(tx, t, f.World.Account.ID, f.ID, quietly)
}

func makesPasskey(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (signin.Step, error) {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return next, err
	}
	enrols := next.Name == signin.Enrol && slices.Contains(f.Lacking(), session.Passkey)
	if !enrols && next.Name != signin.Offer {
		err = ErrStep
	}
	return next, err
}

// MadePasskey keeps the passkey that was made within the journey. At the Enrol
// step it counts as the second factor: who made it has just held it.
func (a Acts) MadePasskey(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, by credential.Attested) error {
	next, err := makesPasskey(tx, t, f, e)
	if err != nil {
		return err
	}
	key, err := a.AddPasskey(tx, t, f.World.Account.ID, session.ID{}, f.ID, by, e.Place)
	if err != nil {
		return err
	}
	f.Skip(signin.Offer)
	if next.Name == signin.Enrol {
		f.Prove(signin.Second, string(session.PasskeyMethod(key.UserVerified, key.BackupEligible)), key.ID)
	}
	return signin.Save(tx, t, f)
}

// disarm takes away every factor, known browser and waiting recovery that
// somebody else may have put into the account.
func (a Acts) disarm(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	keys, err := credential.Passkeys(tx, t, c)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if _, err := credential.RemovePasskey(tx, t, c, k.ID); err != nil {
			return err
		}
	}
	apps, err := credential.TOTPs(tx, t, c)
	if err != nil {
		return err
	}
	for _, one := range apps {
		if _, err := credential.RemoveTOTP(tx, t, c, one.ID); err != nil {
			return err
		}
	}
	if _, err := credential.RemoveRecoveryCodes(tx, t, c); err != nil {
		return err
	}
	if _, err := credential.EndWaits(tx, t, c); err != nil {
		return err
	}
	return session.DistrustAll(tx, t, c)
}
