package portal_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui/uitest"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/permit"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// authenticator is somebody's device with one passkey, and what its browser says.
type authenticator struct {
	virtualwebauthn.Authenticator
	key virtualwebauthn.Credential
}

func newAuthenticator() *authenticator {
	for {
		k := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
		if len(k.Key.AttestationData()) == 77 { // else a coordinate begins with a zero byte, which the library leaves out
			return &authenticator{virtualwebauthn.NewAuthenticator(), k}
		}
	}
}

// makes is the browser's answer to the options that the page fetched.
func (d *desk) makes(a *authenticator, options string) string {
	d.t.Helper()
	asked, err := virtualwebauthn.ParseAttestationOptions(options)
	if err != nil {
		d.t.Fatalf("%v\n%s", err, options)
	}
	rp := virtualwebauthn.RelyingParty{ID: d.Tenant().RPID, Name: d.Tenant().Name, Origin: d.URL}
	return virtualwebauthn.CreateAttestationResponse(rp, a.Authenticator, a.key, *asked)
}

// options are fetched as the page's script does.
func (d *desk) options(b *servertest.Browser) string {
	d.t.Helper()
	p := d.post(b, "/account/passkeys/options")
	if p.Status != 200 || !strings.HasPrefix(p.Header.Get("Content-Type"), "application/json") {
		d.t.Fatalf("options: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	return p.Body
}

// passkey adds a passkey.
func (d *desk) passkey(b *servertest.Browser, a *authenticator) *servertest.Page {
	d.t.Helper()
	p := d.at(b, "/account/passkeys/new")
	return p.Submit("account", fieldOf(p.Body, "account"), "credential", d.makes(a, d.options(b)))
}

// passkeysOf are the passkeys of an address.
func (d *desk) passkeysOf(address string) (list []credential.Passkey) {
	d.t.Helper()
	c := d.who(address).ID
	d.View(func(tx *db.Tx) (err error) { list, err = credential.Passkeys(tx, d.Tenant(), c); return err })
	return list
}

func (d *desk) appsOf(address string) (list []credential.TOTP) {
	d.t.Helper()
	c := d.who(address).ID
	d.View(func(tx *db.Tx) (err error) { list, err = credential.TOTPs(tx, d.Tenant(), c); return err })
	return list
}

// handleIn is the first handle of that name in the links of a page.
func (d *desk) handleIn(p *servertest.Page, name string) string {
	d.t.Helper()
	m := regexp.MustCompile(`[?]` + name + `=([A-Za-z0-9_-]+)`).FindStringSubmatch(p.Body)
	if m == nil {
		d.t.Fatalf("%s holds no %s", p.URL, name)
	}
	return m[1]
}

var shownKey = regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`)

// code is what an app with the key shows now, by RFC 6238 with its defaults.
func (d *desk) code(key string) string {
	d.t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		d.t.Fatal(err)
	}
	mac := hmac.New(sha1.New, raw)
	_ = binary.Write(mac, binary.BigEndian, d.Clock.Now().Unix()/30)
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// begins opens the page on which an app is set up, with its key.
func (d *desk) begins(b *servertest.Browser) (p *servertest.Page, key string) {
	d.t.Helper()
	p = d.post(b, "/account/two-step/app")
	d.is(p, 200, "/account/two-step/app")
	if key = shownKey.FindString(p.Text()); key == "" {
		d.t.Fatalf("no key is shown: %s", p.Text())
	}
	return p, key
}

// app sets up an authenticator app, and returns its key and the recovery codes.
func (d *desk) app(b *servertest.Browser) (key string, codes []string) {
	d.t.Helper()
	p, key := d.begins(b)
	p = p.Submit("code", d.code(key), "label", "Work phone")
	d.is(p, 200, "/account/two-step/confirm")
	d.Settle() // so that its notice is older than the next code
	return key, d.codes(p)
}

var shownCode = regexp.MustCompile(`<code dir="ltr">([^<]+)</code>`)

func (d *desk) codes(p *servertest.Page) (list []string) {
	d.t.Helper()
	for _, m := range shownCode.FindAllStringSubmatch(p.Body, -1) {
		list = append(list, m[1])
	}
	if len(list) != 10 {
		d.t.Fatalf("%d recovery codes at %s:\n%s", len(list), p.URL, p.Text())
	}
	return list
}

// second answers the question for the second step of a journey.
func (d *desk) second(p *servertest.Page, key string, more ...string) *servertest.Page {
	d.t.Helper()
	if !strings.HasPrefix(p.URL.Path, "/signin/") || !strings.Contains(p.Text(), "authenticator app") {
		d.t.Fatalf("no second step is asked: %d %s\n%s", p.Status, p.URL, p.Text())
	}
	d.Advance(30 * time.Second) // a code counts once
	return d.Finish(p.Submit(append([]string{"code", d.code(key)}, more...)...))
}

// enters signs in by a code to the address, up to where that leads.
func (d *desk) enters(b *servertest.Browser, address string) *servertest.Page {
	d.t.Helper()
	d.Advance(time.Minute)
	return d.Prove(d.get(b, "/signin"), address)
}

// redeem uses a recovery code up.
func (d *desk) redeem(address, code string) error {
	d.t.Helper()
	c := d.who(address).ID
	return d.DB.Update(context.Background(), func(tx *db.Tx) error { return credential.RedeemRecoveryCode(tx, d.Tenant(), c, code) })
}

// twin is another window of the same browser, as far as cookies go.
func (d *desk) twin(b *servertest.Browser) *servertest.Browser {
	d.t.Helper()
	w := servertest.NewBrowser(d.t)
	for _, name := range []string{"session", "browser", "trust"} {
		if value := b.Cookie(d.URL, name); value != "" {
			w.SetCookie(d.URL, cookie(name, value))
		}
	}
	return w
}

// rush sends a form from 50 windows at once, and counts the answers for which it
// counted.
func (d *desk) rush(b *servertest.Browser, path string, form url.Values, counts func(*servertest.Page) bool) (n int) {
	d.t.Helper()
	const windows = 50
	var begin, done sync.WaitGroup
	var lock sync.Mutex
	begin.Add(1)
	for range windows {
		w := d.twin(b)
		done.Go(func() {
			begin.Wait()
			if p := w.Post(d.URL+path, form); counts(p) {
				lock.Lock()
				n++
				lock.Unlock()
			}
		})
	}
	begin.Done()
	done.Wait()
	return n
}

func showsCodes(p *servertest.Page) bool {
	return strings.Contains(p.Text(), "They are shown only now")
}

func TestAnAppIsSetUpByACodeThatItShows(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.says(d.at(b, "/account/two-step"), "Two-step sign-in is off")
		p, key := d.begins(b)
		if !strings.Contains(p.Body, `role="img"`) || !strings.Contains(p.Body, "otpauth://totp/") {
			d.t.Error("there is no picture, or no way to an app on this device")
		}
		wrong := p.Submit("code", other(d.code(key)), "label", "Work phone")
		d.is(wrong, 422, "/account/two-step/confirm")
		d.says(wrong, "Wait for the next code in the app", key)
		if len(d.appsOf(mia)) != 0 || !strings.Contains(wrong.Body, `value="Work phone"`) {
			d.t.Error("a wrong code set an app up, or what was typed is lost")
		}
		d.Advance(time.Second)
		before := len(d.Inbox(mia))
		code := d.code(key)
		done := wrong.Submit("code", code[:3]+" "+code[3:])
		d.is(done, 200, "/account/two-step/confirm")
		d.says(done, "Your authenticator app is set up", "They are shown only now")
		codes := d.codes(done)
		if got := len(d.Inbox(mia)); got != before+1 {
			d.t.Errorf("%d messages about it", got-before)
		}
		if file := attribute(done.Body, "href", `download="recovery-codes.txt"`); !strings.Contains(file, codes[9]) || !strings.HasPrefix(file, "data:text/plain") {
			d.t.Errorf("the file is %q", file)
		}
		again := wrong.Submit("code", code) // the same form once more
		d.is(again, 200, "/account/two-step")
		d.says(again, "Two-step sign-in is on", "Work phone", "10 codes left")
		d.says(d.at(b, "/account/security"), "We ask for a code of your authenticator app")
		if err := d.redeem(mia, codes[0]); err != nil {
			d.t.Error(err)
		}
		d.is(d.get(b, "/account/two-step/app?app="+d.handleIn(again, "app")), 200, "/account/two-step") // its key is shown to nobody any more
	})
}

// other is a code that is not this one.
func other(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// attribute is the value of an attribute in the tag that holds the mark.
func attribute(body, name, mark string) string {
	for _, tag := range regexp.MustCompile(`<[^>]*`).FindAllString(body, -1) {
		if strings.Contains(tag, mark) {
			_, rest, _ := strings.Cut(tag, " "+name+`="`)
			value, _, _ := strings.Cut(rest, `"`)
			return html.UnescapeString(value)
		}
	}
	return ""
}

