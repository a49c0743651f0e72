package risk

// Travel that nobody makes: farther than a wrong entry in a table of places
// explains, and faster than an airliner flies.
const (
	farKilometres = 500
	fastest       = 900 // kilometres an hour
)

// impossibleTravel says that the same person would have had to be in two places.
var impossibleTravel = signal{
	name: "impossible_travel", weight: 40,
	words: "The last sign-in was so far away that nobody could have travelled here since.",
	share: whenever(func(a Attempt) bool {
		return !a.Trusted && a.Kilometres > farKilometres && a.Kilometres*60 > fastest*a.Minutes
	}),
}
