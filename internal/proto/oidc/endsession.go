package oidc

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
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

// endSession signs a browser out. An ID token of the very session that is here
// ends it at once; anybody else's wish asks first (H152).
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
	mine := slices.DeleteFunc(slices.Clone(held), func(h session.Held) bool { return out.app == nil || !out.names(of(r), h.Session) })
	switch {
	case len(mine) > 0:
		return p.signOut(w, r, out, mine)
	case len(held) == 0:
		return p.goOn(w, r, out)
	}
	return p.pages.SignOut(w, r, out.name(), p.sealLeaving(r, form))
}

// names reports whether the hint is an ID token of this very session.
func (l *leaving) names(t tenantRef, s session.Session) bool {
	return l.hint.Sid != "" && l.hint.Sid == sid(t, l.app, s.ID)
}

func (l *leaving) name() string {
	if l.app == nil {
		return ""
	}
	return l.app.Name
}

func (p *Provider) leaving(r *http.Request, form url.Values) (leaving, *fault.Error) {
	for _, list := range form {
		if len(list) > 1 {
			return leaving{}, refuse("invalid_request", "A parameter was sent twice.")
		}
	}
	out := leaving{state: form.Get("state"), to: form.Get("post_logout_redirect_uri")}
	client := form.Get("client_id")
	if raw := form.Get("id_token_hint"); raw != "" {
		var ok bool
		if out.hint, ok = readHint(of(r), raw); !ok || client != "" && client != out.hint.Audience {
			return leaving{}, refuse("invalid_request", "id_token_hint is not an ID token of ours for this application.")
		}
		client = out.hint.Audience
	}
	if client == "" {
		out.to = "" // nobody vouches for the address: RP-Initiated Logout 1.0, 3
		return out, nil
	}
	a, ok, err := p.application(r.Context(), of(r), client)
	if err != nil {
		return leaving{}, fault.Of(err)
	}
	if !ok || out.to != "" && !a.AllowsPostLogout(out.to) || len(out.state) > maxState {
		return leaving{}, errForeignLogout
	}
	out.app = a
	return out, nil
}

// sealLeaving keeps the request for the confirmation page's button.
func (p *Provider) sealLeaving(r *http.Request, form url.Values) string {
	return p.seal(r, PathEndSession, form)
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
