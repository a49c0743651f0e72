package account

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// StopPath is where the link leads that stops a waiting recovery, on the
// tenant's origin, with the token as ?t=.
const StopPath = "/recovery/stop"

// lostSecond is what a waiting recovery is about: the second factor, all of it.
const lostSecond = "second"

// The faults of a lost second factor.
var (
	ErrNoWait  = fault.New(fault.Denied, "wait_not_enough", "What is needed here is not given up by waiting. Ask for help.")
	ErrWaiting = fault.New(fault.Conflict, "wait_not_over", "The waiting time is not over yet.")
)

// Lost is what there is for somebody who can use none of their second factors.
type Lost struct {
	Open   bool            // waiting helps: no rule asks for what only a passkey proves
	Proven bool            // an address was proven in this journey
	Wait   credential.Wait // the recovery that waits; zero: none
	Ready  bool            // it has waited, and the address was proven again since
	Again  bool            // it has waited, and the address is yet to be proven again
	For    time.Duration   // how long one that begins now waits
}

// LookLost reads what somebody can do at the Second step who can use none of the
// second factors. What it tells is for who has come that far alone.
func LookLost(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) (Lost, error) {
	if err := losing(tx, t, f, e); err != nil {
		return Lost{}, err
	}
	return losable(tx, t, f)
}

// losing makes sure that the journey is where a second factor may be said to be
// lost: it is needed, and this is no confirmation by somebody who is signed in.
func losing(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := reached(tx, t, f, e, signin.Second); err != nil {
		return err
	}
	if f.Met() || f.Kind != signin.SignIn && f.Kind != signin.Recover {
		return ErrStep
	}
	return nil
}

func losable(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) (Lost, error) {
	by, proven := f.Proven(signin.Code)
	out := Lost{Open: f.World.Need.ACR != session.Resistant, Proven: proven, For: t.RecoveryWait()}
	list, err := customer.Identifiers(tx, t, f.World.Account.ID)
	if err != nil {
		return out, err
	}
	rests, err := reassigned(tx, t, f, list)
	if err != nil {
		return out, err
	}
	out.Open = out.Open && !rests
	w, waiting, err := credential.Waiting(tx, t, f.World.Account.ID)
	if err != nil || !waiting || !proven {
		return out, err
	}
	target, err := provenAddress(tx, t, f)
	if err != nil || w.Target != target {
		return out, err
	}
	out.Wait = w
	if w.Ready(tx.Now) {
		out.Ready = !by.At.Before(w.ReadyAt)
		out.Again = !out.Ready
	}
	return out, nil
}

// reassigned reports whether the number that was named was somebody else's until
// lately: carriers give numbers out again. It signs in whoever added it, and gets
// nobody back into an account (H130).
func reassigned(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, list []customer.Identifier) (bool, error) {
	if f.Identifier == nil || f.Identifier.Kind != customer.Phone {
		return false, nil
	}
	var one customer.Identifier // for nobody, something is read as well (H077)
	for _, i := range list {
		if i.Digest == f.Identifier.Digest {
			one = i
		}
	}
	return one.Reassigned(tx, t)
}

// provenAddress is the address to which the code of this journey went.
func provenAddress(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) ([32]byte, error) {
	if f.Identifier == nil {
		return [32]byte{}, ErrStep
	}
	if f.Identifier.Kind != customer.Username {
		return f.Identifier.Digest, nil
	}
	list, err := customer.Identifiers(tx, t, f.World.Account.ID)
	for _, i := range list {
		if i.Kind == customer.Email && i.Primary && i.Verified() {
			return i.Digest, err
		}
	}
	if err == nil {
		err = ErrStep
	}
	return [32]byte{}, err
}

