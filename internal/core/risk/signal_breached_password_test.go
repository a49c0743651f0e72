package risk

import "testing"

func TestSignalBreachedPassword(t *testing.T) {
	t.Parallel()
	hears(t, breachedPassword, map[int][]Attempt{
		0:   {{}, {Breached: true, KnownDevice: true}},
		100: {{Breached: true}, {Breached: true, KnownNetwork: true, History: 9}},
	})
}
