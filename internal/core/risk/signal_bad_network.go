package risk

// badNetwork is what the networks file says of where the attempt comes from. A
// VPN is many people's good habit, a computing centre is rarely a person, and
// who is on a list of abuse has done it before.
var badNetwork = signal{
	name: "bad_network", weight: 40,
	words: "The network has a bad name (networks file).",
	share: func(a Attempt) int {
		if a.Trusted {
			return 0
		}
		return reputes[a.Repute]
	},
}

// reputes are the words of the networks file, each with how loud it speaks.
var reputes = map[string]int{"abuse": 100, "tor": 75, "hosting": 50, "vpn": 25}
