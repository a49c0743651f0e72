package risk

// unusualHour is light: people travel and lie awake. It tips the scale where
// something else is odd too.
var unusualHour = signal{
	name: "unusual_hour", weight: 5,
	words: "The customer does not usually sign in at this hour.",
	share: whenever(func(a Attempt) bool { return a.History > 0 && a.UnusualHour }),
}
