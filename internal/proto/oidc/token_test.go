package oidc_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/grant"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

// refused fails unless the answer is an RFC 6749, 5.2 error of that name.
func refused(t *testing.T, what string, a *answer, status int, code string) {
	t.Helper()
	if a.status != status || a.text("error") != code || a.header.Get("Cache-Control") != "no-store" || a.header.Get("Content-Type") != "application/json" || a.text("access_token") != "" {
		t.Errorf("%s: %d %s, want %d %s", what, a.status, a.raw, status, code)
	}
}

// TestH017_OneCellOfTheTruthTableIssues goes through the token endpoint with
// every mix of right and wrong.
func TestH017_OneCellOfTheTruthTableIssues(t *testing.T) {
	each(t, func(d *desk) {
		b := d.browser()
		b.enter(d.Customer())
		web, issued := d.apps["web"], 0
		other := d.register("other", app.New{Kind: app.Web, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://other.example/cb"}}})
		for cell := range 48 {
			right, late, uri, used := cell&1 == 0, cell&2 != 0, cell&4 == 0, cell&8 != 0
			v := []string{verifier, strings.Repeat("w", 43), ""}[cell>>4]
			code, c := b.code(web), web
			if used {
				d.redeem(web, code)
			}
			if late {
				d.wait(grant.CodeLife)
			}
			if !right {
				c = other
			}
			to := web.redirect
			if !uri {
				to = "https://shop.example/other"
			}
			a := d.redeem(c, code, "redirect_uri", to, "code_verifier", v)
			if a.status == http.StatusOK {
				issued++
			} else {
				refused(d.t, fmt.Sprintf("cell %d", cell), a, http.StatusBadRequest, "invalid_grant")
			}
			if good := right && !late && uri && v == verifier && !used; good != (a.status == http.StatusOK) {
				d.t.Errorf("client %v late %v redirect %v used %v verifier %.2q: %d", right, late, uri, used, v, a.status)
			}
		}
		if issued != 1 {
			d.t.Errorf("%d cells issue", issued)
		}
	})
}

func TestH019_ACodeShownTwiceEndsWhatItGave(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"web", "spa"} {
			c := d.apps[name]
			code := d.authorize(c, "scope", "openid email offline_access", "resource", apiURI)
			first := d.redeem(c, code)
			api := d.apps["api"]
			if !d.active(api, first.text("access_token")) {
				d.t.Fatal("the token is dead from the start")
			}
			// Another application that found the code ends nothing.
			refused(d.t, "a foreign client", d.redeem(d.apps["partner"], code), http.StatusBadRequest, "invalid_grant")
			if !d.active(api, first.text("access_token")) {
				d.t.Error("another application ended the grant")
			}
			refused(d.t, "twice", d.redeem(c, code), http.StatusBadRequest, "invalid_grant")
			if d.active(api, first.text("access_token")) || d.userinfo(first.text("access_token")).status != http.StatusUnauthorized {
				d.t.Errorf("%s: the access token lives on", name)
			}
			refused(d.t, "its refresh token", d.refresh(c, first.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
		}
	})
}

func TestH022_TheRedirectURIOfTheRequestIsTheOneOfTheRedemption(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		for _, uri := range []string{"https://shop.example/other", "", "https://shop.example/cb/", "https://evil.test/cb"} {
			refused(d.t, uri, d.redeem(c, d.authorize(c), "redirect_uri", uri), http.StatusBadRequest, "invalid_grant")
		}
	})
}

