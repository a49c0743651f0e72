package portal

import (
	"errors"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
)

// TwoStep is the page of the second step: authenticator apps, recovery codes,
// and the browsers that are not asked.
type TwoStep struct {
	ui.Shell
	State   ui.Notice
	Rows    []AppRow
	Limit   string   // in place of Begin: why no more can be added
	Begin   *Begin   // nil: none can be added here
	Codes   *ui.Card // nil: without an app there are none
	Trusted *ui.Card
	Passkey *ui.Rows
}

// Template implements ui.Page.
func (TwoStep) Template() string { return "portal/app" }

// Begin is the button that begins to set up an app.
type Begin struct {
	Mark   ui.Hidden
	Button ui.Button
}

// AppRow is one authenticator app. Edit is the form of its name, while that is
// changed.
type AppRow struct {
	Name           string
	Added, Used    template.HTML
	Edit           *Rename
	Rename, Remove ui.Button
}

// NewApp is where an authenticator app is set up.
type NewApp struct {
	ui.Shell
	Picture template.HTML // the QR code
	Key     ui.CopyChip
	Here    template.URL // opens an app on this device
	Code    ui.CodeField
	Label   ui.Field
	Fields  []ui.Component
	Submit  ui.Button
	Cancel  ui.Button
}

// Template implements ui.Page.
func (NewApp) Template() string { return "portal/app_new" }

// heldApp is an authenticator app with its name opened.
type heldApp struct {
	credential.TOTP
	Name string
}

// twoStep is what the page shows.
type twoStep struct {
	Apps         []heldApp
	Left, Issued int // recovery codes
	IssuedAt     time.Time
	Passkeys     int
	Skipping     int           // browsers that are not asked
	Trust        time.Duration // for how long one may be told not to; 0: not at all
	Off          bool          // no more apps are set up here
	Handle       func(heldApp) string
	Edit         credential.TOTPID
	Typed        string
	Mark         ui.Hidden
}

const mostApps = 10

func (v *visit) apps(tx *db.Tx) ([]heldApp, error) {
	all, err := credential.TOTPs(tx, v.t, v.me.CustomerID)
	if err != nil {
		return nil, err
	}
	out := make([]heldApp, len(all))
	var sealed letters
	for i, a := range all {
		o := &out[i]
		o.TOTP = a
		sealed.add(credential.TOTPNameField, a.NameSealed, func(b []byte) { o.Name = string(b) })
	}
	return out, sealed.open(tx, v)
}

// readTwoStep looks up how things stand.
func (v *visit) readTwoStep(tx *db.Tx, f *twoStep) (err error) {
	c := v.me.CustomerID
	if f.Apps, err = v.apps(tx); err != nil {
		return err
	}
	if f.Left, f.Issued, f.IssuedAt, err = credential.RecoveryCodes(tx, v.t, c); err != nil {
		return err
	}
	keys, err := credential.Passkeys(tx, v.t, c)
	if err != nil {
		return err
	}
	devices, err := session.Devices(tx, v.t, c)
	f.Passkeys, f.Skipping = len(keys), skipping(devices)
	f.Trust, f.Off = v.t.TrustFor(), v.t.Settings.SecondFactor.NoTOTP
	return err
}

func skipping(list []session.Device) (n int) {
	for _, d := range list {
		if !d.TrustedUntil.IsZero() {
			n++
		}
	}
	return n
}

// twoStepPage is the page; ?app= opens the form of one name.
func (v *visit) twoStepPage() error {
	f := twoStep{}
	if v.form.Get("app") != "" {
		one, err := v.named16("app")
		if err != nil {
			return err
		}
		f.Edit = one
	}
	return v.showTwoStep(f, nil)
}

