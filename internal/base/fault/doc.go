// Package fault holds the one error of the house.
//
// A fault says what a program does about it (Kind), which stable public name
// it has (Code), what one may tell a person (Text) and, for the log alone, why
// (Err). It knows no HTTP status and no wire format: each face has one teller
// that renders a fault in its own tongue. Any error that is not a fault is
// Internal, and its text stays inside.
package fault
