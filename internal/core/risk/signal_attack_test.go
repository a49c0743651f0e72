package risk

import "testing"

func TestSignalAttack(t *testing.T) {
	t.Parallel()
	hears(t, attack, map[int][]Attempt{
		0: {
			{}, {Attack: true, KnownDevice: true}, {Attack: true, KnownNetwork: true}, {Attack: true, Method: "passkey"}, {Method: "password"},
		},
		100: {{Attack: true, Method: "password"}, {Attack: true, Method: "code", History: 9}, {Attack: true}},
	})
}