// ProveAnew leads a journey in which no address was proven, or not lately enough,
// to proving one: by the password or a session alone nothing is said to be lost.
func (a Acts) ProveAnew(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := losing(tx, t, f, e); err != nil {
		return err
	}
	if f.Identifier == nil {
		if err := name(tx, t, f.World.Account.ID, &f.Facts); err != nil {
			return err
		}
	}
	f.Session, f.Holder = session.ID{}, customer.ID{}
	f.Another, f.Method, f.SentAt, f.Proofs = true, "", time.Time{}, nil
	f.World.Surveyed = false
	return signin.Save(tx, t, f)
}

// Wait begins the waiting time after which who proves the address again gets on
// without a second factor. Every verified address is told, on all channels, with
// a link that stops it. One that waits already goes on as it is. It fails with
// ErrNoWait where waiting is not enough, and with risk.ErrMessages if too many
// were begun and stopped within a day.
func (a Acts) Wait(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := losing(tx, t, f, e); err != nil {
		return err
	}
	l, err := losable(tx, t, f)
	if err != nil {
		return err
	}
	if !l.Open {
		return ErrNoWait
	}
	if !l.Proven {
		return ErrStep
	}
	target, err := provenAddress(tx, t, f)
	if err != nil {
		return err
	}
	if err := waitless(tx, t, f.World.Account.ID, target); err != nil {
		return err
	}
	w, stop, err := credential.StartWait(tx, t, f.World.Account.ID, lostSecond, target)
	if err != nil || stop == "" {
		return err
	}
	return tell(tx, t, w.CustomerID, notify.Draft{Template: notify.RecoveryWaiting, Expires: w.ReadyAt, Values: map[string]string{
		"time": w.ReadyAt.Format(time.RFC3339), "link": t.Origin + StopPath + "?t=" + stop,
	}})
}

// mostWaits is how many recoveries may begin to wait within a day. Each tells
// every address twice, if it is stopped: whoever reads one of them could ring the
// others without end (H103).
const mostWaits = 3

func waitless(tx *db.Tx, t *tenant.Tenant, c customer.ID, target [32]byte) error {
	w, waiting, err := credential.Waiting(tx, t, c)
	if err != nil || waiting && w.Target == target {
		return err
	}
	n, err := credential.WaitsBegun(tx, t, c, tx.Now.Add(-24*time.Hour))
	if err == nil && n >= mostWaits {
		err = risk.ErrMessages.In(24 * time.Hour)
	}
	return err
}

// Release ends a recovery that has waited, in the journey of who has proven the
// same address again since, exactly once: the second factors that were said to
// be lost go, every session ends, no browser is trusted any more, and every
// verified address is told, with a link that says "this was not me". A passkey
// stays where a rule asks for what only a passkey proves: waiting is none.
func (a Acts) Release(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	if err := losing(tx, t, f, e); err != nil {
		return err
	}
	l, err := losable(tx, t, f)
	if err != nil {
		return err
	}
	switch {
	case !l.Open:
		return ErrNoWait
	case !l.Ready:
		return ErrWaiting
	}
	c := f.World.Account.ID
	taken, err := credential.TakeWait(tx, t, c, l.Wait.ID)
	if err != nil {
		return err
	}
	if !taken {
		return ErrWaiting
	}
	if err := giveUp(tx, t, c); err != nil {
		return err
	}
	if err := a.shut(tx, t, c, session.ID{}, "recovered"); err != nil {
		return err
	}
	if err := alert(tx, t, c, session.ID{}, "recovered", recoveredNotice("wait")); err != nil {
		return err
	}
	f.Way, f.SecondSentAt = "", time.Time{}
	return signin.Save(tx, t, f)
}

// giveUp takes the second factors away that cannot be used any more: whoever
// holds them now is not known to be the customer.
func giveUp(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	apps, err := credential.TOTPs(tx, t, c)
	if err != nil {
		return err
	}
	for _, g := range apps {
		if _, err := credential.RemoveTOTP(tx, t, c, g.ID); err != nil {
			return err
		}
	}
	if _, err := credential.RemoveRecoveryCodes(tx, t, c); err != nil || guarded(t) {
		return err
	}
	keys, err := credential.Passkeys(tx, t, c)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if _, err := credential.RemovePasskey(tx, t, c, k.ID); err != nil {
			return err
		}
	}
	return nil
}

