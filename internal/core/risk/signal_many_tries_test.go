package risk

import "testing"

func TestSignalManyTries(t *testing.T) {
	t.Parallel()
	hears(t, manyTries, map[int][]Attempt{
		0: {
			{}, {Tries: 9}, {Tries: 60, KnownDevice: true}, {Tries: 60, KnownNetwork: true}, {Tries: 60, Method: "passkey"},
		},
		50:  {{Tries: 10}},
		75:  {{Tries: 25}},
		100: {{Tries: 40, Method: "password"}, {Tries: 60}},
	})
}