func TestH073_H089_GuessesAtANewAppAreCountedBeforeTheyAreLookedAt(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p, key := d.begins(b)
		form := url.Values{"app": {fieldOf(p.Body, "app")}, "code": {other(d.code(key))}, "label": {""}}
		looked := d.rush(b, "/account/two-step/confirm", form, func(p *servertest.Page) bool { return p.Status == 422 })
		if looked == 0 || looked > 10 {
			d.t.Errorf("%d of 50 guesses at once were looked at", looked)
		}
		limited := p.Submit("code", d.code(key))
		if limited.Status != 429 || limited.Header.Get("Retry-After") == "" {
			d.t.Errorf("after that: %d", limited.Status)
		}
		d.says(limited, "Too many tries", key)
	})
}

func TestH089_OneAppIsConfirmedOnce(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		p, key := d.begins(b)
		form := url.Values{"app": {fieldOf(p.Body, "app")}, "code": {d.code(key)}, "label": {""}}
		shown := d.rush(b, "/account/two-step/confirm", form, showsCodes)
		if shown != 1 || len(d.appsOf(mia)) != 1 {
			d.t.Errorf("recovery codes were shown %d times, %d apps", shown, len(d.appsOf(mia)))
		}
	})
}

func TestASetupThatWasBegunAnewOrTookTooLongIsDead(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		first, key := d.begins(b)
		second, newer := d.begins(b)
		p := first.Submit("code", d.code(key))
		d.is(p, 422, "/account/two-step/confirm")
		d.says(p, "This took too long", "Two-step sign-in is off")
		d.Advance(31 * time.Minute)
		p = d.confirms(second.Submit("code", d.code(newer)), mia) // the proof is old too
		d.is(p, 200, "/account/two-step")
		if len(d.appsOf(mia)) != 0 {
			d.t.Error("an app was set up with a dead key")
		}
	})
}