func TestRFC6749_5_2_TokenErrors(t *testing.T) {
	each(t, func(d *desk) {
		web, service := d.apps["web"], d.apps["service"]
		for _, row := range []struct {
			what, code string
			c          *client
			form       url.Values
		}{
			{"nothing", "invalid_request", web, url.Values{}},
			{"password", "unsupported_grant_type", web, url.Values{"grant_type": {"password"}}},
			{"implicit", "unsupported_grant_type", web, url.Values{"grant_type": {"implicit"}}},
			{"no code", "invalid_request", web, url.Values{"grant_type": {"authorization_code"}}},
			{"no token", "invalid_request", web, url.Values{"grant_type": {"refresh_token"}}},
			{"garbage code", "invalid_grant", web, redemption(web, "garbage")},
			{"garbage refresh", "invalid_grant", web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"garbage"}}},
			{"twice", "invalid_request", web, url.Values{"grant_type": {"authorization_code", "authorization_code"}}},
			{"code twice", "invalid_request", web, url.Values{"grant_type": {"authorization_code"}, "code": {"a", "b"}}},
			{"unknown twice", "invalid_request", web, url.Values{"grant_type": {"authorization_code"}, "x": {"a", "b"}}},
			{"code for a service", "unauthorized_client", service, url.Values{"grant_type": {"authorization_code"}, "code": {"x"}}},
			{"credentials of a web application", "unauthorized_client", web, url.Values{"grant_type": {"client_credentials"}}},
			{"credentials of a public client", "unauthorized_client", d.apps["spa"], url.Values{"grant_type": {"client_credentials"}}},
			{"two resources", "invalid_target", service, url.Values{"grant_type": {"client_credentials"}, "resource": {apiURI, issuer}}},
			{"a foreign resource", "invalid_target", service, url.Values{"grant_type": {"client_credentials"}, "resource": {"https://stock.fernfield.example"}}},
			{"a scope without its resource", "invalid_scope", service, url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read"}}},
			{"a scope not allowed", "invalid_scope", service, url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:write"}, "resource": {apiURI}}},
			{"a customer's scope", "invalid_scope", service, url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}},
			{"a bad scope", "invalid_scope", service, url.Values{"grant_type": {"client_credentials"}, "scope": {"a\"b"}}},
		} {
			refused(d.t, row.what, d.call(row.c, oidc.PathToken, row.form), http.StatusBadRequest, row.code)
		}
		json := d.form(oidc.PathToken, url.Values{}, func(r *http.Request) { r.Header.Set("Content-Type", "application/json") })
		refused(d.t, "JSON", d.send(json), http.StatusBadRequest, "invalid_request")
		long := url.Values{"grant_type": {"client_credentials"}, "x": {strings.Repeat("x", 70_000)}}
		refused(d.t, "an endless form", d.call(service, oidc.PathToken, long), http.StatusBadRequest, "invalid_request")
	})
}

func TestH058_ScopeIsBounded(t *testing.T) {
	each(t, func(d *desk) {
		var many []string
		for i := range 101 {
			many = append(many, fmt.Sprintf("s%d", i))
		}
		for what, scope := range map[string]string{"4 KiB": strings.Repeat("a", 4097), "101 names": strings.Join(many, " ")} {
			form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
			refused(d.t, what, d.call(d.apps["service"], oidc.PathToken, form), http.StatusBadRequest, "invalid_scope")
		}
		form := url.Values{"grant_type": {"client_credentials"}, "scope": {"orders:read  orders:read"}, "resource": {apiURI}}
		if a := d.call(d.apps["service"], oidc.PathToken, form); a.text("scope") != "orders:read" {
			d.t.Errorf("repeated: %s", a.raw)
		}
	})
}

func TestRFC6749_4_4_AServiceActsForItself(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["service"]
		a := d.call(c, oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "resource": {apiURI}})
		claims := d.claims(a.text("access_token"))
		if a.status != http.StatusOK || a.text("scope") != "orders:read" || a.text("token_type") != "Bearer" || a.json["expires_in"] != 300.0 || a.header.Get("Pragma") != "no-cache" ||
			a.json["refresh_token"] != nil || a.json["id_token"] != nil || claims["sub"] != c.id || claims["client_id"] != c.id || claims["aud"] != apiURI {
			d.t.Errorf("%s %v", a.raw, claims)
		}
		if _, there := claims["auth_time"]; there || claims["gnt"] != nil {
			d.t.Errorf("nobody signed in: %v", claims)
		}
		bare := d.call(c, oidc.PathToken, url.Values{"grant_type": {"client_credentials"}})
		if claims := d.claims(bare.text("access_token")); claims["aud"] != issuer || claims["scope"] != nil || bare.json["scope"] != nil {
			d.t.Errorf("without a resource: %s %v", bare.raw, claims)
		}
		if u := d.userinfo(bare.text("access_token")); u.status != http.StatusUnauthorized {
			d.t.Errorf("userinfo tells an application about itself: %d %s", u.status, u.raw)
		}
		// Counted per minute, not kept one by one.
		if err := d.tally.Flush(d.t.Context(), d.D); err != nil {
			d.t.Fatal(err)
		}
		d.View(func(tx *db.Tx) error {
			list, err := journal.Counts(tx, d.T().ID, "token.granted", d.Clock.Now().Add(-time.Hour), d.Clock.Now().Add(time.Hour))
			if len(list) != 1 || list[0].N != 2 || list[0].Reason != "client_credentials" || list[0].Application != [16]byte(c.ID) {
				d.t.Errorf("counted: %+v", list)
			}
			return err
		})
		token := a.text("access_token")
		if !d.active(d.apps["api"], token) {
			d.t.Error("the API does not know the token")
		}
		d.change(c, func(a *app.Application) { a.Enabled = false })
		if d.active(d.apps["api"], token) {
			d.t.Error("a disabled application's token lives on")
		}
		refused(d.t, "disabled", d.call(c, oidc.PathToken, url.Values{"grant_type": {"client_credentials"}}), http.StatusUnauthorized, "invalid_client")
	})
}

