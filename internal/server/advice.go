package server

import (
	"context"
	"errors"
	"io/fs"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// The exit codes of the program; 0 is done, and also a server that was told to
// stop.
const (
	ExitFailed  = 1 // it did not work, or a check found something
	ExitUsage   = 2 // the command line was not understood
	ExitRefused = 3 // configuration, keyring or data do not let the program start
)

// Advice is an error that an operator reads: what is wrong and what to do.
type Advice struct {
	Text string // what is wrong, one sentence
	Do   string // what to do now, with the command if there is one
	Exit int    // 0: ExitFailed
	Err  error  // the cause, told after the text
}

// Error tells text, cause and what to do.
func (a *Advice) Error() string {
	s := a.Text
	if a.Err != nil {
		s += " (" + a.Err.Error() + ")"
	}
	return s + " " + a.Do
}

// Unwrap gives the cause.
func (a *Advice) Unwrap() error { return a.Err }

func refused(text, do string, err error) *Advice {
	return &Advice{Text: text, Do: do, Exit: ExitRefused, Err: err}
}

func failed(text, do string, err error) *Advice { return &Advice{Text: text, Do: do, Err: err} }

// Advise turns any error into one that ends with what to do.
func Advise(err error) *Advice {
	var a *Advice
	if errors.As(err, &a) {
		return a
	}
	var f *fault.Error
	if !errors.As(err, &f) {
		return adviseOther(err)
	}
	text := f.Text
	if f.Field != "" {
		text = f.Field + ": " + text
	}
	return &Advice{Text: text, Do: whatToDo(f), Err: f.Err}
}

func adviseOther(err error) *Advice {
	a := &Advice{Text: err.Error(), Do: "Run 'cardea doctor' with the same options to find the cause."}
	switch {
	case errors.Is(err, context.Canceled):
		a.Text, a.Do = "It was interrupted.", "Run the command again."
	case errors.Is(err, fs.ErrNotExist):
		a.Do = "Check the path and run the command again."
	case errors.Is(err, fs.ErrPermission):
		a.Do = "Run the command as the user that owns the data directory and the keyring."
	}
	return a
}

// remedies are what to do about faults that operators meet, by code.
var remedies = map[string]string{
	"application_not_found": "List the applications with 'cardea app list'.",
	"tenant_not_found":      "List the tenants with 'cardea tenant list' and choose one with --tenant SLUG.",
	"bad_redirect_uri":      "Give whole https addresses with --redirect; http is for loopback hosts of native applications and of tenants on loopback.",
	"bad_web_origin":        "Give --origin https://host without a path.",
	"bad_audience":          "Give an API its --audience, an absolute URI like https://api.example.com, and no other kind one.",
	"audience_taken":        "Choose another --audience, or change the API that has it.",
	"slug_taken":            "Choose another short name; 'cardea tenant list' shows those in use.",
	"origin_taken":          "Choose another --origin; 'cardea tenant list' shows those in use.",
	"no_secret":             "It needs none: it is public, or proves itself with a key of its own.",
	"keyring_damaged":       "Put the last good copy of the keyring in place and start again.",
	"keyring_open":          "Give its file the mode 0600: chmod 600 KEYRING.",
	"keyring_fixed":         "Run 'cardea keys rotate --wrapping': it prints the next text for every node.",
	"key_unknown":           "Start with the keyring that belongs to this database.",
	"backup_exists":         "Name a directory that does not exist yet.",
	"backup_damaged":        "Check the disk, then run 'cardea doctor' and make another backup.",
	"changed_meanwhile":     "Run the command again.",
}

func whatToDo(f *fault.Error) string {
	if do := remedies[f.Code]; do != "" {
		return do
	}
	switch f.Kind {
	case fault.Invalid:
		return "Correct the value and run the command again; --help shows what is allowed."
	case fault.NotFound:
		return "Check the name and the --tenant, and run the command again."
	case fault.Conflict, fault.Gone, fault.Denied:
		return "Nothing was changed. Look at the present state with the matching 'show' or 'list' command."
	case fault.Limited, fault.Unavailable:
		return "Wait a moment and run the command again."
	}
	return "Run 'cardea doctor' with the same options to find the cause."
}
