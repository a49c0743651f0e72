package risk

import "time"

// Passkeys cannot be guessed, so no account is metered by them: nobody can shut
// a customer out of signing in with one. What a network may cost is bounded.
var passkeyNetwork = Limit{"passkey.network", time.Second, 600}

// PasskeyTry meters one question for a passkey, or one answer to it.
func PasskeyTry(network string) []Meter { return from(network, passkeyNetwork) }