func TestH095_RemovingAnAppNeedsAFreshProofAndTheSecondFactor(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		key, codes := d.app(b)
		d.Advance(11 * time.Minute)
		page := d.at(b, "/account/two-step")
		handle := d.handleIn(page, "app")
		if p := d.post(b, "/account/two-step/remove", "app", handle); !strings.HasPrefix(p.URL.Path, "/signin/") || len(d.appsOf(mia)) != 1 {
			d.t.Fatalf("removed with an old proof: %d %s", p.Status, p.URL)
		}
		p := d.confirms(page.Follow("/account/two-step/remove"), mia)
		if len(d.appsOf(mia)) != 1 || strings.HasPrefix(p.URL.Path, "/account") {
			d.t.Fatalf("a code by mail alone is enough: %s", p.URL)
		}
		p = d.second(p, key)
		d.is(p, 200, "/account/two-step/remove")
		d.says(p, "This turns two-step sign-in off", "Your recovery codes stop working too", "cannot be undone")
		p = p.Submit("app", fieldOf(p.Body, "app"))
		d.is(p, 200, "/account/two-step")
		d.says(p, "The app is removed", "Two-step sign-in is off")
		if err := d.redeem(mia, codes[3]); !errors.Is(err, credential.ErrRecoveryCode) {
			d.t.Errorf("a recovery code outlives the last app: %v", err)
		}
		d.is(d.post(b, "/account/two-step/remove", "app", handle), 200, "/account/two-step") // a second press
	})
}

