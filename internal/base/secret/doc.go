// Package secret makes, hides and compares secrets. Nothing else in the house
// imports crypto/rand, and nothing else touches the bytes of a long-lived key.
//
// It owns random tokens and codes, digests and MACs, sealing with AES-256-GCM,
// opaque tokens with a locator, password hashing behind one admission gate,
// and the keyring.
//
// It never reads the clock (callers hand in the instant), never talks to a
// database or a network, never logs, and knows nothing of customers: an id is
// sixteen bytes to it.
//
// The life of a wrapping key. The rows say what each step needs first:
//
//	          Rotate              Rotate             Destroy
//	(nothing) ------> current ------------> retired ----------> destroyed
//	                     |          every row re-wrapped first     |
//	                  Wrap, Unwrap          Unwrap            Unwrap: Gone
//
// A keyring given as text cannot change while it is in use. Its next text adds
// the key as standby, which only unwraps, so that every node knows the key
// before the first one wraps with it:
//
//	          NextText            NextText
//	(nothing) ------> standby ------------> current
//
// The seam for a key service is small on purpose: only Root, Wrap and Unwrap
// of Keyring use key bytes, and all three could be calls to one.
package secret
