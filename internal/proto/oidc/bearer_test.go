package oidc_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

func TestOIDC_5_3_UserInfo(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		who := d.Customer()
		d.Update(func(tx *db.Tx) error { return customer.SetField(tx, d.T(), who, "given_name", "Ada", "customer") })
		b := d.browser()
		b.enter(who)
		a := d.redeem(c, b.code(c, "scope", "openid profile"))
		token := a.text("access_token")
		get := d.userinfo(token)
		sub := d.claims(a.text("id_token"))["sub"]
		if get.status != http.StatusOK || get.json["sub"] != sub || get.text("given_name") != "Ada" || get.json["email"] != nil ||
			get.header.Get("Content-Type") != "application/json" || get.header.Get("Cache-Control") != "no-store" {
			d.t.Errorf("%d %s", get.status, get.raw)
		}
		if _, number := get.json["updated_at"].(float64); !number {
			d.t.Errorf("updated_at is a number of seconds: %s", get.raw)
		}
		posted := d.send(d.form(oidc.PathUserInfo, url.Values{}, func(r *http.Request) { r.Header.Set("Authorization", "bearer "+token) }))
		inBody := d.send(d.form(oidc.PathUserInfo, url.Values{"access_token": {token}}))
		if posted.raw != get.raw || inBody.raw != get.raw {
			d.t.Errorf("POST: %s, in the body: %s", posted.raw, inBody.raw)
		}
		named := d.redeem(c, b.code(c, "scope", "openid email", "claims", `{"userinfo":{"given_name":{"essential":true}}}`))
		if u := d.userinfo(named.text("access_token")); u.json["given_name"] != nil || u.json["email"] == nil {
			d.t.Errorf("a claim is no way round its scope: %s", u.raw)
		}
	})
}

func TestRFC6750_3_ChallengesSayWhatIsTheMatter(t *testing.T) {
	each(t, func(d *desk) {
		token := d.tokens(d.apps["web"]).text("access_token")
		plain := d.tokens(d.apps["web"], "scope", "email").text("access_token")
		for _, row := range []struct {
			what, want string
			status     int
			edit       func(*http.Request)
		}{
			{"nothing", "Bearer", 401, func(*http.Request) {}},
			{"basic", "Bearer", 401, func(r *http.Request) { r.SetBasicAuth("a", "b") }},
			{"empty", "Bearer", 401, func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }},
			{"garbage", `Bearer error="invalid_token"`, 401, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }},
			{"twice", `Bearer error="invalid_request"`, 400, func(r *http.Request) {
				r.Header.Add("Authorization", "Bearer "+token)
				r.Header.Add("Authorization", "Bearer "+token)
			}},
			{"no openid", `Bearer error="insufficient_scope"`, 403, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+plain) }},
			{"H062: in the query", "Bearer", 401, func(r *http.Request) { r.URL.RawQuery = "access_token=" + token }},
		} {
			r, _ := http.NewRequest(http.MethodGet, issuer+oidc.PathUserInfo, nil)
			row.edit(r)
			a := d.send(r)
			if got := a.header.Get("WWW-Authenticate"); a.status != row.status || !strings.HasPrefix(got, row.want) || row.want == "Bearer" && (got != "Bearer" || a.raw != "") {
				d.t.Errorf("%s: %d %q %s", row.what, a.status, got, a.raw)
			}
		}
		both := d.send(d.form(oidc.PathUserInfo, url.Values{"access_token": {token}}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }))
		if both.status != http.StatusBadRequest || both.text("error") != "invalid_request" {
			d.t.Errorf("in header and body: %d %s", both.status, both.raw)
		}
	})
}

