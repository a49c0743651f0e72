// Package risk keeps count of tries and messages, says when there were enough
// of them, and makes up its mind about attempts.
//
// It owns the meters: one row per limit and key, which holds nothing but the
// instant at which the meter will be empty again (GCRA, the generic cell rate
// algorithm). A try is reserved before the work that it allows is done, in one
// statement, so parallel guesses cannot slip past each other; the row outlives a
// crash; and a meter runs empty by itself, so nothing is ever locked for good.
//
//	empty --Reserve--> filling --Reserve--> full --Reserve--> refused, with the time to wait
//	  ^                   |                  |
//	  +------ time -------+------ time ------+
//
// It owns the verdicts. Look gathers the facts of an attempt, Assess weighs them
// by the tenant's policy and reads nothing else, Store keeps both, and Observe
// learns what is usual from sign-ins that were let in. Since what is kept are
// the facts, another policy can be tried on them later.
//
//	Circumstance --Look--> Attempt --Assess--> Verdict --Store--> kept for 90 days
//	      |                                       |
//	      +----------- Observe <-- let in --------+
//
// It never stores an address, a network, a place or a customer in the clear:
// keys of meters and values of habits are hashed under the tenant's own key, and
// an Attempt holds numbers and short words. It never opens a personal value and
// never asks anybody outside. It never locks an account: what anybody can cause
// from outside is passed by the networks and browsers from which the customer
// is known to sign in (Remember), and stops one way in, not all.
package risk
