// Package credential owns what customers prove themselves with: passwords and
// the codes and links that are sent to an address.
//
// A password is checked here against the policy (NIST SP 800-63B-4) and rests as
// the PHC text that base/secret made; the hashing itself happens outside of any
// transaction. A one-time code and the link in the same message are one row:
//
//	Issue --> live --RedeemCode, RedeemLink--> used --Sweep--> gone
//	            |
//	            +-- five wrong codes --------> spent, code and link
//	            +-- its life is over --------> expired
//	            +-- Issue for the same flow and purpose, EndOutstanding, EndFlow --> gone
//
// It never hashes a password, never sends anything, never keeps a code or a link
// (an HMAC of the one and a digest of the other rest), and does not know what a
// proof is good for: who redeems compares flow, purpose, customer and target with
// what it expects (law 3).
package credential