// TestH041_H043_H049_NoOtherSpellingOfATokenIsTaken alters an access token in
// every way and shows it at both doors.
func TestH041_H043_H049_NoOtherSpellingOfATokenIsTaken(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		a := d.tokens(c)
		token, id := a.text("access_token"), a.text("id_token")
		parts := strings.Split(token, ".")
		hostile := append(coretest.Altered(token)[:60], unsigned(token), id, parts[0]+"."+parts[1]+".", parts[0]+".."+parts[2],
			token+"."+parts[2], strings.Repeat(".", 1000), strings.Repeat("a", 9000), "..", "a.b.c",
			byHand(`{"alg":"HS256","typ":"at+jwt"}`, unspoken(d.t, parts[1]), []byte("x")),
			byHand(`{"alg":"ES256","typ":"at+jwt","crit":["bork"],"bork":1}`, unspoken(d.t, parts[1]), []byte("x")),
			byHand(`{"alg":"ES256","typ":"at+jwt","crit":[]}`, unspoken(d.t, parts[1]), []byte("x")))
		other := d.Tenant("other", "https://id.other.example")
		key, err := other.Signer("")
		if err != nil {
			d.t.Fatal(err)
		}
		foreign, err := key.Sign("at+jwt", unspoken(d.t, parts[1]))
		if err != nil {
			d.t.Fatal(err)
		}
		for _, bad := range append(hostile, foreign) {
			if bad == token || strings.ContainsAny(bad, "\r\n\x00") {
				continue
			}
			if u := d.userinfo(bad); u.status != http.StatusUnauthorized {
				d.t.Errorf("%.40q: userinfo %d", bad, u.status)
			}
			if i := d.introspect(c, bad); i.status != http.StatusOK && bad != "" || i.json["active"] == true || len(i.json) > 1 && bad != "" {
				d.t.Errorf("%.40q: introspection %s", bad, i.raw)
			}
		}
		// Tokens of ours for other purposes, with every claim right (law 7).
		own, err := d.T().Signer("")
		if err != nil {
			d.t.Fatal(err)
		}
		for _, typ := range []string{"JWT", "logout+jwt", "AT+JWT", "application/at+jwt", ""} {
			twin, err := own.Sign(typ, unspoken(d.t, parts[1]))
			if err != nil {
				d.t.Fatal(err)
			}
			if d.userinfo(twin).status != http.StatusUnauthorized || d.active(c, twin) {
				d.t.Errorf("typ %q is taken for an access token", typ)
			}
		}
	})
}

func TestH046_EverySpellingOfOpaqueTokensFails(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["spa"]
		code := d.authorize(c, "scope", "openid offline_access")
		for _, bad := range sample(coretest.Altered(code)) {
			if a := d.redeem(c, bad); a.status != http.StatusBadRequest {
				d.t.Errorf("code %q: %d", bad, a.status)
			}
		}
		a := d.redeem(c, code)
		if a.status != http.StatusOK {
			d.t.Fatalf("the tries used the code up: %s", a.raw)
		}
		for _, bad := range sample(coretest.Altered(a.text("refresh_token"))) {
			if got := d.refresh(c, bad); got.status != http.StatusBadRequest {
				d.t.Errorf("refresh token %q: %d", bad, got.status)
			}
		}
		if a := d.refresh(c, a.text("refresh_token")); a.status != http.StatusOK {
			d.t.Errorf("the tries ended the family: %s", a.raw)
		}
	})
}

// sample takes every seventh: core's own tests take all.
func sample(all []string) (some []string) {
	for i, s := range all {
		if i < 10 || i%7 == 0 {
			some = append(some, s)
		}
	}
	return some
}

func TestAnAccessTokenEndsAfterFiveMinutes(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		token := d.tokens(c).text("access_token")
		d.wait(299 * time.Second)
		if !d.active(c, token) || d.userinfo(token).status != http.StatusOK {
			d.t.Error("it ends too soon")
		}
		d.wait(time.Second)
		if d.active(c, token) || d.userinfo(token).status != http.StatusUnauthorized {
			d.t.Error("it lives on")
		}
	})
}

func TestAStolenSigningKeyIsNotRemembered(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		token := d.tokens(c).text("access_token")
		if !d.active(c, token) {
			d.t.Fatal("not active")
		}
		current, next := drawKey(d.t), drawKey(d.t)
		d.Update(func(tx *db.Tx) error { return tenant.RenewKeys(tx, d.T(), current, next) })
		if d.active(c, token) {
			d.t.Error("what the old key signed is still believed from memory")
		}
		if !d.active(c, d.tokens(c).text("access_token")) {
			d.t.Error("the new key signs nothing that is believed")
		}
	})
}

