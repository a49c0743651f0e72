package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

const bearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func mustSet(t *testing.T, keys ...any) app.JWKS {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k, KeyID: "k1"})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return app.JWKS(b)
}

// robot is a service that proves itself by private_key_jwt.
func (d *desk) robot(key crypto.Signer) *client {
	return d.register("robot", app.New{Kind: app.Service, FirstParty: true, Settings: app.Settings{AuthMethod: app.MethodJWT, JWKS: mustSet(d.t, key.Public())}})
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// assertion signs claims with extra header members.
func assertion(t *testing.T, alg jose.SignatureAlgorithm, key any, claims any, header ...any) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithHeader("kid", "k1")
	for i := 0; i+1 < len(header); i += 2 {
		o = o.WithHeader(jose.HeaderKey(header[i].(string)), header[i+1])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if raw, ok := claims.(string); ok {
		payload, err = []byte(raw), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var drawn atomic.Int64

// good are the claims of an assertion that is right in everything.
func (d *desk) good(c *client, edit ...any) map[string]any {
	now := d.Clock.Now().Unix()
	m := map[string]any{"iss": c.id, "sub": c.id, "aud": issuer, "iat": now, "exp": now + 60, "jti": fmt.Sprintf("j%d", drawn.Add(1))}
	for i := 0; i+1 < len(edit); i += 2 {
		m[edit[i].(string)] = edit[i+1]
		if edit[i+1] == nil {
			delete(m, edit[i].(string))
		}
	}
	return m
}

func (d *desk) assert(raw string, extra ...string) *answer {
	d.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion_type": {bearerAssertion}, "client_assertion": {raw}}
	return d.send(d.form(oidc.PathToken, set(form, extra...)))
}

func TestH032_H034_H044_AnAssertionIsForThisIssuerSoonAndOnce(t *testing.T) {
	each(t, func(d *desk) {
		key := newKey(d.t)
		c := d.robot(key)
		now := d.Clock.Now().Unix()
		other := d.Tenant("other", "https://id.other.example")
		once := assertion(d.t, jose.ES256, key, d.good(c))
		for _, row := range []struct {
			what string
			raw  string
			good bool
		}{
			{"right", once, true},
			{"again", once, false},
			{"with client_id in the claims alone", assertion(d.t, jose.ES256, key, d.good(c)), true},
			{"no iat", assertion(d.t, jose.ES256, key, d.good(c, "iat", nil)), true},
			{"a clock that runs slow", assertion(d.t, jose.ES256, key, d.good(c, "exp", now-20, "iat", now-80)), true},
			{"token endpoint", assertion(d.t, jose.ES256, key, d.good(c, "aud", issuer+oidc.PathToken)), false},
			{"issuer and slash", assertion(d.t, jose.ES256, key, d.good(c, "aud", issuer+"/")), false},
			{"other tenant", assertion(d.t, jose.ES256, key, d.good(c, "aud", other.Issuer())), false},
			{"array", assertion(d.t, jose.ES256, key, d.good(c, "aud", []string{issuer})), false},
			{"two", assertion(d.t, jose.ES256, key, d.good(c, "aud", []string{issuer, "x"})), false},
			{"mixed array", assertion(d.t, jose.ES256, key, d.good(c, "aud", []any{issuer, 1})), false},
			{"empty array", assertion(d.t, jose.ES256, key, d.good(c, "aud", []string{})), false},
			{"object", assertion(d.t, jose.ES256, key, d.good(c, "aud", map[string]any{})), false},
			{"null", assertion(d.t, jose.ES256, key, d.good(c, "aud", json.RawMessage("null"))), false},
			{"empty", assertion(d.t, jose.ES256, key, d.good(c, "aud", "")), false},
			{"missing", assertion(d.t, jose.ES256, key, d.good(c, "aud", nil)), false},
			{"no exp", assertion(d.t, jose.ES256, key, d.good(c, "exp", nil)), false},
			{"exp as text", assertion(d.t, jose.ES256, key, d.good(c, "exp", "9999999999")), false},
			{"expired", assertion(d.t, jose.ES256, key, d.good(c, "exp", now-31, "iat", now-60)), false},
			{"48 hours", assertion(d.t, jose.ES256, key, d.good(c, "exp", now+48*3600)), false},
			{"longer than 300 s", assertion(d.t, jose.ES256, key, d.good(c, "iat", now-100, "exp", now+201)), false},
			{"not yet", assertion(d.t, jose.ES256, key, d.good(c, "nbf", now+40)), false},
			{"from the future", assertion(d.t, jose.ES256, key, d.good(c, "iat", now+40, "exp", now+60)), false},
			{"no jti", assertion(d.t, jose.ES256, key, d.good(c, "jti", nil)), false},
			{"endless jti", assertion(d.t, jose.ES256, key, d.good(c, "jti", fmt.Sprintf("%0300d", 1))), false},
			{"other iss", assertion(d.t, jose.ES256, key, d.good(c, "iss", d.apps["service"].id)), false},
			{"other sub", assertion(d.t, jose.ES256, key, d.good(c, "sub", d.apps["service"].id)), false},
			{"a member twice", assertion(d.t, jose.ES256, key, fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":"x","AUD":%q,"exp":%d,"jti":"d"}`, c.id, c.id, issuer, now+60)), false},
			{"no object", assertion(d.t, jose.ES256, key, `[]`), false},
		} {
			a := d.assert(row.raw)
			if row.good && a.status != http.StatusOK {
				d.t.Errorf("%s: %d %s", row.what, a.status, a.raw)
			}
			if !row.good {
				refused(d.t, row.what, a, http.StatusUnauthorized, "invalid_client")
			}
		}
		refused(d.t, "other client_id", d.assert(assertion(d.t, jose.ES256, key, d.good(c)), "client_id", d.apps["service"].id), http.StatusUnauthorized, "invalid_client")
		refused(d.t, "other type", d.assert(assertion(d.t, jose.ES256, key, d.good(c)), "client_assertion_type", "x"), http.StatusUnauthorized, "invalid_client")
		refused(d.t, "no type", d.assert(assertion(d.t, jose.ES256, key, d.good(c)), "client_assertion_type", ""), http.StatusUnauthorized, "invalid_client")
		// Memory of ids ends with what they protect against.
		d.View(func(tx *db.Tx) error {
			n, _, err := db.Value[int](tx, `SELECT count(*) FROM once WHERE expires_at > $1`, d.Clock.Now().Add(7*time.Minute))
			if n != 0 {
				d.t.Errorf("%d ids are kept for longer than they could be used", n)
			}
			return err
		})
	})
}

func TestH035_H043_KeysAndAlgorithmsAreTheRegisteredOnes(t *testing.T) {
	each(t, func(d *desk) {
		rsaKey, err := rsa.GenerateKey(nil, 2048)
		if err != nil {
			d.t.Fatal(err)
		}
		c := d.robot(rsaKey)
		evil := newKey(d.t)
		var fetched atomic.Int64
		trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
		defer trap.Close()
		der, _ := x509.MarshalPKIXPublicKey(rsaKey.Public())
		public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		payload, _ := json.Marshal(d.good(c))
		own := jose.JSONWebKey{Key: evil.Public(), KeyID: "k1"}
		for what, raw := range map[string]string{
			"HS256 with the public key": byHand(`{"alg":"HS256","kid":"k1"}`, payload, public),
			"HS256 with the DER":        byHand(`{"alg":"HS256","kid":"k1"}`, payload, der),
			"none":                      byHand(`{"alg":"none"}`, payload, nil),
			"nOnE":                      byHand(`{"alg":"nOnE"}`, payload, nil),
			"embedded jwk":              assertion(d.t, jose.ES256, evil, d.good(c), "jwk", own),
			"jku":                       assertion(d.t, jose.ES256, evil, d.good(c), "jku", trap.URL),
			"x5u":                       assertion(d.t, jose.ES256, evil, d.good(c), "x5u", trap.URL),
			"kid is a path":             assertion(d.t, jose.ES256, evil, d.good(c), "kid", "../../x"),
			"kid is SQL":                assertion(d.t, jose.ES256, evil, d.good(c), "kid", "' OR 1=1"),
			"another's key":             assertion(d.t, jose.ES256, evil, d.good(c)),
			"crit":                      assertion(d.t, jose.RS256, rsaKey, d.good(c), "crit", []string{"bork"}, "bork", 1),
			"crit without a name":       assertion(d.t, jose.RS256, rsaKey, d.good(c), "crit", []string{}),
			"crit as text":              assertion(d.t, jose.RS256, rsaKey, d.good(c), "crit", "exp"),
			"RS512":                     assertion(d.t, jose.RS512, rsaKey, d.good(c)),
			"four parts":                assertion(d.t, jose.RS256, rsaKey, d.good(c)) + ".x",
			"long":                      assertion(d.t, jose.RS256, rsaKey, d.good(c, "pad", fmt.Sprintf("%09000d", 1))),
			"dots":                      "..",
		} {
			refused(d.t, what, d.assert(raw, "client_id", c.id), http.StatusUnauthorized, "invalid_client")
		}
		if a := d.assert(assertion(d.t, jose.PS256, rsaKey, d.good(c)), "client_id", c.id); a.status != http.StatusOK {
			d.t.Errorf("PS256 with the registered key: %d %s", a.status, a.raw)
		}
		if fetched.Load() != 0 {
			d.t.Error("a token's own address was called")
		}
	})
}

func byHand(header string, payload, key []byte) string {
	in := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	if key == nil {
		return in + "."
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(in))
	return in + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func TestAKeySetElsewhereIsFetchedRarely(t *testing.T) {
	each(t, func(d *desk) {
		first, second := newKey(d.t), newKey(d.t)
		var keys, status atomic.Value
		keys.Store(mustSet(d.t, first.Public()))
		status.Store(http.StatusOK)
		var fetched atomic.Int64
		there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fetched.Add(1)
			w.WriteHeader(status.Load().(int))
			_, _ = w.Write(keys.Load().(app.JWKS))
		}))
		defer there.Close()
		c := d.register("remote", app.New{Kind: app.Service, FirstParty: true, Settings: app.Settings{AuthMethod: app.MethodJWT, JWKSURI: "https://keys.example/jwks"}})
		// The test's server speaks plain HTTP on loopback, which registration refuses.
		d.Update(func(tx *db.Tx) error {
			a, err := app.Get(tx, d.T(), c.ID)
			if err != nil {
				return err
			}
			a.Settings.JWKSURI = there.URL
			if _, err := tx.Exec(`UPDATE application SET settings = $1 WHERE id = $2`, db.JSON(a.Settings), a.ID); err != nil {
				return err
			}
			return tenant.Changed(tx, d.T())
		})
		ask := func(key *ecdsa.PrivateKey, kid string) int {
			return d.assert(assertion(d.t, jose.ES256, key, d.good(c), "kid", kid)).status
		}
		if s := ask(first, "k1"); s != http.StatusOK {
			d.t.Fatalf("%d", s)
		}
		for range 5 {
			ask(second, "k2") // unknown, and we have just looked
		}
		if fetched.Load() != 1 {
			d.t.Errorf("%d fetches, want 1", fetched.Load())
		}
		keys.Store(mustSet(d.t, first.Public(), second.Public()))
		d.wait(time.Minute)
		if s := ask(second, "k2"); s == http.StatusOK || fetched.Load() != 2 {
			d.t.Errorf("kid k2 stands in no set: %d, %d fetches", s, fetched.Load())
		}
		if s := ask(second, "k1"); s != http.StatusOK {
			d.t.Errorf("a key that came with the second fetch: %d", s)
		}
		status.Store(http.StatusInternalServerError)
		d.wait(10 * time.Minute)
		for range 5 {
			if s := ask(first, "k1"); s != http.StatusOK {
				d.t.Errorf("while their server is down the keys we have do: %d", s)
			}
		}
		if fetched.Load() != 3 {
			d.t.Errorf("%d fetches, want 3", fetched.Load())
		}
	})
}

func TestH037_TheMethodIsTheRegisteredOne(t *testing.T) {
	each(t, func(d *desk) {
		key := newKey(d.t)
		robot := d.robot(key)
		web, spa := d.apps["web"], d.apps["spa"]
		basic := func(id, secret string) func(*http.Request) {
			return func(r *http.Request) { r.SetBasicAuth(id, secret) }
		}
		header := func(v string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Add("Authorization", v) }
		}
		bad := func(more ...string) url.Values { // client authentication is looked at first
			return set(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}}, more...)
		}
		for _, row := range []struct {
			what string
			form url.Values
			edit []func(*http.Request)
			want string // invalid_grant: the client was believed
		}{
			{"basic", bad(), []func(*http.Request){basic(web.id, web.secret)}, "invalid_grant"},
			{"post", bad("client_id", web.id, "client_secret", web.secret), nil, "invalid_grant"},
			{"basic and the same client_id", bad("client_id", web.id), []func(*http.Request){basic(web.id, web.secret)}, "invalid_grant"},
			{"public", bad("client_id", spa.id), nil, "invalid_grant"},
			{"public with an empty secret", bad("client_id", spa.id) /* see below */, nil, "invalid_grant"},
			{"public sends a secret", bad("client_id", spa.id, "client_secret", "x"), nil, "invalid_client"},
			{"public sends basic", bad(), []func(*http.Request){basic(spa.id, "")}, "invalid_client"},
			{"confidential sends none", bad("client_id", web.id), nil, "invalid_client"},
			{"nobody", bad(), nil, "invalid_client"},
			{"wrong secret", bad(), []func(*http.Request){basic(web.id, web.secret+"x")}, "invalid_client"},
			{"short secret", bad(), []func(*http.Request){basic(web.id, web.secret[:42])}, "invalid_client"},
			{"empty secret", bad(), []func(*http.Request){basic(web.id, "")}, "invalid_client"},
			{"another's secret", bad(), []func(*http.Request){basic(web.id, d.apps["partner"].secret)}, "invalid_client"},
			{"two ways", bad("client_id", web.id, "client_secret", web.secret), []func(*http.Request){basic(web.id, web.secret)}, "invalid_request"},
			{"two clients", bad("client_id", spa.id), []func(*http.Request){basic(web.id, web.secret)}, "invalid_client"},
			{"two headers", bad(), []func(*http.Request){basic(web.id, web.secret), header("Basic eDp5")}, "invalid_client"},
			{"bearer", bad("client_id", spa.id), []func(*http.Request){header("Bearer x")}, "invalid_client"},
			{"no base64", bad(), []func(*http.Request){header("Basic !!")}, "invalid_client"},
			{"percent", bad(), []func(*http.Request){basic("%zz", "x")}, "invalid_client"},
			{"unknown client", bad("client_id", "app_00000000000000000000000000"), nil, "invalid_client"},
			{"SQL", bad("client_id", "' OR 1=1"), nil, "invalid_client"},
			{"a key's owner sends a secret", bad("client_id", robot.id, "client_secret", "x"), nil, "invalid_client"},
			{"a key's owner sends none", bad("client_id", robot.id), nil, "invalid_client"},
			{"a secret's owner sends an assertion", bad("client_assertion_type", bearerAssertion, "client_assertion", assertion(d.t, jose.ES256, key, d.good(web))), nil, "invalid_client"},
			{"assertion and secret", bad("client_id", robot.id, "client_secret", "x", "client_assertion_type", bearerAssertion, "client_assertion", assertion(d.t, jose.ES256, key, d.good(robot))), nil, "invalid_request"},
		} {
			if row.what == "public with an empty secret" {
				row.form["client_secret"] = []string{""}
			}
			a := d.send(d.form(oidc.PathToken, row.form, row.edit...))
			status := map[string]int{"invalid_client": http.StatusUnauthorized}[row.want]
			if status == 0 {
				status = http.StatusBadRequest
			}
			refused(d.t, row.what, a, status, row.want)
			if challenge := a.header.Get("WWW-Authenticate"); (challenge != "") != (status == http.StatusUnauthorized) {
				d.t.Errorf("%s: WWW-Authenticate %q", row.what, challenge)
			}
		}
	})
}

