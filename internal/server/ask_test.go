package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

const aDay = 24 * time.Hour

// garden gives the tenant a purpose by consent, "tips", and a field for it.
func garden(h *servertest.House, change ...func(*consent.Purpose)) consent.Purpose {
	p := consent.Purpose{
		ID: "tips", Version: 1, Basis: consent.ByConsent, Fields: []string{"garden"},
		Words: map[string]consent.Words{
			"en": {Title: "Tips for your garden", Text: "We look at what you grow."},
			"de": {Title: "Tipps für Ihren Garten", Text: "Wir sehen uns an, was bei Ihnen wächst."},
		},
	}
	for _, c := range change {
		c(&p)
	}
	h.Update(func(tx *db.Tx) error {
		f := catalog.Field{
			Name: "garden", Type: catalog.Choice, Class: catalog.Profile, Choices: []string{"balcony", "allotment"}, Scope: "profile",
			Viewers: []string{catalog.Customer, catalog.Application}, Editors: []string{catalog.Customer}, Purposes: []string{"tips"},
		}
		if err := catalog.Put(tx, h.Tenant(), []catalog.Field{f}); err != nil {
			return err
		}
		_, err := consent.PutPurpose(tx, h.Tenant(), p)
		return err
	})
	return p
}

// wants lets the application ask for fields.
func wants(h *servertest.House, name string, asks ...app.Asked) {
	h.Update(func(tx *db.Tx) error {
		a, err := app.Get(tx, h.Tenant(), h.Apps[name].ID)
		if err != nil {
			return err
		}
		a.Settings.Purposes, a.Settings.Asks = []string{"account", "tips"}, asks
		_, err = app.Change(tx, h.Tenant(), a)
		return err
	})
}

// arrive signs an address in at an application in a new browser, as far as the
// first page behind the code.
func arrive(t testing.TB, h *servertest.House, c *servertest.Client, address string, extra ...string) (*servertest.Browser, *servertest.Page) {
	t.Helper()
	h.Advance(time.Minute) // so that its code is the newest one
	b := servertest.NewBrowser(t)
	p := b.Get(h.AuthorizeURL(c, extra...)).Submit("identifier", address)
	return b, p.Submit("code", h.Code(address))
}

// lands reports whether the page leaves for the application with a code.
func lands(p *servertest.Page) bool {
	u, err := url.Parse(p.Header.Get("Location"))
	return err == nil && u.Query().Get("code") != "" && u.Host == "shop.example"
}

func ledger(h *servertest.House, c customer.ID, purpose, item string) (out []consent.Entry) {
	h.View(func(tx *db.Tx) error {
		all, err := consent.Ledger(tx, h.Tenant(), c)
		for _, e := range all {
			if e.Purpose == purpose && e.Item == item {
				out = append(out, e)
			}
		}
		return err
	})
	return out
}

func filled(h *servertest.House, c customer.ID) (out map[string]customer.FieldValue) {
	out = map[string]customer.FieldValue{}
	h.View(func(tx *db.Tx) error {
		list, err := customer.Profile(tx, h.Tenant(), c)
		for _, f := range list {
			out[f.Name] = f
		}
		return err
	})
	return out
}

// REG-04: an application's fields are asked for at a sign-in, never at the
// sign-up, two at a time, with what for; what is left out rests for a month, and
// after the third time for a year.
func TestAnApplicationAsksLaterAndLetsItRest(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h)
		wants(h, "web", app.Asked{Field: "given_name", Purpose: "account"}, app.Asked{Field: "garden", Purpose: "tips"},
			app.Asked{Field: "nickname", Purpose: "account", From: 9})
		const mia = "mia@example.test"
		asked := func() bool {
			_, p := arrive(t, h, h.Apps["web"], mia)
			if lands(p) {
				return false
			}
			if !p.Has("given_name") || !p.Has("garden") || p.Has("nickname") || !strings.Contains(p.Text(), "We look at what you grow.") {
				t.Fatalf("asked wrongly:\n%s", p.Text())
			}
			if p = p.Submit("action", "skip"); !lands(p) {
				t.Fatalf("skipping leads to\n%s", p.Text())
			}
			return true
		}
		for _, step := range []struct {
			wait time.Duration
			want bool
		}{
			{0, false}, // the sign-up
			{0, true}, {0, false}, {29 * aDay, false}, {aDay, true}, {30 * aDay, true}, {31 * aDay, false}, {330 * aDay, false}, {5 * aDay, true},
		} {
			h.Advance(step.wait)
			if got := asked(); got != step.want {
				t.Fatalf("after %v more: asked %v", step.wait, got)
			}
		}
	})
}

