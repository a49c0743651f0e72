// Package journal owns what happened and what is still to happen: events with
// their digest chains and signed checkpoints, readers that follow them, jobs,
// the leases that share this work out between nodes, and counts per minute.
//
// It never knows what an event or a job means, never opens or seals a personal
// field, never decides anything for a customer, and never calls the world
// outside: that is what the functions given to NewLoop do.
//
// # Events
//
// State is the truth and the journal is its record: [Append] writes an event in
// the transaction of the change, together with a mark in the table unchained.
// The clerk, background work under a lease with a fencing number, takes marks
// away and writes links:
//
//	          Append                 clerk                     clerk, each minute
//	change ───────────▶ event ───────────────────▶ chain ─────────────────────────▶ checkpoint
//	          │     + unchained    - unchained       │         signature over the
//	          │                                      │         16 heads of a tenant
//	          └── one transaction                    └──▶ readers, by (bucket, position)
//
//	link = SHA-256(previous link, seq, SHA-256(header), SHA-256(salt, payload))
//
// Because marks are taken away one by one, and no cursor over ids is kept, an
// event whose transaction commits late is chained late and never missed.
// Header and payload are bound by their digests alone, so [Prune] can take a
// payload away, with the salt that would let it be guessed, and the chain stays
// valid. [Verify] walks chains and checkpoints and names the first bad record.
//
// A subject's events all lie in one of 16 buckets and are chained in the order
// of their ids, so a reader sees the events of one subject in order.
//
// # Jobs
//
// A job is a row, written in the transaction that makes it due:
//
//	                 ┌────────── back-off with jitter ─────────┐
//	                 ▼                                         │
//	Enqueue ──▶ [waiting] ──claim, fence+1──▶ [running] ──────┬┘ failed
//	   │             ▲                            │           │
//	   │             └── lease ran out, or drain ─┘           ├──▶ gone     (done: Finish commits)
//	   └─ Cancel ──▶ gone, also while it runs                 └──▶ dead_job (dead or expired)
//	                                                                  │ Revive: waiting again
//
// Do runs outside any transaction and at least once; Finish commits exactly
// once, because the same transaction takes the row away under the fence of the
// claim. A node that lost its claim is refused there.
//
// # Counts
//
// What happens too often to be kept one by one is added up in memory by a
// [Tally] and written every few seconds; a crash loses what was not written.
package journal
