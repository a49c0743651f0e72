package account

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/privacy"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// AlarmPath is where the "this was not me" of a notice leads, on the tenant's
// origin, with the token as ?t=.
const AlarmPath = "/alarm"

// alert drafts a notice to every verified address of the customer, each with an
// alarm of its own: a link that says "this was not me" and works once. The cause
// is a word of ours, with an id behind a colon if it is about one thing. The
// session is the one in which it happened; zero: none.
func alert(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.ID, cause string, d notify.Draft) error {
	list, err := noticed(tx, t, c)
	if err != nil {
		return err
	}
	d.Customer = c
	words := d.Values
	for _, i := range list {
		token, err := credential.IssueAlarm(tx, t, c, credential.NewAlarm{Cause: cause, Session: s, Target: i.Digest})
		if err != nil {
			return err
		}
		d.Values = map[string]string{"link": t.Origin + AlarmPath + "?t=" + token}
		maps.Copy(d.Values, words)
		d.Target, d.Channel = i.Digest, notify.Channel(channel(i.Kind))
		if err := notify.Send(tx, t, d); err != nil {
			return err
		}
	}
	return nil
}

// newDevice tells the customer that they were signed in with a browser that they
// were not seen with before. The first one of an account is no news.
func (a Acts) newDevice(tx *db.Tx, t *tenant.Tenant, c customer.ID, s session.Session, place session.Place) error {
	list, err := session.Devices(tx, t, c)
	if err != nil || len(list) < 2 {
		return err
	}
	return alert(tx, t, c, s.ID, "new_device", notify.Draft{Template: notify.NewDevice, Values: map[string]string{
		"browser": place.Browser, "system": place.System, "time": tx.Now.Format(time.RFC3339),
	}})
}

// PeekAlarm tells what the link of a notice is about and until when it works. It
// changes nothing: a GET of the link must not raise the alarm.
func PeekAlarm(tx *db.Tx, t *tenant.Tenant, token string) (cause string, until time.Time, ok bool, err error) {
	_, cause, until, ok, err = credential.PeekAlarm(tx, t, token)
	return word(cause), until, ok, err
}

// word is a cause without the id of what it is about.
func word(cause string) string {
	name, _, _ := strings.Cut(cause, ":")
	return name
}

// Raised is what an alarm did.
type Raised struct {
	Cause string   // what the notice was about
	Back  []string // what was taken back: "address", "passkey", "app", "codes"
	Stays bool     // something came to the account since, and is too old to be taken back by a link
}

// AlarmRaised opens a case: a customer says that something was not them.
type AlarmRaised struct {
	Cause string   `json:"cause"`
	Back  []string `json:"taken_back,omitempty"`
	Stays bool     `json:"stays,omitempty"`
	State string   `json:"state"` // of the account from now on
}

// EventName names the event.
func (AlarmRaised) EventName() string { return "account.alarm_raised" }

// Alarm is "this was not me", by the link of a notice, once. Every session,
// grant, trusted browser, outstanding code, pending address change and waiting
// recovery ends, what came to the account since is taken back, and the account
// waits in recovery for somebody who proves a verified address; a locked one
// stays locked. Every verified address is told. Faults: link_invalid, link_used,
// link_expired, also for a link that went to an address which is not the
// customer's any more.
func (a Acts) Alarm(tx *db.Tx, t *tenant.Tenant, token string) (Raised, error) {
	al, err := credential.TakeAlarm(tx, t, token)
	if err != nil {
		return Raised{}, err
	}
	c := al.CustomerID
	out, err := takeBack(tx, t, al)
	if err != nil {
		return Raised{}, err
	}
	if err := a.shut(tx, t, c, session.ID{}, "alarm"); err != nil {
		return Raised{}, err
	}
	if err := estrange(tx, t, c); err != nil {
		return Raised{}, err
	}
	state, err := secure(tx, t, c, "alarm")
	if err != nil {
		return Raised{}, err
	}
	err = journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: c, Actor: journal.Actor{Kind: "customer", ID: c}, Class: journal.Security,
		Event: AlarmRaised{Cause: out.Cause, Back: out.Back, Stays: out.Stays, State: string(state)},
	})
	if err != nil {
		return Raised{}, err
	}
	return out, tell(tx, t, c, signInNotice(t, notify.AccountSecured, RecoverPath))
}

// estrange makes no browser and no network usual any more: the thief's are among
// them, and must not pass for the customer's own.
func estrange(tx *db.Tx, t *tenant.Tenant, c customer.ID) error {
	list, err := session.Devices(tx, t, c)
	if err != nil {
		return err
	}
	for _, d := range list {
		if err := session.ForgetDevice(tx, t, c, d.ID); err != nil {
			return err
		}
	}
	return risk.ForgetHabits(tx, t, c)
}

