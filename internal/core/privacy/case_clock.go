package privacy

import (
	"time"

	"github.com/cardea-id/cardea/internal/core/tenant"
)

// WarnBefore is how long before a case is due staff are warned.
const WarnBefore = 7 * 24 * time.Hour

// furtherMonths is by how much the time of a case may be extended, once (GDPR
// Art. 12(3)).
const furtherMonths = 2

// dueAt is when a request that came in now has to be answered: after the
// tenant's number of days, counted in the tenant's zone. GDPR Art. 12(3) says
// one month: where the days mean that month, it never ends later than the same
// day of the next month, or its last day if it has no such day.
func dueAt(t *tenant.Tenant, opened time.Time) time.Time {
	days := t.CaseDays()
	local := opened.In(zoneOf(t))
	due := local.AddDate(0, 0, days)
	if month := months(local, 1); days <= 31 && month.Before(due) {
		due = month
	}
	return due.UTC().Truncate(time.Microsecond)
}

// extendedTo is the end of the one extension: two further months; never more
// than the tenant's days once more, where these are longer than a month.
func extendedTo(t *tenant.Tenant, due time.Time) time.Time {
	local := due.In(zoneOf(t))
	out := months(local, furtherMonths)
	if days := t.CaseDays(); days > 31 {
		if again := local.AddDate(0, 0, days); again.Before(out) {
			out = again
		}
	}
	return out.UTC().Truncate(time.Microsecond)
}

// months goes on by calendar months: the same day and time of day, or the last
// day of a month that has no such day (Regulation 1182/71 Art. 3(2)(c)).
func months(from time.Time, n int) time.Time {
	to := from.AddDate(0, n, 0)
	if to.Day() != from.Day() {
		to = to.AddDate(0, 0, -to.Day())
	}
	return to
}

func zoneOf(t *tenant.Tenant) *time.Location {
	zone, err := time.LoadLocation(t.Zone())
	if err != nil {
		return time.UTC
	}
	return zone
}