// H095: a session that is fresh, but of one factor, since its browser skips the
// second one, changes nothing.
func TestH095_H097_ABrowserThatSkipsTheSecondStepChangesNoFactorByThat(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		key, _ := d.app(b)
		d.post(b, "/account/signout")
		d.is(d.second(d.enters(b, mia), key, "trust", "on"), 200, "/account")
		d.post(b, "/account/signout")
		d.is(d.enters(b, mia), 200, "/account") // no second step is asked
		for _, path := range []string{
			"/account/passkeys/new", "/account/two-step/codes", "/account/password", "/account/close", "/account/addresses/add?kind=email",
			"/account/two-step/remove?app=" + d.handleIn(d.at(b, "/account/two-step"), "app"),
		} {
			if p := d.get(b, path); !strings.HasPrefix(p.URL.Path, "/signin/") {
				d.t.Errorf("%s opens without the second factor: %d %s", path, p.Status, p.URL)
			}
		}
		if p := d.post(b, "/account/passkeys/options"); p.Status != 409 {
			d.t.Errorf("options: %d", p.Status)
		}
		d.is(d.second(d.confirms(d.get(b, "/account/two-step/codes"), mia), key), 200, "/account/two-step/codes")
	})
}

// What a rule asks of an act holds for that act alone, and who has no way to it
// may put off setting one up for as long as the rule leaves time.
func TestARuleForFactorsIsAskedWhenTheTimeOfGraceIsOver(t *testing.T) {
	each(t, func(d *desk) {
		rules := []tenant.AssuranceRule{{Action: "factor", Need: "multi"}}
		d.Configure(func(s *tenant.Settings) { s.Assurance.Rules, s.Assurance.Grace = rules, tenant.Duration(24*time.Hour) })
		b := d.visitor(mia)
		d.is(d.Finish(d.confirms(d.get(b, "/account/passkeys/new"), mia)), 200, "/account/passkeys/new") // told once, and put off
		d.at(b, "/account/passkeys/new")
		d.Configure(func(s *tenant.Settings) { s.Assurance.Grace = 0 })
		d.at(b, "/account/password")
		p := d.get(b, "/account/passkeys/new")
		if p = d.confirms(p, mia); strings.HasPrefix(p.URL.Path, "/account") {
			d.t.Errorf("one factor leads to %s", p.URL)
		}
	})
}

func TestH094_NewRecoveryCodesKillTheOldOnes(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		_, old := d.app(b)
		if err := d.redeem(mia, old[0]); err != nil {
			d.t.Fatal(err)
		}
		d.Advance(time.Second)
		p := d.at(b, "/account/two-step/codes")
		d.says(p, "The 9 codes that are left stop working at once")
		d.silent(p, old[1], old[9])
		form := []string{"issue", fieldOf(p.Body, "issue")}
		shown := p.Submit(form...)
		d.is(shown, 200, "/account/two-step/codes")
		fresh := d.codes(shown)
		again := p.Submit(form...) // the same form once more does not make them worthless
		d.is(again, 200, "/account/two-step")
		d.says(again, "New recovery codes were made already", "10 codes left")
		d.silent(again, fresh[0])
		for _, code := range old {
			if err := d.redeem(mia, code); err == nil {
				d.t.Errorf("the old code %s still works", code)
			}
		}
		if err := d.redeem(mia, strings.ToUpper(strings.ReplaceAll(fresh[0], "-", " "))); err != nil {
			d.t.Error(err)
		}
		for _, code := range fresh[1:7] {
			if err := d.redeem(mia, code); err != nil {
				d.t.Error(err)
			}
		}
		d.says(d.at(b, "/account/two-step"), "Only 3 are left")
		d.says(d.at(b, "/account/security"), "3 codes left")
	})
}

func TestH094_OfFiftyFormsAtOnceOneMakesCodes(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.app(b)
		d.Advance(time.Second)
		p := d.at(b, "/account/two-step/codes")
		form := url.Values{"issue": {fieldOf(p.Body, "issue")}}
		shown := d.rush(b, "/account/two-step/codes", form, showsCodes)
		if shown != 1 {
			d.t.Errorf("codes were shown %d times", shown)
		}
	})
}

