package account

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// IsFresh reports whether the session was proven lately enough for something
// dangerous.
func IsFresh(tx *db.Tx, s session.Session) bool {
	return tx.Now.Sub(s.AuthenticatedAt) < Fresh
}

// IsAssured reports whether what was proven in the session, lately enough for
// something dangerous, is also what the account's policy asks of the action
// (one of access), a second factor of who has one among it (H095). A trusted
// device makes up for nothing here; who has no way to what is needed may put off
// setting one up as long as at the door, once that was said in a journey, from
// which on it counts.
func IsAssured(tx *db.Tx, t *tenant.Tenant, s session.Session, action string) (bool, error) {
	if !IsFresh(tx, s) {
		return false, nil
	}
	f := signin.Flow{Facts: signin.Facts{Kind: signin.Confirm, Pinned: s.CustomerID, Session: s.ID, Action: action}}
	f.World = signin.World{Now: tx.Now, Account: signin.Account{ID: s.CustomerID}}
	if err := stands(tx, t, &f, s.ID); err != nil {
		return false, err
	}
	has, err := credential.FactorsOf(tx, t, s.CustomerID)
	if err != nil {
		return false, err
	}
	if err := ways(tx, t, &f, has); err != nil {
		return false, err
	}
	if err := needed(tx, t, &f, has); err != nil {
		return false, err
	}
	untold := has.OwedSince.IsZero() || len(f.World.Ways) > 0 && !f.Shown()
	return f.Met() || !untold && len(f.Seconds()) == 0 && f.MaySkip(), nil
}

// Confirmation is what a fresh proof is wanted for.
type Confirmation struct {
	Action  string // one of the actions of access, whose rules may ask for more
	Browser [32]byte
	Back    string // the path of this origin to come back to
}

// BeginConfirm opens the journey in which somebody who is signed in proves
// afresh who they are: SendCode and ProveCode, or ProvePassword, then Confirm.
func (a Acts) BeginConfirm(tx *db.Tx, t *tenant.Tenant, s session.Session, c Confirmation) (signin.Flow, error) {
	f := signin.Facts{Kind: signin.Confirm, Pinned: s.CustomerID, Session: s.ID, Action: c.Action}
	if err := name(tx, t, s.CustomerID, &f); err != nil {
		return signin.Flow{}, err
	}
	return signin.Begin(tx, t, signin.New{Browser: c.Browser, Facts: f, Request: signin.Request{ReturnPath: c.Back}})
}

// Pin names the customer of a session as who this journey is about, so that
// nobody types an address that the house knows (WCAG 2.2, 3.3.7). The proof is
// still to be given.
func Pin(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, s session.Session) error {
	if err := name(tx, t, s.CustomerID, &f.Facts); err != nil {
		return err
	}
	return signin.Save(tx, t, f)
}

// name fills in the customer's primary address as the identifier.
func name(tx *db.Tx, t *tenant.Tenant, c customer.ID, f *signin.Facts) error {
	list, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service",
	})
	if err != nil {
		return err
	}
	best, found := release.OpenIdentifier{}, false
	for _, i := range list {
		if !i.Verified() || i.Kind == customer.Username {
			continue
		}
		if !found || i.Primary && (i.Kind == customer.Email || best.Kind == customer.Phone && !best.Primary) {
			best, found = i, true
		}
	}
	if !found {
		return ErrState
	}
	f.Identifier = &signin.Identifier{Kind: best.Kind, Value: best.Value, Digest: best.Digest}
	f.Another = true
	return nil
}

// Confirm ends the journey: the session has the new proofs, a new token, and is
// fresh. The old token is dead.
func (a Acts) Confirm(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, s session.Session) (token string, out session.Session, err error) {
	if f.Kind != signin.Confirm || f.Pinned != s.CustomerID || f.Session != s.ID {
		return "", out, ErrStep
	}
	if err := at(tx, t, f, signin.Done); err != nil {
		return "", out, err
	}
	p, err := permit.May(tx, t, permit.Ask{Customer: s.CustomerID, Session: &s, Purpose: permit.ForSession})
	if err != nil {
		return "", out, err
	}
	token, out, err = session.Prove(tx, t, p, s, proofs(f)...)
	if err != nil {
		return "", out, err
	}
	return token, out, signin.End(tx, t, f, signin.Outcome{Customer: s.CustomerID, Session: out.ID})
}
