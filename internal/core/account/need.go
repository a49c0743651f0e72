package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// need looks up what the journey must prove and what its customer could. As
// long as nothing was proven it reads nothing: until then, known and unknown
// addresses cost the same (H077).
func need(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, p signin.Policy) error {
	answering, ok := signin.Answering(f.Facts, p)
	if f.World.Account.ID.IsZero() || f.Kind == signin.Address || !ok && len(f.Valid()) == 0 {
		return nil
	}
	about := answering.Session
	if f.Kind == signin.Confirm {
		about = f.Session
	}
	if err := stands(tx, t, f, about); err != nil {
		return err
	}
	has, err := credential.FactorsOf(tx, t, f.World.Account.ID)
	if err != nil {
		return err
	}
	if err := ways(tx, t, f, has); err != nil {
		return err
	}
	if err := needed(tx, t, f, has); err != nil {
		return err
	}
	f.World.Offer = p.Passkeys && has.Passkeys == 0 && !has.Rests
	return trusted(tx, t, f)
}

// stands reads what was proven in the session that the journey builds on.
func stands(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, id session.ID) error {
	if id.IsZero() {
		return nil
	}
	s, alive, err := session.Alive(tx, t, f.World.Account.ID, id)
	if err != nil || !alive {
		return err
	}
	f.World.Standing, err = session.Proofs(tx, s)
	return err
}

// ways are the second factors that the account has, and those that it could set
// up in this browser.
func ways(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, has credential.Factors) error {
	w := &f.World
	if has.Passkeys > 0 && !t.Settings.Passkeys.Off {
		w.Ways = append(w.Ways, session.Passkey)
	}
	if has.TOTPs > 0 {
		w.Ways = append(w.Ways, session.TOTP)
	}
	if t.Settings.SecondFactor.SMS {
		number, err := phone(tx, t, f)
		if err != nil {
			return err
		}
		if number != ([32]byte{}) {
			w.Ways = append(w.Ways, session.OTPSMS)
		}
	}
	if has.RecoveryCodes > 0 {
		w.Ways = append(w.Ways, session.Recovery)
	}
	if !t.Settings.Passkeys.Off && f.Capable {
		w.Setups = append(w.Setups, session.Passkey)
	}
	if !t.Settings.SecondFactor.NoTOTP {
		w.Setups = append(w.Setups, session.TOTP)
	}
	return nil
}

// phone is the verified number for a code by text message. Two codes to the same
// phone are one factor: the number that was the first proof is not asked again.
func phone(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (digest [32]byte, err error) {
	list, err := customer.Identifiers(tx, t, f.World.Account.ID)
	for _, i := range list {
		first := f.Identifier != nil && f.Identifier.Digest == i.Digest
		if i.Kind == customer.Phone && i.Verified() && !first {
			return i.Digest, err
		}
	}
	return digest, err
}

// needed puts together what the tenant's policy, the application, the customer's
// own choice and risk ask for.
func needed(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, has credential.Factors) error {
	n := &f.World.Need
	r, err := policy(tx, t, f)
	if err != nil {
		return err
	}
	n.ACR = r.ACR
	confirming := f.Kind == signin.Confirm || f.Kind == signin.Recover || f.World.Account.State == customer.Recovery
	if has.TOTPs > 0 {
		n.ACR = stronger(n.ACR, session.Multi) // who has set one up is asked for it (H086)
	}
	if f.Essential {
		n.ACR = stronger(n.ACR, f.ACR)
	} else {
		n.Wish = f.ACR
	}
	if f.Verdict != "" && len(f.Enough(session.Multi, f.World.Ways)) > 0 {
		n.ACR = stronger(n.ACR, session.Multi)
	}
	n.Hard = confirming || f.Essential || f.Verdict != "" || r.ACR == session.Resistant
	if f.Kind == signin.Confirm {
		r.Within = shorter(r.Within, Fresh)
	}
	if r.Within > 0 {
		n.After = tx.Now.Add(-r.Within)
	}
	n.Grace = grace(tx, r, has)
	return nil
}

func policy(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (access.Requirement, error) {
	if len(t.Settings.Assurance.Rules) == 0 {
		return access.Requirement{}, nil
	}
	roles, err := access.Roles(tx, t, f.World.Account.ID)
	if err != nil {
		return access.Requirement{}, err
	}
	c := access.Circumstance{Application: f.Request.Application, Action: f.Action, Risk: f.Verdict}
	for _, r := range roles {
		c.Roles = append(c.Roles, string(r))
	}
	out := access.Required(t.Settings.Assurance, c)
	if f.Kind == signin.Recover || f.World.Account.State == customer.Recovery {
		// Who comes back also signs in: the stronger of the two is needed (H095).
		c.Action = access.ActRecover
		more := access.Required(t.Settings.Assurance, c)
		out.ACR = stronger(out.ACR, more.ACR)
		if more.Within > 0 {
			out.Within = shorter(out.Within, more.Within)
		}
	}
	return out, nil
}

// grace runs from when a factor was first owed, which is now if it never was.
func grace(tx *db.Tx, r access.Requirement, has credential.Factors) time.Time {
	since := has.OwedSince
	if since.IsZero() {
		since = tx.Now
	}
	return since.Add(r.Grace)
}

func stronger(a, b string) string {
	if session.Meets(a, b) {
		return a
	}
	return b
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// trusted asks whether this browser may skip the second factor.
func trusted(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (err error) {
	n := f.World.Need
	if n.ACR == "" || n.Hard || f.From.Trust == "" || t.TrustFor() == 0 || f.Reaches(n.ACR) {
		return nil
	}
	f.World.Trusted, err = session.Trusted(tx, t, f.World.Account.ID, f.From.Device, f.From.Trust)
	return err
}
