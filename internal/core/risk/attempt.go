package risk

// Attempt is what is known of one attempt to get in: numbers, yes and no, and
// short words. Nothing in it tells who, from which address or where; it may be
// kept, and another policy may be tried on it later (verdict.signals). The zero
// Attempt is above suspicion.
type Attempt struct {
	Action string `json:"action"`           // "signin", "recover", "signup" or "confirm"
	Method string `json:"method,omitempty"` // "password", "code" or "passkey"; "" before anything was proven

	// What is usual for this customer. With no History nothing is unusual yet.
	History      int  `json:"history,omitempty"`       // sign-ins that the habits rest on, lately
	KnownDevice  bool `json:"known_device,omitempty"`  // a browser that this customer has signed in with
	KnownNetwork bool `json:"known_network,omitempty"` // a network from which this customer has signed in
	NewCountry   bool `json:"new_country,omitempty"`   // no sign-in from this country, though there were from others
	UnusualHour  bool `json:"unusual_hour,omitempty"`  // never at this time of such a day, and there were enough sign-ins to tell
	Kilometres   int  `json:"kilometres,omitempty"`    // from the place of the last sign-in, as the crow flies; 0: not known
	Minutes      int  `json:"minutes,omitempty"`       // since then

	// What the attempt itself shows.
	Breached   bool     `json:"breached,omitempty"`   // the password that was right is on the list of leaked ones
	Automation []string `json:"automation,omitempty"` // marks of a program: Headless, Robot, Bare, Hasty, Lured

	// What the house sees around it.
	Accounts int    `json:"accounts,omitempty"` // accounts that were tried from this network lately, and not got into
	Tries    int    `json:"tries,omitempty"`    // tries at this account lately, from anywhere
	Attack   bool   `json:"attack,omitempty"`   // the whole tenant is being tried (Attack)
	Repute   string `json:"repute,omitempty"`   // of the network, by the networks file: "abuse", "tor", "vpn", "hosting"
	Blocked  bool   `json:"blocked,omitempty"`  // settings.risk.block names the network
	Trusted  bool   `json:"trusted,omitempty"`  // settings.risk.trust names the network
}

// The marks of a program that an Attempt may carry. Faces find them.
const (
	Headless = "headless" // the browser says that nobody looks at it
	Robot    = "robot"    // the User-Agent is a program's, or none
	Bare     = "bare"     // headers are missing that every browser sends
	Hasty    = "hasty"    // the form came back sooner than anybody types
	Lured    = "lured"    // a field was filled in that people do not see
)

// stranger tells that neither the browser nor the network is one from which the
// customer is known to come. What strangers can cause is held against strangers
// alone, so that nobody shuts a customer out by making noise.
func (a Attempt) stranger() bool { return !a.KnownDevice && !a.KnownNetwork }

// guessed tells that the attempt could be somebody's guess. Nobody guesses a
// passkey.
func (a Attempt) guessed() bool { return a.Method != "passkey" }
