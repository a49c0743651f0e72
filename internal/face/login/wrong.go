package login

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/signin"
)

// correctable reports whether a refusal is shown on the form itself, so that
// the visitor can try again there.
func correctable(err *fault.Error) bool {
	switch err.Kind {
	case fault.Invalid, fault.Limited, fault.Unavailable:
		return true
	}
	return account.ErrPassword.Is(err) || err.Field != ""
}

// moved reports a refusal that means no more than: look where the journey
// stands now.
func moved(err *fault.Error) bool { return signin.ErrMoved.Is(err) || account.ErrStep.Is(err) }

// over reports that the journey cannot go on in this browser.
func over(err *fault.Error) bool { return signin.ErrExpired.Is(err) || signin.ErrElsewhere.Is(err) }

// tell writes on the page what is wrong: at the field, if the page has it.
func tell(s *ui.Shell, err *fault.Error, field string) {
	if err == nil {
		return
	}
	if err.Kind == fault.Limited || err.Kind == fault.Unavailable || passkeyFault(err) {
		field = ""
	}
	err = err.At(field).In(rounded(err.Retry))
	if key := "login.fault." + err.Code; s.Has(key) {
		s.Fail(field, key, "wait", s.Span(err.Retry))
		return
	}
	s.Fault(err)
}

// rounded is a wait as people are told it: whole seconds below a minute, else
// whole minutes, never less than it is.
func rounded(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	step := time.Second
	if d > time.Minute {
		step = time.Minute
	}
	return max(step, (d + step - 1).Truncate(step))
}

// wait says to programs when trying again may help.
func wait(w http.ResponseWriter, err *fault.Error) {
	if err.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(err.Retry.Seconds()))))
	}
}
