package risk

// From so many accounts on, tried from one network and not got into, the signal
// speaks, and is loudest. An office behind one address has a few who mistype.
const (
	someAccounts = 8
	manyMany     = 40
)

// manyAccounts is one source that tries account after account. A known browser
// in the same office is not that source.
var manyAccounts = signal{
	name: "many_accounts", weight: 35,
	words: "Many other accounts were tried from this network lately.",
	share: func(a Attempt) int {
		if !a.guessed() || a.KnownDevice {
			return 0
		}
		return rising(a.Accounts, someAccounts, manyMany)
	},
}
