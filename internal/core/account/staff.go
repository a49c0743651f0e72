package account

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Acted is told when staff act on somebody's account. The reason may hold
// anything, so it is sealed.
type Acted struct {
	Act    string          `json:"act"`
	Reason customer.Sealed `json:"reason"`
}

// EventName names the event.
func (e Acted) EventName() string { return "account." + e.Act }

func acted(tx *db.Tx, t *tenant.Tenant, c customer.ID, s Staff, act string) error {
	reason := strings.TrimSpace(s.Reason)
	if reason == "" {
		return ErrReason
	}
	sealed, err := customer.Seal(tx, t, c, "event/reason", []byte(reason))
	if err != nil {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c, Actor: s.Actor, Class: journal.Staff, Event: Acted{Act: act, Reason: sealed},
	})
}

// Lock shuts an account for a reason: nothing works until Unlock. What it was
// in before, recovery or closing, is kept in mind.
func (a Acts) Lock(tx *db.Tx, t *tenant.Tenant, c customer.ID, s Staff) error {
	if err := acted(tx, t, c, s, "locked"); err != nil {
		return err
	}
	was, err := customer.Get(tx, t, c)
	if err != nil || was.State == customer.Locked {
		return err
	}
	from := []customer.State{customer.Active, customer.Recovery, customer.Closing}
	if _, err := customer.SetState(tx, t, c, from, customer.Locked, "staff_"+string(was.State)); err != nil {
		return err
	}
	if err := privacy.Unschedule(tx, t, c); err != nil {
		return err
	}
	return a.shut(tx, t, c, session.ID{}, "locked")
}

// Unlock opens a locked account again. One that was in recovery before goes on
// recovering; one that was closing is not any more.
func (a Acts) Unlock(tx *db.Tx, t *tenant.Tenant, c customer.ID, s Staff) error {
	if err := acted(tx, t, c, s, "unlocked"); err != nil {
		return err
	}
	now, err := customer.Get(tx, t, c)
	if err != nil {
		return err
	}
	to := customer.Active
	if now.StateReason == "staff_"+string(customer.Recovery) {
		to = customer.Recovery
	}
	_, err = customer.SetState(tx, t, c, []customer.State{customer.Locked}, to, "staff")
	return err
}

// StartRecovery secures an account that may be in the wrong hands: everybody is
// signed out, and only who proves a verified address gets back in. Every
// verified address is told.
func (a Acts) StartRecovery(tx *db.Tx, t *tenant.Tenant, c customer.ID, s Staff) error {
	if err := acted(tx, t, c, s, "recovery_started"); err != nil {
		return err
	}
	from := []customer.State{customer.Active, customer.Locked, customer.Closing}
	if _, err := customer.SetState(tx, t, c, from, customer.Recovery, "staff"); err != nil {
		return err
	}
	if err := privacy.Unschedule(tx, t, c); err != nil {
		return err
	}
	if err := a.shut(tx, t, c, session.ID{}, "recovery_started"); err != nil {
		return err
	}
	if err := estrange(tx, t, c); err != nil {
		return err
	}
	return tell(tx, t, c, signInNotice(t, notify.RecoveryStarted, RecoverPath))
}