func (v *visit) showTwoStep(f twoStep, wrong error) error {
	if err := v.view(func(tx *db.Tx) error { return v.readTwoStep(tx, &f) }); err != nil {
		return err
	}
	if f.Off && len(f.Apps) == 0 {
		return errNothing
	}
	f.Mark = v.mark()
	f.Handle = func(a heldApp) string { return v.seal("app", a.ID[:]) }
	s := v.shell(securityPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newTwoStep(s, f)
	return v.renderWrong(p, p.Shell, wrong)
}

func newTwoStep(s ui.Shell, f twoStep) TwoStep {
	s.Title = s.T("portal.app.title")
	s.Back = &ui.Link{Href: securityPath, Text: s.T("portal.security.title")}
	p := TwoStep{Shell: s, State: ui.Notice{Title: s.T("portal.app.off"), Text: s.T("portal.app.off_text")}}
	for _, a := range f.Apps {
		p.Rows = append(p.Rows, appRow(s, a, f))
	}
	begin := &Begin{Mark: f.Mark, Button: ui.Button{Text: s.T("portal.app.add"), Icon: "plus", Wait: s.T("portal.wait")}}
	switch {
	case len(f.Apps) >= mostApps:
		p.Limit = s.T("portal.app.most")
	case !f.Off:
		p.Begin = begin
	}
	if f.Passkeys > 0 {
		p.Passkey = &ui.Rows{Items: []ui.Component{ui.LinkRow{
			Href: passkeysPath, Icon: "fingerprint", Kind: "brand", Title: s.T("portal.passkey.title"), Text: s.T("portal.app.passkey", "n", f.Passkeys),
		}}}
	}
	if len(f.Apps) == 0 {
		begin.Button.Kind = "primary"
		return p
	}
	p.State = ui.Notice{Kind: "ok", Title: s.T("portal.app.on"), Text: s.T("portal.app.on_text")}
	codes := codesCard(s, f)
	p.Codes = &codes
	if f.Trust > 0 {
		p.Trusted = trustedCard(s, f)
	}
	return p
}

func appName(s ui.Shell, a heldApp) string { return first(a.Name, s.T("portal.app.unnamed")) }

func appRow(s ui.Shell, a heldApp, f twoStep) AppRow {
	name, handle := appName(s, a), f.Handle(a)
	at := "?app=" + url.QueryEscape(handle)
	row := AppRow{Name: name, Added: s.Date(a.ConfirmedAt)}
	if !a.UsedAt.IsZero() {
		row.Used = s.Ago(a.UsedAt)
	}
	if f.Edit == a.ID {
		value := a.Name
		if len(s.Problems) > 0 {
			value = f.Typed
		}
		row.Edit = rename(s, twoStepPath+"/rename", twoStepPath, value, f.Mark, ui.Hidden{Name: "app", Value: handle})
		return row
	}
	row.Rename = ui.Button{Text: s.T("portal.label.rename"), Label: s.T("portal.label.rename_it", "name", name), Small: true, Href: twoStepPath + at + "#" + labelName}
	row.Remove = ui.Button{Text: s.T("portal.addresses.remove"), Label: s.T("portal.addresses.remove_it", "address", name), Small: true, Kind: "quiet", Href: twoStepPath + "/remove" + at}
	return row
}

func trustedCard(s ui.Shell, f twoStep) *ui.Card {
	return &ui.Card{
		ID: "trusted", Icon: "laptop", Title: s.T("portal.trusted.skip"),
		Text: s.T("portal.trusted.skip_text", "n", f.Skipping, "days", int(f.Trust/(24*time.Hour))),
		Body: []ui.Component{Actions{[]ui.Component{ui.Button{Text: s.T("portal.trusted.open"), Href: devicesPath}}}},
	}
}

// beginApp draws the key of an app. Nothing changes until a code of it is shown.
func (v *visit) beginApp() error {
	v.back = twoStepPath
	var setup credential.TOTPSetup
	err := v.freshly(access.ActFactor, func(tx *db.Tx) (err error) {
		setup, err = v.p.acts.BeginApp(tx, v.t, v.me.CustomerID)
		return err
	})
	switch {
	case errors.Is(err, credential.ErrTOTPOff):
		return errNothing
	case errors.Is(err, credential.ErrTOTPMany):
		return v.to(twoStepPath)
	case err != nil:
		return err
	}
	return v.to(twoStepPath + "/app?app=" + url.QueryEscape(v.seal("app", setup.ID[:])))
}

func (v *visit) askApp() error {
	one, err := v.named16("app")
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActFactor); err != nil {
		return err
	}
	return v.showApp(one, "", nil)
}

