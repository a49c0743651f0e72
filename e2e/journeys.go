package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// journey is one way through the product that a person takes. Each is walked
// with JavaScript and without.
type journey struct {
	name string
	walk func(t *testing.T, h *House, v View)
}

const longPassword = "seven ferns on a wide sill"

var journeys = []journey{
	{"SignUpThroughTheShop", signUp},
	{"ReturnWithACode", returnByCode},
	{"ReturnWithAPassword", returnByPassword},
	{"TheSessionAnswersForTheShop", stillSignedIn},
	{"ChooseAmongAccounts", chooseAccount},
	{"RecoverALostPassword", recoverAccount},
	{"AllowAThirdParty", allowPartner},
	{"RefuseAThirdParty", refusePartner},
	{"CorrectATypingError", correctAddress},
	{"TypeAWrongCode", wrongCode},
	{"KeepMeSignedIn", keepSignedIn},
	{"FollowTheLinkInTheSameBrowser", linkHere},
	{"FollowTheLinkInAnotherBrowser", linkElsewhere},
	{"ChangeTheAddressAndUndoIt", changeAddress},
	{"EditTheProfile", editProfile},
	{"SignOutOfTheShop", signOutOfShop},
	{"SignOutEverywhere", signOutEverywhere},
	{"CloseTheAccountAndReopenIt", closeAndReopen},
	{"DisconnectAThirdParty", disconnectPartner},
	{"ChangeTheLanguage", changeLanguage},
}

// order presses Buy in a shop, as people do.
func order(t *Tab, shop string) {
	t.TB.Helper()
	t.Goto(shop + "/")
	t.Submit(`form[action^="/buy/"] button`)
}

// buy is order by somebody whom the house has to ask who they are.
func buy(t *Tab, h *House) {
	t.TB.Helper()
	order(t, h.Shop)
	t.At(h.URL + "/signin/")
}

func signUp(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buy(tab, h)
	if got := tab.Heading(); got != "Sign in or create an account" {
		t.Errorf("the front door says %q", got)
	}
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	tab.Expect("mia@example.test")
	tab.Fill("code", h.Code("mia@example.test"))
	tab.Send("code")
	// Once the address is proven, only what the law asks for is left.
	tab.Act("action", "continue")
	tab.At(h.Shop + "/orders")
	tab.Expect("Thank you, mia@example.test")
}

func returnByCode(t *testing.T, h *House, v View) {
	h.Customer("mia@example.test")
	tab := Open(t, v)
	buy(tab, h)
	h.Enter(tab, "mia@example.test")
	tab.At(h.Shop + "/orders")
	tab.Expect("Thank you, mia@example.test")
}

func returnByPassword(t *testing.T, h *House, v View) {
	h.Password("mia@example.test", longPassword)
	tab := Open(t, v)
	buy(tab, h)
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	tab.Fill("password", "wrong "+longPassword)
	tab.Send("password")
	if got := tab.Title(); !strings.HasPrefix(got, "There is a problem: ") {
		t.Errorf("after a wrong password the title is %q", got)
	}
	if tab.Value("password") != "" {
		t.Error("the wrong password came back")
	}
	tab.Fill("password", longPassword)
	tab.Send("password")
	tab.At(h.Shop + "/orders")
}

func stillSignedIn(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	tab.Goto(h.URL + "/signin")
	h.Enter(tab, "mia@example.test")
	tab.At(h.URL + "/account")
	order(tab, h.Shop) // nothing is typed or pressed
	tab.At(h.Shop + "/orders")
	tab.Expect("Thank you, mia@example.test")
}

func chooseAccount(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	tab.Goto(h.URL + "/signin")
	h.Enter(tab, "mia@example.test")
	tab.Goto(h.Shop + "/signin?prompt=select_account")
	tab.Expect("mia@example.test")
	tab.Act("action", "another")
	h.Enter(tab, "sam@example.test")
	tab.At(h.Shop + "/")
	tab.Expect("Hello, sam@example.test")
	second := tab.Sibling()
	buyPartner(second, h) // two are signed in: who is it?
	second.Expect("mia@example.test", "sam@example.test")
	second.Press("mia@example.test")
	second.Act("action", "allow")
	second.Expect("Thank you, mia@example.test")
	second.Goto(h.Shop + "/signin?prompt=select_account")
	second.Submit(`button[value=forget][aria-label*="sam@example.test"]`)
	second.Missing("sam@example.test")
}

// buyPartner begins at the shop of the third party.
func buyPartner(t *Tab, h *House) {
	t.TB.Helper()
	order(t, h.Partner)
	t.At(h.URL + "/signin/")
}

func recoverAccount(t *testing.T, h *House, v View) {
	h.Password("mia@example.test", longPassword)
	tab := Open(t, v)
	buy(tab, h)
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	tab.Act("action", "recover")
	tab.Fill("code", h.Code("mia@example.test"))
	tab.Send("code")
	tab.Fill("new_password", "nine palms by a warm wall")
	tab.Send("new_password")
	tab.At(h.Shop + "/orders")
	h.Message("mia@example.test", "/alarm") // somebody who did not do this can undo it
}

