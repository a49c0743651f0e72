package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The pages of the links that mails carry. Whoever holds such a link sees and
// changes preferences of one address and nothing else: neither a name nor the
// address stands on them, and no session is looked at or begun.

// Told is a page of one message, with one button at most.
type Told struct {
	ui.Shell
	Hero   ui.Hero
	Text   string
	Action string
	Hidden ui.Hidden
	Never  *ui.Checkbox // a wish that goes with it
	Submit *ui.Button
	Leads  *ui.Button // where else to go
}

// Template implements ui.Page.
func (Told) Template() string { return "portal/told" }

// linkRoutes hangs the pages that need no sign-in.
func (p *Portal) linkRoutes(m *web.Mux) {
	teller := p.ui.Teller("portal")
	m.Handle("GET "+consent.ManagePath, teller, p.linked(consent.ToManage, (*linkVisit).manage), web.Public())
	m.Handle("POST "+consent.ManagePath, teller, p.linked(consent.ToManage, (*linkVisit).saveManaged), web.Public())
	m.Handle("GET "+consent.ForgetPath, teller, p.linked(consent.ToManage, (*linkVisit).askForget), web.Public())
	m.Handle("POST "+consent.ForgetPath, teller, p.linked(consent.ToManage, (*linkVisit).forget), web.Public())
	m.Handle("GET "+consent.ConfirmPath, teller, p.linked(consent.ToConfirm, (*linkVisit).askConfirm), web.Public())
	m.Handle("POST "+consent.ConfirmPath, teller, p.linked(consent.ToConfirm, (*linkVisit).confirm), web.Public())
	m.Handle("GET "+consent.UnsubscribePath, teller, p.linked(consent.ToUnsubscribe, (*linkVisit).askUnsubscribe), web.Public())
	m.Handle("POST "+consent.UnsubscribePath, teller, p.linked(consent.ToUnsubscribe, (*linkVisit).unsubscribe), web.Public(),
		web.NoCSRF("RFC 8058, 3.2: mail programs post here across sites, without cookies; the link in the query is the authority"))
}

// linkVisit is one request by a link.
type linkVisit struct {
	p     *Portal
	w     http.ResponseWriter
	r     *http.Request
	t     *tenant.Tenant
	form  url.Values // of a POST
	token string
	link  consent.Link
}

// linked reads the link, from the query or the form. One that is no good is told
// so by a page, whatever is wrong with it.
func (p *Portal) linked(purpose consent.LinkPurpose, act func(*linkVisit) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v := &linkVisit{p: p, w: w, r: r, t: of(r), form: url.Values{}}
		err := v.read(purpose)
		if err == nil {
			err = act(v)
		}
		if errors.Is(err, consent.ErrLink) || errors.Is(err, consent.ErrConfirmed) {
			return v.tell(http.StatusGone, newTold(v.shell(), "over", ""))
		}
		return err
	}
}

func (v *linkVisit) read(purpose consent.LinkPurpose) error {
	query, err := web.Query(v.r)
	if err != nil {
		return err
	}
	if v.r.Method == http.MethodPost {
		// RFC 8058, 3.1: multipart/form-data, or the other form.
		if strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/") {
			v.form, _, err = web.Upload(v.r, 16<<10)
		} else {
			v.form, err = web.Form(v.r, 0)
		}
		if err != nil {
			return err
		}
	}
	v.token = first(append(query["t"], v.form["t"]...)...)
	v.link, err = consent.ReadLink(v.t, purpose, v.token, v.p.db.Now())
	return err
}

func (v *linkVisit) shell() ui.Shell {
	s := v.p.ui.Shell(v.r, ui.Visit{Part: "portal"})
	s.Layout, s.Path = ui.Hosted, v.r.URL.Path // the link is no part of the page
	return s
}

func (v *linkVisit) tell(status int, p Told) error { return v.p.ui.Render(v.w, v.r, status, p) }

// newTold words a page by the part of its keys; topic is what it is about.
func newTold(s ui.Shell, what, topic string) Told {
	s.Layout, s.Title = ui.Hosted, s.T("portal.preference."+what+".title")
	p := Told{Shell: s, Hero: ui.Hero{Icon: "mail"}, Text: s.T("portal.preference."+what+".text", "topic", topic, "name", s.Look.Name)}
	if strings.HasPrefix(what, "done_") {
		p.Hero = ui.Hero{Icon: "circle-check", Kind: "ok"}
	}
	return p
}

// asking adds the one button.
func (p Told) asking(what, action, token string) Told {
	p.Action, p.Hidden = action, ui.Hidden{Name: "t", Value: token}
	p.Submit = &ui.Button{Text: p.T("portal.preference." + what + ".do"), Kind: "primary", Block: true}
	return p
}

