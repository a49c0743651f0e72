// Package servertest runs the whole house in one process for tests: a real
// database, real tokens, a real listener on loopback, a hand-turned clock and
// an inbox in place of the mail relay. Browser drives it as a person would,
// by following links and filling in forms, without JavaScript.
package servertest
