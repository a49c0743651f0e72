package oidc_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/secret"
	"github.com/cardea-id/cardea/internal/core/access"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/proto/oidc"
)

const (
	single    = "urn:cardea:acr:single"
	multi     = "urn:cardea:acr:multi"
	resistant = "urn:cardea:acr:phishing-resistant"
)

// TestTheRoomsAgreeOnTheLevels: the policy's names, the session's and those
// that an application may register are the same words.
func TestTheRoomsAgreeOnTheLevels(t *testing.T) {
	want := []string{access.Single, access.Multi, access.Resistant}
	if !slices.Equal(want, session.Levels()) || !slices.Equal(want, []string{single, multi, resistant}) {
		t.Errorf("access %v, session %v", want, session.Levels())
	}
	each(t, func(d *desk) {
		d.change(d.apps["web"], func(a *app.Application) { a.Settings.DefaultACRValues = session.Levels() })
	})
}

// barren takes away every way to prove more, so that a journey has to end.
func (d *desk) barren() {
	d.Settings(func(s *tenant.Settings) { s.Passkeys.Off, s.SecondFactor.NoTOTP = true, true })
}

func essential(values string) string {
	return `{"id_token":{"acr":{"essential":true,"values":[` + values + `]}}}`
}

func TestOIDC_5_5_1_1_AnEssentialLevelIsMetOrRefused(t *testing.T) {
	each(t, func(d *desk) {
		d.barren()
		c := d.apps["web"]
		weak, strong := d.browser(), d.browser()
		weak.enter(d.Customer())
		strong.enter(d.Customer(), session.Password, session.TOTP)
		must := essential(`"` + multi + `"`)
		refusals := []string{"login_required", "interaction_required", "unmet_authentication_requirements"}
		if e := weak.get(authorizeURL(c, "claims", must, "prompt", "none")).to().Get("error"); !slices.Contains(refusals, e) {
			d.t.Errorf("a weak session, silently: %q", e)
		}
		if e := weak.get(authorizeURL(c, "claims", must)).to().Get("error"); e != "unmet_authentication_requirements" {
			d.t.Errorf("a weak session, and again at the pages: %q", e)
		}
		if acr := d.claims(d.redeem(c, strong.code(c, "claims", must)).text("id_token"))["acr"]; acr != multi {
			d.t.Errorf("acr %v", acr)
		}
		// One of several values is enough, and those that nobody knows say nothing.
		for _, values := range []string{`"` + resistant + `","` + multi + `"`, `"urn:other","` + multi + `"`, `7,"` + multi + `"`} {
			if acr := d.claims(d.redeem(c, strong.code(c, "claims", essential(values))).text("id_token"))["acr"]; acr != multi {
				d.t.Errorf("%s: acr %v", values, acr)
			}
		}
		if e := weak.get(authorizeURL(c, "claims", essential(`"urn:other"`))).to().Get("error"); e != "unmet_authentication_requirements" {
			d.t.Errorf("a level that nobody knows: %q", e)
		}
	})
}

// TestOIDC_3_1_2_1_ACRValuesAreAWish: without an API a wish is answered by what
// the sign-in was, and a registered wish stands in for one that is not told.
func TestOIDC_3_1_2_1_ACRValuesAreAWish(t *testing.T) {
	each(t, func(d *desk) {
		d.barren()
		c := d.apps["web"]
		weak, strong := d.browser(), d.browser()
		weak.enter(d.Customer())
		strong.enter(d.Customer(), session.Passkey)
		acr := func(b *browser, extra ...string) any {
			d.t.Helper()
			return d.claims(d.redeem(c, b.code(c, append(extra, "prompt", "none")...)).text("id_token"))["acr"]
		}
		for _, row := range []struct {
			b           *browser
			asked, want string
		}{
			{weak, "", single}, {weak, multi, single}, {weak, resistant + " " + multi, single}, {weak, "urn:other", single},
			{strong, "", resistant}, {strong, multi, multi}, {strong, resistant + " " + multi, resistant},
			{strong, "urn:other " + multi, multi}, {strong, single, single}, {strong, "urn:other", resistant},
		} {
			if got := acr(row.b, "acr_values", row.asked); got != row.want {
				d.t.Errorf("acr_values=%q: %v, want %v", row.asked, got, row.want)
			}
		}
		d.change(c, func(a *app.Application) { a.Settings.DefaultACRValues = []string{multi} })
		if got := acr(strong); got != multi {
			d.t.Errorf("the registered wish: %v", got)
		}
		if got := acr(strong, "acr_values", resistant); got != resistant {
			d.t.Errorf("the request's own wish: %v", got)
		}
		if got := acr(strong, "claims", `{"id_token":{"acr":{"value":"`+single+`"}}}`); got != single {
			d.t.Errorf("the claim's own wish: %v", got)
		}
	})
}

