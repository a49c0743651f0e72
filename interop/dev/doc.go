// Package dev starts the real program as `cardea dev`, tells what it says of
// itself, and ends it the way an operator would. It imports nothing of the
// product: the programs here know it by its public protocols alone.
package dev
