package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// NewAddress is an address that a customer wants to have.
type NewAddress struct {
	Kind, Value string
	Replaces    [32]byte // digest of the identifier whose place it takes; zero: it is added
	Primary     bool
}

// BeginAddress opens the journey that proves the new address: SendCode, then
// ProveCode or ProveLink, then VerifyAddress. A change that was begun before is
// dead from now on (H116). Whether somebody else has the address is not told
// before it is proven.
func (a Acts) BeginAddress(tx *db.Tx, t *tenant.Tenant, s session.Session, browser [32]byte, n NewAddress) (signin.Flow, error) {
	canonical, err := customer.NormalizeFor(t, n.Kind, n.Value)
	if err != nil {
		return signin.Flow{}, err
	}
	if n.Kind == customer.Username {
		return signin.Flow{}, fault.New(fault.Invalid, "bad_kind", "A username is not an address.").At("kind")
	}
	if err := signin.EndKind(tx, t, s.CustomerID, signin.Address); err != nil {
		return signin.Flow{}, err
	}
	f := signin.Facts{Kind: signin.Address, Pinned: s.CustomerID, Session: s.ID, Primary: n.Primary}
	f.Identifier = &signin.Identifier{Kind: n.Kind, Value: canonical, Digest: customer.Digest(t, n.Kind, canonical)}
	if n.Replaces != ([32]byte{}) {
		f.Replaces = n.Replaces[:]
	}
	return signin.Begin(tx, t, signin.New{Browser: browser, Facts: f, Customer: s.CustomerID})
}

// VerifyAddress makes the proven address the customer's own, in place of the
// one that it replaces. Every address that was verified before is told, with a
// link that undoes it for 72 hours. It fails with identifier_taken if somebody
// else has it, which only who proved it is told.
func (a Acts) VerifyAddress(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, s session.Session) error {
	if f.Kind != signin.Address || f.Pinned != s.CustomerID || f.Session != s.ID {
		return ErrStep
	}
	if err := at(tx, t, f, signin.Done); err != nil {
		return err
	}
	told, err := begins(tx, t, s.CustomerID)
	if err != nil {
		return err
	}
	if err := apply(tx, t, f, s.CustomerID); err != nil {
		return err
	}
	name := notify.AddressAdded
	if len(f.Replaces) > 0 {
		name = notify.AddressChanged
	}
	shown := release.Mask(f.Identifier.Kind, f.Identifier.Value)
	if err := told.tell(tx, t, name, shown); err != nil {
		return err
	}
	if err := credential.EndOutstanding(tx, t, s.CustomerID); err != nil {
		return err
	}
	return signin.End(tx, t, f, signin.Outcome{Customer: s.CustomerID, Session: s.ID})
}

func apply(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	n := customer.NewIdentifier{Kind: f.Identifier.Kind, Value: f.Identifier.Value, Verified: true}
	if err := customer.AddIdentifier(tx, t, c, n); err != nil {
		return err
	}
	if err := consent.Merge(tx, t, c, f.Identifier.Digest); err != nil {
		return err
	}
	primary := f.Primary
	if len(f.Replaces) > 0 {
		was, err := isPrimary(tx, t, c, [32]byte(f.Replaces))
		if err != nil {
			return err
		}
		primary = primary || was
	}
	if primary {
		if err := customer.MakePrimary(tx, t, c, f.Identifier.Digest); err != nil {
			return err
		}
	}
	if len(f.Replaces) == 0 {
		return nil
	}
	return customer.RemoveIdentifier(tx, t, c, [32]byte(f.Replaces))
}

func isPrimary(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte) (bool, error) {
	list, err := customer.Identifiers(tx, t, c)
	for _, i := range list {
		if i.Digest == digest {
			return i.Primary, err
		}
	}
	return false, err
}

// RemoveAddress takes an address away and tells every address that was verified
// before, with the way back. The last way in stays.
func (a Acts) RemoveAddress(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte) error {
	return a.changed(tx, t, c, digest, notify.AddressRemoved, customer.RemoveIdentifier)
}

// MakePrimary makes a verified address the one that applications and messages
// are given.
func (a Acts) MakePrimary(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte) error {
	return a.changed(tx, t, c, digest, notify.AddressChanged, customer.MakePrimary)
}

type identifierAct func(*db.Tx, *tenant.Tenant, customer.ID, [32]byte) error

func (a Acts) changed(tx *db.Tx, t *tenant.Tenant, c customer.ID, digest [32]byte, name notify.Template, act identifierAct) error {
	told, err := begins(tx, t, c)
	if err != nil {
		return err
	}
	all, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service",
	})
	if err != nil {
		return err
	}
	var shown string
	for _, i := range all {
		if i.Digest == digest {
			shown = release.Mask(i.Kind, i.Value)
		}
	}
	if err := act(tx, t, c, digest); err != nil {
		return err
	}
	if err := signin.EndKind(tx, t, c, signin.Address); err != nil {
		return err
	}
	return told.tell(tx, t, name, shown)
}

// PeekUndo reads whether an undo link still works, and until when. It changes
// nothing: a GET of the link must not undo.
func PeekUndo(tx *db.Tx, t *tenant.Tenant, token string) (until time.Time, ok bool, err error) {
	_, until, ok, err = customer.PeekUndo(tx, t, token)
	return until, ok, err
}

// UndoChange restores the identifiers as they were before a change. Every
// session, grant, outstanding code and pending change ends, and the account
// waits in recovery for somebody who proves a restored address. A locked
// account stays locked.
func (a Acts) UndoChange(tx *db.Tx, t *tenant.Tenant, token string) error {
	c, err := customer.Undo(tx, t, token)
	if err != nil {
		return err
	}
	if err := a.shut(tx, t, c, session.ID{}, "address_restored"); err != nil {
		return err
	}
	if _, err := secure(tx, t, c, "address_restored"); err != nil {
		return err
	}
	return tell(tx, t, c, signInNotice(t, notify.AddressRestored, RecoverPath))
}
