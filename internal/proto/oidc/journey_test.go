package oidc_test

import (
	"encoding/base64"
	"net/http"
	"testing"
)

func unspoken(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestANewcomerComesBackWithACode(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"web", "spa", "native", "partner"} {
			b := d.browser()
			p := b.get(authorizeURL(d.apps[name], "scope", "openid email offline_access"))
			q := p.to()
			if p.status != http.StatusSeeOther || q.Get("iss") != issuer || q.Get("state") != "st-1" {
				d.t.Fatalf("%s: %d %q %s", name, p.status, p.header.Get("Location"), p.body)
			}
			a := d.redeem(d.apps[name], q.Get("code"))
			if a.status != http.StatusOK || a.text("refresh_token") == "" || a.text("scope") != "openid email offline_access" {
				d.t.Fatalf("%s: %d %s", name, a.status, a.raw)
			}
			u := d.userinfo(a.text("access_token"))
			if u.text("email") != newcomer || u.json["email_verified"] != true || u.text("sub") != d.claims(a.text("id_token"))["sub"] {
				d.t.Errorf("%s: %s", name, u.raw)
			}
			again := d.refresh(d.apps[name], a.text("refresh_token"))
			if again.status != http.StatusOK || again.text("refresh_token") == a.text("refresh_token") {
				d.t.Errorf("%s: refresh: %d %s", name, again.status, again.raw)
			}
		}
	})
}
