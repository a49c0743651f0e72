package oidc

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/web"
)

// A cross-site POST brings no SameSite cookies, so the session is not seen. Its
// parameters are sealed into the address of a GET of our own, which does bring
// them. Nobody can read or alter what is parked, and it is good for ten minutes.

const parked = "parked"

const parkLife = 10 * time.Minute

// maxParked bounds what is parked, so that the address stays one that browsers,
// proxies and the rim of the house take.
const maxParked = 16 << 10

type parking struct {
	Form  url.Values `json:"f"`
	Until time.Time  `json:"u"`
}

func (p *Provider) park(w http.ResponseWriter, r *http.Request, path string, form url.Values) error {
	word := p.seal(r, path, form)
	if len(word) > maxParked {
		return web.ErrTooLarge
	}
	web.Redirect(w, r, path+"?"+parked+"="+word)
	return nil
}

// seal hides a form for one endpoint of one tenant.
func (p *Provider) seal(r *http.Request, path string, form url.Values) string {
	text, _ := json.Marshal(parking{form, p.db.Now().Add(parkLife)}) // text and a time always marshal
	return base64.RawURLEncoding.EncodeToString(of(r).Key("park").Seal(text, []byte(path)))
}

var errParked = fault.New(fault.Gone, "request_expired", "This page was open for too long. Go back to the application and start again.")

func (p *Provider) unseal(r *http.Request, path, word string) (url.Values, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil {
		return nil, errParked
	}
	text, err := of(r).Key("park").Open(sealed, []byte(path))
	if err != nil {
		return nil, errParked
	}
	var held parking
	if err := json.Unmarshal(text, &held); err != nil || !p.db.Now().Before(held.Until) {
		return nil, errParked
	}
	return held.Form, nil
}

// parameters are those of the request, or what was parked for it.
func (p *Provider) parameters(r *http.Request, path string) (url.Values, error) {
	values, err := web.Form(r, 0)
	if err != nil || r.Method != http.MethodGet || !values.Has(parked) {
		return values, err
	}
	return p.unseal(r, path, values.Get(parked))
}
