package login

import (
	"errors"
	"html/template"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Prove asks in which way the visitor wants to prove who they are, before
// anything was sent.
type Prove struct {
	ui.Shell
	Lede     string
	Action   string
	Account  *ui.AccountCard
	Send     ui.Button
	Passkey  *PasskeyButton
	Password *ui.Button
}

// Template names the page's file.
func (Prove) Template() string { return "login/prove" }

// Code asks for the code of the message that was sent.
type Code struct {
	ui.Shell
	Sent     template.HTML
	Why      string // what is unusual about this sign-in; "" for nothing
	Action   string
	Code     ui.CodeField
	Submit   ui.Button
	Resend   ui.Resend
	Nothing  ui.Link
	Passkey  *PasskeyButton
	Password *ui.Button
}

// Template names the page's file.
func (Code) Template() string { return "login/code" }

// Nothing says what to do if no message came.
type Nothing struct {
	ui.Shell
	Steps    []Hint
	Action   string
	Resend   ui.Resend
	Password *ui.Button
	Links    []ui.Button
}

// Hint is one thing to try.
type Hint struct {
	Icon string
	Text template.HTML
}

// Template names the page's file.
func (Nothing) Template() string { return "login/nothing" }

func (v *visit) codePage(*db.Tx) (ui.Page, error) {
	if v.flow.Identifier == nil {
		return nil, account.ErrStep
	}
	if v.flow.SentAt.IsZero() {
		return v.provePage(), nil
	}
	p := Code{Shell: v.shell(), Action: v.path("code")}
	p.Title = v.codeTitle(p.Shell)
	v.tellCode(&p.Shell)
	if v.r.URL.Query().Get("done") == "sent" && v.wrong == nil {
		p.Flash = p.T("login.code.resent")
	}
	if v.changeable() {
		p.Back = &ui.Link{Href: v.path("identify"), Text: p.T("login.code.change")}
	}
	p.Sent, p.Why = v.sentTo(p.Shell), v.why(p.Shell)
	p.Code = ui.CodeField{Name: "code", Label: p.T("login.code.label"), Length: 6, Autofocus: true}
	p.Submit = ui.Button{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	p.Resend = v.resend(p.Shell)
	p.Nothing = ui.Link{Href: v.path("help"), Text: p.T("login.nothing.title")}
	p.Password = v.passwordInstead(p.Shell)
	if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
		p.Passkey.Or = p.Password == nil
	}
	return p, nil
}

func (v *visit) codeTitle(s ui.Shell) string {
	switch v.flow.Kind {
	case signin.Confirm:
		return s.T("login.confirm.title")
	case signin.Address:
		return s.T("login.code.title_address")
	}
	return s.T("login.code.title")
}

// sentTo says where the code went. For a username it says no more than anybody
// may know: whether there is such an account it does not tell.
func (v *visit) sentTo(s ui.Shell) template.HTML {
	i := v.flow.Identifier
	switch i.Kind {
	case customer.Username:
		return s.Rich("login.code.sent_username", "username", ui.Bdi(i.Value))
	case customer.Phone:
		return s.Rich("login.code.sent_phone", "number", ui.Ltr(i.Value))
	}
	return s.Rich("login.code.sent", "address", ui.Ltr(i.Value))
}

func (v *visit) resend(s ui.Shell) ui.Resend {
	return ui.Resend{Text: s.T("login.code.resend"), Name: "action", Value: "resend", Until: v.flow.SentAt.Add(account.Cooldown)}
}

// passwordInstead is offered to everybody alike, whether there is a password or
// not. Where a password alone opens nothing, it is no way to confirm.
func (v *visit) passwordInstead(s ui.Shell) *ui.Button {
	p := v.t.Settings.Password
	if p.Off || v.flow.Kind == signin.Recover || v.flow.Kind == signin.Address || v.flow.Kind == signin.Confirm && !p.Alone {
		return nil
	}
	if _, done := v.flow.Proven(signin.Password); done {
		return nil
	}
	return &ui.Button{Text: s.T("login.code.password"), Name: "action", Value: "password", Block: true}
}

// tellCode words what is wrong with a code by how it was sent.
func (v *visit) tellCode(s *ui.Shell) {
	phone := v.flow.Identifier.Kind == customer.Phone
	switch {
	case v.wrong == nil:
	case credential.ErrCodeWrong.Is(v.wrong) && strings.TrimSpace(v.typed("code")) == "":
		s.Fail("code", "login.code.empty")
	case credential.ErrCodeWrong.Is(v.wrong) && phone:
		s.Fail("code", "login.code.wrong_phone")
	case errResent.Is(v.wrong):
		s.Fail("code", "login.code.expired_resent", "address", v.masked())
	default:
		tell(s, v.wrong, "code")
	}
}

// errResent is told in place of code_expired once a new code is on its way.
var errResent = fault.New(fault.Gone, "code_resent", "That code has expired. A new one is on its way.").At("code")

func (v *visit) provePage() Prove {
	p := Prove{Shell: v.shell(), Action: v.path("code"), Account: v.accountCard(v.shell())}
	p.Title, p.Lede = p.T("login.prove.title"), p.T("login.prove.text")
	if v.flow.Kind == signin.Confirm {
		p.Title, p.Lede = p.T("login.confirm.title"), p.T("login.confirm.text")
	}
	tell(&p.Shell, v.wrong, "")
	text := p.T("login.prove.email")
	if v.flow.Identifier.Kind == customer.Phone {
		text = p.T("login.prove.phone")
	}
	p.Send = ui.Button{Text: text, Kind: "primary", Name: "action", Value: "resend", Block: true}
	p.Password = v.passwordInstead(p.Shell)
	if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
		p.Passkey.Or = false
	}
	return p
}