// TestRFC9068_2_TheAccessTokenTellsNothingPersonal names every claim that may
// stand in an access token.
func TestRFC9068_2_TheAccessTokenTellsNothingPersonal(t *testing.T) {
	each(t, func(d *desk) {
		a := d.tokens(d.apps["web"], "scope", "openid profile email phone address", "claims", `{"id_token":{"email":null},"userinfo":{"name":null}}`)
		token := a.text("access_token")
		head := d.part(token, 0)
		if head["typ"] != "at+jwt" || head["alg"] != "ES256" || head["kid"] == "" || len(head) != 3 {
			d.t.Errorf("header %v", head)
		}
		may := []string{"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "auth_time", "acr", "amr", "gnt"}
		claims := d.claims(token)
		for name := range claims {
			if !slices.Contains(may, name) {
				d.t.Errorf("an access token tells %s", name)
			}
		}
		for _, name := range may {
			if claims[name] == nil {
				d.t.Errorf("an access token without %s", name)
			}
		}
		now := float64(d.Clock.Now().Unix())
		if exp := claims["exp"].(float64); exp > now+300 || exp < now+290 || claims["client_id"] != d.apps["web"].id || claims["iss"] != issuer {
			d.t.Errorf("%v", claims)
		}
		if raw := string(unspoken(d.t, strings.Split(token, ".")[1])); strings.Contains(raw, "@") || strings.Contains(raw, "cus_") {
			d.t.Errorf("personal: %s", raw)
		}
	})
}

// TestRFC8707_2_2_OneAPIPerToken: the API that was asked for, the issuer
// besides when openid is given, the issuer alone when nothing was asked.
func TestRFC8707_2_2_OneAPIPerToken(t *testing.T) {
	each(t, func(d *desk) {
		for _, row := range []struct{ resource, scope, want, granted string }{
			{"", "openid email", issuer, "openid email"},
			{issuer, "openid", issuer, "openid"},
			{"", "openid orders:read", issuer, "openid"},
			{apiURI, "orders:read", apiURI, "orders:read"},
			{apiURI, "openid orders:read", "[" + apiURI + " " + issuer + "]", "openid orders:read"},
			{apiURI, "email offline_access orders:write", apiURI, "email offline_access orders:write"},
		} {
			a := d.tokens(d.apps["web"], "resource", row.resource, "scope", row.scope)
			if got := fmt.Sprint(d.claims(a.text("access_token"))["aud"]); got != row.want || a.text("scope") != row.granted {
				d.t.Errorf("%+v: aud %s, scope %q", row, got, a.text("scope"))
			}
			status := d.userinfo(a.text("access_token")).status
			if want := strings.Contains(row.scope, "openid"); (status == http.StatusOK) != want {
				d.t.Errorf("%+v: userinfo %d", row, status)
			}
			if (a.text("id_token") != "") != strings.Contains(row.scope, "openid") {
				d.t.Errorf("%+v: an ID token goes with openid alone", row)
			}
		}
		// The grant's resource is bound: neither code nor refresh token changes it.
		c := d.apps["web"]
		code := d.authorize(c, "scope", "openid offline_access orders:read", "resource", apiURI)
		refused(d.t, "another resource", d.redeem(c, code, "resource", "https://stock.fernfield.example"), http.StatusBadRequest, "invalid_target")
		a := d.redeem(c, code, "resource", apiURI) // the refusal used nothing up
		if a.status != http.StatusOK {
			d.t.Fatalf("%d %s", a.status, a.raw)
		}
		refused(d.t, "another resource", d.refresh(c, a.text("refresh_token"), "resource", "https://stock.fernfield.example"), http.StatusBadRequest, "invalid_target")
		if again := d.refresh(c, a.text("refresh_token"), "resource", apiURI); again.status != http.StatusOK {
			d.t.Errorf("%d %s", again.status, again.raw)
		}
	})
}

func TestOIDC_2_TheIDTokenSaysWhatItMust(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		plain := d.claims(d.tokens(c, "scope", "openid profile email").text("id_token"))
		for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "acr", "amr", "at_hash", "sid", "nonce"} {
			if plain[name] == nil {
				d.t.Errorf("no %s: %v", name, plain)
			}
		}
		if plain["aud"] != c.id || plain["iss"] != issuer || len(plain) != 11 {
			d.t.Errorf("scopes alone put no personal claim in: %v", plain)
		}
		asked := d.claims(d.tokens(c, "scope", "openid email", "claims", `{"id_token":{"email":{"essential":true},"email_verified":null,"name":null,"phone_number":null,"gnt":null,"iss":{"value":"evil"}}}`).text("id_token"))
		if asked["email"] == nil || asked["email_verified"] != true || asked["iss"] != issuer || len(asked) != 13 {
			d.t.Errorf("what was asked for by name, within the scopes: %v", asked)
		}
	})
}

