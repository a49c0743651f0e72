package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
)

var wholeFile = fmt.Sprintf(`version: 1
tenants:
  - slug: fern
    name: Fern & Field
    origin: https://id.fern.example
    origins: [https://login.fern.example]
    settings:
      locale: de
      locales: [de, en]
      identifiers: {phone: true, phone_region: DE}
      session: {idle: 8h, absolute: 5d}
      mail:
        from: hello@fern.example
        host: smtp.fern.example
        username: fern
        password: env:FERN_SMTP
      sms: {url: "https://sms.example/send", secret: "file:/run/secrets/sms"}
    brand:
      color: "#1d6f42"
      logo: %s
      words: {en: {signin.title: Welcome back}}
    fields:
      - name: shoe_size
        type: number
        class: profile
        viewers: [customer, "staff:support"]
        editors: []
        purposes: [account]
        words: {en: {label: Shoe size}}
    applications:
      - name: Shop
        kind: web
        redirect_uris: [https://shop.fern.example/cb]
        post_logout_uris: [https://shop.fern.example/]
        backchannel_logout_uri: https://shop.fern.example/logout
      - name: Partner
        kind: web
        third_party: true
        redirect_uris: [https://partner.example/cb]
        signing_alg: RS256
        auth_method: private_key_jwt
        jwks:
          keys:
            - kty: OKP
              crv: Ed25519
              x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo
      - name: Stock
        kind: api
        audience: https://api.fern.example/stock
        scopes: [{name: "stock:read", words: {en: Read the stock}}]
`, base64.StdEncoding.EncodeToString([]byte("\x89PNG\r\n\x1a\n....")))

func apply(t *testing.T, b *Base, text string, how Applying) []Change {
	t.Helper()
	list, err := b.Apply(context.Background(), "cardea.yaml", []byte(text), how)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestApplyMakesChangesAndThenNothing(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, c Config) {
		b := setUp(t, c)
		if list := apply(t, b, wholeFile, Applying{DryRun: true}); len(list) != 6 {
			t.Errorf("dry run: %+v", list)
		}
		if _, there := b.House.BySlug("fern"); there {
			t.Fatal("a dry run made a tenant")
		}
		list := apply(t, b, wholeFile, Applying{})
		if len(list) != 6 || list[3].Act != "created" || list[3].Secret == "" || list[4].Secret != "" {
			t.Fatalf("%+v", list)
		}
		fern, _ := b.House.BySlug("fern")
		if fern.Settings.Mail.Host != "smtp.fern.example" || len(fern.Origins) != 2 || len(fern.Brand.Logo) == 0 || len(fern.Algs()) != 3 {
			t.Errorf("%+v", fern)
		}
		before := fern.Version
		if list := apply(t, b, wholeFile, Applying{Prune: true}); len(list) != 0 {
			t.Errorf("the second time: %+v", list)
		}
		if again, _ := b.House.BySlug("fern"); again.Version != before {
			t.Error("the second time something was written")
		}
	})
}

func TestExportAppliesToNothingAndToANewHouse(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	apply(t, b, wholeFile, Applying{})
	fern, _ := b.House.BySlug("fern")
	text, err := b.Export(context.Background(), fern, b.House.BuiltIn())
	if err != nil {
		t.Fatal(err)
	}
	if list := apply(t, b, string(text), Applying{Prune: true}); len(list) != 0 {
		t.Errorf("%s\n%+v", text, list)
	}
	other := setUp(t, liteConfig(t))
	fresh, err := b.Export(context.Background(), fern)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, other, string(fresh), Applying{})
	twin, _ := other.House.BySlug("fern")
	copied, err := other.Export(context.Background(), twin)
	if err != nil || !bytes.Equal(copied, fresh) {
		t.Errorf("%v\n%s\n%s", err, fresh, copied)
	}
}

func TestApplyPrunesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	apply(t, b, wholeFile, Applying{})
	small := "version: 1\ntenants:\n  - slug: fern\n    origins: []\n    fields: []\n    applications: []\n"
	if list := apply(t, b, small, Applying{}); len(list) != 0 {
		t.Errorf("without --prune: %+v", list)
	}
	list := apply(t, b, small, Applying{Prune: true})
	if len(list) != 5 { // an origin, a field, three applications
		t.Errorf("with --prune: %+v", list)
	}
	fern, _ := b.House.BySlug("fern")
	err := b.DB.View(context.Background(), func(tx *db.Tx) error {
		apps, err := app.List(tx, fern)
		if len(apps) != 0 {
			t.Errorf("left: %+v", apps)
		}
		return err
	})
	if err != nil || fern.Settings.Mail.Host == "" {
		t.Errorf("what the file did not name was touched: %v", err)
	}
}

func TestApplyNamesTheLine(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	for _, c := range []struct{ old, fresh, want string }{
		{"locale: de", "locale: \"e n\"", "tenants[0].settings.locale"},
		{"host: smtp.fern.example", "hosst: smtp.fern.example", "[14:9] unknown field"},
		{`color: "#1d6f42"`, "color: green", "cardea.yaml:19: tenants[0].brand.color"},
		{"redirect_uris: [https://partner.example/cb]", "redirect_uris: [http://partner.example/cb]", "cardea.yaml:39: tenants[0].applications[1].redirect_uris"},
		{"audience: https://api.fern.example/stock", "audience: stock", "tenants[0].applications[2].audience"},
		{"type: number", "type: shoes", "cardea.yaml:23: tenants[0].fields[0]"},
		{"version: 1", "version: 2", "cardea.yaml:1: version"},
		{"password: env:FERN_SMTP", "password: hunter2", "cardea.yaml:16: tenants[0].settings.mail.password"},
		{"name: Partner", "name: Shop", "needs a name of its own"},
		{"slug: fern", "slug: fern\n    slug: moss", "already defined"},
		{"origin: https://id.fern.example", "origin: http://id.fern.example", "tenants[0].origin"},
	} {
		_, err := b.Apply(context.Background(), "cardea.yaml", []byte(strings.Replace(wholeFile, c.old, c.fresh, 1)), Applying{})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%s: %v", c.fresh, err)
		}
	}
	if _, there := b.House.BySlug("fern"); there {
		t.Error("a refused file left something")
	}
}

func TestApplyLeavesAKindAlone(t *testing.T) {
	t.Parallel()
	b := setUp(t, liteConfig(t))
	apply(t, b, wholeFile, Applying{})
	_, err := b.Apply(context.Background(), "cardea.yaml", []byte(strings.Replace(wholeFile, "kind: web", "kind: spa", 1)), Applying{})
	wants(t, err, "applications[0]")
}

// Every member that the file may have is told in the reference.
func TestReferenceTellsEveryMember(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/reference/cardea-yaml.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var walk func(path string, typ reflect.Type)
	walk = func(path string, typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			tag := typ.Field(i).Tag.Get("yaml")
			name, _, _ := strings.Cut(tag, ",")
			if name != "" && !bytes.Contains(text, []byte("`"+name+"`")) {
				t.Errorf("%s.%s is not told", path, name)
			}
			walk(path+"."+name, typ.Field(i).Type)
		}
	}
	walk("", reflect.TypeFor[Document]())
	if !seen[reflect.TypeFor[catalog.Words]()] || !seen[reflect.TypeFor[app.Scope]()] {
		t.Error("the walk missed something")
	}
}
