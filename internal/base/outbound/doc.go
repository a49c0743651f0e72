// Package outbound is the one way out of the house: the only HTTP client that
// calls addresses outside, and the only dialer, which the mail relay uses too.
//
// It owns the guard over addresses, which looks at the very address that a
// connection is about to be made to, after the name was resolved, and dials
// that address and no other: a name that changes its mind between the look and
// the call (DNS rebinding) gains nothing.
//
// It never follows a redirect, never sends or keeps a cookie, never reads a
// proxy from the environment, never decompresses, and never reads more or
// waits longer than its caps. It never builds an address from parts of a
// request; that its callers do not either is theirs to see to.
//
//	             form of the URL       name -> addresses      each address and port
//	Do ---------> admitted? ---------> resolved once -------> guarded? ----> dialled
//	DialContext ---------------------------^     |                |
//	                  |                          |                |
//	          Invalid outbound_address    Unavailable outbound_unreachable
//
// A literal address that is not allowed is named as such. A name that leads to
// one is answered like a name that leads nowhere, so that nobody can ask this
// house which names exist inside its network.
package outbound
