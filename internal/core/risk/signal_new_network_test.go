package risk

import "testing"

func TestSignalNewNetwork(t *testing.T) {
	t.Parallel()
	hears(t, newNetwork, map[int][]Attempt{
		0:   {{}, {History: 4, KnownNetwork: true}, {History: 4, Trusted: true}},
		100: {{History: 1}, {History: 4, KnownDevice: true}},
	})
}
