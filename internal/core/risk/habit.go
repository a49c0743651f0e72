package risk

import (
	"strconv"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// HabitsKept is for how long something is usual that did not happen again.
const HabitsKept = 400 * 24 * time.Hour

const (
	mostNetworks = 100 // of a customer are usual; the one seen least lately makes room
	// enoughDays is how many sign-ins on working days (or on weekends) there must
	// have been before an hour of such a day is unusual.
	enoughDays = 20
)

// The kinds of habit.
const (
	habitAny     = "any"     // every sign-in
	habitNetwork = "network" // /24 or /48
	habitCountry = "country"
	habitPlaced  = "placed" // sign-ins of which the country was known, and those of which it was not
	habitDay     = "day"    // working days, weekends
	habitHour    = "hour"   // an hour of such a day
)

// habit is one thing that a customer did, and how often. Its value is a keyed
// digest of the customer's own: nobody reads from it what it was, nor that two
// customers share it.
type habit struct {
	value [32]byte
	times int
}

// Fields names the columns.
func (h *habit) Fields() []db.Field {
	return []db.Field{{Column: "value", Ptr: &h.value}, {Column: "times", Ptr: &h.times}}
}

// traces are the digests of what an attempt would leave behind as habits.
type traces struct {
	any, network, country, placed, day [32]byte
	hours                              [3][32]byte // the hour itself, the one before and the one after
	located                            bool        // the country is known
}

func (a Atlas) traces(t *tenant.Tenant, cus customer.ID, c Circumstance, now time.Time) traces {
	digest := func(kind, value string) [32]byte { return t.Index("risk/habit", cus.String(), kind, value) }
	country := a.Geo.Country(c.Address)
	out := traces{
		any: digest(habitAny, ""), network: digest(habitNetwork, session.NewPlace(c.Address, "").Network),
		country: digest(habitCountry, country), placed: digest(habitPlaced, strconv.FormatBool(country != "")),
		located: country != "",
	}
	// The customer's own clock is not known; that of the house serves as well,
	// since an hour is compared with hours by the same clock.
	utc := now.UTC()
	day := dayKind(utc)
	out.day = digest(habitDay, day)
	for i, offset := range []time.Duration{0, -time.Hour, time.Hour} {
		out.hours[i] = digest(habitHour, day+strconv.Itoa(utc.Add(offset).Hour()))
	}
	return out
}

func dayKind(at time.Time) string {
	if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
		return "weekend"
	}
	return "working day"
}

// usual reads how often what the traces tell happened lately.
func (tr traces) usual(tx *db.Tx, t *tenant.Tenant, cus customer.ID) (map[[32]byte]int, error) {
	rows, err := db.All[habit](tx, `FROM habit WHERE tenant_id = $1 AND customer_id = $2 AND last_at > $3
		AND value IN ($4, $5, $6, $7, $8, $9, $10, $11)`,
		t.ID, cus, tx.Now.Add(-HabitsKept), tr.any, tr.network, tr.country, tr.day,
		tr.hours[0], tr.hours[1], tr.hours[2], t.Index("risk/habit", cus.String(), habitPlaced, "true"))
	out := map[[32]byte]int{}
	for _, h := range rows {
		out[h.value] = h.times
	}
	return out, err
}

// Observe learns from a sign-in that was let in: from where and when it was is
// usual for the customer from now on. Call it once for each session that
// begins, and never for an attempt that a verdict stopped.
func (a Atlas) Observe(tx *db.Tx, t *tenant.Tenant, cus customer.ID, c Circumstance) error {
	tr := a.traces(t, cus, c, tx.Now)
	err := tx.Put(`INSERT INTO habit (tenant_id, customer_id, kind, value, times, first_at, last_at) VALUES
		($1, $2, $3, $4, 1, $15, $15), ($1, $2, $5, $6, 1, $15, $15), ($1, $2, $7, $8, 1, $15, $15),
		($1, $2, $9, $10, 1, $15, $15), ($1, $2, $11, $12, 1, $15, $15), ($1, $2, $13, $14, 1, $15, $15)
		ON CONFLICT (tenant_id, customer_id, kind, value) DO UPDATE SET times = habit.times + 1, last_at = $15`,
		t.ID, cus, habitAny, tr.any, habitNetwork, tr.network, habitCountry, tr.country,
		habitPlaced, tr.placed, habitDay, tr.day, habitHour, tr.hours[0], tx.Now)
	if err != nil {
		return err
	}
	return tx.Put(`DELETE FROM habit WHERE tenant_id = $1 AND customer_id = $2 AND kind = $3 AND value IN (
		SELECT value FROM habit WHERE tenant_id = $1 AND customer_id = $2 AND kind = $3 ORDER BY last_at DESC, value LIMIT 1000 OFFSET $4)`,
		t.ID, cus, habitNetwork, mostNetworks)
}

// ForgetHabits makes nothing usual for a customer any more, for after an account
// was in the wrong hands: the thief's network is no network of theirs.
func ForgetHabits(tx *db.Tx, t *tenant.Tenant, cus customer.ID) error {
	_, err := tx.Exec(`DELETE FROM habit WHERE tenant_id = $1 AND customer_id = $2`, t.ID, cus)
	return err
}
