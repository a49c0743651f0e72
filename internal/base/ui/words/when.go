package words

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Date is a day in a zone: "23 November 2026".
func (w *Words) Date(t time.Time, zone *time.Location) string { return w.day(t.In(zone), "month") }

// ShortDate is a day in a zone, for tables: "23 Nov 2026".
func (w *Words) ShortDate(t time.Time, zone *time.Location) string { return w.day(t.In(zone), "short") }

func (w *Words) day(t time.Time, months string) string {
	month := w.T(fmt.Sprintf("words.%s.%d", months, int(t.Month())))
	// The year is text, or it would be grouped as a number.
	return w.T("words.date", "d", t.Day(), "month", plainText(month), "m", int(t.Month()), "y", plainText(strconv.Itoa(t.Year())))
}

// Clock is the time of day in a zone: "14:05".
func (w *Words) Clock(t time.Time, zone *time.Location) string { return t.In(zone).Format("15:04") }

// DateTime is a day and a time in a zone: "23 November 2026, 14:05".
func (w *Words) DateTime(t time.Time, zone *time.Location) string {
	return w.T("words.datetime", "date", plainText(w.Date(t, zone)), "time", plainText(w.Clock(t, zone)))
}

// Instant is a day and a time with the zone's name, for where a doubt would
// matter: "23 November 2026, 14:05 (Europe/Berlin)".
func (w *Words) Instant(t time.Time, zone *time.Location) string {
	return w.DateTime(t, zone) + " (" + zone.String() + ")"
}

// Ago says how far t lies from now: "5 minutes ago", "yesterday", "in 2 hours".
// From a week on it is the date.
func (w *Words) Ago(t, now time.Time, zone *time.Location) string {
	d := now.Sub(t)
	if -d > 0 {
		if -d >= 7*24*time.Hour {
			return w.Date(t, zone)
		}
		return w.T("words.in", "span", plainText(w.Span(-d)))
	}
	switch days := midnights(t.In(zone), now.In(zone)); {
	case d < time.Minute:
		return w.T("words.now")
	case d < time.Hour:
		return w.T("words.ago.minutes", "n", int(d/time.Minute))
	case days == 0 || d < 6*time.Hour:
		return w.T("words.ago.hours", "n", int(d/time.Hour))
	case days == 1:
		return w.T("words.yesterday")
	case days < 7:
		return w.T("words.ago.days", "n", days)
	}
	return w.Date(t, zone)
}

// midnights counts the midnights between two instants of one zone.
func midnights(t, now time.Time) int {
	a := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	b := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return int(b.Sub(a) / (24 * time.Hour))
}

// Span is a length of time in one unit, rounded up: "30 seconds", "2 minutes".
func (w *Words) Span(d time.Duration) string {
	up := func(unit time.Duration) int { return int((d + unit - 1) / unit) }
	switch {
	case d <= time.Minute-time.Second:
		return w.T("words.seconds", "n", max(1, up(time.Second)))
	case d <= time.Hour-time.Minute:
		return w.T("words.minutes", "n", up(time.Minute))
	case d <= 48*time.Hour-time.Hour:
		return w.T("words.hours", "n", up(time.Hour))
	}
	return w.T("words.days", "n", up(24*time.Hour))
}

// Term is how long something is kept, as people say it: "10 years" for 3650 days
// and for the 3652 or 3653 that a calendar has, "6 months" for half of a year,
// "90 days".
func (w *Words) Term(d time.Duration) string {
	days := int(d / (24 * time.Hour))
	years := days / 365
	switch leap := days - years*365; {
	case d%(24*time.Hour) != 0 || years == 0 && days != 182 && days != 183:
		return w.Span(d)
	case years == 0:
		return w.T("words.months", "n", 6)
	case leap <= (years+3)/4:
		return w.T("words.years", "n", years)
	case leap == 182 || leap == 183:
		return w.T("words.months", "n", years*12+6)
	}
	return w.Span(d)
}

// Number is a whole number with the locale's grouping: "48,210", "48.210".
func (w *Words) Number(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	// Spanish, Polish and others group from five digits on.
	least, err := strconv.Atoi(w.T("words.number.least"))
	if err != nil || len(s) < least {
		return sign + s
	}
	group := w.T("words.number.group")
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + group + s[i:]
	}
	return sign + s
}

// List joins names: "a, b and c".
func (w *Words) List(items []string) string {
	switch len(items) {
	case 0:
		return ""
	case 1:
		return items[0]
	}
	head := strings.Join(items[:len(items)-1], w.T("words.list.comma"))
	return w.T("words.list.and", "a", plainText(head), "b", plainText(items[len(items)-1]))
}

// plainText is text of our own making that needs no isolation in a sentence.
type plainText string
