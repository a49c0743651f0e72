package credential

import "time"

// Purpose is what a code and its link prove an address for. One that was sent
// for one purpose is nothing for another.
type Purpose string

// The purposes.
const (
	SignIn  Purpose = "signin"  // the one door
	Verify  Purpose = "verify"  // an address of a customer who is signed in, or who registers
	Recover Purpose = "recover" // the way in is lost
	StepUp  Purpose = "stepup"  // something more, in a session
	Second  Purpose = "second"  // the second factor of a sign-in
	Address Purpose = "address" // a new address
	Close   Purpose = "close"   // the end of an account
	Reopen  Purpose = "reopen"  // the change of one's mind
)

// lives says how long a code and its link are good for, by purpose and by nothing
// else (H100). None is longer than 15 minutes (H134), and codes that are looked up
// in a mailbox need some (NIST SP 800-63B-4, section 3.1.3: at most ten for
// authentication).
var lives = map[Purpose]time.Duration{
	SignIn:  10 * time.Minute,
	Verify:  10 * time.Minute,
	StepUp:  10 * time.Minute,
	Second:  10 * time.Minute,
	Address: 10 * time.Minute,
	Recover: 15 * time.Minute,
	Close:   15 * time.Minute,
	Reopen:  15 * time.Minute,
}

// Life is how long a code and its link are good for; 0 for an unknown purpose,
// for which nothing is issued.
func (p Purpose) Life() time.Duration { return lives[p] }

// Channel is how a message reaches its address.
type Channel string

// The channels.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)
