package risk

// blockedNetwork is the company's own word: from there nobody comes in.
var blockedNetwork = signal{
	name: "blocked_network", weight: 100, least: Deny,
	words: "The network is one that the settings block.",
	share: whenever(func(a Attempt) bool { return a.Blocked }),
}
