package e2e

import "testing"

func TestJourneys(t *testing.T) {
	t.Parallel()
	walkAll(t, View{})
}

// The same without JavaScript: not one page needs it.
func TestJourneysWithoutScripts(t *testing.T) {
	t.Parallel()
	walkAll(t, View{NoScript: true})
}

func walkAll(t *testing.T, v View) {
	for _, j := range journeys {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			j.walk(t, Build(t), v)
		})
	}
}

// Every host of the product has a site of its own here, as in production.
func TestJourneysAcrossSites(t *testing.T) {
	t.Parallel()
	for _, j := range []journey{
		{"SignUpThroughTheShop", signUp}, {"AllowAThirdParty", allowPartner}, {"RefuseAThirdParty", refusePartner}, {"SignOutOfTheShop", signOutOfShop},
	} {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			j.walk(t, BuildAt(t, Hosts{Issuer: "id.localhost", Shop: "shop.localhost"}), View{})
		})
	}
}
