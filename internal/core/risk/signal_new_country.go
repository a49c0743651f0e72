package risk

// newCountry needs the geo file.
var newCountry = signal{
	name: "new_country", weight: 20,
	words: "The customer has not signed in from this country before.",
	share: whenever(func(a Attempt) bool { return a.History > 0 && a.NewCountry && !a.Trusted }),
}
