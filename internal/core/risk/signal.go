package risk

// signal is one thing that may speak against an attempt.
type signal struct {
	name   string            // in settings.risk.weights, and the code of the reason
	weight int               // points if it speaks as loud as it can
	least  Level             // whenever it speaks the verdict is at least this; "" adds nothing
	words  string            // one sentence for staff
	share  func(Attempt) int // how loud it speaks, 0 to 100 per cent
}

// signals are all that there are. docs/guides/risk.md tells them one by one.
var signals = []signal{
	blockedNetwork,
	impossibleTravel,
	automation,
	attack,
	breachedPassword,
	manyAccounts,
	badNetwork,
	manyTries,
	newCountry,
	newDevice,
	newNetwork,
	unusualHour,
}

// Signals are the names of all signals.
func Signals() []string {
	var out []string
	for _, s := range signals {
		out = append(out, s.name)
	}
	return out
}

// Weights are the weights by default.
func Weights() map[string]int {
	out := map[string]int{}
	for _, s := range signals {
		out[s.name] = s.weight
	}
	return out
}

func signalNamed(name string) (signal, bool) {
	for _, s := range signals {
		if s.name == name {
			return s, true
		}
	}
	return signal{}, false
}

// whenever is the share of a signal that speaks aloud or not at all.
func whenever(speaks func(Attempt) bool) func(Attempt) int {
	return func(a Attempt) int {
		if speaks(a) {
			return 100
		}
		return 0
	}
}

// rising is how far n has come on the way from where a signal begins to speak,
// with half its voice, to where it is loudest.
func rising(n, begins, loudest int) int {
	switch {
	case n < begins:
		return 0
	case n >= loudest:
		return 100
	}
	return 50 + 50*(n-begins)/(loudest-begins)
}
