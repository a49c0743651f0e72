package e2e

import "testing"

// Nothing overflows in any language, nor in the pseudo-locale whose words are
// longer than any: on a phone, where room is least.
func TestEveryPageFitsInEveryLanguage(t *testing.T) {
	t.Parallel()
	h := Build(t)
	list := telling(gallery(Open(t, View{}), h))
	t.Run("pages", func(t *testing.T) {
		inLanes(t, View{Width: 360}, list, func(tab *Tab, s specimen) {
			for _, locale := range []string{"de", "fr", "es", "ar", "en-XA"} {
				tab.Goto(s.at(h, locale))
				tab.Fits()
				if s.Wing != "components" && locale != "en-XA" {
					tab.Named()
				}
				tab.speaks(locale)
			}
		})
	})
}

// speaks fails unless the page says which language and direction it has.
func (t *Tab) speaks(locale string) {
	t.TB.Helper()
	want := "ltr"
	if locale == "ar" {
		want = "rtl"
	}
	if got := Ask[[]string](t, "[document.documentElement.lang, document.documentElement.dir]"); got[0] != locale || got[1] != want {
		t.TB.Errorf("%s: a page in %s says %v", t.URL(), locale, got)
	}
}

// The browser's language is spoken where nothing else decides.
func TestTheBrowsersLanguageIsSpoken(t *testing.T) {
	t.Parallel()
	h := Build(t)
	for lang, want := range map[string]string{"de-AT,de;q=0.9": "de", "fr": "fr", "es-MX": "es", "ar-EG": "ar", "tlh": "en"} {
		tab := Open(t, View{Lang: lang})
		tab.Goto(h.URL + "/signin")
		if got := Ask[string](tab, "document.documentElement.lang"); got != want {
			t.Errorf("to a browser that wants %s the page speaks %s", lang, got)
		}
		if locale := tab.Last().Header["content-language"]; locale != want {
			t.Errorf("Content-Language is %q, not %q", locale, want)
		}
	}
}

// Addresses and codes keep their direction on a page that runs the other way.
func TestAddressesStayLeftToRightInArabic(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{Lang: "ar", Width: 390})
	tab.Goto(h.URL + "/signin")
	tab.Fill("identifier", "mia@example.test")
	tab.Send("identifier")
	if !Ask[bool](tab, `[...document.querySelectorAll('main [dir=ltr]')].some(e => e.textContent.includes('mia@example.test'))`) {
		t.Errorf("the address runs with the page\n%s", tab.sight())
	}
	if got := Ask[string](tab, `getComputedStyle(document.querySelector('[name=code]')).direction`); got != "ltr" {
		t.Errorf("the code runs %s", got)
	}
}
