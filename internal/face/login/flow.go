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
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// root is the tenant's bare address.
func (l *Login) root(w http.ResponseWriter, r *http.Request) error {
	var list []session.Held
	ask := l.db.View
	if len(session.ReadSet(web.ReadCookie(r, session.Cookie))) < 2 { // one session is one question
		ask = l.db.Look
	}
	err := ask(r.Context(), func(tx *db.Tx) (err error) {
		list, err = held(tx, r)
		return err
	})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		web.Redirect(w, r, account.SignInPath)
		return nil
	}
	web.Redirect(w, r, account.AccountPath)
	return nil
}

// longestHint bounds what a link may put into the field.
const longestHint = 320

// begin opens a journey without an application: to `return`, a path of this
// origin, or to the account. `recover` begins with a lost way in.
func (l *Login) begin(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r)
	if err != nil {
		return err
	}
	f := signin.Facts{Kind: signin.SignIn, Hint: q.Get("login_hint")}
	if q.Has("recover") {
		f.Kind = signin.Recover
	}
	if len(f.Hint) > longestHint {
		f.Hint = ""
	}
	to := q.Get("return")
	if !web.Local(to) || strings.HasPrefix(to, "/signin") || strings.HasPrefix(to, "/signout") {
		to = account.AccountPath
	}
	return l.start(w, r, f, to)
}

// start opens a journey that leads to a checked path, and shows it.
func (l *Login) start(w http.ResponseWriter, r *http.Request, f signin.Facts, to string) error {
	if err := risk.Reserve(r.Context(), l.db, of(r), risk.FlowStart(network(r))...); err != nil {
		return err
	}
	browser := bindBrowser(w, r)
	var flow signin.Flow
	err := l.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		flow, err = signin.Begin(tx, of(r), signin.New{Browser: browser, Facts: f, Request: signin.Request{ReturnPath: to}})
		return err
	})
	if err != nil {
		return err
	}
	web.Redirect(w, r, "/signin/"+flow.ID.String())
	return nil
}

// look shows where the journey stands.
func (l *Login) look(w http.ResponseWriter, r *http.Request) error {
	v, err := l.visiting(w, r)
	if err != nil {
		return v.over(fault.Of(err))
	}
	return v.show("")
}

// lookAt shows a page beside the next step: the field again, to change what was
// typed, or what to do if no message came. Every other address below the
// journey is that of a form whose answer was reloaded.
func (l *Login) lookAt(w http.ResponseWriter, r *http.Request) error {
	v, err := l.visiting(w, r)
	if err != nil {
		return v.over(fault.Of(err))
	}
	switch want := r.PathValue("step"); want {
	case "identify", "help", "lost", "way":
		return v.show(want)
	}
	return v.to(v.path())
}

// builder makes the page of a step in the transaction that surveyed the journey.
type builder func(*visit, *db.Tx) (ui.Page, error)

func pageOf(step signin.Name) builder {
	return map[signin.Name]builder{
		signin.Choose: (*visit).choosePage, signin.Identify: (*visit).identifyPage, signin.Code: (*visit).codePage,
		signin.Password: (*visit).passwordPage, signin.Reopen: (*visit).reopenPage, signin.Reset: (*visit).resetPage,
		signin.Age: (*visit).agePage, signin.Choices: (*visit).choicesPage, signin.Ask: (*visit).askPage,
		signin.Terms: (*visit).termsPage, signin.Username: (*visit).usernamePage, signin.Profile: (*visit).profilePage,
		signin.Consent: (*visit).consentPage, signin.Refuse: (*visit).refusePage,
		signin.Second: (*visit).secondPage, signin.Enrol: (*visit).enrolPage, signin.Offer: (*visit).offerPage, signin.Hold: (*visit).holdPage,
		signin.Again: (*visit).continuePage, signin.Restore: (*visit).continuePage, signin.Register: (*visit).continuePage, signin.Done: (*visit).continuePage,
	}[step]
}

// postOf is what a form of the journey does, by the last word of its address.
func postOf(word string) func(*visit) error {
	return map[string]func(*visit) error{
		"choose": (*visit).choose, "identify": (*visit).identify, "code": (*visit).code, "password": (*visit).password,
		"recover": (*visit).recover, "lost": (*visit).lost, "way": (*visit).way, "reset": (*visit).reset, "reopen": (*visit).reopen, "terms": (*visit).terms,
		"age": (*visit).age, "choices": (*visit).choices, "ask": (*visit).ask,
		"username": (*visit).username, "profile": (*visit).profile, "consent": (*visit).consent,
		"passkey": (*visit).passkey, "second": (*visit).second, "enrol": (*visit).enrol, "offer": (*visit).decideOffer,
		"refuse": (*visit).refuse, "continue": (*visit).goOn,
	}[word]
}

// show reads where the journey stands and shows that page, or the wanted one
// beside it if the journey allows it there.
func (v *visit) show(want string) error {
	var page ui.Page
	err := v.l.db.View(v.r.Context(), func(tx *db.Tx) (err error) {
		if err = v.read(tx); err != nil {
			return err
		}
		page, err = v.pageFor(want)(v, tx)
		return err
	})
	if err != nil {
		if f := fault.Of(err); over(f) {
			return v.over(f)
		}
		return err
	}
	return v.render(page)
}