// TestOIDC_8_PairwiseSubjects: a third party knows a customer by a name of its own; the
// company's applications share theirs.
func TestOIDC_8_PairwiseSubjects(t *testing.T) {
	each(t, func(d *desk) {
		who := d.Customer()
		sub := func(name string) any {
			b := d.browser()
			b.enter(who)
			return d.claims(d.redeem(d.apps[name], b.code(d.apps[name])).text("id_token"))["sub"]
		}
		d.address = d.addressOf(who)
		web, spa, partner := sub("web"), sub("spa"), sub("partner")
		if web != spa || partner == web || partner == nil || strings.HasPrefix(web.(string), "cus_") {
			d.t.Errorf("%v %v %v", web, spa, partner)
		}
	})
}

func TestRFC6749_6_FewerScopesForOneAnswer(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		a := d.tokens(c, "scope", "openid email offline_access")
		less := d.refresh(c, a.text("refresh_token"), "scope", "openid")
		if less.text("scope") != "openid" || d.userinfo(less.text("access_token")).text("email") != "" {
			d.t.Errorf("%s", less.raw)
		}
		refused(d.t, "more", d.refresh(c, less.text("refresh_token"), "scope", "openid profile"), http.StatusBadRequest, "invalid_scope")
		all := d.refresh(c, less.text("refresh_token"))
		if all.text("scope") != "openid email offline_access" || d.userinfo(all.text("access_token")).text("email") == "" {
			d.t.Errorf("the grant keeps what it has: %s", all.raw)
		}
		d.change(c, func(a *app.Application) { a.Settings.AllowedScopes = []string{"openid", "offline_access"} })
		if taken := d.refresh(c, all.text("refresh_token")); taken.text("scope") != "openid offline_access" {
			d.t.Errorf("a scope that was taken from the application: %s", taken.raw)
		}
		claims := d.claims(all.text("id_token"))
		first := d.claims(a.text("id_token"))
		if claims["nonce"] != nil || claims["auth_time"] != first["auth_time"] || claims["sub"] != first["sub"] || claims["sid"] != first["sid"] {
			d.t.Errorf("OpenID Connect Core 12.2: %v", claims)
		}
	})
}

func TestNoRefreshTokenWithoutOfflineAccess(t *testing.T) {
	each(t, func(d *desk) {
		if a := d.tokens(d.apps["web"]); a.text("refresh_token") != "" {
			d.t.Error("nobody asked for a refresh token")
		}
		c := d.register("codeonly", app.New{Kind: app.Web, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"https://c.example/cb"}, Grants: []string{app.GrantCode}}})
		a := d.tokens(c, "scope", "openid offline_access")
		if a.text("refresh_token") != "" || a.text("scope") != "openid" {
			d.t.Errorf("an application without that grant: %s", a.raw)
		}
	})
}

