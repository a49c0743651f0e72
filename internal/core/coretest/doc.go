// Package coretest sets a small house up for the tests of core's rooms: a fresh
// database of every engine, a tenant, and customers and applications on demand.
// Only tests import it.
package coretest
