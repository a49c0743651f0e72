package account

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Way is the second factor that the Second step asks for: the one that was
// chosen, or else the one that is least work. Passkeys need no asking: they are
// the button above.
func Way(f *signin.Flow) session.Method {
	usable := f.Seconds()
	for _, m := range []session.Method{f.Way, session.TOTP, session.OTPSMS, session.Recovery} {
		if m != "" && slices.Contains(usable, m) {
			return m
		}
	}
	return session.Passkey
}

// ChooseWay writes which second factor the visitor wants to use.
func (a Acts) ChooseWay(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, way session.Method) error {
	if err := reached(tx, t, f, e, signin.Second); err != nil {
		return err
	}
	if !slices.Contains(f.Seconds(), way) {
		return ErrStep
	}
	f.Way = way
	return signin.Save(tx, t, f)
}

// SendSecond drafts a text message with a code to the verified number of the
// account, which ends the ones sent before. Reserve
// risk.SMSSecond before. Within Cooldown of the last one it is ErrTooSoon.
func (a Acts) SendSecond(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := reached(tx, t, f, e, signin.Second); err != nil {
		return err
	}
	if Way(f) != session.OTPSMS {
		return ErrStep
	}
	if wait := f.SecondSentAt.Add(Cooldown).Sub(tx.Now); !f.SecondSentAt.IsZero() && wait > 0 {
		return ErrTooSoon.In(wait)
	}
	number, err := phone(tx, t, f)
	if err != nil {
		return err
	}
	c := f.World.Account.ID
	code, _, ot, err := a.Codes.Issue(tx, t, credential.NewOneTime{
		Flow: f.ID, Purpose: credential.Second, Customer: c, Channel: credential.SMS, Target: number,
	})
	if err != nil {
		return err
	}
	f.Way, f.SecondSentAt, f.SecondTo = session.OTPSMS, tx.Now, number
	if err := signin.Save(tx, t, f); err != nil {
		return err
	}
	return notify.Send(tx, t, notify.Draft{
		Template: notify.CodeSecond, Channel: notify.Channel(credential.SMS), Locale: f.Locale, Expires: ot.ExpiresAt,
		Customer: c, Target: number,
		Values: map[string]string{"code": code, "minutes": minutes(ot.ExpiresAt.Sub(tx.Now))},
	})
}

// SecondPhone is the number that SendSecond writes to, for its page to mask.
func SecondPhone(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (string, error) {
	number, err := phone(tx, t, f)
	if err != nil {
		return "", err
	}
	list, err := reachable(tx, t, f.World.Account.ID)
	for _, i := range list {
		if i.Kind == customer.Phone && i.Digest == number {
			return i.Value, err
		}
	}
	return "", ErrStep
}

// ProveSecond redeems the code of the second factor that Way names. Its refusals
// are kept by the database: return them unchanged from the Update. Reserve
// risk.SecondTry before.
func (a Acts) ProveSecond(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, code string) error {
	if err := reached(tx, t, f, e, signin.Second); err != nil {
		return err
	}
	way := Way(f)
	var by [16]byte
	var err error
	switch way {
	case session.TOTP:
		var one credential.TOTPID
		one, err = credential.RedeemTOTP(tx, t, f.World.Account.ID, code)
		by = one
	case session.Recovery:
		err = credential.RedeemRecoveryCode(tx, t, f.World.Account.ID, code)
	case session.OTPSMS:
		by, err = secondCode(tx, t, f, code)
	default:
		err = ErrStep
	}
	if err != nil {
		return err
	}
	f.Prove(signin.Second, string(way), by)
	if err := found(tx, t, f.World.Account.ID); err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}

// secondCode compares what was redeemed with what this step expects, as a whole
// (security law 3).
func secondCode(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, code string) (by [16]byte, err error) {
	ot, err := credential.RedeemCode(tx, t, f.ID, credential.Second, code)
	if err != nil {
		return by, err
	}
	now, err := phone(tx, t, f)
	if err != nil {
		return by, err
	}
	if ot.TenantID != t.ID || ot.CustomerID != f.World.Account.ID || ot.Target != f.SecondTo || ot.Target != now {
		return by, db.Keep(ErrProof)
	}
	return ot.ID, nil
}

// SkipSecond leaves out a second factor that was only wished for.
func (a Acts) SkipSecond(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := reached(tx, t, f, e, signin.Second); err != nil {
		return err
	}
	if !f.Met() {
		return ErrStep
	}
	f.Skip(signin.Second)
	f.Skip(signin.Enrol)
	return signin.Save(tx, t, f)
}
