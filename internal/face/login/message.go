package login

import (
	"html/template"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Message is a page that says one thing and offers what to do next.
type Message struct {
	ui.Shell
	Hero    ui.Hero
	Text    []string
	Rich    []template.HTML // after Text
	Account *ui.AccountCard
	Form    *Form
	Links   []ui.Button
}

// Template names the page's file.
func (Message) Template() string { return "login/message" }

// Form is what the buttons of a message send.
type Form struct {
	Action  string
	Hidden  []ui.Hidden
	Buttons []ui.Button
}

// refusePage says why the journey ends here, to who has proven the address.
func (v *visit) refusePage(tx *db.Tx) (ui.Page, error) {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "info", Kind: "warn"}}
	word := string(v.step.Reason)
	switch v.step.Reason {
	case signin.CustomerLocked:
		p.Hero.Icon = "lock"
	case signin.RiskDenied, signin.Unmet:
		p.Hero.Icon = "shield-alert"
	case signin.RegistrationClosed, signin.AddressRefused, signin.OtherAccount, signin.AccessDenied, signin.TooYoung:
	default:
		word = string(signin.OtherAccount)
	}
	p.Title = p.T("login.refuse." + word + ".title")
	p.Text = []string{p.T("login.refuse."+word+".text", "name", p.Look.Name)}
	if v.step.Reason == signin.RiskDenied {
		p.Text = append(p.Text, v.reasons(p.Shell)...)
	}
	if i := v.flow.Identifier; i != nil && v.step.Reason != signin.AccessDenied {
		p.Account = &ui.AccountCard{Address: i.Value}
	}
	p.Form = &Form{Action: v.path("refuse"), Buttons: []ui.Button{
		{Text: p.T("login.other_account"), Name: "action", Value: "another", Kind: "primary", Block: true},
	}}
	switch v.step.Reason {
	case signin.AccessDenied, signin.Unmet:
		p.Form.Buttons[0].Text = p.T("login.start_again")
	case signin.RiskDenied:
		p.Form.Buttons[0].Text = p.T("login.refuse.risk_denied.again")
	case signin.TooYoung:
		p.Form.Buttons = nil // nobody gets on in this journey
		p.Text = append(p.Text, p.T("login.refuse.too_young.kept"))
	}
	if v.app != nil {
		p.Form.Buttons = append(p.Form.Buttons, ui.Button{Text: p.T("login.back_to", "name", v.asker()), Name: "action", Value: "deny", Block: true})
	}
	if len(p.Form.Buttons) == 0 {
		p.Form = nil
	}
	p.Links = v.support(p.Shell)
	return p, nil
}

// support links to the tenant's help, if there is any.
func (v *visit) support(s ui.Shell) []ui.Button {
	if s.Look.Links.Help == "" {
		return nil
	}
	return []ui.Button{{Text: s.T("login.support", "name", s.Look.Name), Href: s.Look.Links.Help, Kind: "quiet", Block: true}}
}

// refuse leads away from a refusal: to somebody else, or back to the application.
func (v *visit) refuse() error {
	if v.typed("action") == "deny" {
		return v.cancel()
	}
	return v.act(v.another)
}

// another forgets who the journey was about, to ask afresh.
func (v *visit) another(tx *db.Tx) error {
	f := &v.flow.Facts
	f.Picked(f.Session)
	f.Session = [16]byte{}
	f.Another, f.Cancelled, f.Consented, f.Method, f.Accepted = true, false, false, "", nil
	if f.Kind == signin.Recover {
		f.Kind = signin.SignIn
	}
	return signin.Save(tx, v.t, &v.flow)
}

// cancel ends the journey by the visitor's own wish.
func (v *visit) cancel() error {
	return v.act(func(tx *db.Tx) error {
		v.flow.Cancelled = true
		return signin.Save(tx, v.t, &v.flow)
	})
}

// reopenPage asks whether an account that is closing is to be kept.
func (v *visit) reopenPage(tx *db.Tx) (ui.Page, error) {
	c, err := customer.Get(tx, v.t, v.flow.World.Account.ID)
	if err != nil {
		return nil, err
	}
	return v.reopening(c.CloseAt), nil
}

func (v *visit) reopening(closes time.Time) Message {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "history"}}
	tell(&p.Shell, v.wrong, "")
	p.Title = p.T("login.reopen.title")
	p.Rich = []template.HTML{p.Shell.Rich("login.reopen.text", "date", p.Date(closes))}
	p.Account = v.accountCard(p.Shell)
	p.Form = &Form{Action: v.path("reopen"), Buttons: []ui.Button{
		{Text: p.T("login.reopen.keep"), Name: "action", Value: "continue", Kind: "primary", Block: true},
		{Text: p.T("login.reopen.leave"), Name: "action", Value: "deny", Block: true},
	}}
	return p
}

func (v *visit) reopen() error {
	if v.typed("action") == "deny" {
		return v.cancel()
	}
	return v.act(func(tx *db.Tx) error { return v.l.acts.Reopen(tx, v.t, &v.flow) })
}

// accountCard is who the journey is about, with a way to change that if there
// is one.
func (v *visit) accountCard(s ui.Shell) *ui.AccountCard {
	i := v.flow.Identifier
	if i == nil {
		return nil
	}
	c := &ui.AccountCard{Address: i.Value}
	if v.changeable() && (v.step.Name == signin.Code || v.step.Name == signin.Password) {
		c.Change, c.ChangeText = v.path("identify"), s.T("login.change")
	}
	return c
}

// masked is the outline of the address, for what others may read over a shoulder.
func (v *visit) masked() string {
	i := v.flow.Identifier
	if i == nil {
		return ""
	}
	return release.Mask(i.Kind, i.Value)
}
