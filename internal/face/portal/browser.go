package portal

import (
	"net/http"
	"time"

	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

// The cookies that this face reads or writes besides session.Cookie; the other
// faces know them by the same names.
const (
	browserCookie = "browser" // a secret that binds journeys to the browser that began them
	localeCookie  = "locale"
	themeCookie   = "theme"
)

const year = 365 * 24 * time.Hour

// bindBrowser is the digest that the journeys of this browser carry; the secret
// is made on the first visit.
func bindBrowser(w http.ResponseWriter, r *http.Request) [32]byte {
	token := web.ReadCookie(r, browserCookie)
	if len(token) != len(secret.Token()) {
		token = secret.Token()
		web.SetCookie(w, r, web.Cookie{Name: browserCookie, Value: token, MaxAge: year})
	}
	return secret.Digest([]byte(token))
}

// leave takes the customer's sessions out of the browser's set and asks the
// browser to forget the pages that it keeps (H139, H158). Other accounts stay.
func (v *visit) leave(c customer.ID) {
	var rest []session.Held
	for _, h := range v.held {
		if h.CustomerID != c {
			rest = append(rest, h)
		}
	}
	web.SignedOut(v.w)
	if len(rest) == 0 {
		web.DropCookie(v.w, v.r, session.Cookie)
		return
	}
	web.SetCookie(v.w, v.r, web.Cookie{
		Name: session.Cookie, Value: session.SetOf(rest), MaxAge: session.KeepFor(rest, v.p.db.Now()),
	})
}

// keep gives the browser the new token of the current session; the one before is
// dead.
func (v *visit) keep(token string, s session.Session) {
	v.me = s
	v.held[0] = session.Held{Token: token, Session: s}
	web.SetCookie(v.w, v.r, web.Cookie{
		Name: session.Cookie, Value: session.SetOf(v.held), MaxAge: session.KeepFor(v.held, v.p.db.Now()),
	})
}

// network is what meters know the visitor by.
func network(r *http.Request) string { return web.Network(web.Peer(r)) }
