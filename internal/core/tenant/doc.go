// Package tenant owns the tenants of the house: their origins, settings and
// brands, the secret from which everything keyed of theirs is derived, and the
// keys that sign their tokens.
//
// A Tenant is an immutable snapshot of one config version. The House keeps one
// per tenant in memory, drops it at once on this node and within a second on
// the others when anything of it changes, and hangs every other cache of
// configuration (applications, catalogue) onto it, so that they die together.
//
// It never knows customers, never reads a request (whoever has a host asks
// House.ByHost), and never generates an RSA key inside a transaction: keys are
// drawn first (DrawKey) and stored afterwards.
//
// A signing key's life. All three states stand in the key set, so that a client
// which holds a set of an hour ago verifies whatever is signed now:
//
//	DrawKey           RotateKeys            RotateKeys             KeyKept later
//	--------> next ------------> current ------------> previous ----------------> retired
//	           |                    |                      |
//	      not used yet      signs once it has       verifies only; signs on while
//	                        stood for KeyPublished  no later key has stood that long
//
// A retired key has left the key set and has no private half any more. Its
// public half stays for ever: it verifies evidence (receipts, certificates) that
// it signed while it signed, and nothing else.
//
// RenewKeys, for a stolen key, throws all of an algorithm's keys away at once.
package tenant