func drawKey(t *testing.T) *tenant.DrawnKey {
	t.Helper()
	k, err := tenant.DrawKey(tenant.ES256)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestRFC7662_4_WhoMayAsk: the API that the token is for, and the application
// that it was given to.
func TestRFC7662_4_WhoMayAsk(t *testing.T) {
	each(t, func(d *desk) {
		web := d.apps["web"]
		a := d.tokens(web, "scope", "openid offline_access orders:read", "resource", apiURI)
		for name, want := range map[string]bool{"api": true, "web": true, "stock": false, "partner": false, "service": false} {
			got := d.introspect(d.apps[name], a.text("access_token"))
			if got.status != http.StatusOK || (got.json["active"] == true) != want || !want && len(got.json) != 1 {
				d.t.Errorf("%s: %d %s", name, got.status, got.raw)
			}
		}
		told := d.introspect(d.apps["api"], a.text("access_token")).json
		claims := d.claims(a.text("access_token"))
		for _, name := range []string{"scope", "client_id", "exp", "iat", "sub", "iss", "jti", "acr", "auth_time"} {
			if told[name] != claims[name] || told[name] == nil {
				d.t.Errorf("%s: %v, token says %v", name, told[name], claims[name])
			}
		}
		if told["token_type"] != "Bearer" || told["gnt"] != nil {
			d.t.Errorf("%v", told)
		}
		refresh := a.text("refresh_token")
		if r := d.introspect(web, refresh).json; r["active"] != true || r["token_type"] != nil || r["client_id"] != web.id {
			d.t.Errorf("its own refresh token: %v", r)
		}
		for _, name := range []string{"api", "partner"} {
			if r := d.introspect(d.apps[name], refresh).json; r["active"] != false || len(r) != 1 {
				d.t.Errorf("%s asks about a refresh token: %v", name, r)
			}
		}
		if got := d.call(d.apps["spa"], oidc.PathIntrospect, url.Values{"token": {refresh}}); got.status != http.StatusUnauthorized {
			d.t.Errorf("who keeps no secret asks: %d %s", got.status, got.raw)
		}
		refused(d.t, "nobody", d.send(d.form(oidc.PathIntrospect, url.Values{"token": {refresh}})), http.StatusUnauthorized, "invalid_client")
		refused(d.t, "no token", d.call(web, oidc.PathIntrospect, url.Values{}), http.StatusBadRequest, "invalid_request")
		refused(d.t, "two tokens", d.call(web, oidc.PathIntrospect, url.Values{"token": {"a", "b"}}), http.StatusBadRequest, "invalid_request")
	})
}

func TestRFC7009_2_Revocation(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"web", "spa"} {
			c, api := d.apps[name], d.apps["api"]
			scope := []string{"scope", "openid offline_access orders:read", "resource", apiURI}
			revoke := func(by *client, token string) *answer {
				return d.call(by, oidc.PathRevoke, url.Values{"token": {token}, "token_type_hint": {"access_token"}})
			}
			a := d.tokens(c, scope...)
			for _, foreign := range []string{a.text("access_token"), a.text("refresh_token"), "garbage", "a.b.c"} {
				if got := revoke(d.apps["partner"], foreign); got.status != http.StatusOK || got.raw != "" {
					d.t.Errorf("a foreign token: %d %s", got.status, got.raw)
				}
			}
			if !d.active(api, a.text("access_token")) {
				d.t.Fatal("another application revoked it")
			}
			if got := revoke(c, a.text("access_token")); got.status != http.StatusOK {
				d.t.Errorf("%d %s", got.status, got.raw)
			}
			if d.active(api, a.text("access_token")) || d.userinfo(a.text("access_token")).status != http.StatusUnauthorized {
				d.t.Error("a revoked access token lives")
			}
			again := d.refresh(c, a.text("refresh_token"))
			if again.status != http.StatusOK || !d.active(api, again.text("access_token")) {
				d.t.Errorf("revoking an access token ends that token alone: %s", again.raw)
			}
			// An old token of the family is as good a reason as the newest.
			revoke(c, a.text("refresh_token"))
			if d.active(api, again.text("access_token")) || d.refresh(c, again.text("refresh_token")).status != http.StatusBadRequest {
				d.t.Error("a revoked refresh token's grant lives")
			}
			if got := revoke(c, again.text("refresh_token")); got.status != http.StatusOK {
				d.t.Errorf("twice: %d", got.status)
			}
		}
		refused(d.t, "nobody", d.send(d.form(oidc.PathRevoke, url.Values{"token": {"x"}})), http.StatusUnauthorized, "invalid_client")
		refused(d.t, "no token", d.call(d.apps["web"], oidc.PathRevoke, url.Values{}), http.StatusBadRequest, "invalid_request")
	})
}

