// Package db is the one database of the house: two engines, one SQL text, seven
// verbs. Nothing outside it knows whether SQLite or PostgreSQL runs.
//
// It owns connections, transactions and their retries, the group-commit writer
// of SQLite, the mapping of columns to Go values, the migrations' runner and
// backups. It never knows what a row means, keeps no cache of rows, builds no
// queries beyond naming a type's columns, and logs nothing.
//
// # Verbs
//
//	View    one snapshot, cannot write
//	Look    a View of one question
//	Update  serializable; its closure may run several times before one run counts
//	Bump    one statement in a READ COMMITTED transaction of its own
//	Redeem  READ COMMITTED, where each decision stands in the statement that writes
//	Claim   READ COMMITTED, for background readers that carry a fencing number
//
// What becomes of an Update:
//
//	            +--------------- serialization failure, lost before COMMIT ---+
//	            v                                                             |
//	queued -> running --- nil, Keep(err) --> COMMIT -- told ok ---------> answered, After runs
//	  |         |                              |
//	  |         +--- error, panic -> ROLLBACK  +-- connection lost: ask pg_xact_status
//	  |                               |              committed -> answered
//	  +-- cancelled, queue full       v              aborted   -> running
//	          -> Unavailable        told             unknown   -> Unavailable
//
// On both engines a statement that fails ends its transaction: later
// statements of the same closure fail too, and what the closure returns cannot
// bring the transaction back. Where a clash is expected, use InsertNew, Take or
// ON CONFLICT, which do not fail. PostgreSQL hears of an Insert or a Put with the
// statement after it, or with COMMIT, and its failure is told there.
//
// # SQL
//
// Statements are written in PostgreSQL's spelling with $1..$n and obey the
// rules that Check names. NULL is read as the zero value of what it is scanned
// into; the zero time and a nil []byte are written as NULL.
package db