func allowPartner(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buyPartner(tab, h)
	h.Enter(tab, "mia@example.test")
	tab.Expect("Bee Calendar", "mia@example.test")
	same := Ask[bool](tab, `(() => {
		const [a, b] = ['allow', 'deny'].map(v => document.querySelector('button[value=' + v + ']'));
		const size = e => [e.offsetWidth, e.offsetHeight, getComputedStyle(e).fontWeight, getComputedStyle(e).backgroundColor, getComputedStyle(e).color].join();
		return size(a) === size(b);
	})()`)
	if !same {
		t.Error("Allow and Deny do not weigh the same")
	}
	tab.Act("action", "allow")
	tab.At(h.Partner + "/orders")
	tab.Expect("Thank you, mia@example.test")
	again := tab.Sibling()
	again.Goto(h.Partner + "/signin") // nothing is asked a second time
	again.At(h.Partner + "/")
}

func refusePartner(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buyPartner(tab, h)
	h.Enter(tab, "mia@example.test")
	tab.Pardon(`status of 502`) // the shop says that it was refused
	tab.Act("action", "deny")
	tab.At(h.Partner + "/callback")
	tab.Expect("access_denied")
}

func correctAddress(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buy(tab, h)
	tab.Fill("identifier", "mia.example.test")
	tab.Send("identifier")
	if tab.Value("identifier") != "mia.example.test" {
		t.Error("what was typed is gone")
	}
	tab.Fill("identifier", "mai@example.test")
	tab.Send("identifier")
	tab.Submit(".back")
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	h.Prove(tab, "mia@example.test")
	tab.At(h.Shop + "/orders")
	tab.Expect("mia@example.test")
}

func wrongCode(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buy(tab, h)
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	right := h.Code("mia@example.test")
	tab.Fill("code", other(right))
	tab.Send("code")
	tab.Expect("That code does not match")
	tab.Fill("code", right[:3]+" "+right[3:]) // as the message shows it
	tab.Send("code")
	tab.Expect("Terms")
}

// other is a code that is not this one.
func other(code string) string {
	if code[0] == '1' {
		return "2" + code[1:]
	}
	return "1" + code[1:]
}

func keepSignedIn(t *testing.T, h *House, v View) {
	for _, keep := range []bool{false, true} {
		tab := Open(t, v)
		tab.Goto(h.URL + "/signin")
		if keep {
			tab.Click("[name=remember]")
		}
		h.Enter(tab, "mia@example.test")
		if got := tab.Cookie("session").Session; got == keep {
			t.Errorf("keep me signed in: %v, and the cookie ends with the browser: %v", keep, got)
		}
	}
}

// Cookie is a cookie of the page that the tab shows.
func (t *Tab) Cookie(name string) network.Cookie {
	t.TB.Helper()
	list, err := chromedp.Call(t.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{t.URL()}})
	t.ok(err)
	for _, c := range list.Cookies {
		if strings.HasSuffix(c.Name, name) {
			return *c
		}
	}
	t.TB.Fatalf("there is no cookie %q", name)
	return network.Cookie{}
}

func linkHere(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buy(tab, h)
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	link := h.Message("mia@example.test", "/signin/link?t=").Link
	mail := tab.Sibling()
	mail.Goto(link)
	if mail.Sees(`form[action$="/terms"]`) {
		t.Fatal("opening the link was enough")
	}
	mail.Act("action", "continue")
	mail.Act("action", "continue")
	mail.At(h.Shop + "/orders")
	// The tab that waited for the code shows something sensible, not an error.
	tab.Fill("code", "000000")
	tab.Send("code")
	if s := tab.Last().Status; s >= 500 {
		t.Errorf("the waiting tab answers %d", s)
	}
}

// A link that somebody else sent signs nobody in, and never switches an
// account (H133).
func linkElsewhere(t *testing.T, h *House, v View) {
	mia, sam := Open(t, v), Open(t, v)
	buy(mia, h)
	mia.Fill("identifier", "mia@example.test")
	mia.Send("identifier")
	link := h.Message("mia@example.test", "/signin/link?t=").Link
	sam.Goto(h.URL + "/signin")
	h.Enter(sam, "sam@example.test")
	before := sam.Cookie("session").Value
	sam.Goto(link)
	if sam.Sees("button[value=continue]") {
		t.Error("the link can be used in a browser that did not begin")
	}
	if got := sam.Cookie("session").Value; got != before {
		t.Error("opening the link changed the session")
	}
	sam.Goto(h.URL + "/account")
	sam.Expect("sam@example.test")
	sam.Missing("mia@example.test")
	// The code of the same message still works where the journey began.
	h.Prove(mia, "mia@example.test")
	mia.At(h.Shop + "/orders")
}

