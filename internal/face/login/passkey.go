package login

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// PasskeyButton asks the browser for a passkey, or has it make one. The script
// js/passkey.js fetches the options below Action, and sends the form that the
// button stands in to Action with what the browser answered. Without scripts, and
// in browsers that know no passkeys, it is not there.
type PasskeyButton struct {
	Kind   string // "get" or "create"
	Text   string
	Action string
	Class  string
	Or     bool // below the line between two ways
	Auto   bool // the browser may begin by itself: in the field of autofill, or quietly
	Exists string
	Signal *Signal
}

// Template implements ui.Component.
func (PasskeyButton) Template() string { return "login/_passkey" }

// Signal tells the browser's passkey provider how a passkey stands here
// (WebAuthn Level 3, section 5.1.10).
type Signal struct{ Name, Told string }

const (
	passkeyScript  = "js/passkey.js"
	passkeyField   = "credential" // what the browser answered, as JSON
	capableField   = "passkeys"   // "1": this browser makes passkeys
	passkeyWord    = "passkey"
	createPath     = "offer"
	signalUnknown  = "signalUnknownCredential"
	passkeyButtons = "btn block"
)

// passkeyButton is the button of a page on which a passkey leads on; nil where it
// does not. It lets the page's forms say what the browser can.
func (v *visit) passkeyButton(s *ui.Shell) *PasskeyButton {
	if v.t.Settings.Passkeys.Off || v.flow.Kind == signin.Address {
		return nil
	}
	text := s.T("login.passkey.use")
	if v.flow.Kind == signin.SignIn && v.step.Name != signin.Second {
		text = s.T("login.passkey.signin")
	}
	b := &PasskeyButton{
		Kind: "get", Text: text, Action: v.path(passkeyWord),
		Class: passkeyButtons, Or: true, Signal: v.unknownSignal(),
	}
	s.Scripts = append(s.Scripts, passkeyScript)
	return b
}

// unknownSignal names the passkey that was used and that nobody has here, so that
// the browser offers it no more.
func (v *visit) unknownSignal() *Signal {
	if len(v.unknown) == 0 {
		return nil
	}
	told, err := json.Marshal(map[string]string{"rpId": v.t.RPID, "credentialId": base64.RawURLEncoding.EncodeToString(v.unknown)})
	if err != nil {
		return nil
	}
	return &Signal{signalUnknown, string(told)}
}

// passkeyFault reports a refusal that concerns no field of the page.
func passkeyFault(err *fault.Error) bool { return strings.HasPrefix(err.Code, "passkey_") }

// options hands out what the browser, or an application, needs to ask for a
// passkey or to make one. Each answer is good for one ceremony of this journey.
func (l *Login) options(w http.ResponseWriter, r *http.Request) error {
	v, err := l.visiting(w, r)
	if err != nil {
		return err
	}
	begin := map[string]func(*db.Tx) (json.RawMessage, error){
		passkeyWord: func(tx *db.Tx) (json.RawMessage, error) {
			return l.acts.BeginPasskey(tx, v.t, &v.flow, v.entrance())
		},
		createPath: func(tx *db.Tx) (json.RawMessage, error) {
			return l.acts.OfferOptions(tx, v.t, &v.flow, v.entrance(), r.URL.Query().Get("quietly") != "")
		},
	}[r.PathValue("step")]
	if begin == nil {
		return web.ErrPath
	}
	if err := risk.Reserve(r.Context(), l.db, v.t, risk.PasskeyTry(network(r))...); err != nil {
		return err
	}
	var options json.RawMessage
	err = l.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		options, err = begin(tx)
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.JSON(w, http.StatusOK, options)
}

// passkey takes the browser's answer: as the first proof, or as the second.
func (v *visit) passkey() error {
	if v.typed(passkeyField) == "" && !v.native {
		return v.to(v.path()) // pressed before the script ran
	}
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, risk.PasskeyTry(network(v.r))...); err != nil {
		return err
	}
	by, err := v.l.acts.WebAuthn.ParseGet(v.t, []byte(v.typed(passkeyField)))
	if err == nil {
		err = v.act(func(tx *db.Tx) error { return v.byPasskey(tx, by) })
	}
	f := fault.Of(err)
	switch {
	case f == nil:
		return nil
	case credential.ErrPasskeyUnknown.Is(f):
		v.unknown = by.CredentialID()
	case account.ErrProof.Is(f): // somebody else's, as the second factor
		f = credential.ErrPasskeyWrong.Because(f)
	}
	if passkeyFault(f) {
		return f.At(passkeyField)
	}
	return err
}

