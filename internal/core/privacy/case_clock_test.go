package privacy

import (
	"testing"
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	out, err := time.Parse("2006-01-02 15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// GDPR Art. 12(3), Regulation 1182/71 Art. 3(2)(c): one month ends on the same
// day of the next, or on its last day.
func TestArt12_AMonthEndsWithTheMonthThatHasNoSuchDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days           int
		zone, in, want string
	}{
		{0, "", "2026-03-04 09:00", "2026-04-03 09:00"},  // 30 days are sooner than a month of 31
		{31, "", "2026-04-30 09:00", "2026-05-30 09:00"}, // and 31 never later than the month
		{0, "", "2026-01-31 09:00", "2026-02-28 09:00"},
		{0, "", "2028-01-31 09:00", "2028-02-29 09:00"},
		{0, "", "2026-01-29 12:00", "2026-02-28 12:00"},
		{0, "", "2026-12-31 23:30", "2027-01-30 23:30"},
		{45, "", "2026-01-31 09:00", "2026-03-17 09:00"}, // not the GDPR's month
		{1, "", "2026-02-28 09:00", "2026-03-01 09:00"},
		{90, "", "2026-01-01 00:00", "2026-04-01 00:00"},
		{0, "Europe/Berlin", "2026-03-01 08:00", "2026-03-31 07:00"}, // the same hour on the wall
	} {
		home := &tenant.Tenant{Settings: tenant.Settings{ZoneDefault: c.zone, Privacy: tenant.Privacy{CaseDays: c.days}}}
		if got := dueAt(home, at(t, c.in)); !got.Equal(at(t, c.want)) {
			t.Errorf("%d days from %s %s: %s, not %s", c.days, c.in, c.zone, got, c.want)
		}
	}
}

func TestArt12_TheExtensionIsTwoFurtherMonths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		days     int
		in, want string
	}{
		{0, "2026-04-03 09:00", "2026-06-03 09:00"},
		{0, "2026-12-31 09:00", "2027-02-28 09:00"},
		{45, "2026-03-17 09:00", "2026-05-01 09:00"}, // once more what the law of that number gives
		{90, "2026-03-17 09:00", "2026-05-17 09:00"},
	} {
		home := &tenant.Tenant{Settings: tenant.Settings{Privacy: tenant.Privacy{CaseDays: c.days}}}
		if got := extendedTo(home, at(t, c.in)); !got.Equal(at(t, c.want)) {
			t.Errorf("%d days: %s is extended to %s, not %s", c.days, c.in, got, c.want)
		}
	}
}
