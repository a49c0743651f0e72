// Package consent owns what customers agreed to and took back: legal texts
// (terms, privacy notice), the scopes that third-party applications may have,
// and the purposes that data is used for, each with its lawful basis. Holds
// answers whether a purpose holds for a customer. Every decision is a row of a
// ledger that is only ever added to, with the text's digest, version and
// language, and where and how it was made; where the ledger stands now is
// derived from it in the same transaction.
//
// It never stores the texts themselves, never asks a customer anything, and
// never ends a grant when consent goes: permit asks here every time.
//
// A customer's standing on one item towards one recipient, as decisions move it:
//
//	             given                     withdrawn
//	(nothing) ----------> given <-------------------------> withdrawn
//	    |                  | ^ \                                 |
//	    |          expired | |  \ objected                       | objected
//	    |         (sweep)  v |   v                               v
//	    |               expired  objected <----------------------+
//	    +------------------------^  (also by a Global Privacy Control signal)
//
// Out of every state but given, given leads back. What a state means depends on
// the basis (hold.go): consent holds while it is given, neither expired nor of a
// version that a later one ended; a legitimate interest or a public task holds
// unless objected to; the other bases hold whatever was decided.
package consent
