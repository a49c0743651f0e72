package login

import (
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Identify is the one door: who are you?
type Identify struct {
	ui.Shell
	Lede       string
	Asker      string
	Action     string
	Identifier ui.IdentifierField
	Remember   *ui.Checkbox
	Submit     ui.Button
	Passkey    *PasskeyButton
	Password   *ui.Button
	Bot        *Bot
}

// Template names the page's file.
func (Identify) Template() string { return "login/identify" }

func (v *visit) identifyPage(tx *db.Tx) (page ui.Page, err error) {
	p := Identify{Shell: v.shell(), Asker: v.asker(), Action: v.path("identify")}
	p.Title, p.Lede = v.doorWords(p.Shell)
	tell(&p.Shell, v.wrong, "identifier")
	p.Identifier = doorField(p.Shell, v.t.Settings.Identifiers.Phone, v.t.Settings.Identifiers.Username)
	p.Identifier.Value, p.Identifier.Autofocus = v.named(), true
	if v.t.Settings.Identifiers.Phone && v.t.Settings.Identifiers.PhoneRegion == "" {
		p.Identifier.Hint = p.T("login.identify.phone_hint")
	}
	if v.flow.Kind == signin.SignIn && !v.t.Settings.Session.NoRemember {
		p.Remember = &ui.Checkbox{
			Name: "remember", Label: p.T("login.identify.remember"), Hint: p.T("login.identify.remember_hint"),
			Checked: v.flow.Remember || v.typed("remember") != "",
		}
	}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	if v.flow.Kind == signin.SignIn && !v.t.Settings.Password.Off {
		p.Password = &ui.Button{Text: p.T("login.identify.password"), Icon: "lock", Name: "action", Value: "password", Block: true}
		p.Bot, err = v.bot(tx, &p.Shell, signin.Identify)
	}
	if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
		p.Passkey.Auto, p.Passkey.Or = true, p.Password == nil
	}
	return p, err
}

// doorWords are the heading and the line below it.
func (v *visit) doorWords(s ui.Shell) (title, lede string) {
	switch {
	case v.flow.Kind == signin.Recover:
		return s.T("login.recover.title"), s.T("login.recover.text")
	case v.t.Settings.Registration.Closed:
		return s.T("login.identify.closed"), s.Look.Tagline
	case v.flow.Prompt.Create:
		return s.T("login.identify.create"), s.T("login.identify.text")
	}
	return s.T("login.identify.title"), first(s.Look.Tagline, s.T("login.identify.text"))
}

// doorField asks for what this tenant knows its customers by.
func doorField(s ui.Shell, phone, username bool) ui.IdentifierField {
	f := ui.IdentifierField{Name: "identifier", Kind: "text"}
	switch {
	case phone && username:
		f.Label = s.T("login.identify.any")
	case phone:
		f.Label = s.T("login.identify.email_phone")
	case username:
		f.Label = s.T("login.identify.email_username")
	default:
		f.Label, f.Kind = s.T("login.identify.email"), "email"
	}
	return f
}

// named is what stands in the field: what was typed, now or before, or what the
// application suggested.
func (v *visit) named() string {
	if v.form.Has("identifier") {
		return v.typed("identifier")
	}
	if i := v.flow.Identifier; i != nil {
		return i.Value
	}
	return v.flow.Hint
}

// identify takes whom the visitor named. Nothing that happens here depends on
// who has the identifier, but for the words of the message that is sent (H077).
func (v *visit) identify() error {
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, risk.Lookup(network(v.r))...); err != nil {
		return err
	}
	kind, canonical, err := customer.Guess(v.t, v.typed("identifier"))
	if err != nil {
		return err
	}
	if v.typed("action") == "password" {
		err = v.workAtDoor()
	} else if err = customer.Reachable(v.t, kind, canonical); err != nil {
		err = fault.Of(err).At("identifier")
	}
	if err != nil {
		return err
	}
	return v.act(func(tx *db.Tx) error {
		if !v.changeable() {
			return account.ErrStep
		}
		f := &v.flow.Facts
		f.Locale = v.locale()
		if f.SentAt.Add(codeLife).Before(tx.Now) {
			f.SentAt = time.Time{} // what was sent before works no more
		}
		before := f.Identifier
		if err := account.Named(v.t, &v.flow, kind, v.typed("identifier")); err != nil {
			return err
		}
		if before != nil && before.Digest != f.Identifier.Digest {
			f.Accepted = nil // somebody else accepted those
		}
		f.Remember = v.typed("remember") != "" && !v.t.Settings.Session.NoRemember
		f.Session, f.Another, f.Method = [16]byte{}, true, ""
		if v.typed("action") == "password" && !v.t.Settings.Password.Off {
			f.Method = signin.Password
		}
		f.Cancelled = false
		return signin.Save(tx, v.t, &v.flow)
	})
}

const codeLife = 10 * time.Minute

// locale is the language of the journey's pages, in which its messages speak.
func (v *visit) locale() string {
	return string(v.l.ui.Locale(v.r, ui.Visit{UILocales: v.locales()}))
}
