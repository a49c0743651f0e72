package login_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// generator is an authenticator app with one key.
type generator struct {
	d   *door
	key []byte
}

// code is what the app shows, some steps from now (RFC 6238).
func (a generator) code(steps int64) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(a.d.Clock.Now().Unix()/30+steps))
	mac := hmac.New(sha1.New, a.key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1000000)
}

func newApp(d *door, secret string) generator {
	d.t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		d.t.Fatal(err)
	}
	return generator{d, key}
}

// app gives a customer an authenticator app and recovery codes.
func (d *door) app(c customer.ID) (a generator, codes []string) {
	var setup credential.TOTPSetup
	d.Update(func(tx *db.Tx) (err error) {
		setup, err = credential.BeginTOTP(tx, d.T(), c, "mia@example.test")
		return err
	})
	a = newApp(d, setup.Secret)
	d.Update(func(tx *db.Tx) (err error) {
		if err = credential.ConfirmTOTP(tx, d.T(), c, setup.ID, a.code(0)); err != nil {
			return err
		}
		codes, err = credential.IssueRecoveryCodes(tx, d.T(), c)
		return err
	})
	d.Wait(time.Minute) // that code is used
	return a, codes
}

// first gives the first proof, a code by mail.
func (b *browser) first(address string) *browser {
	b.d.t.Helper()
	b.get("/signin")
	if strings.Contains(b.body, `value="another"`) {
		b.step("choose", "action", "another")
	}
	b.step("identify", "identifier", address, "action", "continue").says(200, `name="code"`)
	return b.step("code", "code", rightCode)
}

func TestSecond_ByApp_WrongThenRight(t *testing.T) {
	t.Parallel()
	d := open(t)
	a, _ := d.app(d.mia("mia@example.test", ""))
	b := d.browser().first("mia@example.test")
	b.says(200, "Enter the code from your app", "autocomplete=\"one-time-code\"", "Try another way", "Use a recovery code", "mia@example.test", "/lost")
	if b.session() != "" {
		t.Fatal("one proof opened a session")
	}
	b.step("second", "code", "000000").says(422, "Wait for the next one in your app")
	b.step("second", "code", "").says(422, "Enter the 6-digit code")
	b.step("second", "action", "skip").says(200, "Enter the code from your app") // what is needed is not left out
	code := a.code(0)
	b.step("second", "code", code[:3]+" "+code[3:]).arrives("/account")
	var proofs []session.Proof
	held := d.sessions(b)
	d.View(func(tx *db.Tx) (err error) { proofs, err = session.Proofs(tx, held[0].Session); return err })
	if got := session.Assure(proofs); got.ACR != session.Multi {
		t.Errorf("the session is worth %+v", got)
	}
}

// TestH089_ACodeOfAnAppCountsOnce over the pages: again, in another browser,
// spelt otherwise, and one of before.
func TestH089_ACodeOfAnAppCountsOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	a, _ := d.app(d.mia("mia@example.test", ""))
	code, before := a.code(0), a.code(-1)
	d.browser().first("mia@example.test").step("second", "code", code).arrives("/account")
	d.Wait(time.Second)
	b := d.browser().first("mia@example.test")
	for _, spelt := range []string{code, " " + code, code[:3] + "-" + code[3:], code + "\t", before} {
		b.step("second", "code", spelt)
		if b.session() != "" {
			t.Fatalf("%q opened a session after it was used", spelt)
		}
	}
	b.says(422, "used already")
}

// TestH098_ManyPressesOfOneCodeOpenOneSession: in one journey, and in many.
func TestH098_ManyPressesOfOneCodeOpenOneSession(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.mia("mia@example.test", "")
	a, codes := d.app(c)
	for name, fields := range map[string][]string{"app": {"code", a.code(0)}, "recovery": {"recovery_code", codes[0]}} {
		var list []*browser
		for range 3 { // the budget of messages ends here
			list = append(list, d.browser().first("mia@example.test"))
			d.Wait(time.Hour)
		}
		if name == "app" {
			fields[1] = a.code(0)
		}
		for _, b := range list {
			if name == "recovery" {
				b.step("second", "way", "recovery")
			}
		}
		opened := 0
		var mu sync.Mutex
		var wait sync.WaitGroup
		for _, b := range list {
			wait.Go(func() {
				b.step("second", fields...)
				mu.Lock()
				defer mu.Unlock()
				if b.session() != "" {
					opened++
				}
			})
		}
		wait.Wait()
		if opened > 1 {
			t.Errorf("%s: one code opened %d sessions", name, opened)
		}
	}
}

func TestSecond_ByRecoveryCode_WorksOnce(t *testing.T) {
	t.Parallel()
	d := open(t)
	_, codes := d.app(d.mia("mia@example.test", ""))
	b := d.browser().first("mia@example.test").step("second", "way", "recovery")
	b.says(200, "Enter a recovery code", `name="recovery_code"`, "Use your authenticator app")
	b.step("second", "recovery_code", "").says(422, "Enter one of your recovery codes")
	b.step("second", "recovery_code", "aaaa-bbbb-cccc").says(422, "does not match")
	b.step("second", "recovery_code", strings.ToUpper(codes[0])).arrives("/account")
	b = d.browser().first("mia@example.test").step("second", "way", "recovery")
	b.step("second", "recovery_code", codes[0]).says(422, "used already")
}

