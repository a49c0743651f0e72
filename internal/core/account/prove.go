package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Identify writes whom the visitor named. It fails with the faults of
// customer.NormalizeFor. Nothing that it does depends on who has the identifier.
func Identify(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, kind, raw string) error {
	if err := Named(t, f, kind, raw); err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}

// Named is Identify for a caller who has more to write down and saves it all.
func Named(t *tenant.Tenant, f *signin.Flow, kind, raw string) error {
	canonical, err := customer.NormalizeFor(t, kind, raw)
	if err == nil {
		f.Identified(signin.Identifier{Kind: kind, Value: canonical, Digest: customer.Digest(t, kind, canonical)})
	}
	return err
}

// SendCode drafts a message with a code and a link to the identifier of the
// journey, which ends the ones sent before. Budgets (risk.Mail, risk.SMS) are
// reserved by the caller before. It fails with ErrTooSoon within Cooldown of
// the last one. For an identifier that nothing can be sent to, it does
// everything but the message.
func (a Acts) SendCode(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if err := a.look(tx, t, f); err != nil {
		return err
	}
	if f.Identifier == nil {
		return ErrStep
	}
	if wait := f.SentAt.Add(Cooldown).Sub(tx.Now); !f.SentAt.IsZero() && wait > 0 {
		return ErrTooSoon.In(wait)
	}
	want := f.Expect(signin.Code)
	way := channel(f.Identifier.Kind)
	code, link, ot, err := a.Codes.Issue(tx, t, credential.NewOneTime{
		Flow: f.ID, Purpose: credential.Purpose(want.Purpose), Customer: want.Customer, Channel: way,
		Target: want.Target, Address: f.Identifier.Value,
	})
	if err != nil {
		return err
	}
	f.SentAt = tx.Now
	if err := signin.Save(tx, t, f); err != nil {
		return err
	}
	d := notify.Draft{
		Template: wording(f), Channel: notify.Channel(way), Locale: f.Locale, Expires: ot.ExpiresAt,
		Values: map[string]string{
			"code": code, "link": t.Origin + LinkPath + "?t=" + link, "minutes": minutes(ot.ExpiresAt.Sub(tx.Now)),
		},
	}
	return address(tx, t, f, d)
}

// look fills in the account that the identifier names, as far as proofs need,
// unless the caller surveyed the journey just before.
func (a Acts) look(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if f.World.Surveyed {
		return nil
	}
	_, err := Survey(tx, t, f, signin.PolicyOf(t), nil)
	return err
}

func channel(kind string) credential.Channel {
	if kind == customer.Phone {
		return credential.SMS
	}
	return credential.Email
}

// wording is where known and unknown addresses differ: inside the message.
func wording(f *signin.Flow) notify.Template {
	nobody := f.World.Account.ID.IsZero()
	switch f.Kind {
	case signin.Recover:
		if nobody {
			return notify.CodeRecoverUnknown
		}
		return notify.CodeRecover
	case signin.Confirm:
		return notify.CodeStepUp
	case signin.Address:
		return notify.CodeVerify
	}
	if nobody {
		return notify.CodeSignUp
	}
	return notify.CodeSignIn
}

// address sends the draft to the stored identifier of the customer, never to
// what was typed; to what was typed only while nobody has it. Where it can go
// nowhere, it is drafted all the same (H077).
func address(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, d notify.Draft) error {
	c := f.World.Account.ID
	switch {
	case f.Identifier.Kind == customer.Username:
		target, err := primary(tx, t, c)
		if err != nil {
			return err
		}
		d.Customer, d.Target, d.Nowhere = c, target, target == [32]byte{}
	case f.Kind != signin.Address && !c.IsZero():
		d.Customer, d.Target = c, f.Identifier.Digest
	default:
		d.Nowhere = f.Kind != signin.Address && t.Settings.Registration.Closed // nothing that the code could open
		d.To = f.Identifier.Value
	}
	if d.To == "" && !d.Nowhere {
		return notify.Send(tx, t, d)
	}
	d.Customer, d.Target = customer.ID{}, [32]byte{}
	d.To, d.Key, d.Flow = f.Identifier.Value, f.Key(), f.ID
	// For somebody, the draft is sealed under a key that is read first (H077).
	if _, err := customer.Seal(tx, t, customer.ID{}, "", nil); err != nil && !fault.Is(err, fault.Gone) {
		return err
	}
	return notify.Send(tx, t, d)
}

// primary is the digest of the account's primary e-mail address; zero: none.
func primary(tx *db.Tx, t *tenant.Tenant, c customer.ID) (digest [32]byte, err error) {
	list, err := customer.Identifiers(tx, t, c)
	for _, i := range list {
		if i.Kind == customer.Email && i.Primary && !i.VerifiedAt.IsZero() {
			return i.Digest, err
		}
	}
	return digest, err
}