// guarded reports whether a rule of the tenant asks for what only a passkey
// proves: for any application, role or act, since a journey to one leads to all.
func guarded(t *tenant.Tenant) bool {
	return slices.ContainsFunc(t.Settings.Assurance.Rules, func(r tenant.AssuranceRule) bool {
		return r.Need == "phishing-resistant"
	})
}

// recoveredNotice says that the account was got back into: after the proof of an
// address ("proof"), or after waiting ("wait").
func recoveredNotice(after string) notify.Draft {
	return notify.Draft{Template: notify.Recovered, Values: map[string]string{"after": after}}
}

// PeekStop reads which recovery a link would stop. It changes nothing. Faults:
// link_invalid, link_used, link_expired.
func PeekStop(tx *db.Tx, t *tenant.Tenant, token string) (credential.Wait, error) {
	return credential.PeekWait(tx, t, token)
}

// Stop ends a waiting recovery by its link, once, with the codes that are on
// their way. Every verified address is told. Faults: those of PeekStop.
func (a Acts) Stop(tx *db.Tx, t *tenant.Tenant, token string) error {
	c, err := credential.StopWait(tx, t, token)
	if err != nil {
		return err
	}
	if err := credential.EndOutstanding(tx, t, c); err != nil {
		return err
	}
	return alert(tx, t, c, session.ID{}, "recovery_stopped", notify.Draft{Template: notify.RecoveryStopped})
}

// found ends a recovery that waits: its customer has shown that nothing is lost.
func found(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	_, err := credential.EndWaits(tx, t, c)
	return err
}

// Choice is a verified address to which a code can go.
type Choice struct {
	Digest [32]byte
	Kind   string
	Masked string
	Chosen bool
}

// Choices are the verified addresses of the account, masked, for somebody who is
// signed in to it in this browser. For anybody else it fails with ErrStep,
// whether there is an account or not.
func Choices(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) ([]Choice, error) {
	if err := choosing(tx, t, f, e); err != nil {
		return nil, err
	}
	list, err := addressesOf(tx, t, f.Pinned)
	var out []Choice
	for _, i := range list {
		out = append(out, Choice{
			Digest: i.Digest, Kind: i.Kind, Masked: release.Mask(i.Kind, i.Value), Chosen: f.Identifier != nil && f.Identifier.Digest == i.Digest,
		})
	}
	return out, err
}

// ChooseAddress writes to which of the account's verified addresses the code is
// to go. What was proven by another one is forgotten.
func (a Acts) ChooseAddress(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, digest [32]byte) error {
	if err := choosing(tx, t, f, e); err != nil {
		return err
	}
	list, err := addressesOf(tx, t, f.Pinned)
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.Digest != digest {
			continue
		}
		about := f.Session
		f.Identified(signin.Identifier{Kind: i.Kind, Value: i.Value, Digest: i.Digest})
		f.Session = about
		return signin.Save(tx, t, f)
	}
	return ErrStep
}

// choosing makes sure that the journey asks for a code, and is about somebody who
// is signed in to that very account here.
func choosing(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance) error {
	next, err := Survey(tx, t, f, e.Policy, e.Held)
	if err != nil {
		return err
	}
	mine := slices.ContainsFunc(e.Held, func(s session.Session) bool { return s.CustomerID == f.Pinned })
	if next.Name != signin.Code || f.Kind == signin.Address || f.Pinned.IsZero() || !mine {
		return ErrStep
	}
	return nil
}

func addressesOf(tx *db.Tx, t *tenant.Tenant, c customer.ID) ([]release.OpenIdentifier, error) {
	list, err := release.Identifiers(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service",
	})
	return slices.DeleteFunc(list, func(i release.OpenIdentifier) bool { return i.Kind == customer.Username || !i.Verified() }), err
}
