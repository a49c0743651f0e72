package login

import (
	"net/http"
	"net/url"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// Bootstrapping makes the account of the first operator.
type Bootstrapping struct {
	ui.Shell
	Token    ui.Hidden
	Email    ui.IdentifierField
	Password ui.PasswordField
	Submit   ui.Button
	SignIn   ui.Button
}

// Template names the page's file.
func (Bootstrapping) Template() string { return "login/bootstrapping" }

// bootstrapPath is where the one-time link of the first operator leads.
const bootstrapPath = "/bootstrap"

// bootstrapCookie keeps the link's secret for whoever goes away from the page
// and comes back, to sign in first or to choose a language: it then stands in
// no further address, where logs and histories would keep it.
const bootstrapCookie = "bootstrap"

// carried is the secret in the link, or the one that the browser brought along.
func carried(r *http.Request) (string, error) {
	q, err := web.Query(r)
	if err != nil {
		return "", err
	}
	if !q.Has("t") {
		return web.ReadCookie(r, bootstrapCookie), nil
	}
	return web.Single(q, "t")
}

// bootstrapShell is a page whose own links lead back to it without the secret.
func bootstrapShell(s ui.Shell) ui.Shell {
	s.Path = bootstrapPath
	return s
}

// works reports whether the link would be redeemed now. Only the staff's own
// tenant has such links.
func (l *Login) works(r *http.Request, token string) (ok bool, list []session.Held, who person, err error) {
	if !of(r).BuiltIn || l.bootstrap.Peek == nil {
		return false, nil, person{}, web.ErrPath
	}
	if list, who, err = l.present(r); err != nil {
		return false, nil, person{}, err
	}
	err = l.db.View(r.Context(), func(tx *db.Tx) (err error) {
		ok, err = l.bootstrap.Peek(tx, token)
		return err
	})
	return ok, list, who, err
}

// askBootstrap asks who becomes the first operator: somebody new, or whoever is
// signed in. It uses nothing up (H083).
func (l *Login) askBootstrap(w http.ResponseWriter, r *http.Request) error {
	token, err := carried(r)
	if err != nil {
		return err
	}
	ok, list, who, err := l.works(r, token)
	if err != nil {
		return err
	}
	if ok {
		web.SetCookie(w, r, web.Cookie{Name: bootstrapCookie, Value: token, Strict: true})
	}
	s := bootstrapShell(l.ui.Shell(r, ui.Visit{Part: "login"}))
	switch {
	case !ok:
		return l.ui.Render(w, r, http.StatusGone, bootstrapOver(s))
	case len(list) > 0:
		return l.ui.Render(w, r, http.StatusOK, promotePage(s, who, token))
	}
	return l.ui.Render(w, r, http.StatusOK, bootstrapPage(s, token, "", credential.MinPassword(of(r), false)))
}

func bootstrapOver(s ui.Shell) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "unlink"}}
	p.Title, p.Text = p.T("login.bootstrap.over.title"), []string{p.T("login.bootstrap.over.text")}
	p.Links = []ui.Button{{Text: p.T("login.signed_out.again"), Href: account.SignInPath, Block: true}}
	return p
}