// TestRFC9470_5_ForAnAPITheLevelIsNecessary: an API that will refuse the token
// is not given it, so nobody goes round in circles; and what it is given tells
// the level in the API's own word, and keeps it over refreshes.
func TestRFC9470_5_ForAnAPITheLevelIsNecessary(t *testing.T) {
	each(t, func(d *desk) {
		d.barren()
		c := d.apps["web"]
		weak, strong := d.browser(), d.browser()
		weak.enter(d.Customer())
		strong.enter(d.Customer(), session.Passkey)
		ask := []string{"resource", apiURI, "scope", "openid orders:read offline_access"}
		if e := weak.get(authorizeURL(c, append(ask, "acr_values", multi)...)).to().Get("error"); e != "unmet_authentication_requirements" {
			d.t.Errorf("a weak session: %q", e)
		}
		if e := weak.get(authorizeURL(c, append(ask, "acr_values", "urn:other")...)).to().Get("error"); e != "unmet_authentication_requirements" {
			d.t.Errorf("a level that nobody knows: %q", e)
		}
		if acr := d.claims(d.redeem(c, weak.code(c, append(ask, "acr_values", single)...)).text("access_token"))["acr"]; acr != single {
			d.t.Errorf("a level that is met: %v", acr)
		}
		got := d.redeem(c, strong.code(c, append(ask, "acr_values", multi)...))
		for range 2 {
			token := d.claims(got.text("access_token"))
			if token["acr"] != multi || token["auth_time"] == nil || d.claims(got.text("id_token"))["acr"] != multi {
				d.t.Errorf("acr %v, auth_time %v", token["acr"], token["auth_time"])
			}
			told := d.introspect(c, got.text("access_token")).json
			if told["acr"] != multi || told["auth_time"] != token["auth_time"] {
				d.t.Errorf("introspection says %v", told)
			}
			d.wait(time.Minute)
			got = d.refresh(c, got.text("refresh_token"))
		}
	})
}

// TestATrustedBrowserAnswersWithoutAPage: who has a second factor is asked for
// it, but not where their browser is trusted; an application that cannot do
// without the level gets no trust in its place.
func TestATrustedBrowserAnswersWithoutAPage(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		who := d.Customer()
		var setup credential.TOTPSetup
		d.Update(func(tx *db.Tx) (err error) {
			setup, err = credential.BeginTOTP(tx, d.T(), who, "phone")
			return err
		})
		d.Update(func(tx *db.Tx) error {
			return credential.ConfirmTOTP(tx, d.T(), who, setup.ID, appCode(d.t, setup.Secret, d.Clock.Now()))
		})
		b := d.browser()
		b.enter(who, session.OTPEmail)
		silent := func(extra ...string) string {
			return b.get(authorizeURL(c, append(extra, "prompt", "none")...)).to().Get("error")
		}
		b.set(oidc.BrowserCookie, strings.Repeat("b", 43))
		if e := silent(); e != "interaction_required" {
			d.t.Errorf("a second factor is owed: %q", e)
		}
		name := secret.Digest([]byte(strings.Repeat("b", 43)))
		var token string
		d.Update(func(tx *db.Tx) (err error) {
			if _, err = session.See(tx, d.T(), who, [16]byte(name[16:]), session.Place{}); err == nil {
				token, err = session.Trust(tx, d.T(), who, [16]byte(name[16:]), time.Hour)
			}
			return err
		})
		b.set(oidc.TrustCookie, token)
		if e := silent(); e != "" {
			d.t.Errorf("a trusted browser: %q", e)
		}
		if e := silent("claims", essential(`"`+multi+`"`)); e != "interaction_required" {
			d.t.Errorf("trust in place of a level that must be: %q", e)
		}
		d.wait(time.Hour)
		if e := silent(); e != "interaction_required" {
			d.t.Errorf("trust that has run out: %q", e)
		}
	})
}

