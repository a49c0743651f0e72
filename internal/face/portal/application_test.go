package portal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

func TestApplicationsAreTold_AndDisconnected(t *testing.T) {
	each(t, func(d *desk) {
		d.says(d.at(d.visitor(mia), "/account/applications"), "No application is connected")
		d.Advance(time.Minute)
		b, partner := servertest.NewBrowser(d.t), d.Apps["partner"]
		q := d.Authorize(b, partner, mia, "scope", "openid email offline_access orders:read", "resource", d.APIURI)
		tokens := d.Redeem(partner, q.Get("code"))
		if tokens.RefreshToken == "" {
			d.t.Fatalf("no tokens: %+v", tokens)
		}
		p := d.at(b, "/account/applications")
		d.says(p, "Fern partner", "By another provider", "that it is you", "your email address", "orders:read", "Stays connected until you disconnect it")
		ask := p.Follow("/account/applications/revoke")
		d.is(ask, 200, "/account/applications/revoke")
		d.says(ask, "Disconnect Fern partner", "loses its access")
		after := ask.Submit("application", partner.ClientID)
		d.says(after, "The application is disconnected", "No application is connected")
		if again := d.Refresh(partner, tokens.RefreshToken); again.Error != "invalid_grant" {
			d.t.Errorf("the refresh token still works: %+v", again)
		}
		if status, _ := d.Bearer("/oauth2/userinfo", tokens.AccessToken); status != 401 {
			d.t.Errorf("the access token still works: %d", status)
		}
		c := d.who(mia).ID
		d.View(func(tx *db.Tx) error {
			left, err := consent.Granted(tx, d.Tenant(), c, partner.ID)
			if len(left) > 0 {
				d.t.Errorf("still agreed to: %v", left)
			}
			return err
		})
		d.is(ask.Submit("application", partner.ClientID), 200, "/account/applications") // a second press
		d.at(b, "/account")
	})
}

func TestFirstPartyApplicationsAreToldAsTheHouses(t *testing.T) {
	each(t, func(d *desk) {
		b := servertest.NewBrowser(d.t)
		d.Authorize(b, d.Apps["web"], mia)
		p := d.at(b, "/account/applications")
		d.says(p, "Fern web", "By Fern & Field")
		if strings.Contains(p.Text(), "By another provider") {
			d.t.Error("the house's own application is told as a stranger's")
		}
		d.says(d.at(b, "/account"), "Fern web has access to your account")
	})
}