func TestTwoSecretsLiveDuringARotation(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["service"]
		try := func(secret string) int {
			return d.send(d.form(oidc.PathToken, url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) { r.SetBasicAuth(c.id, secret) })).status
		}
		var next string
		d.Update(func(tx *db.Tx) (err error) { next, err = app.RotateSecret(tx, d.T(), c.ID); return err })
		if try(c.secret) != http.StatusOK || try(next) != http.StatusOK {
			d.t.Error("one of the two is refused")
		}
		d.wait(app.SecretOverlap)
		if try(c.secret) != http.StatusUnauthorized || try(next) != http.StatusOK {
			d.t.Error("the old secret outlives the overlap")
		}
	})
}

func TestH038_H143_ForeignHeadersProveNothing(t *testing.T) {
	each(t, func(d *desk) {
		for _, name := range []string{"X-Ssl-Cert", "X-Forwarded-Client-Cert", "Client-Cert", "X-Remote-User", "X-Webauth-User", "X-Client-Id"} {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {d.apps["service"].id}}
			a := d.send(d.form(oidc.PathToken, form, func(r *http.Request) { r.Header.Set(name, d.apps["service"].id) }))
			refused(d.t, name, a, http.StatusUnauthorized, "invalid_client")
		}
	})
}

func TestAnAssertionIsSpentOnceByFifty(t *testing.T) {
	race(t, func(d *desk) {
		key := newKey(d.t)
		raw := assertion(d.t, jose.ES256, key, d.good(d.robot(key)))
		var won atomic.Int64
		coretest.Together(50, func(int) error {
			if d.assert(raw).status == http.StatusOK {
				won.Add(1)
			}
			return nil
		})
		if won.Load() != 1 {
			d.t.Errorf("%d of 50 were believed", won.Load())
		}
	})
}
