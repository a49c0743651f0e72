package risk

import "testing"

func TestSignalNewDevice(t *testing.T) {
	t.Parallel()
	hears(t, newDevice, map[int][]Attempt{
		0:   {{}, {History: 4, KnownDevice: true}},
		100: {{History: 1}, {History: 4, KnownNetwork: true, Trusted: true}},
	})
}