func (v *visit) nothingPage(*db.Tx) (ui.Page, error) {
	p := Nothing{Shell: v.shell(), Action: v.path("code")}
	p.Title = p.T("login.nothing.title")
	p.Back = &ui.Link{Href: v.path(), Text: p.T("login.back")}
	if v.flow.Identifier == nil {
		return nil, account.ErrStep
	}
	p.Steps = []Hint{{"clock", p.Rich("login.nothing.wait")}, {"send", v.sentTo(p.Shell)}}
	if v.flow.Identifier.Kind == customer.Email {
		p.Steps = append([]Hint{{"inbox", p.Rich("login.nothing.spam")}}, p.Steps...)
	}
	p.Resend = v.resend(p.Shell)
	p.Password = v.passwordInstead(p.Shell)
	if v.changeable() {
		p.Links = append(p.Links, ui.Button{Text: p.T("login.nothing.address"), Href: v.path("identify"), Block: true})
	}
	if v.ways() {
		p.Links = append(p.Links, ui.Button{Text: p.T("login.way.link"), Href: v.path("way"), Block: true})
	}
	p.Links = append(p.Links, v.support(p.Shell)...)
	return p, nil
}

// code redeems what was typed, or does what another button asks for.
func (v *visit) code() error {
	switch v.typed("action") {
	case "resend":
		return v.again()
	case "password":
		return v.byPassword()
	}
	meters, err := v.meters(v.codeTry)
	if err != nil {
		return err
	}
	if err := v.standing.Reserve(v.r.Context(), v.l.db, v.t, meters...); err != nil {
		return err
	}
	err = v.act(func(tx *db.Tx) error {
		if v.proven() {
			return nil
		}
		return v.l.acts.ProveCode(tx, v.t, &v.flow, v.typed("code"))
	})
	if errors.Is(err, credential.ErrCodeExpired) && v.flow.Identifier != nil {
		return v.renew(err)
	}
	return err
}

// proven reports that the address was proven already, by another press of the
// same button or by the link.
func (v *visit) proven() bool {
	_, done := v.flow.Proven(signin.Code)
	return done
}

// renew sends a new code in place of one that has expired.
func (v *visit) renew(expired error) error {
	switch err := v.send(); {
	case err == nil:
		return errResent
	case errors.Is(err, account.ErrTooSoon):
		return expired
	default:
		return err
	}
}

// again sends a new code because the visitor asks for it.
func (v *visit) again() error {
	if err := v.send(); err != nil {
		return err
	}
	return v.to(v.path() + "?done=sent")
}

// byPassword goes on with the password in place of a code.
func (v *visit) byPassword() error {
	return v.act(func(tx *db.Tx) error {
		if v.step.Name != signin.Code || v.t.Settings.Password.Off {
			return account.ErrStep
		}
		v.flow.Method = signin.Password
		return signin.Save(tx, v.t, &v.flow)
	})
}

// meters are those of one guess in this journey: under the account's id, or
// under the identifier that nobody has, metered alike.
func (v *visit) meters(of func(account, network string) []risk.Meter) (meters []risk.Meter, err error) {
	err = v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		meters, err = v.metersIn(tx, of)
		return err
	})
	return meters, err
}

// metersIn reads the journey, and the marks that its meters look at.
func (v *visit) metersIn(tx *db.Tx, of func(account, network string) []risk.Meter) (meters []risk.Meter, err error) {
	if err = v.read(tx); err != nil {
		return nil, err
	}
	if v.flow.Identifier == nil {
		return nil, account.ErrStep
	}
	key := v.flow.Identifier.Value
	if c := v.flow.World.Account.ID; !c.IsZero() {
		key = c.String()
	}
	meters = of(key, network(v.r))
	v.standing, err = risk.MarksOf(tx, v.t, meters)
	return meters, err
}
