package risk

// newDevice alone is a new telephone.
var newDevice = signal{
	name: "new_device", weight: 15,
	words: "The customer has not signed in with this browser before.",
	share: whenever(func(a Attempt) bool { return a.History > 0 && !a.KnownDevice }),
}