func TestSecond_ByTextMessage_IsSentWhenAskedFor(t *testing.T) {
	t.Parallel()
	d := open(t, func(s *tenant.Settings) {
		s.SecondFactor.SMS, s.Identifiers.Phone, s.Identifiers.PhoneRegion = true, true, "GB"
		s.Assurance.Rules = []tenant.AssuranceRule{{Need: "multi"}}
	})
	c := d.mia("mia@example.test", "")
	d.Update(func(tx *db.Tx) error {
		return customer.AddIdentifier(tx, d.T(), c, customer.NewIdentifier{Kind: customer.Phone, Value: "+4915123456789", Verified: true})
	})
	b := d.browser().first("mia@example.test")
	b.says(200, "Get a code by text message", `value="send"`)
	if strings.Contains(b.body, "4915123456789") {
		t.Error("the whole number is shown")
	}
	before := d.jobs()
	b.step("second", "action", "send").says(200, "Enter the code we texted", "data-resend")
	if d.jobs() != before+1 {
		t.Errorf("%d messages", d.jobs()-before)
	}
	b.step("second", "action", "send").says(429, "sent just now")
	b.step("second", "code", "111111").says(422, "newest text message")
	d.Wait(31 * time.Second)
	b.step("second", "action", "send").says(200, "We have sent a new code")
	b.step("second", "code", rightCode).arrives("/account")
}

// TestH097_ATrustedDeviceIsTheServersToDecide: trusted, then skipped, then not.
func TestH097_ATrustedDeviceIsTheServersToDecide(t *testing.T) {
	t.Parallel()
	d := open(t)
	c := d.mia("mia@example.test", "")
	a, _ := d.app(c)
	b := d.browser().first("mia@example.test").says(200, "ask on this device for 30 days")
	b.step("second", "code", a.code(0), "trust", "on").arrives("/account")
	b.first("mia@example.test").arrives("/account") // not asked
	other := d.browser()
	other.cookies["__Host-trust"] = b.cookies["__Host-trust"]
	other.first("mia@example.test").says(200, "Enter the code from your app") // stolen
	d.Update(func(tx *db.Tx) error { return session.DistrustAll(tx, d.T(), c) })
	d.Wait(time.Hour)
	b.first("mia@example.test").says(200, "Enter the code from your app")
	d.Settings(func(s *tenant.Settings) { s.SecondFactor.NoTrust = true })
	if b.get(b.address); strings.Contains(b.body, `name="trust"`) {
		t.Error("a tenant that trusts none offers it")
	}
}

func TestSecond_TooManyWrongCodesWait_AndNobodyElseIsLockedOut(t *testing.T) {
	t.Parallel()
	d := open(t)
	a, _ := d.app(d.mia("mia@example.test", ""))
	b := d.browser().first("mia@example.test")
	for range 10 {
		b.step("second", "code", "000000")
	}
	b.step("second", "code", a.code(0)).says(429, "Too many tries")
	d.Wait(30 * time.Minute)
	own := d.browser()
	own.peer = "198.51.100.4:9"
	own.first("mia@example.test").step("second", "code", a.code(0)).arrives("/account")
}

// TestH091_NoWayInLeavesTheSecondFactorOut: whatever the first proof was.
func TestH091_NoWayInLeavesTheSecondFactorOut(t *testing.T) {
	t.Parallel()
	for name, walk := range map[string]func(*door, *browser){
		"code": func(d *door, b *browser) { b.first("mia@example.test") },
		"password": func(d *door, b *browser) {
			b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "password")
			b.step("password", "password", long)
		},
		"link": func(d *door, b *browser) {
			b.get("/signin").step("identify", "identifier", "mia@example.test", "action", "continue")
			b.post("/signin/link", "t", d.link(b), "action", "continue")
		},
		"recovery": func(d *door, b *browser) { // H095: before a new password can be chosen
			b.get("/signin?recover=1").step("identify", "identifier", "mia@example.test", "action", "continue")
			b.step("code", "code", rightCode)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t, func(s *tenant.Settings) { s.Password.Alone = true })
			a, _ := d.app(d.mia("mia@example.test", long))
			b := d.browser()
			walk(d, b)
			b.says(200, "Enter the code from your app")
			for _, word := range []string{"continue", "reset", "offer", "enrol", "reopen", "consent", "terms", "profile"} {
				b.step(word, "action", "continue", "new_password", "another long password", "code", "1")
				if b.session() != "" {
					t.Fatalf("%s opened a session", word)
				}
			}
			b.get(regexp.MustCompile(`/signin/flo_[0-9a-z]+`).FindString(b.address)).says(200, "Enter the code from your app")
			b.step("second", "code", a.code(0))
			if name == "recovery" {
				b.says(200, `name="new_password"`)
				b.step("reset", "new_password", "a new and quite long password").arrives("/account")
			}
			b.arrives("/account")
		})
	}
}

// A passkey is one button beside the other ways, and somebody else's opens nothing.
func TestSecond_ByPasskey_OfThatCustomerAlone(t *testing.T) {
	t.Parallel()
	d := open(t)
	mine, hers := d.equipped("mia@example.test"), d.equipped("sam@example.test")
	d.app(d.holder("mia@example.test").ID)
	d.Wait(2 * time.Hour)
	b := d.browser().first("mia@example.test").says(200, "Enter the code from your app", `data-passkey="get"`)
	options := b.options("passkey")
	if !strings.Contains(options, "allowCredentials") {
		t.Errorf("the browser is not told which: %s", options)
	}
	b.step("passkey", "credential", hers.get(t, options)).says(422)
	if b.session() != "" {
		t.Fatal("somebody else's passkey was the second factor")
	}
	b.step("passkey", "credential", mine.get(t, b.options("passkey")), "trust", "on").arrives("/account")
	b.first("mia@example.test").arrives("/account") // the tick went along with the passkey
}