// From is the sign-in from which on a field is asked for; the sign-up is the first.
func TestAnApplicationAsksFromTheNthSignIn(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h)
		wants(h, "web", app.Asked{Field: "given_name", Purpose: "account", From: 4})
		for n := 1; n <= 4; n++ {
			_, p := arrive(t, h, h.Apps["web"], "mia@example.test")
			if got := p.Has("given_name"); got != (n == 4) {
				t.Fatalf("sign-in %d: asked %v", n, got)
			}
		}
	})
}

// What is written is checked as everywhere, kept with where it came from, and
// with its consent or not at all.
func TestWhatIsAskedForIsKeptWithItsConsentOrNotAtAll(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		p := garden(h)
		wants(h, "web", app.Asked{Field: "garden", Purpose: "tips"}, app.Asked{Field: "birthdate", Purpose: "account"})
		const mia = "mia@example.test"
		arrive(t, h, h.Apps["web"], mia)
		id := idOf(t, h, mia)
		_, page := arrive(t, h, h.Apps["web"], mia, "ui_locales", "de")
		if strings.Contains(string(page.Body), "checked") {
			t.Fatal("a box is ticked beforehand")
		}
		for _, bad := range [][]string{
			{"garden", "balcony", "birthdate", "1990-04-27"},
			{"garden", "palace", "agree-tips", "on"},
			{"garden", "balcony", "agree-tips", "on", "birthdate", "yesterday"},
		} {
			again := page.Submit(append([]string{"action", "continue"}, bad...)...)
			if again.Status != http.StatusUnprocessableEntity || !strings.Contains(string(again.Body), `aria-invalid="true"`) {
				t.Fatalf("%v: %d\n%s", bad, again.Status, again.Text())
			}
			if len(filled(h, id)) > 1 || len(ledger(h, id, consent.ForPurpose, "tips")) > 0 { // the locale is there
				t.Fatalf("%v: something was kept: %v", bad, filled(h, id))
			}
		}
		if page = page.Submit("action", "continue", "garden", "balcony", "agree-tips", "on"); !lands(page) {
			t.Fatalf("leads to\n%s", page.Text())
		}
		list := ledger(h, id, consent.ForPurpose, "tips")
		if len(list) != 1 || list[0].Decision != consent.Given || list[0].Surface != "signin" || list[0].Method != "checkbox" ||
			list[0].Locale != "de" || list[0].TextDigest != p.Words["de"].Digest() || len(list[0].Evidence) == 0 {
			t.Errorf("the ledger says %+v", list)
		}
		if f := filled(h, id)["garden"]; f.Source != catalog.Customer {
			t.Errorf("the field says %+v", f)
		}
		out := h.Redeem(h.Apps["web"], page.Location().Query().Get("code"))
		if _, body := h.Bearer("/oauth2/userinfo", out.AccessToken); !strings.Contains(string(body), "balcony") {
			t.Errorf("the application does not get what it asked for: %s", body)
		}
		if _, page = arrive(t, h, h.Apps["web"], mia); !lands(page) {
			t.Errorf("asked again:\n%s", page.Text())
		}
	})
}

// Who said no to a purpose is not asked for fields for it.
func TestWhoSaidNoIsNotAskedForFields(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h)
		const mia = "mia@example.test"
		arrive(t, h, h.Apps["web"], mia)
		h.Update(func(tx *db.Tx) error {
			_, err := consent.Decide(tx, h.Tenant(), consent.Choice{Customer: idOf(t, h, mia), Purpose: "tips", Decision: consent.Withdrawn, Surface: "portal", Method: "button"})
			return err
		})
		wants(h, "web", app.Asked{Field: "garden", Purpose: "tips"})
		if _, p := arrive(t, h, h.Apps["web"], mia); !lands(p) {
			t.Errorf("asked all the same:\n%s", p.Text())
		}
	})
}

