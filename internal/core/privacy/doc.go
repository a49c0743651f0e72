// Package privacy is the rights of customers over their data, as work: what is
// due to be erased is erased on time, in every room.
//
// It owns the jobs of closing accounts and the list of rooms that store rows of
// a customer. It never decides whether an account closes (account does) and
// never opens a personal value. Access, rectification and objection cases,
// export, retention rules and holds come into this room later.
//
//	Schedule ──► job at close_at ──► every Subject erases ──► key destroyed
//	    │                                                        │
//	    └─ Unschedule (kept after all)                   checkpoint of the
//	                                                     write-ahead log
package privacy
