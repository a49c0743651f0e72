package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/goccy/go-yaml"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func register(h *coretest.House, n app.New) (a app.Application, secret string, err error) {
	err = h.Try(func(tx *db.Tx) (err error) { a, secret, err = app.Register(tx, h.T(), n); return err })
	return a, secret, err
}

func find(t *testing.T, h *coretest.House, clientID string) *app.Application {
	t.Helper()
	var found *app.Application
	h.View(func(tx *db.Tx) (err error) { found, _, err = app.Book{}.Find(tx, h.T(), clientID); return err })
	return found
}

var cb = []string{"https://shop.example/cb"}

func TestEachKindHasSaneDefaults(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, c := range []struct {
			n      app.New
			method string
			secret bool
			sector bool // the tenant's
		}{
			{app.New{Kind: app.Web, FirstParty: true, Settings: app.Settings{RedirectURIs: cb}}, app.MethodBasic, true, true},
			{app.New{Kind: app.Web, Settings: app.Settings{RedirectURIs: cb}}, app.MethodBasic, true, false},
			{app.New{Kind: app.SPA, FirstParty: true, Settings: app.Settings{RedirectURIs: cb}}, app.MethodNone, false, true},
			{app.New{Kind: app.Native, FirstParty: true, Settings: app.Settings{RedirectURIs: []string{"http://127.0.0.1/cb"}}}, app.MethodNone, false, true},
			{app.New{Kind: app.Service, FirstParty: true}, app.MethodBasic, true, true},
			{app.New{Kind: app.API, FirstParty: true, Audience: "https://api.example"}, app.MethodBasic, true, true},
		} {
			c.n.Name = "X"
			a, secret, err := register(h, c.n)
			if err != nil {
				t.Fatalf("%s: %v", c.n.Kind, err)
			}
			if a.Settings.AuthMethod != c.method || (secret != "") != c.secret || (a.Sector == app.SectorTenant) != c.sector {
				t.Errorf("%s: %q, secret %v, sector %q", a.Kind, a.Settings.AuthMethod, secret != "", a.Sector)
			}
			found := find(t, h, a.ClientID())
			if found == nil || found.CheckSecret(secret, h.Clock.Now()) != c.secret || found.CheckSecret("", h.Clock.Now()) {
				t.Errorf("%s: the secret is not right", a.Kind)
			}
		}
		if find(t, h, "app_00000000000000000000000001") != nil || find(t, h, "x' OR 1=1") != nil {
			t.Error("somebody is found who is not there")
		}
	})
}

