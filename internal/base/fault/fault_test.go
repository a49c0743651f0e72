package fault

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

var errTaken = New(Conflict, "taken", "It is taken.")

func TestAPlainErrorIsInternalAndItsTextStaysInside(t *testing.T) {
	t.Parallel()
	e := Of(errors.New("dial tcp 10.0.0.1: refused"))
	if e.Kind != Internal || e.Text != internal.Text || e.Err == nil {
		t.Fatalf("Of(plain) = %+v", e)
	}
}

func TestCopiesAreTheSameFault(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("while registering: %w", errTaken.At("email").Because(errors.New("unique")))
	if !errors.Is(err, errTaken) || Of(err).Field != "email" || errTaken.Field != "" {
		t.Fatalf("errors.Is lost the fault, or the original changed: %v", err)
	}
	if errors.Is(err, New(Conflict, "other", "")) || errors.Is(err, New(Gone, "taken", "")) {
		t.Fatal("another code or kind counts as the same fault")
	}
}

func TestACancelledRequestIsUnavailableNotInternal(t *testing.T) {
	t.Parallel()
	for _, err := range []error{context.Canceled, context.DeadlineExceeded} {
		if !Is(err, Unavailable) {
			t.Errorf("%v is not Unavailable", err)
		}
	}
	if Of(nil) != nil || Is(nil, Internal) {
		t.Error("no error is a fault")
	}
}
