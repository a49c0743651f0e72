package tenant_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

func TestShortNamesAndOriginsBelongToOneTenant(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		for _, c := range []struct {
			n    tenant.New
			want *fault.Error
		}{
			{tenant.New{Slug: "fern", Name: "X", Origin: "https://other.example"}, tenant.ErrSlugTaken},
			{tenant.New{Slug: "x", Name: "X", Origin: "https://id.fernfield.example:443"}, tenant.ErrOriginTaken},
			{tenant.New{Slug: "x", Name: "X", Origin: "http://id.other.example"}, tenant.ErrBadOrigin},
			{tenant.New{Slug: "X", Name: "X", Origin: "https://other.example"}, tenant.ErrBadSlug},
			{tenant.New{Slug: "x", Name: "a\u202eb", Origin: "https://other.example"}, tenant.ErrBadName},
			{tenant.New{Slug: "x", Name: "X", Origin: "https://other.example", RPID: "example.com"}, tenant.ErrBadRPID},
			{tenant.New{Slug: "x", Name: "X", Origin: "https://other.example", RPID: "her.example"}, tenant.ErrBadRPID},
		} {
			err := h.Try(func(tx *db.Tx) error { _, err := tenant.Create(tx, h.Ring, c.n); return err })
			if !errors.Is(err, c.want) {
				t.Errorf("%+v: %v, want %v", c.n, err, c.want)
			}
		}
	})
}

func TestAChangeShowsHereAtOnceAndElsewhereAtTheNextPoll(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		elsewhere := tenant.NewHouse(h.D, h.Ring)
		if err := elsewhere.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := h.T()
		h.Update(func(tx *db.Tx) error { return tenant.SetName(tx, before, "New name") })
		if h.T().Name != "New name" || h.T().Version != before.Version+1 || before.Name == "New name" {
			t.Fatalf("this node shows %q at version %d", h.T().Name, h.T().Version)
		}
		if old, _ := elsewhere.ByHost("id.fernfield.example"); old.Name == "New name" {
			t.Fatal("the other node has looked already, so this proves nothing")
		}
		if err := elsewhere.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, _ := elsewhere.ByHost("ID.fernfield.example"); now.Name != "New name" {
			t.Fatalf("the other node shows %q", now.Name)
		}
	})
}

func TestARefusedChangeChangesNothing(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		before := h.T()
		err := h.Try(func(tx *db.Tx) error {
			if err := tenant.SetName(tx, before, "New name"); err != nil {
				return err
			}
			return errors.New("no")
		})
		if err == nil || h.T() != before {
			t.Fatalf("err %v; the snapshot was replaced: %v", err, h.T() != before)
		}
	})
}

func TestATenantAnswersAtEveryOriginOfIts(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		other := h.Tenant("other", "https://other.example")
		h.Update(func(tx *db.Tx) error { return tenant.AddOrigin(tx, h.T(), "https://login.fernfield.example") })
		got, ok := h.House.ByHost("login.fernfield.example")
		if !ok || got.ID != h.T().ID || got.Issuer() != "https://id.fernfield.example" {
			t.Fatalf("%v %v", got, ok)
		}
		err := h.Try(func(tx *db.Tx) error { return tenant.AddOrigin(tx, other, "https://login.fernfield.example") })
		if !errors.Is(err, tenant.ErrOriginTaken) {
			t.Fatal(err)
		}
		err = h.Try(func(tx *db.Tx) error { return tenant.RemoveOrigin(tx, h.T(), "https://id.fernfield.example") })
		if !errors.Is(err, tenant.ErrLastOrigin) {
			t.Fatal(err)
		}
		h.Update(func(tx *db.Tx) error { return tenant.SetOrigin(tx, h.T(), "https://login.fernfield.example", false) })
		if _, ok := h.House.ByHost("id.fernfield.example"); ok || h.T().Issuer() != "https://login.fernfield.example" || h.T().RPID != "id.fernfield.example" {
			t.Fatalf("%+v", h.T().Origins)
		}
	})
}

