// Package customer owns the people a tenant serves: their identifiers, their
// sealed profile, their state, the data key that everything personal of theirs
// is sealed under, the `sub` values by which applications know them, and the
// blind index by which staff find them.
//
// Sealing a value is open to every room; unsealing is release's alone (Unseal
// has one caller, which a test enforces). What is opened inside this room (to
// index a changed profile, to restore identifiers) never leaves it.
//
// An identifier that was somebody's rests for a while when it is given up: it
// blocks nobody who proves it, but nothing old attaches to who holds it next.
//
// It never decides whether somebody may sign in, never proves an address (who
// sets Verified has seen the proof), and never sends anything.
//
// A customer's state:
//
//	                    +----------- unlock ------------+
//	                    v                               |
//	Register -----> active --------- lock ----------> locked
//	                 | ^ ^                            ^  |  |
//	                 | | +------ way back proven --+  |  |  |
//	                 | |                           |  |  |  |
//	                 | |   +-- recover (undo, ---> recovery  |
//	           close | |   |   staff)                |       |
//	                 v |   |                         | close | close
//	               closing <-------------------------+-------+
//	                 |        CloseAfter later
//	                 v
//	               erased   (from every state, by Destroy; for good)
//
// Erasing destroys the data key: whatever was sealed under it, here, in the
// journal and in backups, opens for nobody any more.
package customer