func TestWhatAnApplicationMayNotRegister(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := func(key any) app.JWKS {
		b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: "k"}}})
		if err != nil {
			t.Fatal(err)
		}
		return app.JWKS(b)
	}
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for field, change := range map[string]func(*app.New){
			"name":                   func(n *app.New) { n.Name = " " },
			"kind":                   func(n *app.New) { n.Kind = "other" },
			"audience":               func(n *app.New) { n.Audience = "https://api.example" },
			"redirect_uris":          func(n *app.New) { n.Settings.RedirectURIs = nil },
			"post_logout_uris":       func(n *app.New) { n.Settings.PostLogoutURIs = []string{"javascript:alert(1)"} },
			"origins":                func(n *app.New) { n.Settings.Origins = []string{"https://shop.example/"} },
			"grants":                 func(n *app.New) { n.Settings.Grants = []string{"password"} },
			"auth_method":            func(n *app.New) { n.Settings.AuthMethod = "none" },
			"jwks":                   func(n *app.New) { n.Settings.AuthMethod, n.Settings.JWKS = app.MethodJWT, keys(private) },
			"jwks_uri":               func(n *app.New) { n.Settings.JWKSURI = "http://169.254.169.254/" },
			"signing_alg":            func(n *app.New) { n.Settings.SigningAlg = "RS256" }, // no key drawn yet
			"subject_type":           func(n *app.New) { n.Settings.SubjectType = "both" },
			"allowed_scopes":         func(n *app.New) { n.Settings.AllowedScopes = []string{"a b"} },
			"resources":              func(n *app.New) { n.Settings.Resources = []string{"https://api.example#f"} },
			"scopes":                 func(n *app.New) { n.Settings.Scopes = []app.Scope{{Name: "orders"}} },
			"home_url":               func(n *app.New) { n.Settings.HomeURL = "JaVaScRiPt:alert(1)" }, // H005
			"logo_url":               func(n *app.New) { n.Settings.LogoURL = "data:text/html,x" },
			"policy_url":             func(n *app.New) { n.Settings.PolicyURL = "vbscript:x" },
			"terms_url":              func(n *app.New) { n.Settings.TermsURL = "java\nscript:x" },
			"backchannel_logout_uri": func(n *app.New) { n.Settings.BackchannelLogoutURI = "http://shop.example/out" },
			"refresh_idle":           func(n *app.New) { n.Settings.RefreshIdle = tenant.Duration(500 * 24 * time.Hour) },
			"session_idle":           func(n *app.New) { n.Settings.SessionIdle = tenant.Duration(time.Minute) },
			"session_absolute": func(n *app.New) {
				n.Settings.SessionIdle, n.Settings.SessionAbsolute = tenant.Duration(2*time.Hour), tenant.Duration(time.Hour)
			},
			"webhook.url": func(n *app.New) { n.Settings.Webhook = &app.Webhook{URL: "http://shop.example/hook"} },
			"webhook.events": func(n *app.New) {
				n.Settings.Webhook = &app.Webhook{URL: "https://shop.example/hook", Events: []string{"customer.exploded"}}
			},
			"webhook.acknowledge_within": func(n *app.New) {
				n.Settings.Webhook = &app.Webhook{URL: "https://shop.example/hook", AcknowledgeWithin: tenant.Duration(time.Second)}
			},
			"webhook.secret": func(n *app.New) {
				n.Settings.Webhook = &app.Webhook{URL: "https://shop.example/hook", Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
			},
			"default_acr_values": func(n *app.New) { n.Settings.DefaultACRValues = []string{"multi"} },
		} {
			n := app.New{Kind: app.Web, Name: "Shop", Settings: app.Settings{RedirectURIs: cb}}
			change(&n)
			_, _, err := register(h, n)
			if f := fault.Of(err); f == nil || f.Field != field || f.Kind == fault.Internal {
				t.Errorf("%s: %v", field, err)
			}
		}
		n := app.New{Kind: app.Web, Name: "Shop", Settings: app.Settings{RedirectURIs: cb, AuthMethod: app.MethodJWT, JWKS: keys(&private.PublicKey)}}
		if _, secret, err := register(h, n); err != nil || secret != "" {
			t.Errorf("a public key: %v, secret %q", err, secret)
		}
		for range 100 {
			n.Settings.RedirectURIs = append(n.Settings.RedirectURIs, "https://shop.example/"+string(rune('a'+len(n.Settings.RedirectURIs)%26))+time.Duration(len(n.Settings.RedirectURIs)).String())
		}
		if _, _, err := register(h, n); !errors.Is(err, app.ErrTooMany) {
			t.Errorf("a hundred and one redirect URIs: %v", err)
		}
	})
}

// TestRefreshTokensNeverOutlastTheSignIn: what a sign-in may last at the
// application bounds its refresh tokens, whatever they may last by themselves.
func TestRefreshTokensNeverOutlastTheSignIn(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct{ refreshIdle, refreshAbsolute, idle, absolute, wantIdle, wantAbsolute time.Duration }{
		{0, 0, 0, 0, 30 * day, 365 * day},
		{0, 0, time.Hour, 0, time.Hour, 365 * day},
		{0, 0, 0, time.Hour, time.Hour, time.Hour},
		{0, 0, time.Hour, day, time.Hour, day},
		{time.Hour, 2 * time.Hour, day, 2 * day, time.Hour, 2 * time.Hour},
	} {
		s := app.Settings{
			RefreshIdle: tenant.Duration(c.refreshIdle), RefreshAbsolute: tenant.Duration(c.refreshAbsolute),
			SessionIdle: tenant.Duration(c.idle), SessionAbsolute: tenant.Duration(c.absolute),
		}
		if idle, absolute := s.Refresh(); idle != c.wantIdle || absolute != c.wantAbsolute {
			t.Errorf("%+v: %v and %v", c, idle, absolute)
		}
	}
}

func TestAtMostTwoSecretsAreAlive(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		a, first, err := register(h, app.New{Kind: app.Service, Name: "Robot"})
		if err != nil {
			t.Fatal(err)
		}
		rotate := func() (secret string) {
			h.Update(func(tx *db.Tx) (err error) { secret, err = app.RotateSecret(tx, h.T(), a.ID); return err })
			return secret
		}
		works := func(secrets ...string) (out []bool) {
			found := find(t, h, a.ClientID())
			for _, s := range secrets {
				out = append(out, found.CheckSecret(s, h.Clock.Now()))
			}
			return out
		}
		second := rotate()
		if got := works(first, second); !got[0] || !got[1] {
			t.Fatalf("after one rotation: %v", got)
		}
		third := rotate()
		if got := works(first, second, third); got[0] || !got[1] || !got[2] {
			t.Fatalf("after two rotations: %v", got)
		}
		h.Wait(app.SecretOverlap)
		if got := works(second, third); got[0] || !got[1] {
			t.Fatalf("after the overlap: %v", got)
		}
		spa, _, err := register(h, app.New{Kind: app.SPA, Name: "Page", Settings: app.Settings{RedirectURIs: cb}})
		if err != nil {
			t.Fatal(err)
		}
		err = h.Try(func(tx *db.Tx) error { _, err := app.RotateSecret(tx, h.T(), spa.ID); return err })
		if !errors.Is(err, app.ErrNoSecret) {
			t.Fatal(err)
		}
	})
}