func editProfile(t *testing.T, h *House, v View) {
	tab := signedIn(t, h, v)
	tab.Goto(h.URL + "/account/profile")
	tab.Fill("name", "Mia Ng'ang'a-Müller")
	tab.Fill("given_name", "Mia")
	tab.Send("name")
	tab.Expect("Your changes are saved")
	tab.Goto(h.Shop + "/signin")
	tab.Expect("Hello, Mia Ng'ang'a-Müller")
}

// signedIn is a browser in which mia has just signed in to her account.
func signedIn(t *testing.T, h *House, v View) *Tab {
	t.Helper()
	tab := Open(t, v)
	tab.Goto(h.URL + "/signin")
	h.Enter(tab, "mia@example.test")
	tab.At(h.URL + "/account")
	return tab
}

func changeAddress(t *testing.T, h *House, v View) {
	tab := signedIn(t, h, v)
	tab.Goto(h.URL + "/account/addresses")
	tab.Press("Change")
	tab.Fill("email", "mia.new@example.test")
	tab.Send("email")
	tab.Fill("code", h.Code("mia.new@example.test"))
	tab.Send("code")
	tab.At(h.URL + "/account/addresses")
	tab.Expect("mia.new@example.test")
	notice := h.Message("mia@example.test", "/undo?t=")
	h.Advance(71 * time.Hour)
	owner := Open(t, v)
	owner.Goto(notice.Link)
	owner.Act("action", "continue")
	tab.Goto(h.URL + "/account")
	tab.At(h.URL + "/signin") // whoever changed it is out
	owner.Submit("main a.btn")
	owner.Fill("identifier", "mia@example.test")
	owner.Send("identifier")
	owner.Fill("code", h.Code("mia@example.test"))
	owner.Send("code")
	if owner.Sees("[name=new_password]") {
		owner.Fill("new_password", longPassword)
		owner.Send("new_password")
	}
	owner.Goto(h.URL + "/account/addresses")
	owner.Missing("mia.new@example.test")
	owner.Expect("mia@example.test")
}

func signOutOfShop(t *testing.T, h *House, v View) {
	tab := signedIn(t, h, v)
	order(tab, h.Shop)
	tab.Submit(`form[action="/signout"] button`)
	tab.At(h.Shop + "/signed-out")
	tab.Goto(h.URL + "/account")
	tab.At(h.URL + "/signin")
}

func signOutEverywhere(t *testing.T, h *House, v View) {
	phone := Open(t, v)
	buy(phone, h)
	h.Enter(phone, "mia@example.test")
	phone.Expect("Thank you, mia@example.test")
	tab := signedIn(t, h, v)
	tab.Goto(h.URL + "/account/sessions/everywhere")
	tab.Submit("main form button.btn")
	h.Settle() // the shop hears of it behind the browsers' backs
	phone.Goto(h.Shop + "/")
	phone.Expect("You were signed out here")
	phone.Goto(h.URL + "/account")
	phone.At(h.URL + "/signin")
	tab.Goto(h.URL + "/account")
	tab.At(h.URL + "/signin")
}

func closeAndReopen(t *testing.T, h *House, v View) {
	tab := signedIn(t, h, v)
	tab.Goto(h.URL + "/account/close")
	word := Ask[string](tab, `document.querySelector('main form input:not([type=hidden])').name`)
	tab.Fill(word, "mia@example.test")
	tab.Send(word)
	tab.At(h.URL + "/account/closed")
	tab.Goto(h.URL + "/account")
	tab.At(h.URL + "/signin")
	h.Advance(13 * 24 * time.Hour)
	back := Open(t, v)
	buy(back, h)
	h.Enter(back, "mia@example.test")
	back.Act("action", "continue")
	back.At(h.Shop + "/orders")
	back.Expect("Thank you, mia@example.test")
}

func disconnectPartner(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buyPartner(tab, h)
	h.Enter(tab, "mia@example.test")
	tab.Act("action", "allow")
	tab.Goto(h.URL + "/account/applications")
	tab.Expect("Bee Calendar")
	tab.Submit(`main a[href^="/account/applications/revoke"]`)
	tab.Submit(`form[action="/account/applications/revoke"] button`)
	tab.At(h.URL + "/account/applications")
	tab.Goto(h.Partner + "/signin")
	if !tab.Sees("button[value=allow]") {
		t.Error("after disconnecting, the third party need not ask again")
	}
}

func changeLanguage(t *testing.T, h *House, v View) {
	tab := Open(t, v)
	buy(tab, h)
	tab.Submit(`footer a[href^="/language"]`)
	tab.Submit(`button[name=locale][value=ar]`)
	tab.At(h.URL + "/signin/")
	if got := Ask[string](tab, "document.documentElement.lang + document.documentElement.dir"); got != "arrtl" {
		t.Errorf("the page is %s", got)
	}
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	m := h.Message("mia@example.test", "/signin/link?t=")
	if !strings.ContainsRune(m.Text, 'ر') {
		t.Errorf("the message is not in Arabic: %s", m.Text)
	}
}
