package login

import (
	"errors"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// act changes the journey in one transaction, does what needs no page, and goes
// to where the journey stands then. Work that must not happen in a transaction
// (budgets) is done between two.
func (v *visit) act(change func(tx *db.Tx) error) error {
	for {
		err := v.update(change)
		if errors.Is(err, account.ErrTaken) && v.step.Name == signin.Register {
			// Somebody else registered the address meanwhile: who proves it
			// once more gets into that account.
			return v.sendAndGo()
		}
		if err != nil {
			return err
		}
		switch {
		case v.ended:
			return v.leave()
		case v.step.Name == signin.Code && v.flow.SentAt.IsZero():
			return v.sendAndGo()
		case v.step.Name == signin.Register && !v.metered:
			if err := risk.Reserve(v.r.Context(), v.l.db, v.t, risk.SignUp(network(v.r))...); err != nil {
				return err
			}
			v.metered, change = true, nil
		default:
			return v.to(v.path())
		}
	}
}

func (v *visit) update(change func(tx *db.Tx) error) error {
	return v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		if change != nil {
			if err := change(tx); err != nil {
				return err
			}
		}
		return v.advance(tx)
	})
}

// advance does acts until a page comes next or the journey has ended.
func (v *visit) advance(tx *db.Tx) (err error) {
	for err == nil && !v.ended {
		if err = v.survey(tx); err != nil {
			return err
		}
		switch v.step.Name {
		case signin.Again:
			err = v.l.acts.Again(tx, v.t, &v.flow, v.entrance())
		case signin.Restore:
			err = v.l.acts.Restore(tx, v.t, &v.flow)
		case signin.Age:
			was, err := account.WasYoung(tx, v.t, &v.flow, v.entrance())
			if err != nil || !was {
				return err
			}
		case signin.Register:
			if !v.metered {
				return nil
			}
			_, err = v.l.acts.Register(tx, v.t, &v.flow)
		case signin.Done:
			err = v.finish(tx)
		case signin.Refuse:
			if !v.heard() {
				return nil
			}
			v.ended, err = true, account.Refuse(tx, v.t, &v.flow, v.step.Reason)
		default:
			return nil
		}
	}
	return err
}

// heard reports whether the refusal is for an application to hear. Those that
// only the person can act on are pages.
func (v *visit) heard() bool {
	switch v.step.Reason {
	case signin.CustomerLocked, signin.RegistrationClosed, signin.AddressRefused, signin.OtherAccount, signin.RiskDenied, signin.TooYoung:
		return false
	}
	return v.app != nil
}

// finish ends the journey as its kind wants.
func (v *visit) finish(tx *db.Tx) error {
	v.ended = true
	switch v.flow.Kind {
	case signin.Confirm:
		mine, err := v.own()
		if err != nil {
			return err
		}
		token, s, err := v.l.acts.Confirm(tx, v.t, &v.flow, mine.Session)
		v.hold(session.Held{Token: token, Session: s})
		return err
	case signin.Address:
		mine, err := v.own()
		if err != nil {
			return err
		}
		v.session = &mine
		return v.l.acts.VerifyAddress(tx, v.t, &v.flow, mine.Session)
	}
	out, err := v.l.acts.SignIn(tx, v.t, &v.flow, v.entrance())
	if err != nil {
		return err
	}
	v.trust = out.Trust
	if out.Token == "" {
		v.front(out.Session)
		return nil
	}
	v.hold(session.Held{Token: out.Token, Session: out.Session})
	return v.displace(tx)
}

// own is the session of this browser that the journey is about.
func (v *visit) own() (session.Held, error) {
	for _, h := range v.held {
		if h.ID == v.flow.Session && h.CustomerID == v.flow.Pinned {
			return h, nil
		}
	}
	return session.Held{}, signin.ErrExpired
}

// hold puts a session first among those of the browser, in place of the token
// that it had before.
func (v *visit) hold(h session.Held) {
	list := []session.Held{h}
	for _, other := range v.held {
		if other.ID != h.ID {
			list = append(list, other)
		}
	}
	v.held, v.session, v.token = list, &list[0], h.Token
}

// front puts the session that answered first.
func (v *visit) front(s session.Session) {
	for _, h := range v.held {
		if h.ID == s.ID {
			v.hold(h)
			return
		}
	}
}

// displace ends the sessions for which the browser's set has no room any more,
// so that none goes on that nobody can sign out of.
func (v *visit) displace(tx *db.Tx) error {
	room := len(session.ReadSet(session.SetOf(v.held)))
	for _, h := range v.held[room:] {
		if _, err := v.l.acts.EndSession(tx, v.t, h.CustomerID, h.ID, "displaced"); err != nil {
			return err
		}
	}
	v.held = v.held[:room]
	return nil
}

