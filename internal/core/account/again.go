package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// reached surveys the journey as its page does and makes sure that the step is
// the next one.
func reached(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, step signin.Name) error {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err == nil && next.Name != step {
		err = ErrStep
	}
	return err
}

// Again turns away the session that answered: its customer, or the holder of a
// passkey, proves an address anew.
func (a Acts) Again(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := reached(tx, t, f, e, signin.Again); err != nil {
		return err
	}
	c := f.World.Account.ID
	if err := name(tx, t, c, &f.Facts); err != nil {
		return err
	}
	f.Pinned, f.Session, f.Method, f.SentAt = c, session.ID{}, "", time.Time{}
	return signin.Save(tx, t, f)
}
