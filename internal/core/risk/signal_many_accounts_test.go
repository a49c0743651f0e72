package risk

import "testing"

func TestSignalManyAccounts(t *testing.T) {
	t.Parallel()
	hears(t, manyAccounts, map[int][]Attempt{
		0: {
			{}, {Accounts: 7}, {Accounts: 900, KnownDevice: true}, {Accounts: 900, Method: "passkey"},
		},
		50:  {{Accounts: 8}},
		75:  {{Accounts: 24, KnownNetwork: true}},
		100: {{Accounts: 40}, {Accounts: 9000, Method: "password"}},
	})
}
