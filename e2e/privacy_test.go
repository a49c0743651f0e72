package e2e

import (
	"strings"
	"testing"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/consent"
)

// Nothing that may be allowed or refused is allowed beforehand, and the two
// answers look alike (EDPB Guidelines 03/2022, deceptive patterns).
func TestWhatMayBeRefusedIsOffAndBothAnswersLookAlike(t *testing.T) {
	t.Parallel()
	h := Build(t)
	tab := Open(t, View{Width: 390})
	offers, pairs := 0, 0
	for _, s := range gallery(tab, h) {
		if s.Name != "login/choices" && s.Name != "login/consent" && s.Name != "login/ask" {
			continue
		}
		tab.Goto(s.at(h, "en"))
		offers += Ask[int](tab, `document.querySelectorAll('main [type=checkbox]').length`)
		if n := Ask[int](tab, `document.querySelectorAll('main [type=checkbox][name^="give"]:checked').length`); n > 0 {
			t.Errorf("%s: %d are on beforehand", s, n)
		}
		looks := Ask[[]string](tab, `[...document.querySelectorAll('main button[name=action]:is([value=allow], [value=deny])')]
			.map(e => { const b = e.getBoundingClientRect(), c = getComputedStyle(e); return [b.width, b.height, c.backgroundColor, c.color, c.fontWeight, c.borderColor].join() })`)
		if len(looks) == 0 {
			continue
		}
		if pairs++; len(looks) != 2 || looks[0] != looks[1] {
			t.Errorf("%s: the answers look like %q", s, looks)
		}
	}
	if offers == 0 || pairs == 0 {
		t.Errorf("%d offers and %d pairs of answers were seen", offers, pairs)
	}
}

// From a page of the account to a withdrawn consent it is a link and a button,
// in every language and without scripts; what it brings stands beside the
// button, and what it brought over the page.
func TestAConsentIsWithdrawnByTwoClicksInEveryLanguageWithoutScripts(t *testing.T) {
	t.Parallel()
	h := Build(t)
	h.Update(func(tx *db.Tx) error {
		p := consent.Purpose{ID: "letter", Version: 1, Basis: consent.ByConsent, Words: map[string]consent.Words{
			"en": {Title: "Garden letter", Text: "We write to you once a month."},
		}}
		_, err := consent.PutPurpose(tx, h.Tenant(), p)
		return err
	})
	h.Settle()
	for _, lang := range []string{"en", "de", "fr", "es", "ar"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			tab := Open(t, View{Lang: lang, Width: 390, NoScript: true})
			tab.Goto(h.URL + "/signin")
			h.Enter(tab, lang+"@example.test")
			decide(tab, "given")
			said := decide(tab, "withdrawn")
			if said == "" || strings.Contains(said, "portal.") {
				t.Errorf("beside the button stands %q", said)
			}
			tab.At(h.URL + "/account/consents?undo=letter")
			if tab.Text("main [role=status]") == "" || tab.Sees("#purpose-letter button[value=withdrawn]") {
				t.Errorf("nothing tells of the withdrawal\n%s", tab.sight())
			}
			tab.speaks(lang)
		})
	}
}

// decide goes from a page of the account to a button of the consents, presses it
// and returns what stood beside it.
func decide(t *Tab, decision string) string {
	t.TB.Helper()
	t.Submit(`nav a[href="/account/consents"]`)
	button := "#purpose-letter button[value=" + decision + "]"
	if !t.Sees(button) {
		t.TB.Fatalf("the button does not stand openly on the page\n%s", t.sight())
	}
	said := t.Text("#purpose-letter .actions .hint")
	t.Submit(button)
	return said
}
