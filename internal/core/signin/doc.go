// Package signin is the front door as a decision: given the facts of one
// journey, which step comes next.
//
// It owns the flow rows (one journey of one browser, at most an hour long), the
// facts that its steps have written, the proofs among them, and Next. What was
// typed lies sealed under the flow's own data key, which becomes the new
// customer's key or dies with the flow.
//
// It never talks to people, never sends a message, never starts a session and
// never looks a customer up while Next decides: Next is pure. Steps never route
// to one another. Each proves one thing, writes one fact and goes back to Next.
//
//	             ┌────────────── choose ◄── sessions in this browser
//	             │ another            │ one that is alive and fresh
//	             ▼                    │
//	begin ──► identify ──► code ──┐   │
//	             │                ├───┤  (proof of the address; until here known
//	             └──► password ───┘   │   and unknown addresses walk the same way)
//	                                  ▼
//	            reopen · reset · restore   what the account's state asks for
//	                                  ▼
//	            terms ──► register ──► username ──► profile ──► consent ──► done
//
//	refuse ends the journey at any place, with a reason.
package signin