// What an application cannot do without is asked at once, and no way leads
// around it: not a crafted form, not another request, not the silence of
// prompt=none, not somebody else's journey.
func TestANeededFieldIsNotGotAround(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h)
		wants(h, "web", app.Asked{Field: "given_name", Purpose: "account", Needed: true}, app.Asked{Field: "nickname", Purpose: "account"})
		const mia = "mia@example.test"
		b, p := arrive(t, h, h.Apps["web"], mia)
		if !p.Has("given_name") || p.Has("nickname") || p.Has("skip") {
			t.Fatalf("the sign-up shows\n%s", p.Text())
		}
		flow := p.URL.String()
		for _, crafted := range []struct {
			word   string
			fields url.Values
		}{
			{"ask", url.Values{"action": {"skip"}}}, {"ask", url.Values{"action": {"continue"}}},
			{"ask", url.Values{"action": {"continue"}, "given_name": {" \u00a0 "}}}, {"ask", url.Values{"nickname": {"x"}}},
			{"continue", url.Values{}}, {"profile", url.Values{"action": {"continue"}}}, {"choices", url.Values{"action": {"skip"}, "shown": {""}}},
			{"offer", url.Values{"action": {"skip"}}}, {"username", url.Values{"action": {"skip"}}}, {"consent", url.Values{"action": {"allow"}}},
		} {
			if got := b.Post(flow+"/"+crafted.word, crafted.fields); lands(got) || !got.Has("given_name") {
				t.Fatalf("%v leads to %d\n%s", crafted, got.Status, got.Text())
			}
		}
		if got := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")); !strings.Contains(got.Header.Get("Location"), "error=login_required") {
			t.Errorf("nobody is signed in, and none gives %s", got.Header.Get("Location"))
		}
		other := servertest.NewBrowser(t)
		other.Get(h.URL + "/signin")
		if got := other.Post(flow+"/ask", url.Values{"given_name": {"Mallory"}}); lands(got) || len(filled(h, idOf(t, h, mia))) > 1 {
			t.Fatalf("another browser answers: %d", got.Status)
		}
		// A session from elsewhere does not do either.
		h.Finish(arriveAt(t, h, b, h.URL+"/signin", mia))
		if got := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")); !strings.Contains(got.Header.Get("Location"), "error=interaction_required") {
			t.Errorf("prompt=none gives %q", got.Header.Get("Location"))
		}
		if got := b.Get(h.AuthorizeURL(h.Apps["web"])); lands(got) || !got.Has("given_name") {
			t.Fatalf("the session gets around it:\n%s", got.Text())
		} else if got = got.Submit("given_name", "Mia", "action", "continue"); !lands(got) {
			t.Errorf("answered, and it leads to\n%s", got.Text())
		}
		if got := b.Get(h.AuthorizeURL(h.Apps["web"], "prompt", "none")); !lands(got) {
			t.Errorf("prompt=none gives %q in the end", got.Header.Get("Location"))
		}
	})
}

// arriveAt proves an address in a browser, from any first page.
func arriveAt(t testing.TB, h *servertest.House, b *servertest.Browser, address, mia string) *servertest.Page {
	t.Helper()
	h.Advance(time.Minute)
	p := b.Get(address)
	if !p.Has("identifier") {
		p = p.Submit("action", "another")
	}
	return h.Prove(p, mia)
}

// A needed field whose purpose rests on consent does not lock anybody out:
// consent is free. The file is refused that says so.
func TestConsentIsNeverNeeded(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		garden(h)
		wants(h, "web", app.Asked{Field: "garden", Purpose: "tips", Needed: true})
		arrive(t, h, h.Apps["web"], "mia@example.test")
		_, p := arrive(t, h, h.Apps["web"], "mia@example.test")
		if !p.Has("skip") {
			t.Fatalf("no way out:\n%s", p.Text())
		}
		if p = p.Submit("action", "skip"); !lands(p) {
			t.Error("skipping does not lead on")
		}
	})
}
