package fault

import (
	"context"
	"errors"
	"time"
)

// Kind tells what a program does about a fault.
type Kind uint8

// The kinds. Nothing else in the house decides how a refusal is answered.
const (
	Invalid         Kind = iota + 1 // the input is wrong; the same input stays wrong
	Unauthenticated                 // nobody has proven who they are
	Denied                          // somebody is known and may not
	NotFound                        // there is no such thing for this caller
	Conflict                        // it clashes with what is there already
	Gone                            // it was there and is used up, expired or erased
	Limited                         // too many tries; wait
	Unavailable                     // the house cannot do it now; try again
	Internal                        // a defect of ours
)

var names = [...]string{"", "invalid", "unauthenticated", "denied", "not_found", "conflict", "gone", "limited", "unavailable", "internal"}

// String names the kind as it stands in logs and metrics.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Error is a refusal or a failure. The zero value is not used; see New.
type Error struct {
	Kind  Kind
	Code  string        // stable and public, in snake_case: "email_taken"
	Text  string        // one public sentence in English
	Field string        // the input that it concerns, if it is one
	Retry time.Duration // when trying again may help; 0: unknown
	Err   error         // the private cause, for the log alone
}

// New returns a fault with a kind, a stable code and one public sentence.
// Packages declare theirs as variables and refine them with Because, At and In.
func New(kind Kind, code, text string) *Error {
	return &Error{Kind: kind, Code: code, Text: text}
}

// Because returns a copy that carries a private cause.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// At returns a copy that names the input it concerns.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// In returns a copy that says when trying again may help.
func (e *Error) In(d time.Duration) *Error {
	c := *e
	c.Retry = d
	return &c
}

// Error is for the log: it includes the private cause. Tellers use Text.
func (e *Error) Error() string {
	s := e.Kind.String() + " " + e.Code
	if e.Field != "" {
		s += " (" + e.Field + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives errors.Is and errors.As the private cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is a fault of the same kind and code, so that
// errors.Is(err, room.ErrX) holds for copies made by Because, At and In.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Code == e.Code
}

var (
	internal  = New(Internal, "internal", "Something went wrong on our side. Try again in a moment.")
	cancelled = New(Unavailable, "cancelled", "The request took too long and was stopped. Try again.")
)

// Of returns err as a fault: the first fault in its chain, or an Internal one
// that keeps err as its private cause. Of(nil) is nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return cancelled.Because(err)
	}
	return internal.Because(err)
}

// Is reports whether err, seen as a fault, is of the kind.
func Is(err error, kind Kind) bool {
	e := Of(err)
	return e != nil && e.Kind == kind
}
