package e2e

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	endian "encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// keyring is a device of the tab's that keeps passkeys, as a phone with a synced
// password manager does.
type keyring struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// Keyring gives the tab such a device. Whether somebody touches it is for Touch
// to say.
func (t *Tab) Keyring() *keyring {
	t.TB.Helper()
	t.do(call(webauthn.Enable, webauthn.EnableParams{}))
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		DefaultBackupEligibility: true, DefaultBackupState: true,
	}})
	t.ok(err)
	return &keyring{t, made.AuthenticatorID}
}

// Touch says whether the device is touched when something asks for it.
func (k *keyring) Touch(yes bool) {
	k.tab.TB.Helper()
	k.tab.do(call(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: k.id, Enabled: yes}))
}

// Lift touches the device while something waits for that, and from then on. The
// browser answers only when the page has gone on, so nothing is waited for.
func (k *keyring) Lift() {
	ctx, stop := context.WithTimeout(k.tab.ctx, 20*tick)
	defer stop()
	_ = chromedp.Do(ctx, call(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: k.id, Enabled: true}))
}

// Passkeys are those that the device keeps.
func (k *keyring) Passkeys() []*webauthn.Credential {
	k.tab.TB.Helper()
	ctx, stop := context.WithTimeout(k.tab.ctx, patience)
	defer stop()
	got, err := chromedp.Call(ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: k.id})
	k.tab.ok(err)
	return got.Credentials
}

func TestAPasskeyIsAddedUsedRenamedAndRemoved(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := signedIn(t, h, View{})
	ring := tab.Keyring()
	tab.Goto(h.URL + "/account/security")
	tab.Press("Add a passkey")
	tab.Expect("You have no passkey yet")
	tab.Press("Add a passkey")
	tab.Expect("mia@example.test")
	tab.Missing("needs JavaScript")
	tab.Axe()
	tab.Press("Create a passkey")
	tab.At(h.URL + "/account/passkeys?done=passkey")
	tab.Expect("Your passkey is ready", "Synced", "Not used yet")
	if n := len(ring.Passkeys()); n != 1 {
		t.Fatalf("the device keeps %d passkeys", n)
	}
	tab.Goto(h.URL + "/account/passkeys/new")
	tab.Click(tab.Control("Create a passkey")) // the device has one already, and says so
	tab.Wait("the word that there is one", `document.getElementById('live').textContent.includes('already has a passkey')`)
	tab.At(h.URL + "/account/passkeys/new")
	tab.Goto(h.URL + "/account/passkeys")
	tab.Press("Rename")
	tab.Fill("label", "Mia's phone")
	tab.Press("Save name")
	tab.Expect("The new name is saved", "Mia's phone")

	tab.Submit(`form[action="/account/signout"] button`)
	ring.Touch(false) // or autofill would sign in by itself
	tab.Goto(h.URL + "/signin")
	tab.leave("the touch", func() { tab.Click(tab.Control("Sign in with a passkey")); ring.Lift() })
	tab.At(h.URL + "/account")

	tab.Goto(h.URL + "/account/passkeys")
	tab.Missing("Not used yet")
	tab.Press("Remove Mia's phone")
	tab.Expect("“Mia's phone” will no longer sign you in")
	tab.Press("Remove passkey")
	tab.Expect("The passkey is removed", "You have no passkey yet")
	for range 100 {
		if len(ring.Passkeys()) == 0 {
			return
		}
		time.Sleep(tick)
	}
	t.Error("the browser was not told to forget the passkey")
}

func TestMakingAPasskeyCanBeLeftCalmly(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := signedIn(t, h, View{})
	ring := tab.Keyring()
	ring.Touch(false)
	tab.do(call(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: ring.id, IsUserVerified: false}))
	ring.Touch(true) // touched, and the PIN was wrong
	tab.Goto(h.URL + "/account/passkeys/new")
	tab.Click(tab.Control("Create a passkey"))
	tab.Wait("a calm word", `document.getElementById('live').textContent.includes('No passkey was created')`)
	tab.At(h.URL + "/account/passkeys/new")
	if tab.Sees(".summary") {
		t.Error("it is told as an error")
	}
}

func TestWithoutScriptsThePageOfAPasskeySaysWhy(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := signedIn(t, h, View{NoScript: true})
	tab.Goto(h.URL + "/account/passkeys/new")
	tab.Expect("Making a passkey needs JavaScript")
	if tab.Sees("[data-passkey]") {
		t.Error("there is a button that does nothing")
	}
}

func TestTwoStepSignIn(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]View{"WithScripts": {}, "WithoutScripts": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			twoSteps(t, Build(t), v)
		})
	}
}

func twoSteps(t *testing.T, h *House, v View) {
	tab := signedIn(t, h, v)
	tab.Goto(h.URL + "/account/two-step")
	tab.Press("Add an authenticator app")
	if !v.NoScript {
		tab.Axe()
	}
	key := tab.Text(".copy code")
	tab.Fill("code", h.shows(key))
	tab.Press("Turn on")
	tab.Expect("Your recovery codes", "They are shown only now")
	codes := strings.Fields(tab.Text(".codes"))
	if len(codes) != 10 {
		t.Fatalf("the codes are %q", codes)
	}
	if v.NoScript && tab.Sees("[data-print]") {
		t.Error("there is a button that does nothing")
	}
	if !v.NoScript {
		tab.Axe()
	}
	tab.Press("I have kept them")
	tab.Expect("Two-step sign-in is on", "10 codes left")

	tab.Submit(`form[action="/account/signout"] button`)
	h.Advance(time.Minute)
	tab.Goto(h.URL + "/signin")
	h.Enter(tab, "mia@example.test")
	tab.Fill("code", h.shows(key))
	tab.Send("code")
	tab.At(h.URL + "/account")
	tab.Goto(h.URL + "/account/two-step")
	tab.Press("Remove")
	tab.Expect("This turns two-step sign-in off")
	tab.Press("Remove authenticator app")
	tab.Expect("The app is removed", "Two-step sign-in is off")
}

// shows is what an app with the key shows at this moment (RFC 6238).
func (h *House) shows(key string) string {
	h.TB.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		h.TB.Fatalf("%q is no key: %v", key, err)
	}
	mac := hmac.New(sha1.New, raw)
	_ = endian.Write(mac, endian.BigEndian, h.DB.Now().Unix()/30)
	sum := mac.Sum(nil)
	return fmt.Sprintf("%06d", endian.BigEndian.Uint32(sum[sum[19]&15:])&0x7fffffff%1_000_000)
}
