package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// phone is the tab's own authenticator, with a fingerprint reader and a synced
// password manager.
type phone struct {
	tab *Tab
	id  webauthn.AuthenticatorID
}

// Phone gives the tab one. Touched tells whether a finger lies on it already.
func (t *Tab) Phone(touched bool) *phone {
	t.TB.Helper()
	t.do(call(webauthn.Enable, webauthn.EnableParams{}))
	ctx, stop := context.WithTimeout(t.ctx, patience)
	defer stop()
	made, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: touched,
		DefaultBackupEligibility: true, DefaultBackupState: true,
	}})
	t.ok(err)
	return &phone{t, made.AuthenticatorID}
}

// touch lays a finger on the phone, or takes it away. The page may go on at once.
func (p *phone) touch(yes bool) {
	ctx, stop := context.WithTimeout(p.tab.ctx, patience)
	defer stop()
	_ = chromedp.Do(ctx, call(webauthn.SetAutomaticPresenceSimulation, webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: p.id, Enabled: yes}))
}

// stranger has the phone not know whose finger that is.
func (p *phone) stranger() {
	p.tab.do(call(webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: p.id, IsUserVerified: false}))
}

// forge has the phone sign with nothing.
func (p *phone) forge() {
	p.tab.do(call(webauthn.SetResponseOverrideBits, webauthn.SetResponseOverrideBitsParams{AuthenticatorID: p.id, IsBogusSignature: new(true)}))
}

func (p *phone) keys() int {
	p.tab.TB.Helper()
	ctx, stop := context.WithTimeout(p.tab.ctx, patience)
	defer stop()
	got, err := chromedp.Call(ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: p.id})
	p.tab.ok(err)
	return len(got.Credentials)
}

// settle waits until the page knows what the browser can.
func (t *Tab) settle() {
	t.TB.Helper()
	t.Wait("the page's script", `document.querySelector('[name=passkeys]')?.value === '1'`)
}

// takePasskey signs an address up, makes a passkey at the offer, and signs out.
func takePasskey(t *testing.T, h *House, tab *Tab, address string) *phone {
	t.Helper()
	p := tab.Phone(true)
	tab.Goto(h.URL + "/signin")
	tab.settle()
	h.Enter(tab, address)
	tab.Expect("Sign in faster next time", address)
	tab.Press("Create a passkey")
	tab.Expect("Your passkey is ready")
	tab.Act("action", "continue")
	tab.At(h.URL + "/account")
	if n := p.keys(); n != 1 {
		t.Fatalf("the phone keeps %d passkeys", n)
	}
	p.touch(false)
	leaveHouse(tab, h)
	return p
}

// leaveHouse signs out and has the browser forget the account, so that the next
// sign-in begins at the field.
func leaveHouse(tab *Tab, h *House) {
	tab.TB.Helper()
	tab.Goto(h.URL + "/signout")
	tab.Submit(`main form button`)
	tab.Goto(h.URL + "/signin")
	if tab.Sees(`button[value=another]`) {
		tab.Act("action", "another")
	}
}

func TestPasskeyIsOfferedMadeAndFilledIn(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	p := takePasskey(t, h, tab, "mia@example.test")
	p.touch(true) // who picks the row of autofill touches next
	tab.Goto(h.URL + "/signin")
	tab.Wait("the account, with nothing typed", `location.pathname.startsWith('/account')`)
	tab.Expect("mia@example.test")
}

func TestPasskeyButtonSignsIn(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{Width: 390})
	p := takePasskey(t, h, tab, "mia@example.test")
	tab.Goto(h.Shop + "/")
	order(tab, h.Shop)
	tab.settle()
	tab.Click(tab.Control("Sign in with a passkey"))
	time.Sleep(10 * tick)
	p.touch(true)
	tab.Wait("the shop", `location.pathname.startsWith('/orders')`)
	tab.Expect("Thank you, mia@example.test")
}

func TestPasskeyOfAStrangersFingerOpensNothing(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	p := takePasskey(t, h, tab, "mia@example.test")
	p.stranger()
	tab.Goto(h.URL + "/signin")
	tab.settle()
	tab.Click(tab.Control("Sign in with a passkey"))
	time.Sleep(10 * tick)
	p.touch(true)
	tab.Wait("calm words", `document.getElementById('live').textContent.includes('was cancelled')`)
	if tab.Sees(".summary") || tab.Sees("[data-passkey][aria-disabled]") {
		t.Error("a cancelled passkey is told as an error, or the button stays dead")
	}
	tab.At(h.URL + "/signin/")
}

func TestPasskeyWithABogusSignatureOpensNothing(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Pardon("422")
	p := takePasskey(t, h, tab, "mia@example.test")
	tab.Goto(h.URL + "/signin")
	tab.settle()
	p.forge()
	tab.Click(tab.Control("Sign in with a passkey"))
	time.Sleep(10 * tick)
	p.touch(true)
	tab.Wait("the refusal", `document.body.innerText.includes('did not work with the passkey')`)
	p.touch(false)
	tab.At(h.URL + "/signin/")
}

func TestPasskeyThatWasRemovedIsForgottenByTheBrowser(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Pardon("422")
	p := takePasskey(t, h, tab, "mia@example.test")
	h.Update(func(tx *db.Tx) error {
		c, _, err := customer.ByIdentifier(tx, h.Tenant(), customer.Email, "mia@example.test")
		if err != nil {
			return err
		}
		list, err := credential.Passkeys(tx, h.Tenant(), c.ID)
		if err == nil {
			_, err = credential.RemovePasskey(tx, h.Tenant(), c.ID, list[0].ID)
		}
		return err
	})
	tab.Goto(h.URL + "/signin")
	tab.settle()
	tab.Click(tab.Control("Sign in with a passkey"))
	time.Sleep(10 * tick)
	p.touch(true)
	tab.Wait("what to do", `document.body.innerText.includes('no longer belongs to an account here')`)
	deadline := time.Now().Add(patience)
	for p.keys() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the browser goes on offering it")
		}
		time.Sleep(tick)
	}
}

func TestPasskeyIsASecondFactor(t *testing.T) {
	t.Parallel()
	h := Build(t)
	h.Password("sam@example.test", longPassword)
	h.Configure(func(s *tenant.Settings) { s.Assurance.Rules = []tenant.AssuranceRule{{Need: "multi"}} })
	tab := Open(t, View{})
	p := tab.Phone(true)
	tab.Goto(h.URL + "/signin")
	tab.settle()
	tab.Fill("identifier", "sam@example.test")
	tab.Act("action", "password")
	tab.Fill("password", longPassword)
	tab.Send("password")
	if tab.Has("code") { // the password is followed by more, as long as there is no better
		h.Prove(tab, "sam@example.test")
	}
	tab.Expect("Add a second step")
	tab.Press("Create a passkey")
	tab.Act("action", "continue")
	tab.At(h.URL + "/account")
	p.touch(false)
	leaveHouse(tab, h)
	tab.settle()
	tab.Fill("identifier", "sam@example.test")
	tab.Act("action", "password")
	tab.Fill("password", longPassword)
	tab.Send("password")
	tab.Expect("Use your passkey")
	p.touch(true)
	tab.Click(tab.Control("Use a passkey"))
	tab.Wait("the account", `location.pathname.startsWith('/account')`)
}
