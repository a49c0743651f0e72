// Command cardea is the whole product as one program. This package holds its
// commands and nothing else: each reads its flags, calls internal/server and
// prints what came back. It decides nothing.
//
//	flags ──► configuration ──► server.Open ──► one call ──► table or JSON
//
// Exit codes: 0 done (also a server that was told to stop), 1 it did not work
// or a check found something, 2 the command line was not understood, 3
// configuration, keyring or data do not let it start.
package main