func TestOneDerivedValuePerTenantLabelAndValue(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		a, b := h.T(), h.Tenant("other", "https://other.example")
		seen := map[[32]byte]string{}
		for name, v := range map[string][32]byte{
			"a":       a.Index("l", "x", "y"),
			"b":       b.Index("l", "x", "y"),
			"label":   a.Index("m", "x", "y"),
			"border":  a.Index("l", "xy", ""), // H064
			"joined":  a.Index("l", "xy"),
			"mac":     a.MAC("l", []byte("x"), []byte("y")),
			"shifted": a.MAC("l", []byte("xy"), nil),
		} {
			if other, ok := seen[v]; ok {
				t.Errorf("%s and %s are the same", name, other)
			}
			seen[v] = name
		}
		token, _ := a.Locator("session").Mint([16]byte{7})
		if id, _, _ := a.Locator("code").Read(token); id == [16]byte{7} {
			t.Error("a token of one kind leads somewhere as another")
		}
		if id, _, _ := b.Locator("session").Read(token); id == [16]byte{7} {
			t.Error("a token of one tenant leads somewhere at another")
		}
	})
}

func TestParseOriginHasOneSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://id.example":         "https://id.example",
		"https://id.example:443":     "https://id.example",
		"https://id.example:8443":    "https://id.example:8443",
		"http://localhost:8080":      "http://localhost:8080",
		"http://id.localhost":        "http://id.localhost",
		"http://127.0.0.1:80":        "http://127.0.0.1",
		"http://[::1]:9":             "http://[::1]:9",
		"https://xn--bcher-kva.test": "https://xn--bcher-kva.test",
		"https://id.example/":        "", "https://id.example?": "", "https://u@id.example": "", "https://ID.example": "",
		"https://": "", "id.example": "", "ftp://id.example": "", "http://id.example": "", "https://id..example": "",
		"https://id.example.": "", "https://-id.example": "", "https://id.example:0": "", "https://id.example:080": "",
		"https://id.example:65536": "", "https://127.1": "", "https://0x7f.1": "", "https://[::1": "", "https://[0:0::1]": "",
		"http://localhost.evil.test": "", "https://bücher.test": "", "https://id\uff0eexample": "", "https://id.example\\": "",
		"http://127.0.0.1.evil.test": "", "https://a_b.example": "", "https://id.example:+1": "", "https://[::1]x:1": "",
	} {
		got, _, err := tenant.ParseOrigin(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestDurationsAreTextAndComeBack(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"12h": "12h", "36h": "36h", "30d": "30d", "48h": "2d", "90s": "1m30s", "1h30m": "1h30m", "30m": "30m", "0s": "0s", "10m": "10m", "100h": "100h"} {
		d, err := tenant.ParseDuration(in)
		if err != nil || d.String() != want {
			t.Errorf("%q: %q, %v; want %q", in, d, err, want)
		}
		if back, err := tenant.ParseDuration(d.String()); err != nil || back != d {
			t.Errorf("%q does not come back: %v", d, err)
		}
	}
	for _, bad := range []string{"", "12", "-1h", "1.5d", "d", "-3d", "+3d", "99999d", "1y"} {
		if d, err := tenant.ParseDuration(bad); err == nil {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}

const whole = `
locale: de
locales: [de, en]
zone: Europe/Berlin
tagline: Grows on you
support_url: mailto:help@fernfield.example
terms_url: https://fernfield.example/terms
privacy_url: https://fernfield.example/privacy
identifiers: {phone: true, username: true, phone_region: DE}
registration:
  closed: true
  allow_domains: [fernfield.example]
  block_domains: [bad.example]
  block_disposable: true
  block_alias: true
password: {off: true, alone: true, words: [fern]}
session: {idle: 12h, absolute: 7d, remember_idle: 14d, remember_absolute: 30d, no_remember: true}
mail:
  from: accounts@fernfield.example
  from_name: Fern & Field
  reply_to: help@fernfield.example
  host: smtp.fernfield.example
  port: 465
  tls: implicit
  username: cardea
  password: env:SMTP_PASSWORD
sms:
  url: https://sms.example/send
  header: X-Key
  secret: file:/run/secrets/sms
  from: FernField
`

func TestSettingsAreTheSameInYAMLAndJSON(t *testing.T) {
	t.Parallel()
	var s, back tenant.Settings
	if err := yaml.UnmarshalWithOptions([]byte(whole), &s, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(false); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	again, err := yaml.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"idle: 12h", "absolute: 7d", "password: env:SMTP_PASSWORD", "phone_region: DE"} {
		if !strings.Contains(string(again), want) {
			t.Errorf("%q is lost:\n%s", want, again)
		}
	}
	if err := yaml.UnmarshalWithOptions([]byte("mail: {hots: x}"), &s, yaml.Strict()); err == nil {
		t.Error("a misspelt setting is read")
	}
	if text, _ := json.Marshal(tenant.Settings{}); string(text) != "{}" {
		t.Errorf("empty settings are %s", text)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for member, change := range map[string]func(*tenant.Settings){
		"settings.locales":                  func(s *tenant.Settings) { s.Locale = "DE_de" },
		"settings.zone":                     func(s *tenant.Settings) { s.ZoneDefault = "Middle/Earth" },
		"settings.tagline":                  func(s *tenant.Settings) { s.Tagline = "a\nb" },
		"settings.support_url":              func(s *tenant.Settings) { s.SupportURL = "JaVaScRiPt:alert(1)" },
		"settings.terms_url":                func(s *tenant.Settings) { s.TermsURL = "data:text/html,x" },
		"settings.privacy_url":              func(s *tenant.Settings) { s.PrivacyURL = "http://fernfield.example/" },
		"settings.identifiers.phone_region": func(s *tenant.Settings) { s.Identifiers.PhoneRegion = "de" },
		"settings.registration":             func(s *tenant.Settings) { s.Registration.BlockDomains = []string{".example"} },
		"settings.session.idle":             func(s *tenant.Settings) { s.Session.Idle = tenant.Duration(8 * 24 * time.Hour) },
		"settings.mail.from":                func(s *tenant.Settings) { s.Mail.From = "A <a@b.example>" },
		"settings.mail.tls": func(s *tenant.Settings) {
			s.Mail = tenant.Mail{TLS: "none", Host: "mx.example", From: "a@b.example", Username: "u"}
		},
		"settings.mail.password": func(s *tenant.Settings) { s.Mail.Password = "hunter2" },
		"settings.sms.url":       func(s *tenant.Settings) { s.SMS.URL = "http://sms.example" },
		"settings.sms.countries": func(s *tenant.Settings) { s.SMS.Countries = []string{"DE", "Germany"} },
		"settings.bots.endpoint": func(s *tenant.Settings) { s.Bots.Endpoint = "http://captcha.example" },
		"settings.sms.header":    func(s *tenant.Settings) { s.SMS.Header = "X: y\r\nZ" },
	} {
		var s tenant.Settings
		if err := s.Check(false); err != nil {
			t.Fatal(err)
		}
		change(&s)
		if err := fault.Of(s.Check(false)); err == nil || err.Field != member || err.Kind != fault.Invalid {
			t.Errorf("%s: %v", member, err)
		}
	}
	loopback := tenant.Settings{TermsURL: "http://localhost:8080/terms"}
	if loopback.Check(true) != nil || loopback.Check(false) == nil {
		t.Error("loopback http is for loopback tenants")
	}
}

func TestABrandIsColoursAndPicturesOnly(t *testing.T) {
	t.Parallel()
	good := tenant.Brand{Color: "#1d4ed8", Radius: "large", Font: "system", Logo: []byte("\x89PNG\r\n\x1a\nrest")}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []tenant.Brand{
		{Color: "red"}, {Color: "#12345g"}, {Accent: "#fff;}"}, {Radius: "9px"}, {Font: "url(x)"},
		{Logo: []byte("<svg onload=x>")}, {Words: map[string]map[string]string{"en": {"k": "a\u202eb"}}},
	} {
		if bad.Check() == nil {
			t.Errorf("%+v passes", bad)
		}
	}
}

func TestWhatARolledBackTransactionLoadsIsNotKept(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		cache, here := tenant.NewCache[string, int](2), h.T()
		load := func(tx *db.Tx, key string, v int) int {
			got, err := cache.Get(tx, here, key, func() (int, error) { return v, nil })
			if err != nil {
				t.Error(err)
			}
			return got
		}
		_ = h.Try(func(tx *db.Tx) error { load(tx, "a", 1); return errors.New("no") })
		h.Update(func(tx *db.Tx) error { load(tx, "a", 2); return nil })
		h.View(func(tx *db.Tx) error {
			if got := load(tx, "a", 3); got != 2 {
				t.Errorf("a is %d", got)
			}
			for i, key := range []string{"b", "c", "d", "e"} {
				load(tx, key, i)
			}
			if got := load(tx, "e", 9); got != 3 {
				t.Errorf("e is %d", got)
			}
			return nil
		})
	})
}