// ProveCode redeems a typed code. Its refusals are kept by the database: return
// them unchanged from the Update. Reserve risk.CodeTry before.
func (a Acts) ProveCode(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, code string) error {
	if err := a.look(tx, t, f); err != nil {
		return err
	}
	ot, err := credential.RedeemCode(tx, t, f.ID, credential.Purpose(f.Kind.Purpose()), code)
	if err != nil {
		return err
	}
	method := session.OTPEmail
	if ot.Channel == credential.SMS {
		method = session.OTPSMS
	}
	return a.proved(tx, t, f, ot, method)
}

// ProveLink redeems the link of the same message in the browser that began.
func (a Acts) ProveLink(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, link string) error {
	if err := a.look(tx, t, f); err != nil {
		return err
	}
	seen, err := credential.PeekLink(tx, t, link)
	if err != nil {
		return err
	}
	if signin.ID(seen.Flow) != f.ID {
		return ErrProof // of another journey: it stays what it is there (H133)
	}
	ot, err := credential.RedeemLink(tx, t, link, credential.Purpose(f.Kind.Purpose()))
	if err != nil {
		return err
	}
	method := session.LinkEmail
	if ot.Channel == credential.SMS {
		method = session.LinkSMS
	}
	return a.proved(tx, t, f, ot, method)
}

// proved compares what was redeemed with what this journey expects, as a whole
// (security law 3), and writes the proof.
func (a Acts) proved(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, ot credential.OneTime, m session.Method) error {
	want := f.Expect(signin.Code)
	got := signin.Context{
		Tenant: ot.TenantID, Flow: signin.ID(ot.Flow), Browser: f.Here.Browser, Step: signin.Code,
		Purpose: string(ot.Purpose), Customer: ot.CustomerID, Target: ot.Target,
		Since: want.Since, State: want.State, // what changes them ends the codes themselves
	}
	if f.Identifier == nil || got != want {
		return db.Keep(ErrProof)
	}
	if f.World.Account.Unproven && f.Kind != signin.Address {
		if err := a.claim(tx, t, f); err != nil {
			return err
		}
	}
	f.Prove(signin.Code, string(m), ot.ID)
	if err := a.judge(tx, t, f, "code"); err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}

// claim gives an account whose address nobody had proven to the one who proves
// it. Whatever was put into it before, password, passkeys, apps, sessions, grants,
// codes, other addresses, is not theirs and goes (H113, H115).
func (a Acts) claim(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	c := f.World.Account.ID
	if err := a.disarm(tx, t, c); err != nil {
		return err
	}
	if _, err := credential.RemovePassword(tx, t, c); err != nil {
		return err
	}
	if err := a.shut(tx, t, c, session.ID{}, "claimed"); err != nil {
		return err
	}
	if err := customer.MarkVerified(tx, t, c, f.Identifier.Digest); err != nil {
		return err
	}
	if err := consent.Merge(tx, t, c, f.Identifier.Digest); err != nil {
		return err
	}
	list, err := customer.Identifiers(tx, t, c)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Digest == f.Identifier.Digest {
			continue
		}
		if err := customer.RemoveIdentifier(tx, t, c, i.Digest); err != nil {
			return err
		}
	}
	return renew(tx, t, f)
}

// renew lets what this journey has proven count after it changed the password or
// the state of the account.
func renew(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	c, err := customer.Get(tx, t, f.World.Account.ID)
	if err != nil {
		return err
	}
	now := signin.Account{ID: c.ID, State: c.State}
	if err := since(tx, t, &now); err != nil {
		return err
	}
	f.Stands(now)
	return nil
}

// PasswordOf reads the hash that the caller verifies outside the transaction;
// "" if there is nothing to verify against, which must take as long.
func (a Acts) PasswordOf(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (phc string, c customer.ID, err error) {
	if err := a.look(tx, t, f); err != nil {
		return "", customer.ID{}, err
	}
	c = f.World.Account.ID
	if t.Settings.Password.Off {
		return "", c, nil
	}
	phc, _, err = credential.Password(tx, t, c)
	return phc, c, err
}

// ProvePassword writes that the visitor knows the password whose hash the
// caller verified. It fails with ErrPassword if that is not the account's hash
// (any more).
func (a Acts) ProvePassword(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, verified string) error {
	phc, _, err := a.PasswordOf(tx, t, f)
	if err != nil {
		return err
	}
	if phc == "" || !secret.Equal([]byte(phc), []byte(verified)) {
		return ErrPassword
	}
	f.Method = signin.Password
	f.Prove(signin.Password, string(session.Password), [16]byte{})
	if err := a.judge(tx, t, f, "password"); err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}
