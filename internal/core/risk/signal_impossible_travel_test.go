package risk

import "testing"

func TestSignalImpossibleTravel(t *testing.T) {
	t.Parallel()
	hears(t, impossibleTravel, map[int][]Attempt{
		0: {
			{}, {Kilometres: 500, Minutes: 1}, // a wrong entry in the table of places
			{Kilometres: 901, Minutes: 61}, {Kilometres: 900, Minutes: 60}, {Kilometres: 17000, Minutes: 24 * 60},
			{Kilometres: 6000, Minutes: 10, Trusted: true}, // the company's own way out
		},
		100: {{Kilometres: 501}, {Kilometres: 901, Minutes: 60}, {Kilometres: 17000, Minutes: 10 * 60, KnownDevice: true, Method: "passkey"}},
	})
}
