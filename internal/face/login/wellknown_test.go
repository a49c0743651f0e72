package login_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

const fingerprint = "14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"

// TestWellKnown_SaysWhoElseMayUseThePasskeys: each document is exactly what its
// readers expect, for machines that follow no redirect and send no cookie.
func TestWellKnown_SaysWhoElseMayUseThePasskeys(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) {
		s.Passkeys.Origins = []string{"https://www.moss.example", "https://shop.fern.example"}
		s.Passkeys.AppleApps = []string{"ABCDE12345.example.fernfield.shop"}
		s.Passkeys.AndroidApps = []tenant.AndroidApp{{Package: "example.fernfield.shop", Fingerprints: []string{fingerprint}}}
	})
	b := d.browser()
	for path, want := range map[string]string{
		"webauthn":                   `{"origins":["` + d.T().Origin + `","https://www.moss.example","https://shop.fern.example"]}`,
		"apple-app-site-association": `{"webcredentials":{"apps":["ABCDE12345.example.fernfield.shop"]}}`,
		"assetlinks.json": `[{"relation":["delegate_permission/common.get_login_creds","delegate_permission/common.handle_all_urls"],` +
			`"target":{"namespace":"android_app","package_name":"example.fernfield.shop","sha256_cert_fingerprints":["` + fingerprint + `"]}}]`,
	} {
		b.once(http.MethodGet, "/.well-known/"+path, nil)
		h := b.answer.Header
		if b.answer.StatusCode != http.StatusOK || strings.TrimSpace(b.body) != want {
			t.Errorf("%s: %d %s", path, b.answer.StatusCode, b.body)
		}
		if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "public, max-age=300" ||
			h.Get("X-Content-Type-Options") != "nosniff" || len(b.answer.Cookies()) > 0 {
			t.Errorf("%s: %v", path, h)
		}
	}
}

// TestWellKnown_IsNotThereWithoutSettings: nothing is published that nobody set.
func TestWellKnown_IsNotThereWithoutSettings(t *testing.T) {
	t.Parallel()
	b := open(t, func(s *tenant.Settings) { s.Passkeys.Off = true }).browser()
	for _, path := range []string{"webauthn", "apple-app-site-association", "assetlinks.json", "webauthn/", "webauthn.json", "assetlinks"} {
		if b.once(http.MethodGet, "/.well-known/"+path, nil); b.answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, b.answer.StatusCode, b.body)
		}
	}
	own := open(t)
	plain := own.browser()
	if plain.once(http.MethodGet, "/.well-known/webauthn", nil); strings.TrimSpace(plain.body) != `{"origins":["`+own.T().Origin+`"]}` {
		t.Errorf("a tenant without brands: %d %s", plain.answer.StatusCode, plain.body)
	}
}
