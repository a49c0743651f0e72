package tenant

import (
	"maps"
	"slices"
	"time"
)

// Retention says how long things are kept that no field and no purpose speaks
// for, and when an account that nobody uses closes.
type Retention struct {
	// InactiveAfter is after how long without any use an account closes; never if
	// 0. Warn is how long before that its customer is warned, the longest first:
	// 60d, 30d and 7d if empty.
	InactiveAfter Duration   `json:"inactive_after,omitempty" yaml:"inactive_after,omitempty"`
	Warn          []Duration `json:"warn,omitempty" yaml:"warn,omitempty"`
	// PurposeGrace is how long a value is kept after the last of its purposes is
	// over, where that purpose names no retention of its own; 30d if 0.
	PurposeGrace Duration `json:"purpose_grace,omitempty" yaml:"purpose_grace,omitempty"`
	// Journal is how long the details of events are kept, by class. Behaviour is
	// kept 90d and signin 400d if it is not named; the other classes for ever.
	Journal map[string]Duration `json:"journal,omitempty" yaml:"journal,omitempty"`
	// Disclosures, Messages and Cases are how long it is remembered who saw what,
	// what was sent, and which requests were answered; as long as the account if 0.
	Disclosures Duration `json:"disclosures,omitempty" yaml:"disclosures,omitempty"`
	Messages    Duration `json:"messages,omitempty" yaml:"messages,omitempty"`
	Cases       Duration `json:"cases,omitempty" yaml:"cases,omitempty"`
}

// JournalClasses are the classes of events, in the order of the reference.
var JournalClasses = []string{"behaviour", "signin", "message", "profile", "security", "consent", "privacy", "staff", "config"}

var journalKept = map[string]time.Duration{"behaviour": 90 * day, "signin": 400 * day}

// JournalKept is how long the details of events of a class are kept; 0: for ever.
func (r *Retention) JournalKept(class string) time.Duration {
	return r.Journal[class].Or(journalKept[class])
}

// Warnings are how long before an unused account closes its customer is warned,
// the longest first.
func (r *Retention) Warnings() []time.Duration {
	if len(r.Warn) == 0 {
		return []time.Duration{60 * day, 30 * day, 7 * day}
	}
	out := make([]time.Duration, len(r.Warn))
	for i, d := range r.Warn {
		out[i] = time.Duration(d)
	}
	return out
}

// Grace is how long a value is kept after the last of its purposes is over.
func (r *Retention) Grace() time.Duration { return r.PurposeGrace.Or(30 * day) }

func (r *Retention) check() error {
	if err := r.checkInactive(); err != nil {
		return err
	}
	for _, class := range slices.Sorted(maps.Keys(r.Journal)) {
		if !slices.Contains(JournalClasses, class) || r.Journal[class] < Duration(day) {
			return ErrBadSetting.At("settings.retention.journal")
		}
	}
	for _, k := range []struct {
		member string
		value  Duration
	}{{"purpose_grace", r.PurposeGrace}, {"disclosures", r.Disclosures}, {"messages", r.Messages}, {"cases", r.Cases}} {
		if k.value != 0 && k.value < Duration(day) {
			return ErrBadSetting.At("settings.retention." + k.member)
		}
	}
	return nil
}

// mostWarnings bounds the warnings before an account closes.
const mostWarnings = 5

func (r *Retention) checkInactive() error {
	if len(r.Warn) > mostWarnings {
		return ErrBadSetting.At("settings.retention.warn")
	}
	before := r.InactiveAfter
	if before == 0 {
		before = Duration(longestDays * day)
	}
	for _, d := range r.Warnings() {
		if d < day || Duration(d) >= before {
			return ErrBadSetting.At("settings.retention.warn")
		}
		before = Duration(d)
	}
	if r.InactiveAfter != 0 && r.InactiveAfter < Duration(30*day) {
		return ErrBadSetting.At("settings.retention.inactive_after")
	}
	return nil
}
