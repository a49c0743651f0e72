package consent_test

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// GDPR Articles 44 to 46.
func TestWhatItMeansThatDataGoesToACountry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for country, want := range map[string]consent.Transfer{
		"": consent.Nowhere, "DE": consent.Inside, "IS": consent.Inside, "LI": consent.Inside, "RE": consent.Inside, "CH": consent.Adequate,
		"GB": consent.Adequate, "BR": consent.Adequate, "US": consent.Partly, "CA": consent.Partly, "JP": consent.Partly, "IN": consent.Third, "CN": consent.Third, "XX": consent.Third,
	} {
		got, d := consent.TransferTo(country, now)
		if got != want || (d.Decision != "") != (got == consent.Adequate || got == consent.Partly) {
			t.Errorf("%q: %s %+v", country, got, d)
		}
	}
	for at, want := range map[string]consent.Transfer{"2031-12-27T23:59:59Z": consent.Adequate, "2031-12-28T00:00:00Z": consent.Third} {
		when, err := time.Parse(time.RFC3339, at)
		if got, _ := consent.TransferTo("GB", when); got != want || err != nil {
			t.Errorf("at %s: %s", at, got)
		}
	}
	if day, source := consent.AdequacyAsOf(); len(day) != len(time.DateOnly) || source == "" {
		t.Errorf("%q %q", day, source)
	}
}

// ISO 3166-1: what is withdrawn, reserved or misspelled is no country.
func TestCountriesAreThoseOfISO3166(t *testing.T) {
	t.Parallel()
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if tenant.ValidCountry(string([]rune{a, b})) {
				n++
			}
		}
	}
	if n != 249+1 {
		t.Errorf("%d countries, want those of the standard and Kosovo", n)
	}
	for _, bad := range []string{"", "de", "UK", "EU", "SU", "DDR", "D", "XX", "ZZ", "276", "UN"} {
		if tenant.ValidCountry(bad) {
			t.Errorf("%q is a country", bad)
		}
	}
}

// A safeguard is no part of what customers decided on; another country, or who
// used data on the tenant's behalf using it for themselves, is.
func TestWhatOfARecipientAsksAgain(t *testing.T) {
	t.Parallel()
	of := func(r consent.Recipient) consent.Purpose { return consent.Purpose{Recipients: []consent.Recipient{r}} }
	was := consent.Recipient{Name: "Post", Country: "US", Role: consent.Processor, Safeguard: "old"}
	for name, c := range map[string]struct {
		change          func(*consent.Recipient)
		material, wider bool
	}{
		"safeguard":  {func(r *consent.Recipient) { r.Safeguard = "new" }, false, false},
		"country":    {func(r *consent.Recipient) { r.Country = "DE" }, true, true},
		"for itself": {func(r *consent.Recipient) { r.Role = "" }, true, true},
	} {
		r := was
		c.change(&r)
		is, before := of(r), of(was)
		if got := is.Material(before) != ""; got != c.material {
			t.Errorf("%s is material: %v", name, got)
		}
		if got := is.Widens(before); got != c.wider {
			t.Errorf("%s widens: %v", name, got)
		}
	}
	own := was
	own.Role = ""
	is, before := of(was), of(own)
	if is.Material(before) == "" || is.Widens(before) {
		t.Error("who becomes a processor takes less, in another version")
	}
}
