package portal

import (
	"errors"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Password is where a password is chosen.
type Password struct {
	ui.Shell
	Rules  ui.Facts
	Field  ui.PasswordField
	Meter  *ui.Meter // of what was refused
	Mark   ui.Hidden
	Submit ui.Button
	Cancel ui.Button
}

// Template implements ui.Page.
func (Password) Template() string { return "portal/password" }

func (v *visit) askPassword() error {
	if !signin.PolicyOf(v.t).Password {
		return errNothing
	}
	if err := v.fresh(access.ActPassword); err != nil {
		return err
	}
	return v.showPassword(nil, nil)
}

func (v *visit) showPassword(wrong error, strength *credential.Strength) error {
	s := v.shell(securityPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newPassword(s, v.who.Address, credential.MinPassword(v.t, false), strength)
	p.Mark = v.mark()
	return v.render(p, p.Shell)
}

func newPassword(s ui.Shell, username string, least int, strength *credential.Strength) Password {
	s.Title = s.T("portal.password.title")
	p := Password{Shell: s}
	p.Rules = ui.Facts{Items: []ui.Fact{
		{Icon: "check", Text: s.T("portal.password.rule_long", "n", least)},
		{Icon: "check", Text: s.T("portal.password.rule_any")},
		{Icon: "check", Text: s.T("portal.password.rule_known")},
	}}
	p.Field = ui.PasswordField{Name: "new_password", Label: s.T("portal.password.new"), Username: username, New: true, Min: least, Autofocus: true}
	if strength != nil {
		p.Meter = &ui.Meter{ID: "strength", Label: s.T("portal.password.strength"), Value: int(*strength) + 1, Max: int(credential.Strong) + 1, Text: strengthText(s, *strength)}
	}
	p.Submit = ui.Button{Text: s.T("portal.password.save"), Kind: "primary", Wait: s.T("portal.wait")}
	p.Cancel = ui.Button{Text: s.T("portal.cancel"), Href: securityPath}
	return p
}

func strengthText(s ui.Shell, strength credential.Strength) string {
	return s.T(map[credential.Strength]string{
		credential.VeryWeak: "portal.strength.very_weak", credential.Weak: "portal.strength.weak", credential.Fair: "portal.strength.fair",
		credential.Good: "portal.strength.good", credential.Strong: "portal.strength.strong",
	}[strength])
}

// setPassword checks and hashes outside of any transaction, and then asks again
// whether the proof is fresh.
func (v *visit) setPassword() error {
	raw, err := v.typed("new_password")
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActPassword); err != nil {
		return err
	}
	var c credential.PasswordContext
	err = v.view(func(tx *db.Tx) (err error) {
		c, err = account.PasswordContext(tx, v.t, v.me.CustomerID)
		return err
	})
	if err != nil {
		return err
	}
	nfc, strength, err := v.p.passwords.Check(v.t, c, raw)
	if errors.Is(err, credential.ErrOff) {
		return errNothing
	}
	if f := fault.Of(err); f != nil {
		if f.Kind != fault.Invalid {
			return err
		}
		weak := credential.StrengthOf(v.t, c, raw)
		return v.showPassword(f.At("new_password"), &weak)
	}
	phc, err := v.p.hasher.Hash(v.r.Context(), nfc)
	if err != nil {
		return err
	}
	if err := v.freshly(access.ActPassword, func(tx *db.Tx) error {
		return v.p.acts.ChangePassword(tx, v.t, v.me.CustomerID, phc, v.me.ID)
	}); err != nil {
		return err
	}
	return v.to(securityPath + "?done=" + passwordDone(strength))
}

func passwordDone(s credential.Strength) string {
	switch s {
	case credential.Fair:
		return "password_fair"
	case credential.Good:
		return "password_good"
	case credential.Strong:
		return "password_strong"
	}
	return "password"
}

func (v *visit) askRemovePassword() error {
	if err := v.fresh(access.ActPassword); err != nil {
		return err
	}
	p := newRemovePassword(v.shell(securityPath))
	p.Fields = []ui.Component{v.mark()}
	return v.render(p, p.Shell)
}

func newRemovePassword(s ui.Shell) Ask {
	p := ask(s, s.T("portal.unpassword.title"), passwordPath+"/remove", securityPath)
	p.Lede = s.T("portal.unpassword.lede")
	p.Consequences = []string{s.T("portal.unpassword.code"), s.T("portal.unpassword.others"), s.T("portal.everywhere.told")}
	p.Submit = ui.Button{Text: s.T("portal.password.remove"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

func (v *visit) removePassword() error {
	if err := v.freshly(access.ActPassword, func(tx *db.Tx) error {
		return v.p.acts.RemovePassword(tx, v.t, v.me.CustomerID, v.me.ID)
	}); err != nil {
		return err
	}
	return v.to(securityPath + "?done=password_removed")
}
