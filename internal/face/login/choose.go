package login

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Choose offers the accounts that this browser knows.
type Choose struct {
	ui.Shell
	Asker   string
	Action  string
	Rows    []ui.ChooserRow
	Another ui.Button
	Passkey *PasskeyButton
}

// Template names the page's file.
func (Choose) Template() string { return "login/choose" }

func (v *visit) choosePage(tx *db.Tx) (page ui.Page, err error) {
	p := v.chooser()
	signedIn := session.Distinct(v.held)
	for _, s := range signedIn {
		if err = v.offer(tx, &p, s.CustomerID, "login.choose.signed_in"); err != nil {
			return nil, err
		}
	}
	for _, c := range known(v.r) {
		if slices.ContainsFunc(signedIn, func(s session.Session) bool { return s.CustomerID == c }) {
			continue
		}
		if err = v.offer(tx, &p, c, "login.choose.signed_out"); err != nil {
			return nil, err
		}
	}
	if len(p.Rows) == 0 { // everybody that the browser knew is gone
		return v.identifyPage(tx)
	}
	return p, nil
}

// chooser is the page without anybody in it.
func (v *visit) chooser() Choose {
	p := Choose{Shell: v.shell(), Asker: v.asker(), Action: v.path("choose")}
	p.Title = p.T("login.choose.title")
	tell(&p.Shell, v.wrong, "")
	p.Another = ui.Button{Text: p.T("login.other_account"), Icon: "plus", Name: "action", Value: "another", Block: true}
	if p.Passkey = v.passkeyButton(&p.Shell); p.Passkey != nil {
		p.Passkey.Or = false
	}
	return p
}

// offer adds a row for a customer who still exists.
func (v *visit) offer(tx *db.Tx, p *Choose, c customer.ID, state string) error {
	who, ok, err := personOf(tx, v.t, c)
	if err != nil || !ok || who.Address == "" {
		return err
	}
	p.add(who, c, state)
	return nil
}

func (p *Choose) add(who person, c customer.ID, state string) {
	p.Rows = append(p.Rows, ui.ChooserRow{
		Name: who.Name, Address: who.Address, State: p.T(state), Action: p.Action, Field: "account", Value: c.String(),
		Forget: &ui.Button{
			Text: p.T("login.choose.forget"), Label: p.T("login.choose.forget_label", "name", first(who.Name, who.Address)),
			Name: "action", Value: "forget", Kind: "quiet", Small: true,
		},
	})
}

// choose takes an account of the list, somebody else, or one off the list.
func (v *visit) choose() error {
	var c customer.ID
	if err := c.UnmarshalText([]byte(v.typed("account"))); err != nil {
		return err
	}
	switch {
	case c.IsZero():
		return v.act(v.another)
	case v.typed("action") == "forget":
		return v.forget(c)
	}
	return v.act(func(tx *db.Tx) error { return v.pick(tx, c) })
}

// pick goes on as a customer of the list. Whoever is not signed in, or not
// freshly enough, proves it; nobody types an address that the house knows.
func (v *visit) pick(tx *db.Tx, c customer.ID) error {
	mine := session.Of(v.held, c)
	if len(mine) == 0 {
		if !slices.Contains(known(v.r), c) {
			return account.ErrStep
		}
		return account.Pin(tx, v.t, &v.flow, session.Session{CustomerID: c})
	}
	v.flow.Picked(mine[0].ID)
	if err := v.survey(tx); err != nil {
		return err
	}
	if v.step.Name == signin.Identify || v.step.Name == signin.Choose {
		return account.Pin(tx, v.t, &v.flow, mine[0].Session)
	}
	return signin.Save(tx, v.t, &v.flow)
}

// forget signs a customer out here and takes them off the list.
func (v *visit) forget(c customer.ID) error {
	err := v.l.db.Update(v.r.Context(), func(tx *db.Tx) error {
		if err := v.read(tx); err != nil {
			return err
		}
		return v.l.signOutHere(tx, v.t, session.Of(v.held, c))
	})
	if err != nil {
		return err
	}
	forget(v.w, v.r, c)
	rest := slices.DeleteFunc(v.held, func(h session.Held) bool { return h.CustomerID == c })
	keep(v.w, v.r, rest, v.l.db.Now())
	return v.to(v.path())
}
