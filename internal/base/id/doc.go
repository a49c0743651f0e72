// Package id makes the names of things: 16 bytes in the database (UUIDv7, so
// that new rows stand at the end of an index), a typed value in Go, and a
// prefixed word at the rim ("cus_01j9…"). A room declares its own kind:
//
//	type kind struct{}
//	func (kind) Prefix() string { return "cus" }
//	type ID = id.ID[kind]
//
// The package never reads a clock: the caller gives the instant.
package id
