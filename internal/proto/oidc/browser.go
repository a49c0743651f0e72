package oidc

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// held are the sessions of this browser that are alive.
func (p *Provider) held(r *http.Request) (list []session.Held, err error) {
	cookie := web.ReadCookie(r, session.Cookie)
	if cookie == "" {
		return nil, nil
	}
	ask := p.db.View
	if len(session.ReadSet(cookie)) < 2 { // one session is one question
		ask = p.db.Look
	}
	err = ask(r.Context(), func(tx *db.Tx) (err error) {
		list, err = session.FindSet(tx, of(r), cookie)
		return err
	})
	return list, err
}

// tokenOf is the token by which the browser holds a session.
func tokenOf(held []session.Held, id session.ID) (string, bool) {
	i := slices.IndexFunc(held, func(h session.Held) bool { return h.ID == id })
	if i < 0 {
		return "", false
	}
	return held[i].Token, true
}

// BrowserCookie binds a flow to the browser that began it.
const BrowserCookie = "browser"

// TrustCookie holds the tokens by which accounts skip the second factor in this
// browser, as the hosted pages set it.
const TrustCookie = "trust"

const browserLife = 365 * 24 * time.Hour

// browser is the digest of this browser's secret, which is made on the first visit.
func (p *Provider) browser(w http.ResponseWriter, r *http.Request) [32]byte {
	if d, ok := p.knownBrowser(r); ok {
		return d
	}
	token := secret.Token()
	web.SetCookie(w, r, web.Cookie{Name: BrowserCookie, Value: token, MaxAge: browserLife})
	return secret.Digest([]byte(token))
}

func (p *Provider) knownBrowser(r *http.Request) ([32]byte, bool) {
	token := web.ReadCookie(r, BrowserCookie)
	return secret.Digest([]byte(token)), len(token) == 43
}

// from is what the request tells of its browser.
func (p *Provider) from(r *http.Request) signin.From {
	f := signin.From{
		Peer: web.Peer(r), Network: web.Network(web.Peer(r)), Agent: r.UserAgent(), Signal: r.Header.Get("Sec-GPC") == "1",
	}
	if d, ok := p.knownBrowser(r); ok {
		f.Device, f.Trust = [16]byte(d[16:]), web.ReadCookie(r, TrustCookie)
	}
	return f
}

// leave ends the sessions with all that hangs on them and keeps the browser's
// other ones.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, list []session.Held) error {
	var rest []session.Held
	err := p.db.Update(r.Context(), func(tx *db.Tx) (err error) {
		for _, h := range list {
			if err := p.acts.SignOut(tx, of(r), h.Session); err != nil {
				return err
			}
		}
		rest, err = session.FindSet(tx, of(r), web.ReadCookie(r, session.Cookie))
		return err
	})
	if err != nil {
		return err
	}
	if len(rest) == 0 {
		web.DropCookie(w, r, session.Cookie)
		web.SignedOut(w)
		return nil
	}
	web.SetCookie(w, r, web.Cookie{Name: session.Cookie, Value: session.SetOf(rest), MaxAge: session.KeepFor(rest, p.db.Now())})
	return nil
}

func locales(text string) []string { return strings.Fields(text) }
