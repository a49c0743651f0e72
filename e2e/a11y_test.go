package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

// lanes is how many tabs look at pages side by side.
const lanes = 2

// inLanes shares a list of pages among tabs of their own.
func inLanes(t *testing.T, v View, list []specimen, look func(*Tab, specimen)) {
	for lane := range lanes {
		t.Run(fmt.Sprintf("lane%d", lane), func(t *testing.T) {
			t.Parallel()
			tab := Open(t, v)
			for i := lane; i < len(list); i += lanes {
				look(tab, list[i])
			}
		})
	}
}

func TestEveryPageInEveryStateIsAccessible(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := gallery(Open(t, View{}), h)
	t.Run("pages", func(t *testing.T) {
		inLanes(t, View{}, list, func(tab *Tab, s specimen) {
			tab.Goto(s.at(h, "en"))
			tab.Axe()
			tab.Fits()
			tab.Targets()
			tab.Named()
		})
	})
}

// looked are the pages that are looked at in every light, on every screen.
var looked = []string{
	"login/identify", "login/code", "login/password", "login/consent", "login/choose",
	"login/terms", "login/ask", "login/age", "login/choices", "login/receipt",
	"portal/home", "portal/profile", "portal/security", "portal/applications", "portal/addresses",
	"portal/consent", "portal/data", "portal/privacy", "portal/requests", "portal/request", "portal/preferences", "portal/erased",
}

func TestTheMainPagesAreAccessibleInEveryLook(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := slices.DeleteFunc(gallery(Open(t, View{}), h), func(s specimen) bool {
		return s.State != "typical" || !slices.Contains(looked, s.Name)
	})
	if len(list) != len(looked) {
		t.Fatalf("of the main pages the gallery has %v", list)
	}
	t.Run("looks", func(t *testing.T) {
		for _, dark := range []bool{false, true} {
			for _, width := range []int64{1280, 390} {
				t.Run(fmt.Sprintf("dark=%v-%d", dark, width), func(t *testing.T) {
					t.Parallel()
					tab := Open(t, View{Dark: dark, Width: width})
					for _, s := range list {
						for _, locale := range []string{"en", "ar"} {
							tab.Goto(s.at(h, locale))
							tab.Axe()
							tab.Fits()
						}
					}
				})
			}
		}
	})
}

// WCAG 2.2, 1.4.10 and 1.4.12: 400 % zoom of a 1280 px screen, and text set wide.
func TestEveryPageReflowsAndTakesWiderText(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := telling(gallery(Open(t, View{}), h))
	t.Run("pages", func(t *testing.T) {
		inLanes(t, View{Width: 320, Height: 256}, list, func(tab *Tab, s specimen) {
			tab.Goto(s.at(h, "en"))
			tab.Fits()
			tab.SpacedOut()
			tab.Fits()
		})
	})
}

// Whoever has no pointer signs up by Tab, Enter and Space, and always sees where
// they are.
func TestSignUpByKeyboardAlone(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Goto(h.Shop + "/signin")
	reach(tab, "identifier")
	tab.Key("mia@example.test")
	tab.leave("Enter", func() { tab.Key(kb.Enter) })
	reach(tab, "code")
	tab.Key(h.Code("mia@example.test"))
	tab.leave("Enter", func() { tab.Key(kb.Enter) })
	reach(tab, "action")
	tab.leave("Enter", func() { tab.Key(kb.Enter) })
	tab.Expect("Hello, mia@example.test")
}

// The skip link leads past the navigation, and to nothing else.
func TestTheSkipLinkLeadsToTheContent(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := signedIn(t, h, View{})
	Ask[bool](tab, "window.same = true")
	tab.Key(kb.Tab)
	tab.Key(kb.Enter)
	tab.Wait("the focus in the content", `document.activeElement.id === 'main'`)
	if !Ask[bool](tab, "window.same === true") {
		t.Error("the skip link loads the page again")
	}
}

// reach presses Tab until the named control has the focus, and holds every stop
// on the way to showing it.
func reach(t *Tab, name string) {
	t.TB.Helper()
	for range 30 {
		focus := t.Focus()
		if focus != "" {
			ringed(t)
		}
		if focus == name {
			return
		}
		t.Key(kb.Tab)
	}
	t.TB.Fatalf("the Tab key does not reach %q\n%s", name, t.sight())
}

