package login

import (
	"encoding/base64"
	"net/http"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
)

// The cookies of this face, besides session.Cookie. The protocols know the
// first one by the same name.
const (
	browserCookie = "browser" // a secret that binds journeys to the browser that began them
	knownCookie   = "known"   // accounts that the chooser offers after their session has ended, sealed
	trustCookie   = "trust"   // tokens of trust, by which accounts skip the second factor here
	localeCookie  = "locale"
	themeCookie   = "theme"
)

const (
	year      = 365 * 24 * time.Hour
	knownFor  = 180 * 24 * time.Hour
	mostKnown = 5
)

// browserOf is the digest that journeys of this browser carry. A browser that
// brings no secret has a digest that no journey carries.
func browserOf(r *http.Request) (digest [32]byte, known bool) {
	token := web.ReadCookie(r, browserCookie)
	return secret.Digest([]byte(token)), len(token) == 43
}

// bindBrowser is browserOf, with a secret made on the first visit.
func bindBrowser(w http.ResponseWriter, r *http.Request) [32]byte {
	if digest, known := browserOf(r); known {
		return digest
	}
	token := secret.Token()
	web.SetCookie(w, r, web.Cookie{Name: browserCookie, Value: token, MaxAge: year})
	return secret.Digest([]byte(token))
}

// held are the living sessions of this browser, the current one first.
func held(tx *db.Tx, r *http.Request) ([]session.Held, error) {
	return session.FindSet(tx, of(r), web.ReadCookie(r, session.Cookie))
}

// keep writes the browser's set of sessions.
func keep(w http.ResponseWriter, r *http.Request, list []session.Held, now time.Time) {
	if len(list) == 0 {
		web.DropCookie(w, r, session.Cookie)
		return
	}
	web.SetCookie(w, r, web.Cookie{Name: session.Cookie, Value: session.SetOf(list), MaxAge: session.KeepFor(list, now)})
}

// device is the name under which the browser's sessions hang together.
func device(digest [32]byte) [16]byte { return [16]byte(digest[16:]) }

// known are the accounts that this browser was asked to remember, the latest
// first. The cookie says nothing to who reads it: it is sealed by the tenant and
// holds ids alone.
func known(r *http.Request) []customer.ID {
	sealed, err := base64.RawURLEncoding.DecodeString(web.ReadCookie(r, knownCookie))
	if err != nil || len(sealed) == 0 {
		return nil
	}
	plain, err := of(r).Key("login/known").Open(sealed, nil)
	if err != nil || len(plain)%16 != 0 {
		return nil
	}
	var out []customer.ID
	for id := range slices.Chunk(plain, 16) {
		out = append(out, customer.ID(id))
	}
	return out
}

func keepKnown(w http.ResponseWriter, r *http.Request, list []customer.ID) {
	if len(list) == 0 {
		web.DropCookie(w, r, knownCookie)
		return
	}
	var plain []byte
	for _, id := range list[:min(len(list), mostKnown)] {
		plain = append(plain, id[:]...)
	}
	value := base64.RawURLEncoding.EncodeToString(of(r).Key("login/known").Seal(plain, nil))
	web.SetCookie(w, r, web.Cookie{Name: knownCookie, Value: value, MaxAge: knownFor})
}

// remember puts the customer first among those that the browser knows.
func remember(w http.ResponseWriter, r *http.Request, c customer.ID) {
	keepKnown(w, r, append([]customer.ID{c}, without(known(r), c)...))
}

// forget takes the customer out of what the browser knows.
func forget(w http.ResponseWriter, r *http.Request, c customer.ID) {
	if list := known(r); slices.Contains(list, c) {
		keepKnown(w, r, without(list, c))
	}
}

func without(list []customer.ID, c customer.ID) []customer.ID {
	return slices.DeleteFunc(slices.Clone(list), func(id customer.ID) bool { return id == c })
}

// keepTrust puts a token of trust first among those of the browser. What it is
// worth, and for how long, the record of the device decides (H097).
func keepTrust(w http.ResponseWriter, r *http.Request, token string) {
	list := append([]string{token}, session.ReadSet(web.ReadCookie(r, trustCookie))...)
	web.SetCookie(w, r, web.Cookie{Name: trustCookie, Value: session.WriteSet(list[:min(len(list), mostKnown)]), MaxAge: year})
}

// network is what meters know the visitor by.
func network(r *http.Request) string { return web.Network(web.Peer(r)) }

// place is where a session is opened from.
func place(r *http.Request) session.Place { return session.NewPlace(web.Peer(r), web.UserAgent(r)) }
