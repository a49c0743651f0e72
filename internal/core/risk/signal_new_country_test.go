package risk

import "testing"

func TestSignalNewCountry(t *testing.T) {
	t.Parallel()
	hears(t, newCountry, map[int][]Attempt{
		0:   {{}, {NewCountry: true}, {History: 4}, {History: 4, NewCountry: true, Trusted: true}},
		100: {{History: 1, NewCountry: true}, {History: 4, NewCountry: true, KnownDevice: true}},
	})
}