func TestRecoveryCodesBelongToAnApp(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.is(d.get(b, "/account/two-step/codes"), 200, "/account/two-step")
		for _, issue := range []string{"", "x", fieldOf(d.at(b, "/account/two-step").Body, "account")} {
			p := d.post(b, "/account/two-step/codes", "issue", issue)
			d.is(p, 200, "/account/two-step")
			d.silent(p, `<code dir="ltr">`)
		}
	})
}

func TestPasskeysAreAddedNamedAndRemoved(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.says(d.at(b, "/account/passkeys"), "You have no passkey yet")
		d.says(d.at(b, "/account/passkeys/new"), mia, "needs JavaScript")
		a, before := newAuthenticator(), len(d.Inbox(mia))
		p := d.passkey(b, a)
		d.is(p, 200, "/account/passkeys")
		d.says(p, "Your passkey is ready", "On one device", "Firefox on Linux", "Not used yet")
		if len(d.passkeysOf(mia)) != 1 || len(d.Inbox(mia)) != before+1 {
			d.t.Fatalf("%d passkeys, %d messages", len(d.passkeysOf(mia)), len(d.Inbox(mia))-before)
		}
		told := html.UnescapeString(p.Body)
		if id := virtual(a); !strings.Contains(told, `data-signal="signalAllAcceptedCredentials"`) || !strings.Contains(told, `"allAcceptedCredentialIds":["`+id+`"]`) {
			d.t.Errorf("the browser is not told of %s:\n%s", id, told)
		}
		edit := p.Follow("Rename")
		d.is(edit, 200, "/account/passkeys")
		bad := edit.Submit("label", " ")
		d.is(bad, 422, "/account/passkeys/rename")
		d.says(bad, "Enter a name of 1 to 64 characters")
		p = bad.Submit("label", " <b>My laptop</b> ")
		d.is(p, 200, "/account/passkeys")
		d.says(p, "The new name is saved", "<b>My laptop</b>")
		d.silent(p, "<b>My laptop")
		ask := p.Follow("/account/passkeys/remove")
		d.says(ask, "My laptop", "cannot be undone", "Delete it there too")
		gone := ask.Submit("passkey", fieldOf(ask.Body, "passkey"))
		d.is(gone, 200, "/account/passkeys")
		d.says(gone, "The passkey is removed", "You have no passkey yet")
		if !strings.Contains(html.UnescapeString(gone.Body), `"allAcceptedCredentialIds":[]`) {
			d.t.Error("the browser is not told to forget it")
		}
		d.is(ask.Submit("passkey", fieldOf(ask.Body, "passkey")), 200, "/account/passkeys") // a second press
		if len(d.passkeysOf(mia)) != 0 || len(d.Inbox(mia)) != before+2 {
			d.t.Errorf("%d passkeys, %d messages", len(d.passkeysOf(mia)), len(d.Inbox(mia))-before)
		}
	})
}

// virtual is the credential id, as it travels.
func virtual(a *authenticator) string { return base64.RawURLEncoding.EncodeToString(a.key.ID) }

func TestH106_APasskeyIsMadeForTheSessionThatAskedForIt(t *testing.T) {
	each(t, func(d *desk) {
		b, elsewhere, stranger := d.visitor(mia), d.visitor(mia), d.visitor(sam)
		a := newAuthenticator()
		made := d.makes(a, d.options(b))
		for _, c := range []struct {
			who  *servertest.Browser
			raw  string
			want string
		}{
			{elsewhere, made, "of another session"}, {stranger, made, "of somebody else"}, {b, "{}", "empty"}, {b, "", "absent"},
			{b, `{"id":"AAAA","type":"public-key"}`, "half"}, {b, strings.Replace(made, "a", "b", 3), "bent"},
		} {
			if p := d.post(c.who, "/account/passkeys", "credential", c.raw); p.Status != 422 || !strings.Contains(p.Text(), "Nothing was added") {
				d.t.Errorf("%s: %d %s", c.want, p.Status, p.URL)
			}
		}
		d.is(d.post(b, "/account/passkeys", "credential", made), 200, "/account/passkeys")
		again := d.post(b, "/account/passkeys", "credential", made) // the form came twice
		d.is(again, 200, "/account/passkeys")
		taken := d.post(stranger, "/account/passkeys", "credential", d.makes(a, d.options(stranger)))
		d.is(taken, 422, "/account/passkeys")
		d.says(taken, "in use already")
		if len(d.passkeysOf(mia)) != 1 || len(d.passkeysOf(sam)) != 0 {
			d.t.Errorf("%d and %d passkeys", len(d.passkeysOf(mia)), len(d.passkeysOf(sam)))
		}
	})
}