// leave takes the browser where the journey came from, with its session.
func (v *visit) leave() error {
	v.count()
	if v.session != nil {
		if v.token != "" {
			keep(v.w, v.r, v.held, v.l.db.Now())
		}
		if v.trust != "" {
			keepTrust(v.w, v.r, v.trust)
		}
		if err := v.welcome(v.session.Session); err != nil {
			return err
		}
	}
	return v.goBack()
}

// welcome lets a success make up for earlier slips.
func (v *visit) welcome(s session.Session) error {
	c := s.CustomerID
	if s.Remembered {
		remember(v.w, v.r, c)
	}
	if v.flow.Identifier == nil && v.flow.Holder.IsZero() {
		return nil // a session answered: nothing was proven
	}
	ctx, net := v.r.Context(), network(v.r)
	meters := v.passwordTry(c.String(), net)
	meters = append(meters, risk.CodeTry(c.String(), net)...)
	if i := v.flow.Identifier; i != nil {
		meters = append(meters, v.budget(i.Value)...)
	}
	if err := v.standing.Forgive(ctx, v.l.db, v.t, meters...); err != nil {
		return err
	}
	return v.standing.Remember(ctx, v.l.db, v.t, c.String(), risk.DeviceKey(v.gadget()), net)
}

// goBack goes to the application's protocol or to a path of this origin.
func (v *visit) goBack() error {
	to := v.flow.Request.ReturnPath
	if to == "" {
		to = home(v.flow.Kind)
	}
	if v.app == nil {
		return v.to(to)
	}
	to += "?flow=" + v.id.String()
	if _, ok := web.FormTarget(v.flow.Request.FormAction); ok || v.native {
		return v.to(to)
	}
	// No policy can name where the application is, so the chain of redirects
	// that form-action watches ends with a page of ours (ui.md 51).
	s := v.shell()
	web.Leave(v.w, v.r, web.Exit{
		To: web.Origin(v.r) + to, Lang: string(s.Locale), Dir: s.Locale.Dir(), Title: s.T("login.back_to", "name", v.asker()), Button: s.T("login.continue"),
	})
	return nil
}

func home(k signin.Kind) string {
	if k == signin.Address {
		return "/account/addresses?done=address"
	}
	return account.AccountPath
}

// count adds the journey to the minute's counts by how it ended.
func (v *visit) count() {
	if v.l.tally == nil {
		return
	}
	h := journal.Happening{Tenant: v.t.ID, Name: "flow." + string(v.flow.Kind), Application: v.flow.Request.Application, Reason: "done"}
	if v.flow.Outcome != nil && v.flow.Outcome.Reason != "" {
		h.Reason = string(v.flow.Outcome.Reason)
	}
	v.l.tally.Count(h)
}

// budget meters one message to an address, by the kind of the identifier.
func (v *visit) budget(address string) []risk.Meter {
	if v.flow.Identifier != nil && v.flow.Identifier.Kind == customer.Phone {
		return risk.SMS(address, network(v.r))
	}
	account := address
	if c := v.flow.World.Account.ID; !c.IsZero() {
		account = c.String()
	}
	return risk.MailFor(risk.Mail(address, network(v.r)), account, v.gadget())
}

// recipient is whose budget a message of this journey is taken from: the stored
// address that it would go to; for a username that leads to none, the name, so
// that it costs and takes as much.
func (v *visit) recipient(tx *db.Tx) (string, error) {
	i := v.flow.Identifier
	if i.Kind != customer.Username {
		return i.Value, nil
	}
	to, err := primaryEmail(tx, v.t, v.flow.World.Account.ID)
	if err != nil && !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Gone) {
		return "", err
	}
	return first(to, "username:"+i.Value), nil
}

// send reserves the budget of one message and drafts it.
func (v *visit) send() error {
	var to string
	err := v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		if v.flow.Identifier == nil {
			return account.ErrStep
		}
		to, err = v.recipient(tx)
		return err
	})
	if err != nil {
		return err
	}
	if wait := v.flow.SentAt.Add(account.Cooldown).Sub(v.l.db.Now()); !v.flow.SentAt.IsZero() && wait > 0 {
		return account.ErrTooSoon.In(wait)
	}
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, v.budget(to)...); err != nil {
		return err
	}
	return v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		return v.l.acts.SendCode(tx, v.t, &v.flow)
	})
}

// sendAndGo sends the code that the next step asks for and shows that step. One
// that was sent just now, by a second press of the button, is as good.
func (v *visit) sendAndGo() error {
	err := v.send()
	if err != nil && !errors.Is(err, account.ErrTooSoon) {
		return err
	}
	return v.to(v.path())
}

// refused shows the form again with what is wrong, or where the journey stands.
func (v *visit) refused(err error) error {
	f := fault.Of(err)
	switch {
	case f == nil:
		return nil
	case over(f):
		return v.over(f)
	case v.native:
		return err
	case moved(f):
		return v.to(v.path())
	case correctable(f):
		v.wrong = f
		return v.show("")
	}
	return err
}
