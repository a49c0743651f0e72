// Package risk keeps count of tries and messages, and says when there were
// enough of them.
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
// It never stores an address, a network or a customer in the clear: keys are
// hashed under the tenant's own key. It never locks an account: limits that
// anybody can fill from outside are passed by the networks from which the
// customer is known to sign in (Remember), and stop one way in, not all.
package risk
