package e2e

import (
	"strings"
	"testing"
)

// Chromium applies form-action to every redirect after a POST: the page of a
// journey has to name where its application is, or the last step is silently
// blocked (ui.md 51).
func TestTheLastPostReachesTheApplication(t *testing.T) {
	t.Parallel()
	h := BuildAt(t, Hosts{Issuer: "id.localhost", Shop: "shop.localhost"})
	tab := Open(t, View{})
	buy(tab, h)
	policy := tab.Last().Header["content-security-policy"]
	for _, want := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self' " + h.Shop,
		"base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
	} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy allows something unsafe: %s", policy)
	}
	h.Enter(tab, "mia@example.test")
	tab.At(h.Shop + "/orders")
}

// A page that opens sign-in in a window of its own hears back from it.
func TestAnApplicationMaySignInInAPopup(t *testing.T) {
	t.Parallel()
	h := BuildAt(t, Hosts{Issuer: "id.localhost", Shop: "shop.localhost"})
	tab := Open(t, View{})
	buy(tab, h)
	if got := tab.Last().Header["cross-origin-opener-policy"]; got != "unsafe-none" {
		t.Errorf("sign-in pages have the opener policy %q", got)
	}
	h.Enter(tab, "mia@example.test")
	tab.Goto(h.URL + "/account")
	if got := tab.Last().Header["cross-origin-opener-policy"]; got != "same-origin" {
		t.Errorf("the account has the opener policy %q", got)
	}
}

// After signing out, the Back button shows nobody's data (H158).
func TestH158_TheBackButtonShowsNothingAfterSigningOut(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := signedIn(t, h, View{})
	tab.Goto(h.URL + "/account/security")
	tab.Goto(h.URL + "/account/profile")
	tab.Expect("mia@example.test")
	tab.Submit(`header form button`)
	tab.Missing("mia@example.test")
	for range 3 {
		tab.Back()
		tab.Missing("mia@example.test")
	}
}

// The Back button, a reload, a second window and an old page always lead to a
// page that says what to do (ui.md 49).
func TestBackReloadAndOldPagesMakeSense(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	buy(tab, h)
	door := tab.URL()
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	tab.Back()
	tab.Wait("the front door or the code", `document.querySelector('[name=identifier],[name=code]')`)
	tab.Goto(door)
	tab.Reload()
	second := tab.Sibling()
	second.Goto(door)
	h.Prove(second, "mia@example.test")
	second.At(h.Shop + "/orders")
	tab.Fill("code", "123456")
	tab.Send("code") // the journey is over
	if a := tab.Last(); a.Status >= 500 || tab.Heading() == "" {
		t.Errorf("an old page answers %d", a.Status)
	}
	tab.Goto(door)
	if a := tab.Last(); a.Status >= 500 || tab.Heading() == "" {
		t.Errorf("an ended journey answers %d", a.Status)
	}
	tab.Goto(h.URL + "/nowhere")
	if a := tab.Last(); a.Status != 404 || tab.Heading() == "" {
		t.Errorf("a page that is not there answers %d", a.Status)
	}
	tab.Axe()
}

// A second press of a button does nothing twice.
func TestADoubleClickSendsOnce(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	buy(tab, h)
	tab.Fill("identifier", "mia@example.test")
	tab.leave("a double click", func() {
		Ask[bool](tab, `(b => { b.click(); b.click(); return true })(document.querySelector('form:has([name=identifier]) button'))`)
	})
	tab.Wait("the code page", `document.querySelector('[name=code]')`)
	if n := len(h.Inbox("mia@example.test")); n != 1 {
		t.Errorf("a double click sent %d messages", n)
	}
	h.Prove(tab, "mia@example.test")
	tab.At(h.Shop + "/orders")
}