// secure leaves the account to who proves one of its addresses, and tells in
// which state it is then. A locked account stays locked.
func secure(tx *db.Tx, t *tenant.Tenant, c customer.ID, reason string) (customer.State, error) {
	now, err := customer.Get(tx, t, c)
	if err != nil || now.State == customer.Locked || now.State == customer.Recovery {
		return now.State, err
	}
	from := []customer.State{customer.Active, customer.Closing}
	if _, err := customer.SetState(tx, t, c, from, customer.Recovery, reason); err != nil {
		return now.State, err
	}
	return customer.Recovery, privacy.Unschedule(tx, t, c)
}

// takeBack undoes what happened to the account since the notice (H115): address
// changes as the links that went to the same address would, and factors.
func takeBack(tx *db.Tx, t *tenant.Tenant, al credential.Alarm) (Raised, error) {
	out := Raised{Cause: word(al.Cause)}
	restored, err := customer.Revert(tx, t, al.CustomerID, al.CreatedAt, al.Target)
	if err != nil {
		return out, err
	}
	if restored {
		out.Back = append(out.Back, "address")
	} else if ours, err := holds(tx, t, al); err != nil || !ours {
		if err == nil {
			err = credential.ErrLinkExpired
		}
		return out, err
	}
	for _, undo := range []func(*db.Tx, *tenant.Tenant, credential.Alarm, *Raised) error{passkeysBack, appsBack, codesBack} {
		if err := undo(tx, t, al, &out); err != nil {
			return out, err
		}
	}
	return out, nil
}

// holds reports whether the address that the notice went to is still the
// customer's: who lost it has no say over the account any more.
func holds(tx *db.Tx, t *tenant.Tenant, al credential.Alarm) (bool, error) {
	list, err := customer.Identifiers(tx, t, al.CustomerID)
	return slices.ContainsFunc(list, func(i customer.Identifier) bool { return i.Digest == al.Target && i.Verified() }), err
}

// ripe reports whether a factor that came since the notice may be taken back by
// the link alone. For as long as an address change it may; later only if another
// one of its kind was there before, since a link in a mailbox must not make the
// mailbox enough (H095). What stays, a recovery that waits takes away.
func ripe(tx *db.Tx, came time.Time, another bool) bool { return another || tx.Now.Sub(came) < Undo }

func passkeysBack(tx *db.Tx, t *tenant.Tenant, al credential.Alarm, out *Raised) error {
	list, err := credential.Passkeys(tx, t, al.CustomerID)
	if err != nil {
		return err
	}
	before := func(k credential.Passkey) bool { return k.CreatedAt.Before(al.CreatedAt) }
	// Where no rule asks for a factor, a passkey keeps nobody out.
	free := len(t.Settings.Assurance.Rules) == 0 || slices.ContainsFunc(list, before)
	for _, k := range list {
		if before(k) {
			continue
		}
		if !ripe(tx, k.CreatedAt, free) {
			out.Stays = true
			continue
		}
		if _, err := credential.RemovePasskey(tx, t, al.CustomerID, k.ID); err != nil {
			return err
		}
		out.back("passkey")
	}
	return nil
}

func appsBack(tx *db.Tx, t *tenant.Tenant, al credential.Alarm, out *Raised) error {
	list, err := credential.TOTPs(tx, t, al.CustomerID)
	if err != nil {
		return err
	}
	before := func(g credential.TOTP) bool { return g.ConfirmedAt.Before(al.CreatedAt) }
	another := slices.ContainsFunc(list, before)
	for _, g := range list {
		if before(g) {
			continue
		}
		if !ripe(tx, g.ConfirmedAt, another) {
			out.Stays = true
			continue
		}
		if _, err := credential.RemoveTOTP(tx, t, al.CustomerID, g.ID); err != nil {
			return err
		}
		out.back("app")
	}
	return nil
}

// codesBack takes recovery codes away that somebody else may have written down.
// They let in, and keep nobody out.
func codesBack(tx *db.Tx, t *tenant.Tenant, al credential.Alarm, out *Raised) error {
	left, _, made, err := credential.RecoveryCodes(tx, t, al.CustomerID)
	if err != nil || left == 0 || made.Before(al.CreatedAt) {
		return err
	}
	if _, err := credential.RemoveRecoveryCodes(tx, t, al.CustomerID); err != nil {
		return err
	}
	out.back("codes")
	return nil
}

func (r *Raised) back(what string) {
	if !slices.Contains(r.Back, what) {
		r.Back = append(r.Back, what)
	}
}
