package risk

// newNetwork alone is a café.
var newNetwork = signal{
	name: "new_network", weight: 10,
	words: "The customer has not signed in from this network before.",
	share: whenever(func(a Attempt) bool { return a.History > 0 && !a.KnownNetwork && !a.Trusted }),
}
