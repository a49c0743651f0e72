// Package organization is the room of business customers' groups. It owns their
// ids, which stand on grants and sessions from the first migration on; nothing
// else of it is built yet.
package organization
