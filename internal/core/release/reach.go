package release

import (
	"maps"
	"math"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Reach is what one recipient saw of one customer in a span of days: never a
// value, only that it was seen.
type Reach struct {
	Recipient Recipient
	Customer  customer.ID
	Purposes  map[string]int64 // how often, by purpose
	Fields    map[string]int64 // how often, by field
	Times     int64
	FirstAt   time.Time
	LastAt    time.Time
}

// Span is what of the record is looked at. Days are of UTC, both included; a
// zero time is no limit.
type Span struct {
	From    time.Time
	To      time.Time
	Purpose string // "" for all
}

func (s *Span) days() (from, to int64) {
	from, to = 0, math.MaxInt32
	if !s.From.IsZero() {
		from = s.From.Unix() / daySeconds
	}
	if !s.To.IsZero() {
		to = s.To.Unix() / daySeconds
	}
	return from, to
}

const daySeconds = 86400

// reachPage is how many lines of the record Reached reads at once.
const reachPage = 500

// Cursor is where Reached goes on. The zero cursor is the beginning.
type Cursor struct {
	customer customer.ID
	day      int64
	purpose  string
	digest   [32]byte
	entry    [16]byte
	open     *Reach // of the customer whose lines may go on
}

// Reached reads what a recipient saw, customer by customer, a bounded piece at a
// time: it returns the customers whose lines are all read, where to go on, and
// whether there is more. Nothing is opened: the record holds names of fields,
// not values.
func Reached(tx *db.Tx, t *tenant.Tenant, r Recipient, s Span, at Cursor) (done []Reach, next Cursor, more bool, err error) {
	from, to := s.days()
	list, err := db.All[Entry](tx, `FROM disclosure WHERE tenant_id = $1 AND recipient_kind = $2 AND recipient = $3
		AND (customer_id, day, purpose, fields_digest, entry) > ($4, $5, $6, $7, $8) AND day >= $9 AND day <= $10
		AND ($11 = '' OR purpose = $11) ORDER BY customer_id, day, purpose, fields_digest, entry LIMIT $12`,
		t.ID, r.Kind, r.ID, [16]byte(at.customer), at.day, at.purpose, at.digest, at.entry, from, to, s.Purpose, reachPage)
	if err != nil {
		return nil, at, false, err
	}
	open := at.open.copy()
	for _, e := range list {
		if open != nil && open.Customer != e.CustomerID {
			done, open = append(done, *open), nil
		}
		if open == nil {
			open = &Reach{Recipient: r, Customer: e.CustomerID, Purposes: map[string]int64{}, Fields: map[string]int64{}, FirstAt: e.FirstAt}
		}
		open.add(e)
		at = Cursor{e.CustomerID, e.Day, e.Purpose, e.FieldsDigest, e.Entry, nil}
	}
	more = len(list) == reachPage
	if !more && open != nil {
		done, open = append(done, *open), nil
	}
	at.open = open
	return done, at, more, nil
}

// copy is one of its own, since a transaction may be run again from the cursor.
func (r *Reach) copy() *Reach {
	if r == nil {
		return nil
	}
	c := *r
	c.Purposes, c.Fields = maps.Clone(r.Purposes), maps.Clone(r.Fields)
	return &c
}

func (r *Reach) add(e Entry) {
	r.Times += e.Times
	r.Purposes[e.Purpose] += e.Times
	for _, f := range strings.Fields(e.Names) {
		r.Fields[f] += e.Times
	}
	if e.FirstAt.Before(r.FirstAt) {
		r.FirstAt = e.FirstAt
	}
	if e.LastAt.After(r.LastAt) {
		r.LastAt = e.LastAt
	}
}

// Recipients lists who of a kind stands in the record after one, by their ids, at
// most limit of them.
func Recipients(tx *db.Tx, t *tenant.Tenant, kind string, after []byte, limit int) ([][16]byte, error) {
	var out [][16]byte
	for len(out) < limit {
		id, there, err := db.Value[[16]byte](tx, `SELECT recipient FROM disclosure WHERE tenant_id = $1 AND recipient_kind = $2
			AND recipient > $3 ORDER BY recipient LIMIT 1`, t.ID, kind, after)
		if err != nil || !there {
			return out, err
		}
		out, after = append(out, id), id[:]
	}
	return out, nil
}
