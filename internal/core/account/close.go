package account

import (
	"cmp"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Close begins the end of an account, for somebody who proved freshly who they
// are: everybody is signed out, and after 14 days everything is erased. Until
// then signing in offers to keep it. It returns when that will be.
func (a Acts) Close(tx *db.Tx, t *tenant.Tenant, c customer.ID) (time.Time, error) {
	if err := privacy.OpenItself(tx, t, c, privacy.Erasure, ""); err != nil {
		return time.Time{}, err
	}
	return a.close(tx, t, c, []customer.State{customer.Active}, "customer")
}

func (a Acts) close(tx *db.Tx, t *tenant.Tenant, c customer.ID, from []customer.State, because string) (time.Time, error) {
	now, err := customer.SetState(tx, t, c, from, customer.Closing, because)
	if err != nil {
		return time.Time{}, err
	}
	if err := a.shut(tx, t, c, session.ID{}, "closing"); err != nil {
		return time.Time{}, err
	}
	if err := privacy.Schedule(tx, t, c, now.CloseAt); err != nil {
		return time.Time{}, err
	}
	d := signInNotice(t, notify.AccountClosing, SignInPath)
	d.Values["date"] = now.CloseAt.Format(time.RFC3339)
	return now.CloseAt, tell(tx, t, c, d)
}

// Reopen keeps a closing account after all, in the Reopen step. It fails with
// ErrLate once the time is over.
func (a Acts) Reopen(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if err := at(tx, t, f, signin.Reopen); err != nil {
		return err
	}
	c, err := customer.Get(tx, t, f.World.Account.ID)
	if err != nil {
		return err
	}
	if !tx.Now.Before(c.CloseAt) {
		return ErrLate
	}
	if _, err := customer.SetState(tx, t, c.ID, []customer.State{customer.Closing}, customer.Active, "customer"); err != nil {
		return err
	}
	if err := privacy.Unschedule(tx, t, c.ID); err != nil {
		return err
	}
	if err := privacy.EndItself(tx, t, c.ID, privacy.Erasure, privacy.Withdrawn); err != nil {
		return err
	}
	if err := customer.Seen(tx, t, c.ID, tx.Now); err != nil {
		return err
	}
	if err := renew(tx, t, f); err != nil {
		return err
	}
	f.CustomerID = c.ID
	if err := signin.Save(tx, t, f); err != nil {
		return err
	}
	return tell(tx, t, c.ID, signInNotice(t, notify.AccountReopened, AccountPath))
}

// Erase ends an account whose time to be kept is over: its data key and every
// row of the rooms go, its identifiers are free, its pseudonym stays, and a
// certificate of it is made. While a legal hold stands it fails with
// privacy.ErrHeld. The last
// message is drafted under a key of its own, which is gone with the wrapping
// key, as late as the customer's own.
func (a Acts) Erase(tx *db.Tx, t *tenant.Tenant, c customer.ID, rooms []privacy.Subject) error {
	now, err := customer.Get(tx, t, c)
	if err != nil {
		return err
	}
	if now.State != customer.Closing || tx.Now.Before(now.CloseAt) {
		return ErrState
	}
	if _, held, err := privacy.Held(tx, t, c); err != nil || held {
		return cmp.Or(err, error(privacy.ErrHeld))
	}
	if err := farewell(tx, t, c); err != nil {
		return err
	}
	if _, err := notify.TellErased(tx, t, c); err != nil {
		return err
	}
	if err := a.end(tx, t, c, session.ID{}, "erased"); err != nil {
		return err
	}
	for _, room := range rooms {
		if err := room.Erase(tx, t, c); err != nil {
			return err
		}
	}
	if _, err = customer.Destroy(tx, t, c); err != nil {
		return err
	}
	return privacy.Attest(tx, t, now)
}

func farewell(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	list, err := reachable(tx, t, c)
	if err != nil {
		return err
	}
	locale, err := notify.Language(tx, t, c)
	if err != nil {
		return err
	}
	for _, i := range list {
		d := notify.Draft{Template: notify.AccountErased, Channel: notify.Channel(channel(i.Kind)), Locale: locale, To: i.Value}
		d.Values = map[string]string{"link": privacy.ErasureLink(t, c)}
		d.Flow = [16]byte(customer.NewID(tx.Now))
		d.Key = customer.NewFlowKey(t, d.Flow)
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}
