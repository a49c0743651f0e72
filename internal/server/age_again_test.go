package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
	"github.com/cardea-id/cardea/internal/server/servertest"
)

// Who is too young meets the same page for a day, with another journey of the
// same browser and with the same address from any browser; nobody else does, and
// what is kept names nobody.
func TestWhoWasTooYoungCannotTryAnotherBirthdateAtOnce(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const kid = "kid@example.test"
		shop := h.Apps["web"]
		arrive(t, h, shop, "parent@example.test")
		young := func(p *servertest.Page) bool { return strings.Contains(p.Text(), "You cannot open an account yet") }
		again := func(b *servertest.Browser, address string) *servertest.Page {
			h.Advance(time.Minute)
			p := b.Get(h.AuthorizeURL(shop))
			if !p.Has("identifier") {
				p = p.Submit("action", "another")
			}
			p = p.Submit("identifier", address)
			return p.Submit("code", h.Code(address))
		}
		_, adult := arrive(t, h, shop, "adult@example.test")
		if adult = adult.Submit("country", "DE", "birthdate", "1980-01-01"); !lands(adult) {
			t.Fatalf("an adult gets to\n%s", adult.Text())
		}
		b, p := arrive(t, h, shop, kid)
		first := p.Submit("country", "DE", "birthdate", born(h, 12, 0))
		if !young(first) {
			t.Fatalf("twelve leads to\n%s", first.Text())
		}
		tries := map[string]*servertest.Page{
			"the same browser with another address": again(b.Tab(), "kid2@example.test"),
			"the same browser and address":          again(b.Tab(), kid),
			"another browser with the same address": again(servertest.NewBrowser(t), kid),
		}
		for what, got := range tries {
			if !young(got) || got.Status != first.Status || got.Text() != first.Text() || got.Has("birthdate") {
				t.Errorf("%s: %d\n%s", what, got.Status, got.Text())
			}
		}
		if exists(h, kid) || exists(h, "kid2@example.test") {
			t.Error("there is an account")
		}
		if _, p := arrive(t, h, shop, "other@example.test"); !p.Has("birthdate") {
			t.Errorf("somebody else is turned away:\n%s", p.Text())
		}
		if got := again(b.Tab(), "adult@example.test"); !lands(got) {
			t.Errorf("who has an account is turned away in that browser:\n%s", got.Text())
		}
		h.Advance(24*time.Hour + time.Minute)
		if got := again(servertest.NewBrowser(t), kid); !got.Has("birthdate") {
			t.Errorf("after a day:\n%s", got.Text())
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}

// Journeys that stand at the question already are turned away as well, as soon
// as one of them said that they are too young.
func TestJourneysBesideEachOtherMeetTheSameAge(t *testing.T) {
	servertest.Each(t, func(t *testing.T, h *servertest.House) {
		const kid = "kid@example.test"
		b, one := arrive(t, h, h.Apps["web"], kid)
		h.Advance(time.Minute)
		two := b.Tab().Get(h.AuthorizeURL(h.Apps["web"])).Submit("identifier", "kid2@example.test")
		two = two.Submit("code", h.Code("kid2@example.test"))
		if !two.Has("birthdate") {
			t.Fatalf("the second journey is at\n%s", two.Text())
		}
		one.Submit("country", "DE", "birthdate", born(h, 12, 0))
		if got := two.Submit("country", "DE", "birthdate", "1980-01-01"); lands(got) || exists(h, "kid2@example.test") {
			t.Errorf("the second journey gets through:\n%s", got.Text())
		}
	}, asksAge(tenant.Age{Ask: tenant.AskBirthdate}))
}
