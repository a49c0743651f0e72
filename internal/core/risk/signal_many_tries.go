package risk

// From so many tries at one account on the signal speaks, and is loudest; the
// meter of the account is full at 60.
const (
	someTries = 10
	mostTries = 40
)

// manyTries says that somebody guesses at this account. It is held against
// strangers alone: anybody can cause it.
var manyTries = signal{
	name: "many_tries", weight: 25,
	words: "There were many tries at this account lately, and neither browser nor network is known for it.",
	share: func(a Attempt) int {
		if !a.guessed() || !a.stranger() {
			return 0
		}
		return rising(a.Tries, someTries, mostTries)
	},
}