// ringed fails unless the focus shows as a ring of 3 px that nothing covers
// (WCAG 2.2, 2.4.7 and 2.4.11).
func ringed(t *Tab) {
	t.TB.Helper()
	if Ask[bool](t, "document.activeElement.matches('[type=date]:not(:focus-visible)')") {
		return // its button for the calendar, which the browser draws
	}
	if width, style := t.Ring(); width < 3 || style != "solid" {
		t.TB.Errorf("%s: the focus on %q shows as %v px %s", t.URL(), t.Focus(), width, style)
	}
	for range 40 { // what moves into place does so with the next frame
		if seen(t) {
			return
		}
		time.Sleep(tick)
	}
	if !seen(t) {
		t.TB.Errorf("%s: something covers the focus on %q", t.URL(), t.Focus())
	}
}

// seen reports whether the focused element is in sight with nothing over it.
func seen(t *Tab) bool {
	t.TB.Helper()
	return Ask[bool](t, `(e => {
		const b = e.getBoundingClientRect();
		const top = document.elementFromPoint(b.left + b.width / 2, b.top + b.height / 2);
		return b.bottom > 0 && b.top < innerHeight && (!top || e === top || e.contains(top) || top.contains(e) || top.closest('label')?.control === e);
	})(document.activeElement)`)
}

func TestEveryStopOfTheKeyboardShows(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := one(gallery(Open(t, View{}), h))
	t.Run("pages", func(t *testing.T) {
		inLanes(t, View{}, list, func(tab *Tab, s specimen) {
			tab.Goto(s.at(h, "en"))
			stops := map[string]bool{}
			for range 12 {
				tab.Key(kb.Tab)
				if !Ask[bool](tab, "document.hasFocus()") || tab.Focus() == "" {
					break // past the last one: the browser's own controls
				}
				stops[tab.Focus()] = true
				ringed(tab)
			}
			if len(stops) == 0 {
				t.Errorf("%s: the Tab key reaches nothing", s)
			}
		})
	})
}

// An error is announced, has the focus, and leads to its field.
func TestAnErrorIsFocusedAndLeadsToItsField(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Goto(h.URL + "/signin")
	tab.Send("identifier")
	if got := tab.Focus(); !strings.Contains(got, "problem") {
		t.Errorf("after an error the focus is on %q", got)
	}
	if !strings.HasPrefix(tab.Title(), "There is a problem: ") {
		t.Errorf("the title is %q", tab.Title())
	}
	tab.Click("#problems a")
	tab.Wait("the focus in the field", `document.activeElement.name === 'identifier'`)
	tab.Axe()
}

// High contrast modes take shadows and backgrounds away: controls keep a border.
func TestControlsKeepABorderInForcedColours(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{Forced: true})
	for _, s := range one(gallery(tab, h)) {
		tab.Goto(s.at(h, "en"))
		for _, bare := range Ask[[]string](tab, `[...document.querySelectorAll('main :is(.btn, input, select, textarea):not([type=hidden], .sr)')]
			.filter(e => e.checkVisibility() && getComputedStyle(e).borderStyle === 'none' && !e.matches('[type=checkbox], [type=radio]')).map(e => e.outerHTML.slice(0, 100))`) {
			t.Errorf("%s: no border: %s", s, bare)
		}
	}
}

func TestThePasswordCanBeShownAndIsHiddenAgainWhenSent(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{})
	tab.Goto(h.URL + "/signin")
	tab.Fill("identifier", "mia@example.test")
	tab.Act("action", "password")
	kind := func() string { return Ask[string](tab, `document.querySelector('[name=password]').type`) }
	tab.Fill("password", longPassword)
	tab.Click("[data-reveal]")
	if kind() != "text" || Ask[string](tab, `document.querySelector('[data-reveal]').ariaPressed`) != "true" {
		t.Error("the password does not show")
	}
	sent := Ask[string](tab, `new Promise(done => {
		const sent = e => {
			if (e.defaultPrevented) return; // it waits for the proof of work, and comes again
			removeEventListener('submit', sent);
			setTimeout(() => done(document.querySelector('[name=password]').type));
			e.preventDefault();
		};
		addEventListener('submit', sent);
		document.querySelector('[data-reveal]').form.requestSubmit();
	})`, awaited)
	if sent != "password" {
		t.Error("the password is sent in sight")
	}
	without := Open(t, View{NoScript: true})
	without.Goto(h.URL + "/signin")
	without.Fill("identifier", "mia@example.test")
	without.Act("action", "password")
	if without.Sees("[data-reveal]") {
		t.Error("a button that does nothing shows without scripts")
	}
}
