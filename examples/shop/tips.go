package shop

import (
	_ "embed"
	"net/http"

	"golang.org/x/oauth2"
)

// Model is the cardea.yaml of this shop: its fields, purposes and topics.
//
//go:embed cardea.yaml
var Model []byte

// tips are what the shop advises for the place where somebody gardens.
var tips = map[string]string{
	"balcony":    "For your balcony: lemon thyme takes the wind and the sun.",
	"garden":     "For your garden: put the fern under a tree and forget it.",
	"windowsill": "For your windowsill: the pancake plant turns with the light.",
}

// home asks each time where the customer gardens. The issuer tells it as long
// as the customer allows tips: the shop keeps no copy, so there is nothing to
// forget when that ends.
func (s *Shop) home(w http.ResponseWriter, r *http.Request) {
	p := s.page(w, r, "Plants for patient people")
	if p.Who != nil && s.client.cfg.Tips {
		p.Tip = tips[s.client.garden(r, p.Who.Access)]
	}
	s.render(w, http.StatusOK, "home", p)
}

// garden is the claim of that name, if there is one and the sign-in still holds.
func (c *client) garden(r *http.Request, access string) string {
	p, err := c.discover(r.Context())
	if err != nil {
		return ""
	}
	info, err := p.UserInfo(c.context(r.Context()), oauth2.StaticTokenSource(&oauth2.Token{AccessToken: access}))
	if err != nil {
		return ""
	}
	var claims struct{ Garden string }
	if info.Claims(&claims) != nil {
		return ""
	}
	return claims.Garden
}
