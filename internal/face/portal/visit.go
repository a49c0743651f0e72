package portal

import (
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/risk"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The faults of this face.
var (
	errNothing  = fault.New(fault.NotFound, "not_found", "There is no such thing in this account.")
	errSwitched = fault.New(fault.Conflict, "account_switched", "You switched to another account in the meantime. Look at the page again.")
)

// visit is one request of somebody who is signed in.
type visit struct {
	p    *Portal
	w    http.ResponseWriter
	r    *http.Request
	t    *tenant.Tenant
	back string          // the page to come back to after signing in
	form url.Values      // of a POST; else the query
	held []session.Held  // living sessions of this browser, the current one first
	me   session.Session // the current one
	who  person

	action string // for which a fresh proof was missed
	heard  int    // uses that the browser objected to with this request
}

// signedIn lets a handler see who is signed in. Who is not is led to the front
// door and back, and whose proof is too old for the act to a fresh one.
func (p *Portal) signedIn(back string, act func(*visit) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := &visit{p: p, w: w, r: r, t: of(r), back: back}
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			v.back = r.URL.RequestURI()
		}
		err := v.open()
		if err == nil {
			err = v.heed()
		}
		if err == nil {
			err = act(v)
		}
		switch {
		case errors.Is(err, permit.ErrSession):
			web.Redirect(w, r, signInPath+"?return="+url.QueryEscape(v.back))
			return nil
		case errors.Is(err, permit.ErrStale):
			return v.confirm()
		case err != nil:
			return err
		}
		v.touch()
		return nil
	}
}

// open reads the form and who is signed in.
func (v *visit) open() (err error) {
	if v.r.ContentLength == 0 && v.r.Header.Get("Content-Type") == "" && v.r.Method == http.MethodPost {
		v.form = url.Values{} // a script's request, which has nothing to say
	} else if v.form, err = web.Form(v.r, 0); err != nil {
		return err
	}
	if err = v.view(v.read); err != nil || v.r.Method != http.MethodPost {
		return err
	}
	typed, err := v.typed("account")
	if err == nil && typed != "" && !v.mine("account", typed, nil) {
		err = errSwitched
	}
	return err
}

func (v *visit) read(tx *db.Tx) (err error) {
	if v.held, err = session.FindSet(tx, v.t, web.ReadCookie(v.r, session.Cookie)); err != nil {
		return err
	}
	if len(v.held) == 0 {
		return permit.ErrSession
	}
	v.me = v.held[0].Session
	if err := v.may(tx); err != nil {
		return err
	}
	v.who, err = personOf(tx, v.t, v.me.CustomerID)
	return err
}

// may asks the one gate for subjects whether the session still stands for
// somebody who may have one.
func (v *visit) may(tx *db.Tx) error {
	_, err := permit.May(tx, v.t, permit.Ask{Customer: v.me.CustomerID, Session: &v.me, Purpose: permit.ForSession})
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.Unauthenticated) {
		return permit.ErrSession.Because(err)
	}
	return err
}

func (v *visit) view(fn func(*db.Tx) error) error { return v.p.db.View(v.r.Context(), fn) }

// update does an act in one transaction in which the session still lives.
func (v *visit) update(fn func(*db.Tx) error) error {
	return v.p.db.Update(v.r.Context(), func(tx *db.Tx) error {
		s, alive, err := session.Alive(tx, v.t, v.me.CustomerID, v.me.ID)
		if err == nil && !alive {
			err = permit.ErrSession
		}
		if err != nil {
			return err
		}
		v.me = s
		if err := v.may(tx); err != nil {
			return err
		}
		return fn(tx)
	})
}

// freshly is update for something dangerous, one of the actions of access: what
// it asks for must have been proven freshly.
func (v *visit) freshly(action string, fn func(*db.Tx) error) error {
	return v.update(func(tx *db.Tx) error {
		if err := v.assured(tx, action); err != nil {
			return err
		}
		return fn(tx)
	})
}

// fresh is asked before the form of something dangerous is shown, so that
// nobody types what would have to be typed again.
func (v *visit) fresh(action string) error {
	return v.view(func(tx *db.Tx) error { return v.assured(tx, action) })
}

// assured fails with permit.ErrStale, on which a fresh proof is asked for.
func (v *visit) assured(tx *db.Tx, action string) error {
	v.action = action
	is, err := account.IsAssured(tx, v.t, v.me, action)
	if err == nil && !is {
		err = permit.ErrStale
	}
	return err
}

// confirm leads to a fresh proof and back.
func (v *visit) confirm() error {
	if err := risk.Reserve(v.r.Context(), v.p.db, v.t, risk.FlowStart(network(v.r))...); err != nil {
		return err
	}
	browser := bindBrowser(v.w, v.r)
	var f signin.Flow
	err := v.update(func(tx *db.Tx) (err error) {
		f, err = v.p.acts.BeginConfirm(tx, v.t, v.me, account.Confirmation{Action: v.action, Browser: browser, Back: v.back})
		return err
	})
	if err != nil {
		return err
	}
	return v.to(signInPath + "/" + f.ID.String())
}

// touch notes after the answer that session and customer were seen.
func (v *visit) touch() {
	ctx, d := v.r.Context(), v.p.db
	err := errors.Join(session.Touch(ctx, d, v.t, v.me), customer.Touch(ctx, d, v.t, v.me.CustomerID, d.Now()))
	if err != nil {
		web.Record(v.r).Add("touch", err)
	}
}

