package login

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// visit is one request within a journey. What a transaction reads is read
// afresh by each one.
type visit struct {
	l       *Login
	w       http.ResponseWriter
	r       *http.Request
	t       *tenant.Tenant
	id      signin.ID
	browser [32]byte
	form    url.Values   // of a POST
	wrong   *fault.Error // what the page says is wrong
	unknown []byte       // id of a passkey that was shown and that nobody has here
	native  bool         // an application asks, in JSON

	flow signin.Flow
	step signin.Step
	held []session.Held
	app  *app.Application // that began the journey; nil: none

	sample *ui.Sample // of specimens: makes the shells in place of a request

	ended    bool          // the journey has ended in this transaction
	gpc      bool          // the browser asks not to sell or share, and the tenant would
	breached bool          // the password that was right is a leaked one
	standing risk.Marks    // of the account that a try is at, where they were read
	metered  bool          // the making of an account was reserved
	token    string        // of the session that was opened; "" for none
	trust    string        // by which the browser skips the second factor; "" for none
	session  *session.Held // in which the journey ended
}

// visiting reads which journey the address names. An address that names none is
// told as a journey that is over.
func (l *Login) visiting(w http.ResponseWriter, r *http.Request) (*visit, error) {
	v := &visit{l: l, w: w, r: r, t: of(r)}
	v.browser, _ = browserOf(r)
	if err := v.id.UnmarshalText([]byte(r.PathValue("flow"))); err != nil {
		return v, signin.ErrExpired
	}
	return v, nil
}

// read loads the journey and surveys where it stands.
func (v *visit) read(tx *db.Tx) (err error) {
	v.token, v.trust, v.session, v.ended = "", "", nil, false
	ahead := append(session.Asking(v.t, web.ReadCookie(v.r, session.Cookie)), signin.Asking(tx, v.t, v.id))
	if err = tx.Foresee(ahead...); err != nil {
		return err
	}
	if v.held, err = held(tx, v.r); err != nil {
		return err
	}
	if v.flow, err = signin.Load(tx, v.t, v.id, v.browser); err != nil {
		return err
	}
	v.flow.From = signin.From{
		Device: device(v.browser), Trust: web.ReadCookie(v.r, trustCookie), Place: place(v.r),
		Peer: web.Peer(v.r), Network: network(v.r), Marks: v.marks().List(), Breached: v.breached,
		Agent: v.r.UserAgent(), Signal: signals(v.r),
	}
	v.flow.Capable = v.flow.Capable || v.native || v.typed(capableField) != ""
	if err = v.findApp(tx); err != nil {
		return err
	}
	if err = v.hear(tx); err != nil {
		return err
	}
	return v.survey(tx)
}

func (v *visit) findApp(tx *db.Tx) error {
	v.app = nil
	if v.flow.Request.Application.IsZero() {
		return nil
	}
	a, found, err := app.Book{}.ByID(tx, v.t, v.flow.Request.Application)
	if found {
		v.app = a
	}
	return err
}

func (v *visit) survey(tx *db.Tx) (err error) {
	v.step, err = account.Survey(tx, v.t, &v.flow, v.policy(), session.Distinct(v.held))
	return err
}

// policy is the tenant's. On the way from an application, sessions of one
// account answer without the chooser: docs/decisions/0004.
func (v *visit) policy() signin.Policy {
	p := signin.PolicyOf(v.t)
	p.Silent = !v.flow.Request.Application.IsZero()
	return p
}

func (v *visit) entrance() account.Entrance {
	return account.Entrance{
		Held: session.Distinct(v.held), Place: place(v.r), Device: device(v.browser), Policy: v.policy(),
	}
}

// path is the journey's address; words go below it.
func (v *visit) path(below ...string) string {
	return strings.Join(append([]string{"/signin/" + v.id.String()}, below...), "/")
}

func (v *visit) typed(name string) string {
	if len(v.form[name]) == 0 {
		return ""
	}
	return v.form[name][0]
}

// shell is the outside of the journey's pages: its language, where its forms
// may end, and what is wrong.
func (v *visit) shell() ui.Shell {
	s := v.outside()
	s.Path = v.path()
	s.CSP.Popup = v.app != nil
	if v.gpc && v.step.Name != signin.Identify && v.step.Name != signin.Choose {
		s.Flash = s.T("login.gpc")
	}
	if to := v.flow.Request.FormAction; to != "" {
		s.CSP.FormAction = []string{to}
	}
	return s
}

func (v *visit) outside() ui.Shell {
	if v.sample != nil {
		return v.sample.Shell()
	}
	return v.l.ui.Shell(v.r, ui.Visit{UILocales: v.locales(), Part: "login"})
}

func (v *visit) locales() string {
	return strings.TrimSpace(v.flow.Locale + " " + strings.Join(v.flow.Request.Locales, " "))
}

// asker is the name of the application that began the journey.
func (v *visit) asker() string {
	if v.app == nil {
		return ""
	}
	return v.app.Name
}

// render shows a page of the journey, or another one with what went wrong.
func (v *visit) render(p ui.Page) error {
	status := http.StatusOK
	if v.wrong != nil {
		status = statusOf(v.wrong)
		wait(v.w, v.wrong)
	}
	return v.l.ui.Render(v.w, v.r, status, p)
}

// statusOf is the status of a form that comes back with what is wrong.
func statusOf(err *fault.Error) int {
	switch err.Kind {
	case fault.Limited, fault.Unavailable:
		return web.Status(err)
	}
	return http.StatusUnprocessableEntity
}

// to goes on to an address of this origin.
func (v *visit) to(path string) error {
	if v.native {
		return web.JSON(v.w, http.StatusOK, map[string]string{"location": path})
	}
	web.Redirect(v.w, v.r, path)
	return nil
}