func (v *visit) showApp(one credential.TOTPID, label string, wrong error) error {
	var setup credential.TOTPSetup
	var pending bool
	err := v.view(func(tx *db.Tx) (err error) {
		setup, pending, err = v.p.acts.PendingApp(tx, v.t, v.me.CustomerID, one)
		return err
	})
	if err != nil {
		return err
	}
	if !pending {
		return v.to(twoStepPath)
	}
	picture, err := credential.QR(setup.URI)
	if err != nil {
		return err
	}
	s := v.shell(securityPath)
	if wrong != nil {
		s.Fault(wrong)
	}
	p := newNewApp(s, setup, picture, label)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "app", Value: v.seal("app", one[:])}}
	return v.renderWrong(p, p.Shell, wrong)
}

func newNewApp(s ui.Shell, setup credential.TOTPSetup, picture, label string) NewApp {
	s.Title = s.T("portal.app.new")
	named := `<svg role="img" aria-label="` + template.HTMLEscapeString(s.T("portal.app.picture")) + `" `
	return NewApp{
		Shell: s, Picture: template.HTML(strings.Replace(picture, "<svg ", named, 1)), Here: template.URL(setup.URI),
		Key:    ui.CopyChip{Text: setup.Manual(), Label: s.T("portal.app.copy")},
		Code:   ui.CodeField{Name: "code", Label: s.T("portal.app.code"), Hint: s.T("portal.app.code_hint")},
		Label:  ui.Field{Name: labelName, Label: s.T("portal.app.label"), Hint: s.T("portal.app.label_hint"), Value: label, Max: 64, Optional: true},
		Submit: ui.Button{Text: s.T("portal.app.confirm"), Kind: "primary", Wait: s.T("portal.wait")},
		Cancel: ui.Button{Text: s.T("portal.cancel"), Href: twoStepPath},
	}
}

// confirmApp ends the setting up with a code that the app shows. With the first
// app come recovery codes, which are shown this once.
func (v *visit) confirmApp() error {
	one, err := v.named16("app")
	if err != nil {
		return err
	}
	v.back = twoStepPath + "/app?app=" + url.QueryEscape(v.form.Get("app"))
	code, err := v.typed("code")
	if err != nil {
		return err
	}
	label, err := v.typed(labelName)
	if err != nil {
		return err
	}
	label = strings.TrimSpace(label)
	if err = risk.Reserve(v.r.Context(), v.p.db, v.t, v.tries()...); err == nil {
		err = v.confirmed(one, code, label)
	}
	switch {
	case errors.Is(err, credential.ErrTOTPLabel):
		return v.showApp(one, label, fault.Of(err).At(labelName))
	case errors.Is(err, credential.ErrTOTPGone):
		return v.goneApp(one)
	case correctable(err, "code"):
		return v.showApp(one, label, err)
	}
	return err
}

// tries meter guesses, before they are looked at (H073, H089).
func (v *visit) tries() []risk.Meter {
	return risk.SecondTry(v.me.CustomerID.String(), network(v.r))
}

// confirmed keeps the app. Who shows a code of it has just held it, so the
// session is worth a second factor more, and has a new token (ASVS 7.2.4).
func (v *visit) confirmed(one credential.TOTPID, code, label string) error {
	var codes []string
	var token string
	var raised session.Session
	err := v.freshly(access.ActFactor, func(tx *db.Tx) (err error) {
		c := v.me.CustomerID
		if codes, err = v.p.acts.ConfirmApp(tx, v.t, c, v.me.ID, one, code); err != nil {
			return err
		}
		if label != "" {
			if err := credential.NameTOTP(tx, v.t, c, one, label); err != nil {
				return err
			}
		}
		token, raised, err = v.raise(tx, session.Proof{Method: session.TOTP, Credential: one})
		return err
	})
	if err != nil {
		return err
	}
	v.keep(token, raised)
	if err := risk.Forgive(v.r.Context(), v.p.db, v.t, v.tries()...); err != nil {
		return err
	}
	if len(codes) > 0 {
		return v.showCodes(codes, "portal.done.app")
	}
	return v.to(twoStepPath + "?done=app")
}

