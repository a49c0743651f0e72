package risk

// attack holds against strangers that the whole tenant is being tried just now.
// Known browsers, known networks and passkeys go on as ever.
var attack = signal{
	name: "attack", weight: 30,
	words: "Many accounts are being tried just now, and neither browser nor network is known for this one.",
	share: whenever(func(a Attempt) bool { return a.Attack && a.guessed() && a.stranger() }),
}