// typed is the one value of a field.
func (v *visit) typed(name string) (string, error) { return web.Single(v.form, name) }

// seal hands something of this customer's to the browser, so that it comes back
// only as it was and only from them.
func (v *visit) seal(label string, plain []byte) string {
	sealed := v.t.Key("portal/"+label).Seal(plain, v.me.CustomerID.Bytes())
	return base64.RawURLEncoding.EncodeToString(sealed)
}

// unseal reads what seal gave this customer.
func (v *visit) unseal(label, value string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil, false
	}
	plain, err := v.t.Key("portal/"+label).Open(sealed, v.me.CustomerID.Bytes())
	return plain, err == nil
}

// mine reports whether a sealed value is what it should be.
func (v *visit) mine(label, value string, want []byte) bool {
	plain, ok := v.unseal(label, value)
	return ok && string(plain) == string(want)
}

// mark is the hidden field that says for whose account a form was made.
func (v *visit) mark() ui.Hidden { return ui.Hidden{Name: "account", Value: v.seal("account", nil)} }

// shell is the outside of a page; current is its entry in the list of pages.
func (v *visit) shell(current string) ui.Shell {
	s := v.p.ui.Shell(v.r, ui.Visit{Account: v.who.Locale, Zone: v.who.Zone, Part: "portal"})
	s.Path = v.back
	if key := done[first(v.form["done"]...)]; key != "" && v.r.Method == http.MethodGet {
		s.Flash = s.T(key)
	}
	if v.heard > 0 {
		s.Flash = s.T("portal.consent.heard")
	}
	return outside(s, current, v.who)
}

// outside puts the list of pages and the person round a page.
func outside(s ui.Shell, current string, who person) ui.Shell {
	s.Layout = ui.Portal
	s.Nav = []ui.NavItem{
		{Href: homePath, Text: s.T("portal.nav.home"), Icon: "house"},
		{Href: profilePath, Text: s.T("portal.nav.profile"), Icon: "user-round"},
		{Href: addressesPath, Text: s.T("portal.nav.addresses"), Icon: "at-sign"},
		{Href: securityPath, Text: s.T("portal.nav.security"), Icon: "shield-check"},
		{Href: consentsPath, Text: s.T("portal.nav.consents"), Icon: "scroll-text"},
		{Href: applicationsPath, Text: s.T("portal.nav.applications"), Icon: "app-window"},
		{Href: privacyPath, Text: s.T("portal.nav.privacy"), Icon: "lock"},
		{Href: preferencesPath, Text: s.T("portal.nav.preferences"), Icon: "mail"},
		{Href: languagePath, Text: s.T("portal.nav.language"), Icon: "languages"},
	}
	for i := range s.Nav {
		s.Nav[i].Current = s.Nav[i].Href == current
	}
	s.Person = &ui.Person{Name: who.Name, Address: who.Address, Accounts: chooserPath, SignOut: signOutPath}
	return s
}

// done are the words with which a page says what was done: ?done=word.
var done = map[string]string{
	"saved": "portal.done.saved", "address": "portal.done.address", "primary": "portal.done.primary",
	"removed": "portal.done.removed", "username": "portal.done.username",
	"password": "portal.done.password", "password_fair": "portal.done.password_fair", "password_good": "portal.done.password_good",
	"password_strong": "portal.done.password_strong", "password_removed": "portal.done.password_removed",
	"session": "portal.done.session", "others": "portal.done.others", "revoked": "portal.done.revoked",
	"passkey": "portal.done.passkey", "passkey_removed": "portal.done.passkey_removed", "renamed": "portal.done.renamed",
	"app": "portal.done.app", "app_removed": "portal.done.app_removed", "codes_made": "portal.done.codes_made",
	"distrusted": "portal.done.distrusted", "forgotten": "portal.done.forgotten",
	"request_made": "portal.done.request_made", "request_added": "portal.done.request_added", "request_withdrawn": "portal.done.request_withdrawn",
	"preferences": "portal.done.preferences", "receipt": "portal.done.receipt", "language": "portal.done.language", "theme": "portal.done.theme",
}

// render answers with a page: 200, or 422 with what is wrong.
func (v *visit) render(p ui.Page, s ui.Shell) error { return v.p.ui.Render(v.w, v.r, s.Status(), p) }

// renderWrong answers with a form that was refused; who is to wait is told so
// by the status too.
func (v *visit) renderWrong(p ui.Page, s ui.Shell, wrong error) error {
	status := s.Status()
	if f := fault.Of(wrong); f != nil && (f.Kind == fault.Limited || f.Kind == fault.Unavailable) {
		status = web.Status(f)
		if f.Retry > 0 {
			v.w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.Retry.Seconds()))))
		}
	}
	return v.p.ui.Render(v.w, v.r, status, p)
}

// to goes on to an address of this origin.
func (v *visit) to(path string) error {
	web.Redirect(v.w, v.r, path)
	return nil
}

// correctable reports a refusal that belongs on the form, at one of its fields.
func correctable(err error, fields ...string) bool {
	f := fault.Of(err)
	if f == nil || f.Kind == fault.Internal {
		return false
	}
	if f.Kind == fault.Limited || f.Kind == fault.Unavailable {
		return true
	}
	for _, name := range fields {
		if f.Field == name {
			return true
		}
	}
	return false
}
