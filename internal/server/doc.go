// Package server is the roof of the house: it reads the configuration, opens
// the database and the keyring, builds every room that needs something handed
// in, hangs protocols and faces on one router, runs the background loop and
// drains. It decides nothing about identity.
//
// Life of a server:
//
//	New ──► Run ──► (SIGTERM) ──► drain: stop accepting, finish requests,
//	 │               finish jobs, release leases ──► Close
//	 └─ refuses to start on any configuration error, all told at once
package server