// appCode is what an authenticator app shows (RFC 6238).
func appCode(t *testing.T, key string, now time.Time) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, raw)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(now.Unix()/30)))
	sum := mac.Sum(nil)
	at := sum[19] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}

// TestSessionLimitsOfAnApplication: a sign-in that is too old or has rested too
// long answers other applications and not this one; a proof makes it good again.
func TestSessionLimitsOfAnApplication(t *testing.T) {
	each(t, func(d *desk) {
		strict, other := d.apps["web"], d.apps["spa"]
		d.change(strict, func(a *app.Application) {
			a.Settings.SessionIdle, a.Settings.SessionAbsolute = tenant.Duration(30*time.Minute), tenant.Duration(2*time.Hour)
		})
		b := d.browser()
		b.get(authorizeURL(strict)) // signs the newcomer in
		silent := func(c *client, extra ...string) string {
			return b.get(authorizeURL(c, append(extra, "prompt", "none")...)).to().Get("error")
		}
		for range 5 { // in use, it does not rest
			d.wait(20 * time.Minute)
			if e := silent(other); e != "" {
				d.t.Errorf("the other application: %q", e)
			}
			if e := silent(strict); e != "" {
				d.t.Errorf("a session in use: %q", e)
			}
		}
		d.wait(25 * time.Minute)
		if e, o := silent(strict, "max_age", "86400"), silent(other); e != "login_required" || o != "" {
			d.t.Errorf("after two hours: %q, the other application %q", e, o)
		}
		before := d.Clock.Now().Unix()
		token := d.claims(d.redeem(strict, b.code(strict)).text("id_token"))
		if int64(token["auth_time"].(float64)) < before {
			d.t.Error("the pages did not ask for a proof")
		}
		d.wait(31 * time.Minute)
		if e, o := silent(strict), silent(other); e != "login_required" || o != "" {
			d.t.Errorf("after a rest: %q, the other application %q", e, o)
		}
		before = d.Clock.Now().Unix()
		d.wait(31 * time.Minute)
		if token = d.claims(d.redeem(strict, b.code(strict)).text("id_token")); int64(token["auth_time"].(float64)) < before {
			d.t.Error("the pages let a rested session pass")
		}
	})
}

// TestRefreshEndsWithTheSignInsLimits: the application's session limits end its
// refresh tokens, counted from the customer's proof.
func TestRefreshEndsWithTheSignInsLimits(t *testing.T) {
	each(t, func(d *desk) {
		c := d.apps["web"]
		d.change(c, func(a *app.Application) { a.Settings.SessionAbsolute = tenant.Duration(2 * time.Hour) })
		got := d.tokens(c, "scope", "openid offline_access")
		d.wait(119 * time.Minute)
		next := d.refresh(c, got.text("refresh_token"))
		if next.status != 200 {
			d.t.Fatalf("in time: %d %s", next.status, next.raw)
		}
		d.wait(time.Minute)
		if late := d.refresh(c, next.text("refresh_token")); late.text("error") != "invalid_grant" {
			d.t.Errorf("too late: %d %s", late.status, late.raw)
		}
		if d.active(c, next.text("refresh_token")) {
			d.t.Error("introspection still knows the refresh token")
		}
	})
}

// TestDiscoveryNamesTheLevels: what can be asked for stands in the metadata.
func TestDiscoveryNamesTheLevels(t *testing.T) {
	each(t, func(d *desk) {
		told := d.get(oidc.PathDiscovery).json
		list, _ := told["acr_values_supported"].([]any)
		if !slices.Equal(list, []any{single, multi, resistant}) || told["claims_parameter_supported"] != true {
			d.t.Errorf("%v, claims %v", list, told["claims_parameter_supported"])
		}
	})
}