func promotePage(s ui.Shell, who person, token string) Message {
	p := Message{Shell: s, Hero: ui.Hero{Icon: "shield-check"}, Account: &ui.AccountCard{Name: who.Name, Address: who.Address}}
	p.Title, p.Text = p.T("login.bootstrap.title"), []string{p.T("login.bootstrap.promote")}
	p.Form = &Form{Action: bootstrapPath, Hidden: []ui.Hidden{{Name: "t", Value: token}}, Buttons: []ui.Button{
		{Text: p.T("login.bootstrap.promote_do"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	return p
}

func bootstrapPage(s ui.Shell, token, email string, min int) Bootstrapping {
	p := Bootstrapping{Shell: s, Token: ui.Hidden{Name: "t", Value: token}}
	p.Title = p.T("login.bootstrap.title")
	p.Email = ui.IdentifierField{Name: "identifier", Label: p.T("login.identify.email"), Value: email, Autofocus: true}
	p.Password = ui.PasswordField{
		Name: "new_password", Label: p.T("login.bootstrap.password"), Hint: p.T("login.reset.hint", "min", min), New: true, Min: min,
	}
	p.Submit = ui.Button{Text: p.T("login.bootstrap.do"), Kind: "primary", Name: "action", Value: "continue", Block: true}
	back := url.Values{"return": {bootstrapPath}}
	p.SignIn = ui.Button{Text: p.T("login.bootstrap.have"), Href: account.SignInPath + "?" + back.Encode(), Kind: "quiet", Block: true}
	return p
}

// redeemBootstrap redeems the link in the transaction that makes the operator.
func (l *Login) redeemBootstrap(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(r, 0)
	if err != nil {
		return err
	}
	token := form.Get("t")
	ok, list, _, err := l.works(r, token)
	if err != nil {
		return err
	}
	s := l.ui.Shell(r, ui.Visit{Part: "login"})
	if !ok {
		return l.ui.Render(w, r, http.StatusGone, bootstrapOver(s))
	}
	if len(list) > 0 {
		err = l.db.Update(r.Context(), func(tx *db.Tx) error { return l.operator(tx, r, token, list[0].CustomerID) })
		if err == nil {
			web.DropCookie(w, r, bootstrapCookie)
			web.Redirect(w, r, account.AccountPath)
		}
		return err
	}
	err = l.found(w, r, token, form)
	if f := fault.Of(err); f != nil && correctable(f) {
		p := bootstrapPage(s, token, form.Get("identifier"), credential.MinPassword(of(r), false))
		l.tellFounder(&p.Shell, f, form.Get("new_password"), credential.MinPassword(of(r), false))
		wait(w, f)
		return l.ui.Render(w, r, statusOf(f), p)
	}
	return err
}

func (l *Login) tellFounder(s *ui.Shell, f *fault.Error, typed string, min int) {
	if f.Field == customer.Email {
		tell(s, f, "identifier")
		return
	}
	tellNew(s, f, typed, min)
}

func (l *Login) operator(tx *db.Tx, r *http.Request, token string, c customer.ID) error {
	if err := l.bootstrap.Redeem(tx, of(r), token); err != nil {
		return err
	}
	return access.Assign(tx, of(r), c, access.Operator)
}

// found makes the first operator's account and goes on as the operator. Whoever
// holds the link runs the machine, so the address counts as theirs.
func (l *Login) found(w http.ResponseWriter, r *http.Request, token string, form url.Values) error {
	v := &visit{l: l, w: w, r: r, t: of(r), browser: bindBrowser(w, r)}
	email, err := customer.NormalizeFor(v.t, customer.Email, form.Get("identifier"))
	if err != nil {
		return err
	}
	phc, err := l.hash(v, credential.PasswordContext{Identifiers: []string{email}}, form.Get("new_password"))
	if err != nil {
		return err
	}
	err = l.db.Update(r.Context(), func(tx *db.Tx) error {
		c, err := customer.Register(tx, v.t, customer.New{
			Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: email, Verified: true}}, Source: "bootstrap",
		})
		if err != nil {
			return err
		}
		if err := credential.SetPassword(tx, v.t, c.ID, phc); err != nil {
			return err
		}
		if err := l.operator(tx, r, token, c.ID); err != nil {
			return err
		}
		return v.enter(tx, email, phc)
	})
	if err != nil {
		return err
	}
	web.DropCookie(w, r, bootstrapCookie)
	return v.act(nil)
}

// enter begins a journey in which the password is proven already.
func (v *visit) enter(tx *db.Tx, email, phc string) error {
	f := signin.Facts{Kind: signin.SignIn, Another: true, Method: signin.Password, Locale: v.locale()}
	flow, err := signin.Begin(tx, v.t, signin.New{Browser: v.browser, Facts: f, Request: signin.Request{ReturnPath: account.AccountPath}})
	if err != nil {
		return err
	}
	v.id = flow.ID
	if err := account.Identify(tx, v.t, &flow, customer.Email, email); err != nil {
		return err
	}
	return v.l.acts.ProvePassword(tx, v.t, &flow, phc)
}