func TestH050_ARefreshTokenRotatesAndItsReuseEndsTheFamily(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"web", "spa"} {
			c := d.apps[name]
			first := d.tokens(c, "scope", "openid offline_access").text("refresh_token")
			second := d.refresh(c, first).text("refresh_token")
			// The answer was lost: the same token gives the same successor.
			d.wait(9 * time.Second)
			if again := d.refresh(c, first).text("refresh_token"); again != second || second == "" {
				d.t.Errorf("%s: in the grace: %q, want %q", name, again, second)
			}
			refused(d.t, "another application", d.refresh(d.apps["partner"], second), http.StatusBadRequest, "invalid_grant")
			third := d.refresh(c, second)
			if third.status != http.StatusOK {
				d.t.Fatalf("%s: %s", name, third.raw)
			}
			// The successor was used: the grace is over, though its ten seconds are not.
			refused(d.t, "reuse", d.refresh(c, first), http.StatusBadRequest, "invalid_grant")
			refused(d.t, "the family", d.refresh(c, third.text("refresh_token")), http.StatusBadRequest, "invalid_grant")
			if d.userinfo(third.text("access_token")).status != http.StatusUnauthorized {
				d.t.Error("the family's access token lives on")
			}
		}
		c := d.apps["web"]
		first := d.tokens(c, "scope", "openid offline_access").text("refresh_token")
		second := d.refresh(c, first).text("refresh_token")
		d.wait(grant.Grace + time.Second)
		refused(d.t, "after the grace", d.refresh(c, first), http.StatusBadRequest, "invalid_grant")
		refused(d.t, "the family", d.refresh(c, second), http.StatusBadRequest, "invalid_grant")
	})
}

// TestH052_H067_TheWorldIsAskedAgain: each thing that ends somebody's standing
// ends code, refresh token, access token and userinfo at once.
func TestH052_H067_TheWorldIsAskedAgain(t *testing.T) {
	staff := account.Staff{Actor: journal.Actor{Kind: "operator"}, Reason: "test"}
	for what, happens := range map[string]func(d *desk, c *client, who customer.ID){
		"the customer is locked": func(d *desk, _ *client, who customer.ID) {
			d.Update(func(tx *db.Tx) error { return d.p.Acts().Lock(tx, d.T(), who, staff) })
		},
		"the account is in recovery": func(d *desk, _ *client, who customer.ID) {
			d.Update(func(tx *db.Tx) error { return d.p.Acts().StartRecovery(tx, d.T(), who, staff) })
		},
		"the account closes": func(d *desk, _ *client, who customer.ID) {
			d.Update(func(tx *db.Tx) error { _, err := d.p.Acts().Close(tx, d.T(), who); return err })
		},
		"signed out everywhere": func(d *desk, _ *client, who customer.ID) {
			d.Update(func(tx *db.Tx) error { return d.p.Acts().SignOutEverywhere(tx, d.T(), who) })
		},
		"consent is withdrawn": func(d *desk, c *client, who customer.ID) {
			d.Update(func(tx *db.Tx) error {
				return d.p.Acts().RevokeApplication(tx, d.T(), consent.Choice{Customer: who}, c.ID)
			})
		},
		"the application is disabled": func(d *desk, c *client, _ customer.ID) {
			d.change(c, func(a *app.Application) { a.Enabled = false })
		},
		"the tenant is disabled": func(d *desk, _ *client, _ customer.ID) {
			d.Update(func(tx *db.Tx) error { return tenant.SetEnabled(tx, d.T(), false) })
		},
		"the API is disabled": func(d *desk, _ *client, _ customer.ID) {
			d.change(d.apps["api"], func(a *app.Application) { a.Enabled = false })
		},
	} {
		t.Run(what, func(t *testing.T) {
			each(t, func(d *desk) {
				c := d.apps["partner"]
				b := d.browser()
				scope := []string{"scope", "openid email offline_access orders:read", "resource", apiURI}
				a := d.redeem(c, b.code(c, scope...))
				code := b.code(c, scope...)
				var who customer.ID
				d.View(func(tx *db.Tx) error {
					found, ok, err := customer.ByIdentifier(tx, d.T(), customer.Email, newcomer)
					if who = found.ID; !ok {
						d.t.Fatal("nobody came")
					}
					return err
				})
				happens(d, c, who)
				for name, got := range map[string]*answer{"code": d.redeem(c, code), "refresh": d.refresh(c, a.text("refresh_token"))} {
					if got.status < 400 || got.status >= 500 || got.text("access_token") != "" {
						d.t.Errorf("%s: %d %s", name, got.status, got.raw)
					}
				}
				if what == "the API is disabled" {
					return // the issuer's own part of the token stands
				}
				if u := d.userinfo(a.text("access_token")); u.status < 400 || u.text("email") != "" {
					d.t.Errorf("userinfo: %d %s", u.status, u.raw)
				}
				if i := d.introspect(d.apps["api"], a.text("access_token")); i.json["active"] == true {
					d.t.Errorf("introspection: %s", i.raw)
				}
				if to := b.get(authorizeURL(c, "prompt", "none")).to(); to.Has("code") {
					d.t.Error("and a new code on top")
				}
			})
		})
	}
}

