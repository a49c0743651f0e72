package server_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// Where an application has the data is told with each disclosure, as it was known
// then, in the customer's words; and what is no country is refused.
func TestDisclosuresTellTheCountryTheyWentTo(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		ctx := context.Background()
		web := h.Apps["web"]
		place := func(country, safeguard string) error {
			a, err := h.App(ctx, h.Tenant(), web.ClientID)
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.ChangeApp(ctx, h.Tenant(), a.ID, func(a *app.Application) {
				a.Settings.Country, a.Settings.Safeguard = country, safeguard
			})
			return err
		}
		for _, bad := range [][2]string{{"UK", ""}, {"us", ""}, {"XX", ""}, {"", "clauses"}, {"US", strings.Repeat("x", 301)}, {"US", "a\u202eb"}} {
			if place(bad[0], bad[1]) == nil {
				t.Errorf("%q is taken", bad)
			}
		}
		if err := place("US", "Standard clauses"); err != nil {
			t.Fatal(err)
		}
		b := signedUp(t, h, ann)
		code := b.Get(h.AuthorizeURL(web, "prompt", "none", "scope", "openid email")).Location().Query().Get("code")
		h.Bearer("/oauth2/userinfo", h.Redeem(web, code).AccessToken)
		if err := place("IN", "Other clauses"); err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			list, err := release.Record(tx, h.Tenant(), idOf(t, h, ann), 10)
			if len(list) == 0 || list[0].RecipientKind != release.Application || list[0].Country != "US" {
				t.Errorf("%+v", list)
			}
			return err
		})
		p := b.Get(h.URL + "/account/privacy")
		if !strings.Contains(p.Text(), "United States, outside the European Economic Area") {
			t.Errorf("the customer does not read where the data went: %s", p.Text())
		}
		if r, err := h.Audit(ctx, h.Tenant()); err != nil || !r.Holds {
			t.Errorf("%+v %v", r, err)
		}
	})
}
