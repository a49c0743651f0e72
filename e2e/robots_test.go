package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/core/risk"
)

// besiege puts the house under attack, as guesses at ever new accounts from
// everywhere do.
func besiege(t *testing.T, h *House) {
	t.Helper()
	for i := range 140 {
		tries := risk.PasswordTry(fmt.Sprint("nobody", i), fmt.Sprintf("198.18.0.%d", i))
		if err := risk.Reserve(t.Context(), h.DB, h.Tenant(), tries...); err != nil {
			t.Fatal(err)
		}
	}
}

// Under attack somebody with a password signs in as ever: the browser does its
// work in a worker, which the page's policy and its trusted types let in, and a
// press of the button that comes before the work is done waits for it.
func TestUnderAttackABrowserWorksUnseen(t *testing.T) {
	t.Parallel()
	h := Build(t)
	h.Password("mia@example.test", longPassword)
	besiege(t, h)
	tab := Open(t, View{})
	tab.Goto(h.URL + "/signin")
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	tab.Wait("the work", `document.querySelector('input[name=work]')?.value.length === 86`)
	tab.Axe()
	tab.Fill("password", longPassword)
	tab.Send("password")
	tab.At(h.URL + "/account")
	tab.Quiet()
}

// At rest the password page works ahead as well, and a wrong password gives it
// new work.
func TestAtRestThePasswordPageWorksAhead(t *testing.T) {
	t.Parallel()
	h := Build(t)
	h.Password("mia@example.test", longPassword)
	tab := Open(t, View{})
	tab.Goto(h.URL + "/signin")
	if got := tab.Last().Header["content-security-policy"]; strings.Contains(got, "worker-src") {
		t.Error("the front door works at rest")
	}
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	done := `document.querySelector('input[name=work]')?.value.length === 86`
	tab.Wait("the work", done)
	value := `document.querySelector('input[name=work]').value`
	first := Ask[string](tab, value)
	tab.Fill("password", "wrong "+longPassword)
	tab.Send("password")
	tab.Wait("new work", done)
	if Ask[string](tab, value) == first {
		t.Error("the page after a wrong password has the old work")
	}
}

// Without scripts the page says so in plain words, and a code gets one in.
func TestUnderAttackWithoutScriptsACodeIsTheWay(t *testing.T) {
	t.Parallel()
	h := Build(t)
	h.Password("mia@example.test", longPassword)
	besiege(t, h)
	tab := Open(t, View{NoScript: true})
	tab.Goto(h.URL + "/signin")
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	tab.Expect("Go on with a code instead")
	if got := tab.Title(); !strings.HasPrefix(got, "There is a problem: ") {
		t.Errorf("the title is %q", got)
	}
	tab.Act("action", "continue")
	h.Prove(tab, "mia@example.test")
	tab.At(h.URL + "/account")
}
