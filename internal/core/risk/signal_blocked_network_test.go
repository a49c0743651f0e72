package risk

import "testing"

func TestSignalBlockedNetwork(t *testing.T) {
	t.Parallel()
	hears(t, blockedNetwork, map[int][]Attempt{
		0:   {{}, {Trusted: true}, {Repute: "abuse"}},
		100: {{Blocked: true}, {Blocked: true, Trusted: true, KnownDevice: true, KnownNetwork: true, Method: "passkey"}},
	})
}
