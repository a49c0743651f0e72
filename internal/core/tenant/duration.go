package tenant

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/fault"
)

// Duration is a span of time that is written as text: "90s", "12h", "1h30m",
// or in days, "30d". It is never negative.
type Duration time.Duration

// ErrBadDuration is told when a text is no Duration.
var ErrBadDuration = fault.New(fault.Invalid, "bad_duration", `Write a span of time like "90s", "30m", "12h" or "30d".`)

const (
	day         = 24 * time.Hour
	longestDays = 36500
)

// ParseDuration reads what String writes.
func ParseDuration(s string) (Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > longestDays {
			return 0, ErrBadDuration
		}
		return Duration(time.Duration(n) * day), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > longestDays*day {
		return 0, ErrBadDuration
	}
	return Duration(d), nil
}

// String writes whole days as days and drops zero minutes and seconds.
func (d Duration) String() string {
	t := time.Duration(d)
	if t > 0 && t%day == 0 {
		return strconv.FormatInt(int64(t/day), 10) + "d"
	}
	s := t.String()
	s = strings.TrimSuffix(s, "m0s")
	if len(s) < len(t.String()) {
		s += "m"
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes the duration for JSON and YAML.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = v
	return err
}

// Or returns the duration, or the fallback if it is not set.
func (d Duration) Or(fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return time.Duration(d)
}
