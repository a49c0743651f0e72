package oidc

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

// leaving is a logout request (OpenID Connect RP-Initiated Logout 1.0, 2).
type leaving struct {
	app   applicationRef // nil: nobody that we know asks
	hint  hint
	to    string // exact post-logout URI of app; "": stay with us
	state string
}

var errForeignLogout = fault.New(fault.Invalid, "post_logout_foreign", "The application asked to send you somewhere that it has not registered. You were not signed out.")

// endSession signs a browser out. An ID token of a session ends that session at
// once; anybody else's wish asks first (H152).
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) error {
	form, err := p.parameters(r, PathEndSession)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if form.Has("confirm") {
			return p.confirmed(w, r, form)
		}
		return p.park(w, r, PathEndSession, form)
	}
	out, ferr := p.leaving(r, form)
	if ferr != nil {
		return ferr
	}
	held, err := p.held(r)
	if err != nil {
		return err
	}
	mine := slices.DeleteFunc(slices.Clone(held), func(h session.Held) bool { return !out.names(of(r), h.Session) })
	switch {
	case len(mine) > 0:
		return p.signOut(w, r, out, mine)
	case len(held) == 0:
		return p.endLost(w, r, out)
	}
	return p.pages.SignOut(w, r, out.name(), p.seal(r, PathEndSession, form))
}

// endLost ends the session that the ID token names although this browser has
// lost its cookie: else it would live on, seen by nobody (H139).
func (p *Provider) endLost(w http.ResponseWriter, r *http.Request, out leaving) error {
	lost, err := p.lost(r, out)
	if err == nil && lost != nil {
		err = p.db.Update(r.Context(), func(tx *db.Tx) error { return p.acts.SignOut(tx, of(r), *lost) })
	}
	if err != nil {
		return err
	}
	return p.goOn(w, r, out)
}

func (p *Provider) lost(r *http.Request, out leaving) (lost *session.Session, err error) {
	if out.hint.Sid == "" {
		return nil, nil
	}
	err = p.db.View(r.Context(), func(tx *db.Tx) error {
		lost = nil
		who, found, err := customer.ParseSubjectFor(tx, of(r), out.app, out.hint.Subject)
		if err != nil || !found {
			return err
		}
		alive, err := session.List(tx, of(r), who)
		if i := slices.IndexFunc(alive, func(s session.Session) bool { return out.names(of(r), s) }); i >= 0 {
			lost = &alive[i]
		}
		return err
	})
	return lost, err
}

// names reports whether the hint is an ID token of this very session.
func (l *leaving) names(t tenantRef, s session.Session) bool {
	return l.app != nil && l.hint.Sid != "" && l.hint.Sid == sid(t, l.app, s.ID)
}

func (l *leaving) name() string {
	if l.app == nil {
		return ""
	}
	return l.app.Name
}

// leaving reads the request. Where to go afterwards must be an address of the
// application that an ID token or client_id names (3); without one nobody
// vouches for it, and the browser stays with us.
func (p *Provider) leaving(r *http.Request, values url.Values) (leaving, *fault.Error) {
	if err := single(values); err != nil {
		return leaving{}, err
	}
	form := given(values)
	out := leaving{state: form.Get("state"), to: form.Get("post_logout_redirect_uri")}
	if len(out.state) > maxState {
		return leaving{}, refuse("invalid_request", "state is too long.")
	}
	client, err := out.readHint(of(r), form)
	if err != nil {
		return leaving{}, err
	}
	a, ok, lost := p.application(r.Context(), of(r), client)
	switch {
	case lost != nil:
		return leaving{}, fault.Of(lost)
	case ok && a.Enabled:
		out.app = a
	case client == "":
		out.to = ""
	}
	if out.to != "" && (out.app == nil || !out.app.AllowsPostLogout(out.to)) {
		return leaving{}, errForeignLogout
	}
	return out, nil
}

// readHint takes what an ID token says and returns which application asks.
func (l *leaving) readHint(t tenantRef, form url.Values) (client string, err *fault.Error) {
	client = form.Get("client_id")
	raw := form.Get("id_token_hint")
	if raw == "" {
		return client, nil
	}
	h, ok := readHint(t, raw)
	if !ok || client != "" && client != h.Audience {
		return "", refuse("invalid_request", "id_token_hint is not an ID token of ours for this application.")
	}
	l.hint = h
	return h.Audience, nil
}

// confirmed is the button of the confirmation page: a POST of our own page.
func (p *Provider) confirmed(w http.ResponseWriter, r *http.Request, posted url.Values) error {
	if err := web.Guard(r); err != nil {
		return err
	}
	form, err := p.unseal(r, PathEndSession, posted.Get("confirm"))
	if err != nil {
		return err
	}
	out, ferr := p.leaving(r, form)
	if ferr != nil {
		return ferr
	}
	if posted.Get("action") == "deny" {
		web.Redirect(w, r, "/account")
		return nil
	}
	held, err := p.held(r)
	if err != nil {
		return err
	}
	return p.signOut(w, r, out, held)
}

// signOut ends the sessions with everything that hangs on them and takes their
// cookies away.
func (p *Provider) signOut(w http.ResponseWriter, r *http.Request, out leaving, list []session.Held) error {
	if err := p.leave(w, r, list); err != nil {
		return err
	}
	return p.goOn(w, r, out)
}

// goOn sends the browser back to the application, or says that it is done.
func (p *Provider) goOn(w http.ResponseWriter, r *http.Request, out leaving) error {
	if out.to == "" {
		return p.pages.SignedOut(w, r)
	}
	var fields [][2]string
	if out.state != "" {
		fields = append(fields, [2]string{"state", out.state})
	}
	web.Redirect(w, r, withQuery(out.to, fields))
	return nil
}
