package risk

import (
	"context"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Marks tell of marks until when they stand, as MarksOf has read them; the zero
// time: it does not stand. What is not among them is asked for when it is
// needed, so nil works everywhere. They are for one request.
type Marks map[string]time.Time

// mostMarks is how many marks are read beforehand: those that a try at an
// account needs.
const mostMarks = 3

// fresh is how old a mark of a network or browser grows before it is made anew:
// most sign-ins need no write.
const fresh = 24 * time.Hour

// MarksOf reads, in one question, the marks that the meters look at. It asks as
// much for an account that nobody has.
func MarksOf(tx *db.Tx, t *tenant.Tenant, meters []Meter) (Marks, error) {
	out := Marks{}
	note := func(name string) {
		if len(out) < mostMarks {
			out[name] = time.Time{}
		}
	}
	for _, m := range meters {
		if m.attacked {
			note(attackMark)
		}
		for _, name := range m.Unless {
			note(name)
		}
	}
	if len(out) == 0 {
		return out, nil
	}
	names, keys := make([]string, 0, mostMarks), make([][32]byte, mostMarks)
	for name := range out {
		keys[len(names)] = markKey(t, name)
		names = append(names, name)
	}
	rows, err := db.All[gauge](tx, `FROM throttle WHERE tenant_id = $1 AND meter IN ($2, $3, $4) AND arrives_at > $5`,
		t.ID, keys[0], keys[1], keys[2], tx.Now)
	for _, row := range rows {
		for i, name := range names {
			if keys[i] == row.meter {
				out[name] = row.arrives
			}
		}
	}
	return out, err
}

func (k Marks) round(ctx context.Context, d *db.DB, t *tenant.Tenant) round {
	r := round{ctx, d, t, d.Now(), map[string]bool{}}
	for name, until := range k {
		r.stands[name] = until.After(r.now)
	}
	return r
}

// Reserve is the function of that name for who has read the marks.
func (k Marks) Reserve(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	return k.round(ctx, d, t).reserve(meters)
}

// Forgive is the function of that name for who has read the marks.
func (k Marks) Forgive(ctx context.Context, d *db.DB, t *tenant.Tenant, meters ...Meter) error {
	return k.round(ctx, d, t).forgive(meters)
}

// Remember is the function of that name for several networks and browsers at
// once, and for who has read the marks: those that are fresh cost nothing.
func (k Marks) Remember(ctx context.Context, d *db.DB, t *tenant.Tenant, account string, from ...string) error {
	var names []string
	for _, f := range from {
		if name := pair(account, f); k[name].Before(d.Now().Add(Known - fresh)) {
			names = append(names, name)
		}
	}
	return k.round(ctx, d, t).mark(Known, fresh, names...)
}

// mark lets marks stand for a while. One that was made within the time of fresh
// is left as it is.
func (r round) mark(while, fresh time.Duration, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	args := []any{r.t.ID, r.now.Add(while), r.now.Add(while - fresh)}
	var rows []string
	for _, name := range names {
		args = append(args, markKey(r.t, name))
		rows = append(rows, "($1, "+place(len(args))+", $2, TRUE)")
	}
	_, err := r.d.Bump(r.ctx, `INSERT INTO throttle (tenant_id, meter, arrives_at, passed) VALUES `+strings.Join(rows, ", ")+`
		ON CONFLICT (tenant_id, meter) DO UPDATE SET arrives_at = $2 WHERE throttle.arrives_at < $3`, args...)
	return err
}