func TestH106_OfFiftyAnswersAtOnceOneIsKept(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		before := len(d.Inbox(mia))
		form := url.Values{"credential": {d.makes(newAuthenticator(), d.options(b))}}
		d.rush(b, "/account/passkeys", form, func(*servertest.Page) bool { return true })
		if len(d.passkeysOf(mia)) != 1 || len(d.Inbox(mia)) != before+1 {
			d.t.Errorf("%d passkeys, %d messages", len(d.passkeysOf(mia)), len(d.Inbox(mia))-before)
		}
	})
}

func TestPasskeysNeedAFreshProof(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		made := d.makes(newAuthenticator(), d.options(b))
		d.Advance(11 * time.Minute)
		if p := d.post(b, "/account/passkeys/options"); p.Status != 409 {
			d.t.Errorf("options with an old proof: %d %s", p.Status, p.URL)
		}
		for _, p := range []*servertest.Page{d.get(b, "/account/passkeys/new"), d.post(b, "/account/passkeys", "credential", made)} {
			if !strings.HasPrefix(p.URL.Path, "/signin/") {
				d.t.Errorf("%d %s", p.Status, p.URL)
			}
		}
		d.is(d.confirms(d.get(b, "/account/passkeys/new"), mia), 200, "/account/passkeys/new")
		d.passkey(b, newAuthenticator())
		d.Advance(11 * time.Minute)
		handle := d.handleIn(d.at(b, "/account/passkeys"), "passkey")
		if p := d.post(b, "/account/passkeys/remove", "passkey", handle); !strings.HasPrefix(p.URL.Path, "/signin/") || len(d.passkeysOf(mia)) != 1 {
			d.t.Errorf("removed with an old proof: %d %s", p.Status, p.URL)
		}
	})
}

func TestH109_H154_FactorsOfOthersAreNotThere(t *testing.T) {
	each(t, func(d *desk) {
		b, other := d.visitor(mia), d.visitor(sam)
		d.passkey(other, newAuthenticator())
		d.app(other)
		passkey, app := d.handleIn(d.at(other, "/account/passkeys"), "passkey"), d.handleIn(d.at(other, "/account/two-step"), "app")
		device := d.handleIn(d.at(other, "/account/devices"), "device")
		rawKey, rawApp := d.passkeysOf(sam)[0].ID.String(), d.appsOf(sam)[0].ID.String()
		for _, c := range [][]string{
			{"/account/passkeys/rename", "passkey", passkey, "label", "Mine"}, {"/account/passkeys/rename", "passkey", rawKey, "label", "Mine"},
			{"/account/passkeys/remove", "passkey", passkey}, {"/account/passkeys/remove", "passkey", rawKey}, {"/account/passkeys/remove"},
			{"/account/two-step/rename", "app", app, "label", "Mine"}, {"/account/two-step/remove", "app", app}, {"/account/two-step/remove", "app", rawApp},
			{"/account/two-step/confirm", "app", app, "code", "123456", "label", ""}, {"/account/two-step/remove", "app", passkey},
			{"/account/devices/ask", "device", device}, {"/account/devices/forget", "device", device}, {"/account/devices/forget", "device", "00"}, {"/account/devices/ask"},
		} {
			if p := d.post(b, c[0], c[1:]...); p.Status != 404 {
				d.t.Errorf("%v: %d %s", c, p.Status, p.URL)
			}
		}
		for _, path := range []string{
			"/account/passkeys?passkey=" + passkey, "/account/passkeys/remove?passkey=" + rawKey, "/account/two-step?app=" + app,
			"/account/two-step/app?app=" + app, "/account/two-step/remove?app=" + rawApp, "/account/devices/forget?device=" + device,
		} {
			if p := d.get(b, path); p.Status != 404 {
				d.t.Errorf("%s: %d", path, p.Status)
			}
		}
		if len(d.passkeysOf(sam)) != 1 || len(d.appsOf(sam)) != 1 {
			d.t.Error("somebody else was changed")
		}
		d.says(d.at(other, "/account/two-step"), "Work phone")
		d.says(d.at(other, "/account/devices"), "Firefox on Linux")
	})
}

