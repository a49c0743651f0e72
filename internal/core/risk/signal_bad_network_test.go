package risk

import "testing"

func TestSignalBadNetwork(t *testing.T) {
	t.Parallel()
	hears(t, badNetwork, map[int][]Attempt{
		0:   {{}, {Repute: "abuse", Trusted: true}, {Repute: "a word of a later release"}},
		25:  {{Repute: "vpn"}},
		50:  {{Repute: "hosting"}},
		75:  {{Repute: "tor", KnownDevice: true}},
		100: {{Repute: "abuse"}},
	})
}
