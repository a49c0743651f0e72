// Package risktest makes MaxMind DB files for tests, so that none of somebody
// else's data has to be carried.
//
// It owns a writer of the format as far as tests of places need it, and never
// reads one.
package risktest
