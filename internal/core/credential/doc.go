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
//	            +-- Issue for the same flow and purpose, EndOutstanding ---------> gone
//
// A TOTP generator counts from its first code on, and each of its time steps
// once; recovery codes come ten at a time:
//
//	BeginTOTP --> shown --ConfirmTOTP--> confirmed (RedeemTOTP) --RemoveTOTP--> gone
//	                |
//	                +-- BeginTOTP, SweepFactors --> gone
//
// A recovery without a proof as strong as what was lost waits, and the link of
// its notices stops it. The link of any other notice raises an alarm: both are
// looked at often and redeemed once.
//
//	StartWait --> waits --> ready --TakeWait--> used
//	                |         |
//	                +---------+-- StopWait, EndWaits, StartWait for another --> stopped
//
// A passkey is made and used by answering a challenge, which is good once:
//
//	BeginPasskeyCreate --> challenge --RedeemPasskeyCreate--> passkey --RemovePasskey--> gone
//	BeginPasskeyGet -----> challenge --RedeemPasskeyGet-----> used: counter, place, time
//	                           |
//	                           +-- redeemed, whatever came of it; SweepChallenges --> gone
//
// The browser is asked for what the tenant's policy wants, and what it answers is
// asked again here. passkey_wire.go and metadata.go alone know the library.
//
// It never counts tries of a generator or of recovery codes (risk reserves them
// before), never hashes a password, never sends anything, never keeps a code or a link
// (an HMAC of the one and a digest of the other rest), and does not know what a
// proof is good for: who redeems compares flow, purpose, customer and target with
// what it expects (law 3).
package credential