func (v *visit) pageFor(want string) builder {
	proving := v.step.Name == signin.Code || v.step.Name == signin.Password
	choosing := v.step.Name == signin.Choose || v.step.Name == signin.Consent
	switch {
	case want == "lost" && v.step.Name == signin.Second && v.changeable() && !v.flow.Met():
		return (*visit).lostPage
	case want == "way" && v.ways():
		return (*visit).wayPage
	case want == "identify" && (proving || choosing) && v.changeable():
		return (*visit).identifyPage
	case want == "help" && proving:
		return (*visit).nothingPage
	case v.step.Name == signin.Identify && v.recalls():
		return (*visit).choosePage
	}
	return pageOf(v.step.Name)
}

// changeable reports whether the visitor may name somebody else.
func (v *visit) changeable() bool {
	return v.flow.Kind == signin.SignIn || v.flow.Kind == signin.Recover
}

// recalls reports whether the chooser is shown though nobody is signed in: for
// accounts that this browser remembers.
func (v *visit) recalls() bool {
	f := v.flow.Facts
	return f.Kind == signin.SignIn && !f.Another && f.Hint == "" && f.Session.IsZero() &&
		!f.Prompt.Login && !f.Prompt.Create && f.Pinned.IsZero() && v.wrong == nil && len(known(v.r)) > 0
}

// step does what a form of the journey asks for.
func (l *Login) step(w http.ResponseWriter, r *http.Request) error {
	v, err := l.visiting(w, r)
	v.native = speaksJSON(r)
	if err != nil {
		return v.over(fault.Of(err))
	}
	do := postOf(r.PathValue("step"))
	if do == nil {
		return web.ErrPath
	}
	if v.native {
		v.form, err = nativeForm(r)
	} else {
		v.form, err = web.Form(r, 0)
	}
	if err != nil {
		return err
	}
	if name := repeated(v.form); name != "" {
		return web.ErrRepeated.At(name)
	}
	return v.refused(do(v))
}

// repeated finds a field that came twice: two recipients in one form (H127).
func repeated(form url.Values) string {
	for name, list := range form {
		if len(list) > 1 {
			return name
		}
	}
	return ""
}

// goOn does what is left to do when another window changed where the journey
// stands.
func (v *visit) goOn() error { return v.act(nil) }

// continuePage stands where the journey needs nothing more to be asked, but a
// GET must not end it.
func (v *visit) continuePage(*db.Tx) (ui.Page, error) {
	p := Message{Shell: v.shell(), Hero: ui.Hero{Icon: "circle-check", Kind: "ok"}}
	p.Title = p.T("login.continue.title")
	p.Text = []string{p.T("login.continue.text")}
	if v.app != nil {
		p.Text = []string{p.T("login.continue.text_app", "name", v.asker())}
	}
	p.Form = &Form{Action: v.path("continue"), Buttons: []ui.Button{
		{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true},
	}}
	return p, nil
}

// over is shown when the journey cannot go on in this browser: it has ended, it
// took too long, it began elsewhere, or the browser keeps no cookies. If it has
// just ended here, the browser is taken on to where it leads (a second press of
// a button, a reload, Back).
func (v *visit) over(why *fault.Error) error {
	ended, err := v.ending()
	if err != nil {
		return err
	}
	if v.native && !ended {
		return why
	}
	if ended {
		return v.goBack()
	}
	_, cookies := browserOf(v.r)
	status, word := web.Status(why), "expired"
	switch {
	case !cookies:
		status, word = http.StatusForbidden, "cookies"
	case len(v.held) > 0:
		word = "signed_in"
	case signin.ErrElsewhere.Is(why):
		word = "elsewhere"
	}
	return v.l.ui.Render(v.w, v.r, status, overPage(v.outside(), word))
}

func overPage(s ui.Shell, word string) Message {
	p := Message{Shell: s, Hero: map[string]ui.Hero{
		"expired": {Icon: "hourglass"}, "cookies": {Icon: "info", Kind: "warn"},
		"signed_in": {Icon: "circle-check", Kind: "ok"}, "elsewhere": {Icon: "monitor"},
	}[word]}
	again := ui.Button{Text: p.T("login.start_again"), Kind: "primary", Href: account.SignInPath, Block: true}
	if word == "signed_in" {
		again = ui.Button{Text: p.T("login.to_account"), Kind: "primary", Href: account.AccountPath, Block: true}
	}
	p.Title = p.T("login.over." + word + ".title")
	p.Text = []string{p.T("login.over." + word + ".text")}
	p.Links = []ui.Button{again}
	return p
}

// ending looks for a journey that has ended and was not taken up yet.
func (v *visit) ending() (ended bool, err error) {
	err = v.l.db.View(v.r.Context(), func(tx *db.Tx) error {
		var err error
		if v.held, err = held(tx, v.r); err != nil {
			return err
		}
		var f signin.Flow
		if f, ended, err = signin.Ended(tx, v.t, v.id, v.browser); err != nil || !ended {
			return err
		}
		v.flow = f
		return v.findApp(tx)
	})
	return ended, err
}