func (v *visit) byPasskey(tx *db.Tx, by credential.Assertion) error {
	f := &v.flow.Facts
	if v.form.Has("identifier") || v.native {
		f.Remember = v.typed("remember") != "" && !v.t.Settings.Session.NoRemember
		f.Locale = v.locale()
	}
	v.trusting()
	return v.l.acts.ProvePasskey(tx, v.t, &v.flow, v.entrance(), by)
}

// trusting writes whether this browser is to skip the second factor from now on,
// where the form asked for that.
func (v *visit) trusting() {
	if v.step.Name == signin.Second {
		v.flow.Trust = v.typed("trust") != "" && v.mayTrust()
	}
}

// made keeps the passkey that the browser made, and says so, unless nobody was
// asked: then the journey just goes on.
func (v *visit) made() error {
	if err := risk.Reserve(v.r.Context(), v.l.db, v.t, risk.PasskeyTry(network(v.r))...); err != nil {
		return err
	}
	by, err := v.l.acts.WebAuthn.ParseCreate(v.t, []byte(v.typed(passkeyField)))
	if err == nil {
		err = v.keepMade(by)
	}
	if f := fault.Of(err); f != nil && passkeyFault(f) {
		return f.At(passkeyField)
	}
	return err
}

func (v *visit) keepMade(by credential.Attested) error {
	keep := func(tx *db.Tx) error { return v.l.acts.MadePasskey(tx, v.t, &v.flow, v.entrance(), by) }
	if v.native || v.typed("quietly") != "" {
		return v.act(keep)
	}
	err := v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		return keep(tx)
	})
	if err != nil {
		return err
	}
	return v.render(v.madePage())
}

func (v *visit) madePage() Message {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "circle-check", Kind: "ok"}}
	p.Title, p.Text = p.T("login.offer.made"), []string{p.T("login.offer.made_text", "name", p.Look.Name)}
	p.Form = v.onward(p.Shell)
	return p
}

// onward is the one button of a page that only tells something.
func (v *visit) onward(s ui.Shell) *Form {
	return &Form{Action: v.path("continue"), Buttons: []ui.Button{
		{Text: s.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
}

// speaksJSON reports a request of an application: its body is JSON.
func speaksJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// answered is what an application sends in place of a form.
type answered struct {
	Credential json.RawMessage `json:"credential"`
	Remember   bool            `json:"remember"`
	Trust      bool            `json:"trust"`
}

// nativeForm reads the JSON of an application as the form that a page would send.
func nativeForm(r *http.Request) (url.Values, error) {
	if !slices.Contains([]string{passkeyWord, createPath}, r.PathValue("step")) {
		return nil, web.ErrMedia
	}
	var a answered
	if err := web.ReadJSON(r, 0, &a); err != nil {
		return nil, err
	}
	form := url.Values{passkeyField: {string(a.Credential)}}
	for name, set := range map[string]bool{"remember": a.Remember, "trust": a.Trust} {
		if set {
			form.Set(name, "on")
		}
	}
	return form, nil
}

// problem tells a refusal to a program (RFC 9457).
func problem(w http.ResponseWriter, r *http.Request, f *fault.Error) {
	said := map[string]any{"type": "about:blank", "title": f.Text, "status": web.Status(f), "code": f.Code}
	if f.Kind == fault.Internal {
		said["title"], said["code"] = "Something went wrong on our side. Try again in a moment.", "internal"
	}
	if f.Field != "" {
		said["field"] = f.Field
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if web.JSON(w, web.Status(f), said) != nil {
		web.Plain(w, r, f)
	}
}

// usable reports whether a second factor leads on now.
func (v *visit) usable(m session.Method) bool { return slices.Contains(v.flow.Seconds(), m) }
