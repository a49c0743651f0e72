package risk

import (
	"strconv"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
)

// meterRow is when a meter will have run empty, and whether the try passed.
type meterRow struct {
	meter   [32]byte
	arrives time.Time
	passed  bool
}

// Fields names the columns.
func (m *meterRow) Fields() []db.Field {
	return []db.Field{{Column: "meter", Ptr: &m.meter}, {Column: "arrives_at", Ptr: &m.arrives}, {Column: "passed", Ptr: &m.passed}}
}

type meterRows map[[32]byte]meterRow

// take counts one try at each of the meters, which differ from one another, in
// one statement. A full one stays as it is and has not passed.
func (r round) take(meters ...Meter) (meterRows, error) {
	args := []any{r.t.ID, r.now}
	var values, latest strings.Builder
	for i, m := range meters {
		key, arrives, last := place(3+3*i), place(4+3*i), place(5+3*i)
		if i > 0 {
			values.WriteString(", ")
		}
		values.WriteString("($1, " + key + ", " + arrives + ", TRUE)")
		latest.WriteString(" WHEN " + key + " THEN cast(" + last + " AS BIGINT)")
		args = append(args, m.key(r.t), r.now.Add(m.Limit.Every), r.latest(m))
	}
	full := "throttle.arrives_at > CASE excluded.meter" + latest.String() + " END"
	list, err := db.BumpedAll[meterRow](r.ctx, r.d, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed) VALUES `+values.String()+`
		ON CONFLICT (tenant_id, meter) DO UPDATE SET passed = NOT (`+full+`), arrives_at = CASE
			WHEN `+full+` THEN throttle.arrives_at
			WHEN throttle.arrives_at > $2 THEN throttle.arrives_at + (excluded.arrives_at - $2)
			ELSE excluded.arrives_at END`, args...)
	rows := meterRows{}
	for _, row := range list {
		rows[row.meter] = row
	}
	return rows, err
}

// drop is a meter and by how much it is lowered.
type drop struct {
	Meter
	by time.Duration
}

// lower takes tries back from meters that stay otherwise as they are.
func (r round) lower(list []drop) error { return r.lowerUnless(list, "FALSE") }

// lowerUnless is lower where a condition does not hold. Its arguments are the
// first from $3 on.
func (r round) lowerUnless(list []drop, condition string, more ...any) error {
	if len(list) == 0 {
		return nil
	}
	args := append([]any{r.t.ID, r.now}, more...)
	var keys []string
	by := "CASE meter"
	for _, d := range list {
		args = append(args, d.key(r.t), d.by)
		key := place(len(args) - 1)
		keys = append(keys, key)
		by += " WHEN " + key + " THEN cast(" + place(len(args)) + " AS BIGINT)"
	}
	by += " END"
	_, err := r.d.Bump(r.ctx, `UPDATE throttle SET arrives_at = CASE WHEN arrives_at - `+by+` > $2 THEN arrives_at - `+by+` ELSE $2 END
		WHERE tenant_id = $1 AND meter IN (`+strings.Join(keys, ", ")+`) AND arrives_at > $2 AND NOT (`+condition+`)`, args...)
	return err
}

// empty deletes meters and tells which there were.
func (r round) empty(meters []Meter) (map[[32]byte]bool, error) {
	gone := map[[32]byte]bool{}
	if len(meters) == 0 {
		return gone, nil
	}
	args := []any{r.t.ID}
	var keys []string
	for _, m := range meters {
		args = append(args, m.key(r.t))
		keys = append(keys, place(len(args)))
	}
	rows, err := db.BumpedAll[meterRow](r.ctx, r.d,
		`DELETE FROM throttle WHERE tenant_id = $1 AND meter IN (`+strings.Join(keys, ", ")+`)`, args...)
	for _, row := range rows {
		gone[row.meter] = true
	}
	return gone, err
}

func place(n int) string { return "$" + strconv.Itoa(n) }
