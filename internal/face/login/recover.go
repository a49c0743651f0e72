package login

import (
	"encoding/hex"
	"html/template"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// lostPage says what somebody can do who can use none of their second factors:
// prove an address first, wait, or, once that is over, go on without.
func (v *visit) lostPage(tx *db.Tx) (ui.Page, error) {
	l, err := account.LookLost(tx, v.t, &v.flow, v.entrance())
	if err != nil {
		return nil, err
	}
	return v.losing(l), nil
}

func (v *visit) losing(l account.Lost) Message {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "hourglass"}}
	tell(&p.Shell, v.wrong, "")
	p.Back = &ui.Link{Href: v.path(), Text: p.T("login.back")}
	p.Title = p.T("login.lost.title")
	word, act := v.lostNext(l)
	p.Text = []string{p.T("login.lost." + word + ".text")}
	switch word {
	case "start":
		p.Text = append(p.Text, p.T("login.lost.start.how", "span", p.Span(l.For)), p.T("login.lost.start.told"))
	case "waiting", "again":
		p.Text = nil
		p.Rich = []template.HTML{p.Shell.Rich("login.lost."+word+".text", "when", p.DateTime(l.Wait.ReadyAt))}
	}
	if act != "" {
		p.Form = &Form{Action: v.path("lost"), Buttons: []ui.Button{
			{Text: p.T("login.lost." + word + ".do"), Kind: "primary", Name: "action", Value: act, Block: true},
		}}
	}
	p.Links = append([]ui.Button{{Text: p.T("login.lost.back"), Href: v.path(), Block: true}}, v.support(p.Shell)...)
	return p
}

// lostNext is what comes next for the lost second factor, and the act of its button.
func (v *visit) lostNext(l account.Lost) (word, act string) {
	switch {
	case !l.Open:
		return "closed", ""
	case !l.Proven:
		return "prove", "prove"
	case l.Ready:
		return "ready", "release"
	case l.Again:
		return "again", "prove"
	case !l.Wait.ID.IsZero():
		return "waiting", ""
	}
	return "start", "start"
}

// lost does what the button of the page above asks for. If it is not the time for
// that, the page says what is.
func (v *visit) lost() error {
	err := v.losingIt()
	if f := fault.Of(err); f != nil && (account.ErrWaiting.Is(f) || account.ErrNoWait.Is(f)) {
		return v.to(v.path("lost"))
	}
	return err
}

func (v *visit) losingIt() error {
	switch v.typed("action") {
	case "prove":
		return v.act(func(tx *db.Tx) error { return v.l.acts.ProveAnew(tx, v.t, &v.flow, v.entrance()) })
	case "release":
		return v.act(func(tx *db.Tx) error { return v.l.acts.Release(tx, v.t, &v.flow, v.entrance()) })
	}
	err := v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		return v.l.acts.Wait(tx, v.t, &v.flow, v.entrance())
	})
	if err != nil {
		return err
	}
	return v.to(v.path("lost"))
}

// wayPage asks to which address the code is to go. Those that are known are
// shown, masked, to who is signed in here alone; anybody else names one, and
// hears nothing of whether it is somebody's.
func (v *visit) wayPage(tx *db.Tx) (ui.Page, error) {
	list, err := account.Choices(tx, v.t, &v.flow, v.entrance())
	if err != nil {
		return nil, err
	}
	return v.choosingWay(list), nil
}

func (v *visit) choosingWay(list []account.Choice) Message {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "send"}}
	tell(&p.Shell, v.wrong, "")
	p.Back = &ui.Link{Href: v.path(), Text: p.T("login.back")}
	p.Title = p.T("login.way.title")
	p.Text = []string{p.T("login.way.text")}
	p.Form = &Form{Action: v.path("way")}
	for _, c := range list {
		key := "login.way.email"
		if c.Kind == customer.Phone {
			key = "login.way.phone"
		}
		p.Form.Buttons = append(p.Form.Buttons, ui.Button{
			Text: p.T(key, "address", c.Masked), Name: "to", Value: hex.EncodeToString(c.Digest[:]), Block: true,
		})
	}
	p.Links = v.support(p.Shell)
	return p
}

// way sends the code to another verified address.
func (v *visit) way() error {
	raw, err := hex.DecodeString(v.typed("to"))
	if err != nil || len(raw) != 32 {
		return account.ErrStep
	}
	return v.act(func(tx *db.Tx) error { return v.l.acts.ChooseAddress(tx, v.t, &v.flow, v.entrance(), [32]byte(raw)) })
}

// ways reports whether the visitor may choose where the code goes: somebody who
// is signed in here and confirms who they are.
func (v *visit) ways() bool {
	if v.step.Name != signin.Code || v.flow.Kind == signin.Address || v.flow.Pinned.IsZero() {
		return false
	}
	for _, h := range v.held {
		if h.CustomerID == v.flow.Pinned {
			return true
		}
	}
	return false
}
