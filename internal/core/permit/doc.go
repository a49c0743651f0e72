// Package permit answers one question: may this subject get a session or a token
// now? May is the only place where it is answered, and a Permit is the answer as
// a value that cannot be forged or kept: its fields are unexported and it is good
// only in the transaction that asked (law 2).
//
//	session.Start, grant.Issue, grant.RedeemCode, grant.Rotate
//	        ^
//	        | Permit
//	       May <- tenant, application, customer, organization, session,
//	              assurance, consent: each as it stands in this transaction
//
// The checks are one list in one order, and every path runs all that apply to
// it; a path that forgets the gate does not compile. It never changes anything,
// never caches an answer, and tells the reason in its fault's code for the
// journal: what strangers are told is the teller's choice.
package permit
