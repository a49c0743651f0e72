package login_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

var manualKey = regexp.MustCompile(`data-copy="([A-Z2-7 ]+)"`)

func needing(grace time.Duration) func(*tenant.Settings) {
	return func(s *tenant.Settings) {
		s.Assurance.Rules, s.Assurance.Grace = []tenant.AssuranceRule{{Need: "multi"}}, tenant.Duration(grace)
	}
}

func TestEnrol_ByApp_SurvivesReloads_AndShowsTheCodesOnce(t *testing.T) {
	t.Parallel()
	d := open(t, needing(0))
	d.mia("mia@example.test", "")
	b := d.browser().first("mia@example.test").says(200, "Add a second step", "Use an authenticator app")
	if strings.Contains(b.body, `data-passkey="create"`) || strings.Contains(b.body, `value="skip"`) {
		t.Error("it offers a passkey where there are none, or to leave out what is needed")
	}
	b.step("enrol", "action", "skip").says(200, "Add a second step")
	b.step("enrol", "action", "app").says(200, "Set up your authenticator app", `<svg role="img"`, `href="otpauth://totp/`)
	key := manualKey.FindStringSubmatch(b.body)[1]
	b.get(b.address).says(200, key)
	b.step("enrol", "code", "000000", "action", "continue").says(422, key, "does not match")
	b.get(strings.TrimSuffix(b.address, "/enrol")+"?other=1").says(200, "Add a second step", "Use an authenticator app")
	b.step("enrol", "code", newApp(d, key).code(0), "action", "continue").says(200, "Save your recovery codes", "data:text/plain")
	codes := regexp.MustCompile(`<li><code>([^<]+)</code>`).FindAllStringSubmatch(b.body, -1)
	if len(codes) != 10 || b.session() != "" {
		t.Fatalf("%d codes, session %q", len(codes), b.session())
	}
	b.step("enrol", "code", "123456", "action", "continue") // the page loaded again
	if strings.Contains(b.body, codes[0][1]) {
		t.Error("the codes are shown twice")
	}
	b.step("continue", "action", "continue").arrives("/account")
	d.Wait(time.Minute)
	next := d.browser().first("mia@example.test").says(200, "Enter the code from your app").step("second", "way", "recovery")
	next.step("second", "recovery_code", codes[3][1]).arrives("/account")
}

func TestEnrol_CanBePutOff_ForAsLongAsThePolicySays(t *testing.T) {
	t.Parallel()
	d := open(t, needing(7*24*time.Hour))
	d.mia("mia@example.test", "")
	d.browser().first("mia@example.test").says(200, "Add a second step", "You can put this off until").step("enrol", "action", "skip").arrives("/account")
	d.Wait(6 * 24 * time.Hour)
	d.browser().first("mia@example.test").says(200, "You can put this off until").step("enrol", "action", "skip").arrives("/account")
	d.Wait(25 * time.Hour)
	b := d.browser().first("mia@example.test").says(200, "Add a second step")
	if strings.Contains(b.body, `value="skip"`) {
		t.Error("it can be put off for ever")
	}
	if b.step("enrol", "action", "skip"); b.session() != "" {
		t.Error("a posted skip gets past it")
	}
}

func TestEnrol_ByPasskey_IsTheSecondFactor(t *testing.T) {
	t.Parallel()
	d := open(t, needing(0), func(s *tenant.Settings) { s.Password.Alone = true })
	d.mia("mia@example.test", long)
	b, k := d.browser(), d.device()
	b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password", "passkeys", "1")
	b.step("password", "password", long)
	if strings.Contains(b.body, `name="code"`) { // a password that is to be followed by more
		b.step("code", "code", rightCode)
	}
	b.says(200, "Add a second step", `data-passkey="create"`)
	b.step("offer", "credential", k.create(t, b.options("offer"))).says(200, "Your passkey is ready")
	b.step("continue", "action", "continue").arrives("/account")
	c := d.holder("mia@example.test").ID
	d.View(func(tx *db.Tx) error {
		list, err := credential.Passkeys(tx, d.T(), c)
		if len(list) != 1 {
			t.Errorf("%d passkeys", len(list))
		}
		return err
	})
}

func TestEnrol_BegunTooLongAgo_BeginsAgain(t *testing.T) {
	t.Parallel()
	d := open(t, needing(0))
	d.mia("mia@example.test", "")
	b := d.browser().first("mia@example.test").step("enrol", "action", "app")
	key := manualKey.FindStringSubmatch(b.body)[1]
	d.Wait(14 * time.Minute)
	b.step("enrol", "code", newApp(d, key).code(0), "action", "continue").says(200, "Save your recovery codes")
}