func TestAChangeIsSeenAtOnceAndNeverOverwritesAnother(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		a, _, err := register(h, app.New{Kind: app.Web, Name: "Shop", Settings: app.Settings{RedirectURIs: cb}})
		if err != nil {
			t.Fatal(err)
		}
		if find(t, h, a.ClientID()).Name != "Shop" {
			t.Fatal("not found")
		}
		change := func(a app.Application) error {
			return h.Try(func(tx *db.Tx) error { _, err := app.Change(tx, h.T(), a); return err })
		}
		b := a
		b.Name, b.Enabled = "Store", false
		if err := change(b); err != nil {
			t.Fatal(err)
		}
		if found := find(t, h, a.ClientID()); found.Name != "Store" || found.Enabled {
			t.Fatalf("the book still shows %q, enabled %v", found.Name, found.Enabled)
		}
		if err := change(a); !errors.Is(err, app.ErrChanged) {
			t.Fatalf("an old form overwrites: %v", err)
		}
		b.Version++
		b.Sector = "elsewhere"
		if err := change(b); !errors.Is(err, app.ErrFixed) {
			t.Fatalf("the sector moves: %v", err)
		}
		h.Update(func(tx *db.Tx) error { return app.Delete(tx, h.T(), a.ID) })
		if find(t, h, a.ClientID()) != nil {
			t.Fatal("a deleted application is found")
		}
	})
}

func TestAudiencesAndOriginsAreFound(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		api := app.New{Kind: app.API, Name: "Orders", Audience: "https://api.example/orders", Settings: app.Settings{
			Scopes: []app.Scope{{Name: "orders:read", Words: map[string]string{"en": "See your orders"}}}}}
		a, _, err := register(h, api)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := register(h, api); !errors.Is(err, app.ErrAudience) {
			t.Fatal(err)
		}
		spa := app.New{Kind: app.SPA, Name: "Page", Settings: app.Settings{RedirectURIs: cb, Origins: []string{"https://shop.example"}}}
		if _, _, err := register(h, spa); err != nil {
			t.Fatal(err)
		}
		h.View(func(tx *db.Tx) error {
			found, ok, err := app.Book{}.ByAudience(tx, h.T(), "https://api.example/orders")
			if err != nil || !ok || found.ID != a.ID {
				t.Errorf("%v %v", ok, err)
			}
			if _, ok, _ := (app.Book{}).ByAudience(tx, h.T(), "https://api.example/orders/"); ok {
				t.Error("an audience is not exact")
			}
			for origin, want := range map[string]bool{
				"https://shop.example": true, "https://shop.example.evil.test": false, "null": false, "": false, "http://shop.example": false,
			} { // H149
				if ok, err := (app.Book{}).AllowsOrigin(tx, h.T(), origin); ok != want || err != nil {
					t.Errorf("%q: %v %v", origin, ok, err)
				}
			}
			return nil
		})
	})
}

func TestSettingsAreTheSameInYAMLAndJSON(t *testing.T) {
	t.Parallel()
	const text = `
redirect_uris: [https://shop.example/cb]
origins: [https://shop.example]
auth_method: private_key_jwt
jwks: {keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}
refresh_idle: 30d
scopes: [{name: "a:b", words: {en: Read}}]
`
	var s, back app.Settings
	if err := yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict(), yaml.UseJSONUnmarshaler()); err != nil {
		t.Fatal(err)
	}
	if keys, err := s.Keys(); err != nil || len(keys.Keys) != 1 || !keys.Keys[0].IsPublic() {
		t.Fatalf("%v %v", keys, err)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &back); err != nil || back.RefreshIdle != s.RefreshIdle || len(back.JWKS) == 0 {
		t.Fatalf("%+v, %v", back, err)
	}
	if b, _ := json.Marshal(app.Settings{}); string(b) != "{}" {
		t.Errorf("empty settings are %s", b)
	}
}
