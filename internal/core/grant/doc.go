// Package grant owns what a customer allowed an application: the grant itself,
// the authorization codes and refresh tokens that stand for it, and the lists of
// what was ended or used before its time.
//
//	Issue --> grant --End, session over, lifetime over, reuse--> ended --Sweep--> gone
//	            |
//	            | NewCode            RedeemCode
//	            +-------> code (60 s) ---------> used --shown again--> grant ended
//	            |
//	            | NewRefresh            Rotate                    Rotate
//	            +----------> token ---------------> successor ---------------> ...
//	                           |  shown again        |
//	                           |  within Grace,      | used: the grace is over,
//	                           |  same successor <---+ shown again --> grant ended
//
// A grant is the family of its refresh tokens: ending it ends them all, and with
// them every access token, which are alive only while their grant is. One that
// is not offline ends with its session, whoever forgets to say so, since it is
// looked at together with the session.
//
// A successor is computed from the token that was presented, so that a client
// which lost the answer gets the same one again while only digests rest in the
// database. Codes and tokens are redeemed by one conditional statement (law 1),
// and only with a permit of the moment (law 2).
//
// It never signs anything, never sees a wire format, never buffers a rotation or
// a revocation, and keeps no secret.
package grant
