package credential_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/coretest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// H107: from the tenant's own origin, at the top, and from nowhere else.
func TestH107_OnlyConfiguredOriginsAndNoFrames(t *testing.T) {
	t.Parallel()
	print32 := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	raw, _ := hex.DecodeString(strings.ReplaceAll(print32, ":", ""))
	app := "android:apk-key-hash:" + b64(raw)
	brand := func(p *tenant.Passkeys) { p.Origins = []string{"https://brand.example"} }
	android := func(p *tenant.Passkeys) {
		p.AndroidApps = []tenant.AndroidApp{{Package: "example.shop", Fingerprints: []string{print32}}}
	}
	apple := func(p *tenant.Passkeys) { p.AppleApps = []string{"ABCDE12345.example.shop"} }
	const own = "https://id.fernfield.example"
	for _, c := range []struct {
		name   string
		policy func(*tenant.Passkeys)
		origin string
		client map[string]any
		ok     bool
	}{
		{"its own", nil, own, nil, true},
		{"a sibling", nil, "https://shop.fernfield.example", nil, false},
		{"the parent", nil, "https://fernfield.example", nil, false},
		{"a child", nil, "https://evil.id.fernfield.example", nil, false},
		{"another port", nil, own + ":8443", nil, false},
		{"the port spelled out", nil, own + ":443", nil, false},
		{"http", nil, "http://id.fernfield.example", nil, false},
		{"upper case", nil, "https://ID.fernfield.example", nil, false},
		{"a user before it", nil, "https://evil.example@id.fernfield.example", nil, false},
		{"a path after it", nil, own + "/x", nil, false},
		{"a suffix", nil, own + ".evil.example", nil, false},
		{"none", nil, "", nil, false},
		{"null", nil, "null", nil, false},
		{"in a frame", nil, own, map[string]any{"crossOrigin": true}, false},
		{"in a frame of itself", nil, own, map[string]any{"crossOrigin": true, "topOrigin": own}, false},
		{"in a frame of another", nil, own, map[string]any{"crossOrigin": true, "topOrigin": "https://evil.example"}, false},
		{"a top origin without a frame", nil, own, map[string]any{"topOrigin": "https://evil.example"}, false},
		{"a brand that is not listed", nil, "https://brand.example", nil, false},
		{"a brand that is listed", brand, "https://brand.example", nil, true},
		{"a child of the brand", brand, "https://a.brand.example", nil, false},
		{"an Android application", android, app, nil, true},
		{"another Android application", android, "android:apk-key-hash:" + b64(make([]byte, 32)), nil, false},
		{"an Android application where there is none", nil, app, nil, false},
		{"its fingerprint in another alphabet", android, "android:apk-key-hash:" + base64.StdEncoding.EncodeToString(raw), nil, false},
		{"an Apple application", apple, "https://id.fernfield.example", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			coretest.Each(t, func(t *testing.T, h *coretest.House) {
				k, cus, d := newKeys(t, h), h.Customer(), newDevice(t, h)
				k.register(d, cus)
				if c.policy != nil {
					h.Settings(func(s *tenant.Settings) { c.policy(&s.Passkeys) })
				}
				made := newDevice(t, h)
				made.origin, made.client, d.origin, d.client = c.origin, c.client, c.origin, c.client
				_, _, got := k.use(d)
				_, create := k.redeemCreate(made.create(k.beginCreate(cus).Challenge), session16, cus)
				for _, err := range []error{got, create} {
					if c.ok && err != nil || !c.ok && !errors.Is(err, credential.ErrPasskeyWrong) {
						t.Errorf("get: %v, create: %v", got, create)
					}
				}
			})
		})
	}
}

func TestH107_AnotherRPIDOrCeremonyIsRefused(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, cus := newKeys(t, h), h.Customer()
		for name, spoil := range map[string]func(*device){
			"the parent's RP id":  func(d *device) { d.rpID = "fernfield.example" },
			"another's RP id":     func(d *device) { d.rpID = "evil.example" },
			"no RP id":            func(d *device) { d.rpID = "" },
			"the origin as RP id": func(d *device) { d.rpID = d.origin },
			"the other ceremony":  func(d *device) { d.kind = "webauthn.neither" },
			"payment":             func(d *device) { d.kind = "payment.get" },
		} {
			d := newDevice(t, h)
			k.register(d, cus)
			spoil(d)
			if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Errorf("get with %s: %v", name, err)
			}
			fresh := newDevice(t, h)
			spoil(fresh)
			if _, err := k.redeemCreate(fresh.create(k.beginCreate(cus).Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyWrong) {
				t.Errorf("create with %s: %v", name, err)
			}
		}
		d := newDevice(t, h)
		k.register(d, cus)
		d.kind = "webauthn.create"
		if _, _, err := k.use(d); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("a registration's client data at a sign-in: %v", err)
		}
		fresh := newDevice(t, h)
		fresh.kind = "webauthn.get"
		if _, err := k.redeemCreate(fresh.create(k.beginCreate(cus).Challenge), session16, cus); !errors.Is(err, credential.ErrPasskeyWrong) {
			t.Errorf("a sign-in's client data at a registration: %v", err)
		}
	})
}

// H107, the siblings: a tenant whose RP id lies above its host.
func TestH107_FurtherHostsCountUnderTheRPIDAlone(t *testing.T) {
	t.Parallel()
	coretest.Each(t, func(t *testing.T, h *coretest.House) {
		k, d := newKeys(t, h), newDevice(t, h)
		var made tenant.ID
		h.Update(func(tx *db.Tx) (err error) {
			made, err = tenant.Create(tx, h.Ring, tenant.New{
				Slug: "wide", Name: "Wide", Origin: "https://id.wide.example", RPID: "wide.example",
			})
			return err
		})
		wide := func() *tenant.Tenant {
			if err := h.House.Load(context.Background()); err != nil {
				t.Fatal(err)
			}
			w, _ := h.House.ByID(made)
			return w
		}
		for _, origin := range []string{"https://login.wide.example", "https://wide.example:8443", "https://elsewhere.example"} {
			w := wide()
			h.Update(func(tx *db.Tx) error { return tenant.AddOrigin(tx, w, origin) })
		}
		d.rpID = "wide.example"
		from := func(w *tenant.Tenant, origin string, want bool) {
			t.Helper()
			d.origin = origin
			if _, err := k.w.ParseGet(w, d.get("x")); (err == nil) != want {
				t.Errorf("%s: %v", origin, err)
			}
		}
		w := wide()
		from(w, "https://id.wide.example", true)
		from(w, "https://login.wide.example", true)
		from(w, "https://wide.example:8443", true)
		from(w, "https://elsewhere.example", false)
		from(w, "https://other.wide.example", false)
		from(w, "https://wide.example", false)
		h.Update(func(tx *db.Tx) error {
			return tenant.SetSettings(tx, w, tenant.Settings{Passkeys: tenant.Passkeys{AppleApps: []string{"ABCDE12345.example.shop"}}})
		})
		from(wide(), "https://wide.example", true) // as iOS applications spell it
	})
}