// TestH053_ARevocationThatFailsSaysSo takes the table away under the feet of
// the revocation.
func TestH053_ARevocationThatFailsSaysSo(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		a := d.tokens(c, "scope", "openid offline_access")
		for table, token := range map[string]string{"revoked_token": a.text("access_token"), "app_grant": a.text("refresh_token")} {
			d.Update(func(tx *db.Tx) error { _, err := tx.Exec(`ALTER TABLE ` + table + ` RENAME TO gone`); return err })
			got := d.call(c, oidc.PathRevoke, url.Values{"token": {token}})
			d.Update(func(tx *db.Tx) error { _, err := tx.Exec(`ALTER TABLE gone RENAME TO ` + table); return err })
			refused(d.t, table, got, http.StatusServiceUnavailable, "temporarily_unavailable")
			if !d.active(c, token) {
				d.t.Errorf("%s: the token is dead though nobody could say so", table)
			}
		}
	})
}

func TestH149_CORSIsForTheApplicationsOwnOrigin(t *testing.T) {
	each(t, func(d *desk) {
		const own = "https://spa.example"
		a := d.tokens(d.apps["spa"])
		from := func(origin string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Origin", origin) }
		}
		endpoints := map[string]func(origin string) *answer{
			"token": func(o string) *answer {
				return d.send(d.form(oidc.PathToken, set(redemption(d.apps["spa"], d.authorize(d.apps["spa"])), "client_id", d.apps["spa"].id), from(o)))
			},
			"userinfo": func(o string) *answer {
				r, _ := http.NewRequest(http.MethodGet, issuer+oidc.PathUserInfo, nil)
				r.Header.Set("Authorization", "Bearer "+a.text("access_token"))
				from(o)(r)
				return d.send(r)
			},
			"revocation": func(o string) *answer {
				return d.send(d.form(oidc.PathRevoke, url.Values{"client_id": {d.apps["spa"].id}, "token": {"x"}}, from(o)))
			},
		}
		for name, call := range endpoints {
			for origin, want := range map[string]string{
				own: own, "https://evil.test": "", "null": "", "https://spa.example.evil.test": "", "http://spa.example": "", "https://spa.example:444": "",
				"https://SPA.example": "", "https://other.example": "", // registered, but another application's
			} {
				got := call(origin)
				if got.status != http.StatusOK || got.header.Get("Access-Control-Allow-Origin") != want || got.header.Get("Access-Control-Allow-Credentials") != "" {
					d.t.Errorf("%s from %s: %d %q", name, origin, got.status, got.header.Get("Access-Control-Allow-Origin"))
				}
				if !strings.Contains(strings.Join(got.header.Values("Vary"), ","), "Origin") {
					d.t.Errorf("%s: no Vary: Origin", name)
				}
			}
		}
		bad := d.send(d.form(oidc.PathToken, url.Values{"grant_type": {"authorization_code"}, "client_id": {"x"}}, from(own)))
		if bad.status != http.StatusUnauthorized || bad.header.Get("WWW-Authenticate") != "" {
			d.t.Errorf("a script's 401 opens no password dialogue: %d %q", bad.status, bad.header.Get("WWW-Authenticate"))
		}
		for _, path := range []string{oidc.PathIntrospect, oidc.PathAuthorize, oidc.PathEndSession} {
			got := d.send(d.form(path, url.Values{}, from(own)))
			if got.header.Get("Access-Control-Allow-Origin") != "" {
				d.t.Errorf("%s may be read by scripts", path)
			}
		}
		for _, path := range []string{oidc.PathDiscovery, oidc.PathMetadata, oidc.PathJWKS} {
			r, _ := http.NewRequest(http.MethodGet, issuer+path, nil)
			from("https://anybody.example")(r)
			if got := d.send(r); got.header.Get("Access-Control-Allow-Origin") != "*" {
				d.t.Errorf("%s: %q", path, got.header.Get("Access-Control-Allow-Origin"))
			}
		}
	})
}

// TestADeletedApplicationLeavesNothingAlive: an application that was deleted
// leaves no token behind that lives.
func TestADeletedApplicationLeavesNothingAlive(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		a := d.tokens(c, "scope", "openid orders:read offline_access", "resource", apiURI)
		d.Update(func(tx *db.Tx) error { return app.Delete(tx, d.T(), c.ID) })
		if d.active(d.apps["api"], a.text("access_token")) || d.userinfo(a.text("access_token")).status != http.StatusUnauthorized {
			d.t.Error("its access token lives")
		}
		refused(d.t, "refresh", d.refresh(c, a.text("refresh_token")), http.StatusUnauthorized, "invalid_client")
	})
}