func TestASignOutEndsWhatHangsOnTheSessionAlone(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		b := d.browser()
		s := b.enter(d.Customer())
		bound := d.redeem(c, b.code(c, "scope", "openid"))
		offline := d.redeem(c, b.code(c, "scope", "openid offline_access"))
		d.Update(func(tx *db.Tx) error { return d.p.Acts().SignOut(tx, d.T(), s) })
		if d.userinfo(bound.text("access_token")).status != http.StatusUnauthorized {
			d.t.Error("a token of the session outlives it")
		}
		if a := d.refresh(c, offline.text("refresh_token")); a.status != http.StatusOK {
			d.t.Errorf("offline access ends with the session: %s", a.raw)
		}
	})
}

func TestSigningAlgorithmsAreOfWhoReads(t *testing.T) {
	each(t, func(d *desk) {
		for _, alg := range []string{tenant.RS256, tenant.EdDSA} {
			d.change(d.apps["api"], func(a *app.Application) { a.Settings.SigningAlg = tenant.ES256 })
			if !slices.Contains(d.T().Algs(), alg) {
				d.draw(alg)
			}
			c := d.apps["web"]
			d.change(c, func(a *app.Application) { a.Settings.SigningAlg = alg })
			a := d.tokens(c, "scope", "openid", "resource", apiURI)
			if id, at := d.part(a.text("id_token"), 0), d.part(a.text("access_token"), 0); id["alg"] != alg || at["alg"] != "ES256" {
				d.t.Errorf("ID token %v, access token %v", id, at)
			}
			d.change(d.apps["api"], func(a *app.Application) { a.Settings.SigningAlg = alg })
			a = d.tokens(c, "scope", "openid", "resource", apiURI)
			if at := d.part(a.text("access_token"), 0); at["alg"] != alg || !d.active(d.apps["api"], a.text("access_token")) {
				d.t.Errorf("access token %v", at)
			}
		}
	})
}

// A claim that a standard joins to another one is asked of the gate like any:
// it does not ride along where its own purposes keep it back, and it stands in
// the record where it goes.
func TestH221_NoClaimRidesAlongWithAnother(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		all := `{"id_token":{"email":null},"userinfo":{"email":null}}`
		a := d.tokens(c, "scope", "openid email", "claims", all)
		if got := d.claims(a.text("id_token")); got["email"] == nil || got["email_verified"] != true {
			d.t.Errorf("with its purpose: %v", got)
		}
		names := ""
		d.View(func(tx *db.Tx) (err error) {
			names, _, err = db.Value[string](tx, `SELECT fields FROM disclosure WHERE recipient_kind = 'application' LIMIT 1`)
			return err
		})
		if names != "email email_verified" {
			d.t.Errorf("recorded: %q", names)
		}
		d.Update(func(tx *db.Tx) error {
			return catalog.Put(tx, d.T(), []catalog.Field{{
				Name: "email_verified", Viewers: []string{catalog.Customer, catalog.Application}, Purposes: []string{catalog.PurposePrivacy},
			}})
		})
		if err := d.House.House.Load(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		a = d.tokens(c, "scope", "openid email", "claims", all)
		id, info := d.claims(a.text("id_token")), d.userinfo(a.text("access_token"))
		if id["email"] == nil || id["email_verified"] != nil || info.json["email"] == nil || info.json["email_verified"] != nil {
			d.t.Errorf("without: %v, %v", id, info.json)
		}
	})
}
