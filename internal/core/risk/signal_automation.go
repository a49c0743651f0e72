package risk

import "slices"

// automation says that a program acts and not a person. Some marks leave little
// doubt; one of the others may be an odd browser or a quick password manager.
var automation = signal{
	name: "automation", weight: 40,
	words: "The browser shows marks of a program.",
	share: func(a Attempt) int {
		loud := 0
		for i, mark := range a.Automation {
			if !slices.Contains(a.Automation[:i], mark) {
				loud += markShare[mark]
			}
		}
		return min(loud, 100)
	},
}

var markShare = map[string]int{Headless: 100, Lured: 100, Robot: 75, Bare: 50, Hasty: 50}
