package login

import (
	"errors"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
)

// Enrol asks a customer who has no second factor to set one up.
type Enrol struct {
	ui.Shell
	Lede    string
	Action  string
	Account *ui.AccountCard
	Facts   ui.Facts
	Passkey *PasskeyButton
	App     *ui.Button
	Until   template.HTML // until when this can be put off
	Skip    *ui.Button
}

// Template names the page's file.
func (Enrol) Template() string { return "login/enrol" }

// Setup shows the key for an authenticator app, as a picture and in letters, and
// asks for the first code.
type Setup struct {
	ui.Shell
	Action  string
	Picture template.HTML
	Open    template.URL // opens the app of this very device
	Key     ui.CopyChip
	Code    ui.CodeField
	Submit  ui.Button
}

// Template names the page's file.
func (Setup) Template() string { return "login/setup" }

// Codes shows recovery codes, this once.
type Codes struct {
	ui.Shell
	Lede   string
	Codes  []string
	File   template.URL // the same as a text file
	Name   string       // of the file
	Print  string
	Action string
	Submit ui.Button
}

// Template names the page's file.
func (Codes) Template() string { return "login/codes" }

// enrolPage is the choice, or the app that is being set up: a reload shows the
// same picture again.
func (v *visit) enrolPage(tx *db.Tx) (ui.Page, error) {
	if v.flow.Enrolling != ([16]byte{}) && !v.r.URL.Query().Has("other") {
		c, id := v.flow.World.Account.ID, credential.TOTPID(v.flow.Enrolling)
		if setup, pending, err := v.l.acts.PendingApp(tx, v.t, c, id); err != nil || pending {
			if err != nil {
				return nil, err
			}
			return v.settingUp(setup)
		}
	}
	who, err := v.whose(tx)
	return v.enrolling(who), err
}

// enrolling is the choice of what to set up.
func (v *visit) enrolling(who *ui.AccountCard) Enrol {
	p := Enrol{Shell: v.shell(), Action: v.path("enrol"), Account: who}
	p.Title, p.Lede = p.T("login.enrol.title"), p.T("login.enrol.text", "name", first(v.asker(), p.Look.Name))
	tell(&p.Shell, v.wrong, "")
	lacking := v.flow.Lacking()
	if slices.Contains(lacking, session.Passkey) {
		if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
			p.Passkey.create(v, p.T("login.enrol.passkey"))
			p.Passkey.Exists = p.T("login.passkey.exists")
			p.Facts.Items = append(p.Facts.Items, ui.Fact{Icon: "fingerprint", Title: p.T("login.enrol.passkey_title"), Text: p.T("login.enrol.passkey_text")})
		}
	}
	if slices.Contains(lacking, session.TOTP) {
		p.App = &ui.Button{Text: p.T("login.enrol.app"), Icon: "smartphone", Name: "action", Value: "app", Block: true}
		if p.Passkey == nil {
			p.App.Kind = "primary"
		}
		p.Facts.Items = append(p.Facts.Items, ui.Fact{Icon: "smartphone", Title: p.T("login.enrol.app_title"), Text: p.T("login.enrol.app_text")})
	}
	if v.flow.MaySkip() {
		p.Skip = &ui.Button{Text: p.T("login.skip"), Kind: "quiet", Name: "action", Value: "skip", Block: true}
		if !v.flow.Met() {
			p.Until = p.Rich("login.enrol.until", "date", p.Date(v.flow.World.Need.Grace))
		}
	}
	return p
}

// create turns the button into one that makes a passkey.
func (b *PasskeyButton) create(v *visit, text string) {
	b.Kind, b.Text, b.Or, b.Class = "create", text, false, passkeyButtons+" primary"
	b.Action = v.path(createPath)
}

func (v *visit) settingUp(setup credential.TOTPSetup) (ui.Page, error) {
	picture, err := credential.QR(setup.URI)
	if err != nil {
		return nil, err
	}
	p := Setup{Shell: v.shell(), Action: v.path("enrol")}
	p.Title = p.T("login.enrol.app_set")
	p.Back = &ui.Link{Href: v.path() + "?other=1", Text: p.T("login.enrol.back")}
	v.tellSecond(&p.Shell, session.TOTP)
	p.Picture = labelled(picture, p.T("login.enrol.picture"))
	p.Open, p.Key = template.URL(setup.URI), ui.CopyChip{Text: setup.Manual(), Label: p.T("login.enrol.copy")}
	p.Code = ui.CodeField{Name: "code", Label: p.T("login.enrol.code"), Autofocus: v.wrong == nil}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	return p, nil
}

// labelled gives a picture of our own making its role and its name.
func labelled(svg, label string) template.HTML {
	open := `<svg role="img" aria-label="` + template.HTMLEscapeString(label) + `" `
	return template.HTML(strings.Replace(svg, "<svg ", open, 1))
}

// enrol sets an authenticator app up, or puts that off.
func (v *visit) enrol() error {
	switch v.typed("action") {
	case "skip":
		return v.act(func(tx *db.Tx) error { return v.l.acts.SkipEnrol(tx, v.t, &v.flow, v.entrance()) })
	case "app":
		return v.act(func(tx *db.Tx) error {
			_, err := v.l.acts.EnrolApp(tx, v.t, &v.flow, v.entrance())
			return err
		})
	}
	meters, err := v.secondMeters()
	if err != nil {
		return err
	}
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, meters...); err != nil {
		return err
	}
	var codes []string
	err = v.l.db.Update(v.r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		codes, err = v.l.acts.EnrolledApp(tx, v.t, &v.flow, v.entrance(), v.typed("code"))
		return err
	})
	if errors.Is(err, credential.ErrTOTPGone) {
		return credential.ErrTOTPGone.At("code")
	}
	if err != nil {
		return err
	}
	if err := risk.Forgive(v.r.Context(), v.l.db, v.t, meters...); err != nil {
		web.Record(v.r).Add("forgive", err)
	}
	if len(codes) == 0 {
		return v.act(nil)
	}
	return v.render(v.codesPage(codes))
}

// codesPage shows recovery codes. It is the answer to the form that confirmed the
// app, since they are nowhere to be read again.
func (v *visit) codesPage(codes []string) Codes {
	p := Codes{Shell: v.shell(), Codes: codes, Action: v.path("continue")}
	p.Title, p.Lede = p.T("login.enrol.codes"), p.T("login.enrol.codes_text")
	p.Name = "recovery-codes.txt"
	text := p.T("login.enrol.file", "name", p.Look.Name) + "\r\n\r\n" + strings.Join(codes, "\r\n") + "\r\n"
	p.File = template.URL("data:text/plain;charset=utf-8," + url.PathEscape(text))
	p.Submit = ui.Button{Text: p.T("login.enrol.saved"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	return p
}
