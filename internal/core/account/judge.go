package account

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// HoldFor is how long an attempt waits whose verdict is delay.
const HoldFor = 30 * time.Second

// judge asks risk what to make of the proof that was just given for the account
// of the journey, and keeps the verdict with its reasons. What is to be done
// about it, Next says; of several verdicts in one journey the gravest holds.
func (a Acts) judge(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, method string) error {
	p, c := risk.PolicyOf(t), f.World.Account.ID
	if p.Off() || c.IsZero() || f.Kind == signin.Address {
		return nil
	}
	at, err := a.circumstance(tx, t, f, method)
	if err != nil {
		return err
	}
	attempt, err := a.Atlas.Look(tx, t, c, at)
	if err != nil {
		return err
	}
	v := risk.Assess(attempt, p)
	if err := risk.Store(tx, t, risk.Kept{Customer: c, Flow: f.ID, Attempt: attempt, Verdict: v}); err != nil {
		return err
	}
	level := v.Acted()
	if level == risk.Allow || !level.Worse(risk.Level(f.Verdict)) {
		return nil
	}
	f.Verdict, f.Reasons = string(level), nil
	for _, r := range v.Reasons {
		f.Reasons = append(f.Reasons, r.Code)
	}
	if !level.Worse(risk.StepUp) {
		return nil
	}
	if level == risk.Delay && f.HoldUntil.IsZero() {
		f.HoldUntil = tx.Now.Add(HoldFor)
	}
	// Whoever this is knows the password: no browser skips the factor any more.
	return session.DistrustAll(tx, t, c)
}

// circumstance is what this house knows of the attempt.
func (a Acts) circumstance(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, method string) (risk.Circumstance, error) {
	c := risk.Circumstance{
		Action: string(f.Kind), Method: method, Address: f.From.Peer, Network: f.From.Network,
		Breached: f.From.Breached, Automation: f.From.Marks,
	}
	var err error
	if c.KnownDevice, err = session.Knows(tx, t, f.World.Account.ID, f.From.Device); err != nil {
		return c, err
	}
	if a.Atlas.Geo != nil {
		c.Last, err = lastSeen(tx, t, f.World.Account.ID)
	}
	return c, err
}

// lastSeen is where the customer was signed in last.
func lastSeen(tx *db.Tx, t *tenant.Tenant, c customer.ID) (risk.Sighting, error) {
	list, err := session.List(tx, t, c)
	if err != nil {
		return risk.Sighting{}, err
	}
	var newest session.Session
	for _, s := range list {
		if len(s.PlaceSealed) > 0 && s.CreatedAt.After(newest.CreatedAt) {
			newest = s
		}
	}
	if newest.ID.IsZero() {
		return risk.Sighting{}, nil
	}
	plain, err := release.OpenAll(tx, t, release.Recipient{Kind: release.Self}, c,
		customer.Item{Field: session.PlaceField, Sealed: newest.PlaceSealed})
	if err != nil {
		return risk.Sighting{}, err
	}
	return risk.Sighting{Network: session.OpenPlace(plain[0]).Network, At: newest.CreatedAt}, nil
}

// seen notes the browser and what is usual from now on. Of a browser that is
// new, but for the first, the customer is told.
func (a Acts) seen(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, s session.Session) error {
	known, err := session.See(tx, t, s.CustomerID, e.Device, e.Place)
	if err != nil {
		return err
	}
	if !known && !f.Registered && e.Device != ([16]byte{}) {
		if err := a.newDevice(tx, t, s.CustomerID, s, e.Place); err != nil {
			return err
		}
	}
	if risk.PolicyOf(t).Off() {
		return nil
	}
	at := risk.Circumstance{Action: string(f.Kind), Address: f.From.Peer, Network: f.From.Network}
	return a.Atlas.Observe(tx, t, s.CustomerID, at)
}
