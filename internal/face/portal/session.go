package portal

import (
	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/session"
)

// sessions is where older links lead.
func (v *visit) sessions() error { return v.to(securityPath + "#devices") }

// endSession signs one device out. A session of somebody else, or of another
// tenant, is none (H154); one of one's own that has ended already is as good.
func (v *visit) endSession() error {
	raw, err := v.typed("session")
	if err != nil {
		return err
	}
	var sid session.ID
	if raw == "" || sid.UnmarshalText([]byte(raw)) != nil {
		return errNothing
	}
	err = v.update(func(tx *db.Tx) error {
		ended, err := v.p.acts.EndSession(tx, v.t, v.me.CustomerID, sid, "signed_out")
		if err != nil || ended {
			return err
		}
		return v.ownEnded(tx, sid)
	})
	if err != nil {
		return err
	}
	if sid == v.me.ID {
		v.leave(v.me.CustomerID)
		return v.to(signedOutPath)
	}
	return v.to(securityPath + "?done=session")
}

// ownEnded tells a second press of the button from a stranger's session.
func (v *visit) ownEnded(tx *db.Tx, sid session.ID) error {
	known, err := session.Known(tx, v.t, v.me.CustomerID, sid)
	if err == nil && !known {
		err = errNothing
	}
	return err
}

func (v *visit) endOthers() error {
	if err := v.update(func(tx *db.Tx) error { return v.p.acts.SignOutOthers(tx, v.t, v.me) }); err != nil {
		return err
	}
	return v.to(securityPath + "?done=others")
}

func (v *visit) askEverywhere() error {
	if err := v.fresh(access.ActSignIn); err != nil {
		return err
	}
	p := newEverywhere(v.shell(securityPath))
	p.Fields = []ui.Component{v.mark()}
	return v.render(p, p.Shell)
}

func newEverywhere(s ui.Shell) Ask {
	p := ask(s, s.T("portal.everywhere.title"), everywherePath, securityPath)
	p.Lede = s.T("portal.everywhere.lede")
	p.Consequences = []string{s.T("portal.everywhere.sessions"), s.T("portal.everywhere.apps"), s.T("portal.everywhere.told")}
	p.Submit = ui.Button{Text: s.T("portal.session.everywhere"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

func (v *visit) signOutEverywhere() error {
	err := v.freshly(access.ActSignIn, func(tx *db.Tx) error { return v.p.acts.SignOutEverywhere(tx, v.t, v.me.CustomerID) })
	if err != nil {
		return err
	}
	v.leave(v.me.CustomerID)
	return v.to(signedOutPath)
}

// signOut ends what this browser holds of the account.
func (v *visit) signOut() error {
	err := v.update(func(tx *db.Tx) error {
		for _, h := range session.Of(v.held, v.me.CustomerID) {
			if err := v.p.acts.SignOut(tx, v.t, h.Session); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	v.leave(v.me.CustomerID)
	return v.to(signedOutPath)
}