// raise adds a proof to the current session.
func (v *visit) raise(tx *db.Tx, p session.Proof) (string, session.Session, error) {
	may, err := permit.May(tx, v.t, permit.Ask{Customer: v.me.CustomerID, Session: &v.me, Purpose: permit.ForSession})
	if err != nil {
		return "", session.Session{}, err
	}
	return session.Prove(tx, v.t, may, v.me, p)
}

// goneApp tells a form that came twice from one that came too late.
func (v *visit) goneApp(one credential.TOTPID) error {
	var list []credential.TOTP
	err := v.view(func(tx *db.Tx) (err error) { list, err = credential.TOTPs(tx, v.t, v.me.CustomerID); return err })
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(a credential.TOTP) bool { return a.ID == one }) {
		return v.to(twoStepPath + "?done=app")
	}
	return v.showTwoStep(twoStep{}, credential.ErrTOTPGone)
}

func (v *visit) renameApp() error {
	one, err := v.named16("app")
	if err != nil {
		return err
	}
	name, err := v.typed(labelName)
	if err != nil {
		return err
	}
	name = strings.TrimSpace(name)
	err = v.update(func(tx *db.Tx) error { return credential.NameTOTP(tx, v.t, v.me.CustomerID, one, name) })
	switch {
	case errors.Is(err, credential.ErrTOTPLabel):
		return v.showTwoStep(twoStep{Edit: one, Typed: name}, fault.Of(err).At(labelName))
	case err != nil:
		return err
	}
	return v.to(twoStepPath + "?done=renamed")
}

func (v *visit) askRemoveApp() error {
	one, err := v.named16("app")
	if err != nil {
		return err
	}
	if err := v.fresh(access.ActFactor); err != nil {
		return err
	}
	var list []heldApp
	if err := v.view(func(tx *db.Tx) (err error) { list, err = v.apps(tx); return err }); err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(a heldApp) bool { return a.ID == one })
	if i < 0 {
		return v.to(twoStepPath)
	}
	s := v.shell(securityPath)
	p := newRemoveApp(s, appName(s, list[i]), len(list) == 1)
	p.Fields = []ui.Component{v.mark(), ui.Hidden{Name: "app", Value: v.seal("app", one[:])}}
	return v.render(p, p.Shell)
}

func newRemoveApp(s ui.Shell, name string, last bool) Ask {
	p := ask(s, s.T("portal.app.remove"), twoStepPath+"/remove", twoStepPath)
	p.Lede = s.T("portal.app.remove_lede", "name", name)
	p.Consequences = []string{s.T("portal.app.remove_codes")}
	if last {
		p.Notice = &ui.Notice{Kind: "warn", Title: s.T("portal.app.remove_last"), Text: s.T("portal.app.remove_last_text")}
		p.Consequences = append(p.Consequences, s.T("portal.app.remove_recovery"))
	}
	p.Consequences = append(p.Consequences, s.T("portal.app.remove_trusted"), s.T("portal.app.remove_final"), s.T("portal.everywhere.told"))
	p.Submit = ui.Button{Text: s.T("portal.app.remove"), Kind: "danger primary", Wait: s.T("portal.wait")}
	return p
}

// removeApp takes an app away. One that is gone already is as good.
func (v *visit) removeApp() error {
	one, err := v.named16("app")
	if err != nil {
		return err
	}
	v.back = twoStepPath + "/remove?app=" + url.QueryEscape(v.form.Get("app"))
	err = v.freshly(access.ActFactor, func(tx *db.Tx) error {
		return v.p.acts.RemoveApp(tx, v.t, v.me.CustomerID, v.me.ID, one)
	})
	if err != nil && !errors.Is(err, credential.ErrNoTOTP) {
		return err
	}
	return v.to(twoStepPath + "?done=app_removed")
}
