package risk

// breachedPassword says that being right proves little: the password is one
// that attackers have.
var breachedPassword = signal{
	name: "breached_password", weight: 30,
	words: "The password is on the list of leaked ones.",
	share: whenever(func(a Attempt) bool { return a.Breached && !a.KnownDevice }),
}
