// Package consent owns what customers agreed to and took back: legal texts
// (terms, privacy notice), and the scopes that third-party applications may
// have. Every decision is a row of a ledger that is only ever added to, with
// the text's digest, version and language, and where and how it was made; where
// the ledger stands now is derived from it in the same transaction.
//
// It never stores the texts themselves, never asks a customer anything, and
// never ends a grant when consent goes: permit asks here every time.
//
// A customer's standing on one item towards one recipient:
//
//	           Record(given)            Record(not given), Withdraw
//	(nothing) --------------> given <-----------------------------> withheld
//	     |                      Record(given) of a newer version         ^
//	     |                                                               |
//	     +---------------- Record(not given) ----------------------------+
package consent
