package login

import (
	"net/http"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// endSessionPath is the protocol's endpoint that the confirmation page of an
// application's logout posts to.
const endSessionPath = "/oauth2/end-session"

// present reads the sessions of this browser and who the current one is.
func (l *Login) present(r *http.Request) (list []session.Held, who person, err error) {
	err = l.db.View(r.Context(), func(tx *db.Tx) (err error) {
		if list, err = held(tx, r); err != nil || len(list) == 0 {
			return err
		}
		who, _, err = personOf(tx, of(r), list[0].CustomerID)
		return err
	})
	return list, who, err
}

// askSignOut asks whether to sign out: here, or with ?all=1 everywhere. Whoever
// is not signed in is told so.
func (l *Login) askSignOut(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r)
	if err != nil {
		return err
	}
	list, who, err := l.present(r)
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if len(list) == 0 || q.Has("done") {
		return l.ui.Render(w, r, http.StatusOK, signedOutPage(s, len(list) > 0))
	}
	p := signOutPage(s, who, q.Get("all") != "", len(session.Distinct(list)))
	return l.ui.Render(w, r, http.StatusOK, p)
}

func signOutPage(s ui.Shell, who person, everywhere bool, accounts int) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "log-out"}, Account: &ui.AccountCard{Name: who.Name, Address: who.Address}}
	word := "here"
	if everywhere {
		word = "everywhere"
	}
	p.Title = p.T("login.signout." + word + ".title")
	p.Text = []string{p.T("login.signout." + word + ".text")}
	p.Form = &Form{Action: "/signout", Buttons: []ui.Button{
		{Text: p.T("login.signout.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	if everywhere {
		p.Form.Hidden = []ui.Hidden{{Name: "all", Value: "1"}}
	} else if accounts > 1 {
		p.Form.Buttons = append(p.Form.Buttons, ui.Button{
			Text: p.T("login.signout.accounts", "n", accounts), Name: "action", Value: "accounts", Block: true,
		})
	}
	p.Links = []ui.Button{{Text: p.T("login.signout.stay"), Href: account.AccountPath, Kind: "quiet", Block: true}}
	return p
}

// signOut ends the current account's sessions in this browser, those of all
// accounts in it, or everything that the current account has anywhere.
func (l *Login) signOut(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(r, 0)
	if err != nil {
		return err
	}
	var rest []session.Held
	err = l.db.Update(r.Context(), func(tx *db.Tx) error {
		list, err := held(tx, r)
		if err != nil || len(list) == 0 {
			return err
		}
		mine := session.Of(list, list[0].CustomerID)
		if form.Get("action") == "accounts" {
			mine = list
		}
		rest = slices.DeleteFunc(list, func(h session.Held) bool {
			return slices.ContainsFunc(mine, func(m session.Held) bool { return m.Token == h.Token })
		})
		if form.Get("all") != "" {
			return l.acts.SignOutEverywhere(tx, of(r), list[0].CustomerID)
		}
		return l.signOutHere(tx, of(r), mine)
	})
	if err != nil {
		return err
	}
	keep(w, r, rest, l.db.Now())
	if len(rest) == 0 {
		web.SignedOut(w)
	}
	web.Redirect(w, r, "/signout?done=1")
	return nil
}

// signOutHere ends sessions of this browser.
func (l *Login) signOutHere(tx *db.Tx, t *tenant.Tenant, mine []session.Held) error {
	for _, h := range mine {
		if err := l.acts.SignOut(tx, t, h.Session); err != nil {
			return err
		}
	}
	return nil
}

// SignOutPage asks whether an application may sign this browser out. Its form
// posts what the protocol handed in as `confirm`, and `action` continue or deny,
// to the end-session endpoint (OpenID Connect RP-Initiated Logout 1.0, section 2).
func (l *Login) SignOutPage(w http.ResponseWriter, r *http.Request, application, confirm string) error {
	_, who, err := l.present(r)
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	return l.ui.Render(w, r, http.StatusOK, endSessionPage(s, who, application, confirm))
}

func endSessionPage(s ui.Shell, who person, application, confirm string) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "log-out"}, Account: &ui.AccountCard{Name: who.Name, Address: who.Address}}
	p.Title = p.T("login.signout.here.title")
	p.Text = []string{p.T("login.signout.nobody", "name", p.Look.Name)}
	if application != "" {
		p.Text = []string{p.T("login.signout.asked", "application", application, "name", p.Look.Name)}
	}
	p.Form = &Form{Action: endSessionPath, Hidden: []ui.Hidden{{Name: "confirm", Value: confirm}}, Buttons: []ui.Button{
		{Text: p.T("login.signout.do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
		{Text: p.T("login.signout.stay"), Name: "action", Value: "deny", Block: true},
	}}
	return p
}

// SignedOutPage says that nobody is signed in here, or who still is.
func (l *Login) SignedOutPage(w http.ResponseWriter, r *http.Request) error {
	return l.ui.Render(w, r, http.StatusOK, signedOutPage(l.ui.Shell(r, ui.Visit{Part: "login"}), false))
}

func signedOutPage(s ui.Shell, others bool) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "circle-check", Kind: "ok"}}
	p.Title = p.T("login.signed_out.title")
	p.Text = []string{p.T("login.signed_out.text")}
	if others {
		p.Text = []string{p.T("login.signed_out.others")}
	}
	p.Links = []ui.Button{{Text: p.T("login.signed_out.again"), Href: account.SignInPath, Kind: "primary", Block: true}}
	return p
}