// title is what the link's topic is called; one that is gone has its id.
func (v *linkVisit) title(s ui.Shell) (title string, err error) {
	title = v.link.Topic
	err = v.p.db.View(v.r.Context(), func(tx *db.Tx) error {
		list, err := consent.Topics(tx, v.t)
		for i := range list {
			if list[i].ID == v.link.Topic {
				title = list[i].In(string(s.Locale), v.t.Locale()).Title
			}
		}
		return err
	})
	return title, err
}

func (v *linkVisit) askUnsubscribe() error {
	s := v.shell()
	title, err := v.title(s)
	if err != nil {
		return err
	}
	return v.tell(http.StatusOK, newTold(s, "unsubscribe", title).asking("unsubscribe", consent.UnsubscribePath, v.token))
}

// unsubscribe answers a mail program's one click with nothing but 200, and a
// person's press of the button with a page.
func (v *linkVisit) unsubscribe() error {
	oneClick := first(v.form["List-Unsubscribe"]...) == "One-Click"
	where := consent.Where{Surface: "mail", Method: "button"}
	if oneClick {
		where.Method = "one_click"
	}
	if err := v.p.db.Update(v.r.Context(), func(tx *db.Tx) error { return consent.Unsubscribe(tx, v.t, v.link, where) }); err != nil {
		return err
	}
	if oneClick {
		v.w.WriteHeader(http.StatusOK)
		return nil
	}
	s := v.shell()
	title, err := v.title(s)
	if err != nil {
		return err
	}
	return v.tell(http.StatusOK, newTold(s, "done_unsubscribe", title))
}

// askConfirm changes nothing: mail programs follow links by themselves.
func (v *linkVisit) askConfirm() error {
	awaits := false
	err := v.p.db.View(v.r.Context(), func(tx *db.Tx) (err error) { awaits, err = consent.Awaits(tx, v.t, v.link); return err })
	if err == nil && !awaits {
		err = consent.ErrConfirmed
	}
	if err != nil {
		return err
	}
	s := v.shell()
	title, err := v.title(s)
	if err != nil {
		return err
	}
	return v.tell(http.StatusOK, newTold(s, "confirm", title).asking("confirm", consent.ConfirmPath, v.token))
}

func (v *linkVisit) confirm() error {
	s := v.shell()
	err := v.p.db.Update(v.r.Context(), func(tx *db.Tx) error {
		_, err := consent.Confirm(tx, v.t, v.link, consent.Where{Locale: string(s.Locale), Surface: "mail", Method: "double_opt_in"})
		return err
	})
	if err != nil {
		return err
	}
	title, err := v.title(s)
	if err != nil {
		return err
	}
	return v.tell(http.StatusOK, newTold(s, "done_confirm", title))
}

// choices reads what the link's address has chosen.
func (v *linkVisit) choices(tx *db.Tx) (f chosen, err error) {
	f.Only = v.link.Channel.Kind()
	f.Hidden = []ui.Component{ui.Hidden{Name: "t", Value: v.token}}
	if f.Topics, err = consent.Topics(tx, v.t); err != nil {
		return f, err
	}
	c, there, err := v.link.Holder(tx, v.t)
	switch {
	case err != nil:
		return f, err
	case !there && !v.link.Owner.IsZero():
		return f, consent.ErrLink
	case there:
		f.List, err = consent.Preferences(tx, v.t, c)
	}
	return f, err
}

func (v *linkVisit) manage() error { return v.showManaged("") }

func (v *linkVisit) showManaged(flash string) error {
	var f chosen
	err := v.p.db.View(v.r.Context(), func(tx *db.Tx) (err error) { f, err = v.choices(tx); return err })
	if err != nil {
		return err
	}
	s := v.shell()
	s.Wide = true
	if flash != "" {
		s.Flash = s.T(flash)
	}
	p := newPreferences(s, consent.ManagePath, f).forgettable(v.token)
	return v.p.ui.Render(v.w, v.r, http.StatusOK, p)
}

func (v *linkVisit) saveManaged() error {
	s := v.shell()
	err := v.p.db.Update(v.r.Context(), func(tx *db.Tx) error {
		f, err := v.choices(tx)
		if err != nil {
			return err
		}
		where := consent.Where{Locale: string(s.Locale), Surface: "mail", Method: "form"}
		return consent.PreferByLink(tx, v.t, v.link, wishesOf(v.form, f), where)
	})
	if fault.Is(err, fault.Invalid) && errors.Is(err, consent.ErrFrequency) {
		return consent.ErrFrequency
	}
	if err != nil {
		return err
	}
	return v.showManaged("portal.done.preferences")
}