// somebody with nothing but an address that was never confirmed, and a passkey.
func TestTheLastWayInStays(t *testing.T) {
	each(t, func(d *desk) {
		b := servertest.NewBrowser(d.t)
		d.Update(func(tx *db.Tx) error {
			c, err := customer.Register(tx, d.Tenant(), customer.New{Source: "test", Identifiers: []customer.NewIdentifier{{Kind: customer.Email, Value: mia}}})
			if err != nil {
				return err
			}
			may, err := permit.May(tx, d.Tenant(), permit.Ask{Customer: c.ID, Purpose: permit.ForSession})
			if err != nil {
				return err
			}
			token, _, err := session.Start(tx, d.Tenant(), may, session.New{Proofs: []session.Proof{{Method: session.Passkey}}})
			b.SetCookie(d.URL, cookie("session", token))
			return err
		})
		d.passkey(b, newAuthenticator())
		ask := d.at(b, "/account/passkeys").Follow("/account/passkeys/remove")
		p := ask.Submit("passkey", fieldOf(ask.Body, "passkey"))
		d.is(p, 422, "/account/passkeys/remove")
		d.says(p, "This is the only way into your account")
		if len(d.passkeysOf(mia)) != 1 {
			d.t.Fatal("the last way in is gone")
		}
		d.passkey(b, newAuthenticator())
		d.is(p.Submit("passkey", fieldOf(p.Body, "passkey")), 200, "/account/passkeys")
		if len(d.passkeysOf(mia)) != 1 {
			d.t.Errorf("%d passkeys", len(d.passkeysOf(mia)))
		}
	})
}

func TestH097_ATrustedBrowserIsSeenAndAskedAgain(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		key, _ := d.app(b)
		d.says(d.at(b, "/account/devices"), "Is asked for the second step", "This device")
		d.post(b, "/account/signout")
		d.is(d.second(d.enters(b, mia), key, "trust", "on"), 200, "/account")
		p := d.at(b, "/account/devices")
		d.says(p, "Skips the second step until")
		d.says(d.at(b, "/account/two-step"), "1 browser is not asked")
		d.post(b, "/account/signout")
		d.is(d.enters(b, mia), 200, "/account")
		p = d.at(b, "/account/devices").Submit("device", fieldOf(p.Body, "device"))
		d.is(p, 200, "/account/devices")
		d.says(p, "Is asked for the second step")
		d.post(b, "/account/signout")
		d.is(d.second(d.enters(b, mia), key), 200, "/account")
	})
}

func TestAForgottenBrowserIsSignedOut(t *testing.T) {
	each(t, func(d *desk) {
		b, phone := d.visitor(mia), d.visitor(mia)
		d.post(b, "/account/two-step/app")
		list := d.at(b, "/account/devices")
		handles := regexp.MustCompile(`forget[?]device=([A-Za-z0-9_-]+)`).FindAllStringSubmatch(list.Body, -1)
		if len(handles) != 2 {
			d.t.Fatalf("%d browsers are known", len(handles))
		}
		ask := d.get(b, "/account/devices/forget?device="+handles[1][1]) // this one stands first
		d.says(ask, "It is signed out")
		p := ask.Submit("device", fieldOf(ask.Body, "device"))
		d.is(p, 200, "/account/devices")
		if q := d.get(phone, "/account"); !strings.HasPrefix(q.URL.Path, "/signin/") {
			d.t.Errorf("the forgotten browser is still at %s", q.URL)
		}
		d.is(ask.Submit("device", fieldOf(ask.Body, "device")), 200, "/account/devices") // a second press
		own := d.get(b, "/account/devices/forget?device="+d.handleIn(d.at(b, "/account/devices"), "device"))
		d.says(own, "you are signed out at once")
		own.Submit("device", fieldOf(own.Body, "device"))
		if q := d.get(b, "/account"); !strings.HasPrefix(q.URL.Path, "/signin/") || b.Cookie(d.URL, "session") != "" {
			d.t.Errorf("this browser is still at %s", q.URL)
		}
	})
}

