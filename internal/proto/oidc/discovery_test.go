package oidc_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestDiscovery_3_RFC8414_2_Golden(t *testing.T) {
	each(t, func(d *desk) {
		a := d.get(oidc.PathDiscovery)
		if b := d.get(oidc.PathMetadata); b.raw != a.raw || a.header.Get("Cache-Control") != "public, max-age=300" || a.header.Get("Content-Type") != "application/json" {
			d.t.Errorf("the two documents differ, or %v", a.header)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, []byte(a.raw), "", "  "); err != nil {
			d.t.Fatal(err)
		}
		const golden = "testdata/openid-configuration.json"
		if *update {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				d.t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || !bytes.Equal(want, got.Bytes()) {
			d.t.Errorf("the document is not the golden one (%v); go test ./internal/proto/oidc -run Golden -update\n%s", err, got.String())
		}
	})
}

func TestDiscoverySaysWhatTheTenantIs(t *testing.T) {
	each(t, func(d *desk) {
		other := d.Tenant("other", "https://id.other.example")
		r, _ := http.NewRequest(http.MethodGet, other.Issuer()+oidc.PathDiscovery, nil)
		r.Header.Set("X-Forwarded-Host", "evil.test")
		r.Header.Set("Forwarded", "host=evil.test")
		if a := d.send(r); a.text("issuer") != other.Issuer() || strings.Contains(a.raw, "evil") || strings.Contains(a.raw, "fernfield") {
			d.t.Errorf("H157: %s", a.raw)
		}
		d.Settings(func(s *tenant.Settings) { s.Locales = []string{"de", "en"} })
		d.Update(func(tx *db.Tx) error {
			return catalog.Put(tx, d.T(), []catalog.Field{{Name: "shoe_size", Type: catalog.Number, Class: catalog.Profile, Scope: "loyalty", Viewers: []string{catalog.Customer, catalog.Application}, Purposes: []string{"account"}}})
		})
		a := d.get(oidc.PathDiscovery)
		for _, word := range []string{`"ui_locales_supported":["de","en"]`, `"loyalty"`, `"shoe_size"`} {
			if !strings.Contains(a.raw, word) {
				d.t.Errorf("no %s in %s", word, a.raw)
			}
		}
	})
}

func TestRFC7517_5_TheKeySetIsPublicAndVerifies(t *testing.T) {
	each(t, func(d *desk) {
		a := d.get(oidc.PathJWKS)
		var set jose.JSONWebKeySet
		if err := json.Unmarshal([]byte(a.raw), &set); err != nil || len(set.Keys) < 2 || a.header.Get("Content-Type") != "application/jwk-set+json" || a.header.Get("Cache-Control") != "public, max-age=300" {
			d.t.Fatalf("%v %s %v", err, a.raw, a.header)
		}
		for _, k := range set.Keys {
			if !k.IsPublic() || k.KeyID == "" || k.Use != "sig" || k.Algorithm == "" {
				d.t.Errorf("%+v", k)
			}
		}
		tokens := d.tokens(d.apps["web"])
		for _, token := range []string{tokens.text("access_token"), tokens.text("id_token")} {
			jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
			if err != nil {
				d.t.Fatal(err)
			}
			if keys := set.Key(jws.Signatures[0].Header.KeyID); len(keys) != 1 {
				d.t.Errorf("%d keys of that name", len(keys))
			} else if _, err := jws.Verify(keys[0]); err != nil {
				d.t.Error(err)
			}
		}
	})
}

func TestH145_H157_NoTwinOfAnEndpointAnswers(t *testing.T) {
	each(t, func(d *desk) {
		token := d.tokens(d.apps["web"]).text("access_token")
		for _, path := range []string{
			"/oauth2/userinfo.js", "/oauth2/userinfo/", "/oauth2/userinfo/x.css", "/oauth2//userinfo", "/oauth2/./userinfo", "/oauth2/x/../userinfo",
			"/oauth2/%75serinfo", "/oauth2%2Fuserinfo", "/oauth2/userinfo;x", "/OAUTH2/userinfo", "/.well-known/..;/oauth2/userinfo", "/oauth2/userinfo.",
		} {
			r, err := http.NewRequest(http.MethodGet, issuer+path, nil)
			if err != nil {
				d.t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			if a := d.send(r); a.status != http.StatusNotFound || strings.Contains(a.raw, "sub") {
				d.t.Errorf("%s: %d %s", path, a.status, a.raw)
			}
		}
	})
}