func TestTheCheckUpCountsWhatWouldGuardTheAccount(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.says(d.at(b, "/account/security"), "2 things to look at", "Add a passkey or a second step")
		d.says(d.at(b, "/account"), "2 things to look at")
		d.passkey(b, newAuthenticator())
		d.says(d.at(b, "/account/security"), "1 thing to look at", "You have 1 passkey.")
		d.Configure(func(s *tenant.Settings) { s.Passkeys.Off, s.SecondFactor.NoTOTP = true, true })
		d.says(d.at(b, "/account/passkeys"), "Passkeys") // what is there can be removed
		for _, path := range []string{"/account/passkeys/new", "/account/two-step"} {
			if p := d.get(b, path); p.Status != 404 {
				d.t.Errorf("%s: %d", path, p.Status)
			}
		}
		for _, path := range []string{"/account/passkeys/options", "/account/two-step/app"} {
			if p := d.post(b, path); p.Status != 404 {
				d.t.Errorf("POST %s: %d", path, p.Status)
			}
		}
	})
}

func TestBrowsersAreToldHowTheAccountIsCalledNow(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.silent(d.at(b, "/account/profile"), "data-signal")
		p := d.at(b, "/account/profile").Submit("name", "Mia Okafor")
		told := html.UnescapeString(p.Body)
		if !strings.Contains(told, `data-signal="signalCurrentUserDetails"`) || !strings.Contains(told, `"displayName":"Mia Okafor"`) || !strings.Contains(told, `"name":"`+mia+`"`) {
			d.t.Errorf("the browser is not told:\n%s", told)
		}
		d.silent(p, d.who(mia).ID.String())
	})
}

func TestEveryRealPageOfFactorsKeepsTheChecklist(t *testing.T) {
	each(t, func(d *desk) {
		b := d.visitor(mia)
		d.passkey(b, newAuthenticator())
		_, _ = d.app(b)
		d.Advance(time.Second)
		passkey, app := d.handleIn(d.at(b, "/account/passkeys"), "passkey"), d.handleIn(d.at(b, "/account/two-step"), "app")
		paths := []string{
			"/account/security", "/account/passkeys", "/account/passkeys?done=passkey", "/account/passkeys?passkey=" + passkey, "/account/passkeys/new",
			"/account/passkeys/remove?passkey=" + passkey, "/account/two-step", "/account/two-step?app=" + app, "/account/two-step/remove?app=" + app,
			"/account/two-step/codes", "/account/devices", "/account/devices/forget?device=" + d.handleIn(d.at(b, "/account/devices"), "device"),
		}
		for _, lang := range []string{"en", "de", "fr", "es", "ar"} {
			b.Lang = lang
			d.Advance(time.Second)
			setup := d.post(b, "/account/two-step/app")
			codes := d.at(b, "/account/two-step/codes")
			pages := []*servertest.Page{setup, codes.Submit("issue", fieldOf(codes.Body, "issue"))}
			for _, path := range paths {
				pages = append(pages, d.at(b, path))
			}
			for _, p := range pages {
				for _, told := range uitest.Lint(p.Body) {
					d.t.Errorf("%s, %s: %s", p.URL.Path, lang, told)
				}
				if p.Header.Get("Cache-Control") != "no-store" {
					d.t.Errorf("%s may be kept", p.URL.Path)
				}
			}
		}
	})
}
