package privacy

import (
	"maps"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/notify"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// The rules of retention. Those of fields and of the journal carry what they are
// about: "field:shoe_size".
const (
	RuleField       = "field:"    // the field's own retention is over
	RulePurposes    = "purposes:" // every purpose of the field is over
	RuleJournal     = "journal:"  // details of events of a class
	RuleMessages    = "messages"
	RuleDisclosures = "disclosures"
	RuleCases       = "cases"
	RuleWarn        = "inactive:warn"
	RuleClose       = "inactive:close"
)

// Due is what a rule takes, or took: so many values of so many customers (of
// the journal: subjects), the first of them since when. Next is when it would
// take the first of what it does not take yet.
type Due struct {
	Values    int64     `json:"values"`
	Customers int64     `json:"customers"`
	Since     time.Time `json:"since,omitzero"`
	Next      time.Time `json:"next,omitzero"`
}

// Idle is an account that nobody uses: which rule is its next, from when on.
type Idle struct {
	Customer customer.ID
	Rule     string
	At       time.Time
}

// Survey is how far a walk through the rules has come and what it found. Its
// zero value is the beginning. It grows with the rules and never with the
// customers.
type Survey struct {
	Stage int
	After customer.ID
	Dues  map[string]Due
}

func (s Survey) clone() Survey {
	s.Dues = maps.Clone(s.Dues)
	if s.Dues == nil {
		s.Dues = map[string]Due{}
	}
	return s
}

// add notes one customer's values that are due since an instant.
func (s Survey) add(rule string, values int64, since time.Time) {
	d := s.Dues[rule]
	d.Values += values
	d.Customers++
	d.Since = first(d.Since, since)
	s.Dues[rule] = d
}

// await notes when a rule takes something that it does not take yet.
func (s Survey) await(rule string, at time.Time) {
	d := s.Dues[rule]
	d.Next = first(d.Next, at)
	s.Dues[rule] = d
}

func first(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// page is how many customers one transaction looks at.
const page = 200

// mostHeld is how many customers under a legal hold the journal leaves out. With
// more it is left alone altogether.
const mostHeld = 10000

// retaining applies a tenant's rules, or only looks what they would do.
type retaining struct {
	Survey
	idle    func(tx *db.Tx, t *tenant.Tenant, list []customer.Customer, act bool) ([]Idle, error)
	t       *tenant.Tenant
	act     bool
	catalog *catalog.Catalog
	ends    *consent.Ends
}

// Survey looks at the next part of what the rules would do, changing nothing,
// and tells whether there is more. A legal hold and a restriction keep
// everything of their customer.
func (w Wiring) Survey(tx *db.Tx, t *tenant.Tenant, s Survey) (Survey, bool, error) {
	return w.step(tx, t, s, false)
}

// step does or looks at one part: a page of customers, or a part of the rest.
func (w Wiring) step(tx *db.Tx, t *tenant.Tenant, s Survey, act bool) (Survey, bool, error) {
	r := &retaining{Survey: s.clone(), idle: w.Idle, t: t, act: act}
	var err error
	if r.catalog, err = catalog.For(tx, t); err != nil {
		return s, false, err
	}
	if r.ends, err = consent.EndsOf(tx, t); err != nil {
		return s, false, err
	}
	over := false
	switch {
	case r.Stage == 0:
		over, err = r.customers(tx)
	case r.Stage == 1:
		over, err = r.nobody(tx)
	case r.Stage-2 < len(tenant.JournalClasses):
		over, err = r.journal(tx, tenant.JournalClasses[r.Stage-2])
	}
	if err != nil {
		return s, false, err
	}
	if over {
		r.Stage, r.After = r.Stage+1, customer.ID{}
	}
	return r.Survey, r.Stage-2 < len(tenant.JournalClasses), nil
}

// customers does a page of customers.
func (r *retaining) customers(tx *db.Tx) (over bool, err error) {
	list, err := customer.Walk(tx, r.t, r.After, page)
	if err != nil || len(list) == 0 {
		return true, err
	}
	span := customer.Span{After: [16]byte(r.After), Last: [16]byte(list[len(list)-1].ID)}
	standings, err := consent.StandingsIn(tx, r.t, span)
	if err != nil {
		return false, err
	}
	kept, err := heldIn(tx, r.t, span)
	if err != nil {
		return false, err
	}
	for c, s := range standings {
		if s.Restricted {
			kept[c] = true
		}
	}
	for _, do := range []func() error{
		func() error { return r.values(tx, span, standings, kept) },
		func() error { return r.shelves(tx, span, kept) },
		func() error { return r.unused(tx, list, kept) },
	} {
		if err := do(); err != nil {
			return false, err
		}
	}
	r.After = customer.ID(span.Last)
	return len(list) < page, nil
}

// values does the profile values of a span of customers.
func (r *retaining) values(tx *db.Tx, span customer.Span, standings map[customer.ID]*consent.Standing, kept map[customer.ID]bool) error {
	list, err := customer.DatedIn(tx, r.t, span)
	if err != nil {
		return err
	}
	for _, v := range list {
		f, known := r.catalog.Field(v.Name)
		if !known || kept[v.CustomerID] {
			continue
		}
		rule, at := r.ending(&f, v.SetAt, standings[v.CustomerID], tx.Now)
		if rule == "" {
			continue
		}
		if at.After(tx.Now) {
			r.await(rule, at)
			continue
		}
		if r.act {
			if _, err := customer.ExpireField(tx, r.t, v, rule); err != nil {
				return err
			}
		}
		r.add(rule, 1, at)
	}
	return nil
}

// ending is which rule ends a value first, and when; "" for none. A purpose's
// retention runs from its end, or from when the value was set, if that was later.
// A value goes with the last of its purposes.
func (r *retaining) ending(f *catalog.Field, set time.Time, s *consent.Standing, now time.Time) (rule string, at time.Time) {
	if d, err := tenant.ParseDuration(f.Retention); f.Retention != "" && err == nil {
		rule, at = RuleField+f.Name, set.Add(time.Duration(d))
	}
	var last time.Time
	for _, p := range f.Purposes {
		if p == catalog.PurposePrivacy {
			continue // answering requests about data keeps none by itself
		}
		since, keep, over := r.ends.Over(p, s, now)
		if !over {
			return rule, at
		}
		if keep == 0 {
			keep = r.t.Settings.Retention.Grace()
		}
		if since.Before(set) {
			since = set
		}
		if end := since.Add(keep); end.After(last) {
			last = end
		}
	}
	if last.IsZero() {
		return rule, at // nobody said what it is for: staff are told so instead
	}
	if rule == "" || last.Before(at) {
		rule, at = RulePurposes+f.Name, last
	}
	return rule, at
}

// shelf is a kind of record that is kept for a time.
type shelf struct {
	rule   string
	keep   tenant.Duration
	look   func(*db.Tx, *tenant.Tenant, customer.Span, time.Time) ([]customer.Aged, error)
	forget func(*db.Tx, *tenant.Tenant, customer.ID, time.Time) (int64, error)
}

func shelvesOf(t *tenant.Tenant) []shelf {
	k := t.Settings.Retention
	return []shelf{
		{RuleMessages, k.Messages, notify.AgedIn, func(tx *db.Tx, t *tenant.Tenant, c customer.ID, before time.Time) (int64, error) {
			return notify.Forget(tx, t, c, before, everything)
		}},
		{RuleDisclosures, k.Disclosures, release.AgedIn, release.Forget},
		{RuleCases, k.Cases, casesIn, forgetCases},
	}
}

const everything = 1 << 40

func (r *retaining) shelves(tx *db.Tx, span customer.Span, kept map[customer.ID]bool) error {
	for _, s := range shelvesOf(r.t) {
		if s.keep == 0 {
			continue
		}
		before := tx.Now.Add(-time.Duration(s.keep))
		list, err := s.look(tx, r.t, span, before)
		if err != nil {
			return err
		}
		for _, a := range list {
			if kept[a.CustomerID] {
				continue
			}
			if err := r.shelved(tx, s, a, before); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *retaining) shelved(tx *db.Tx, s shelf, a customer.Aged, before time.Time) error {
	if !a.Next.IsZero() {
		r.await(s.rule, a.Next.Add(time.Duration(s.keep)))
	}
	if a.Due == 0 {
		return nil
	}
	r.add(s.rule, a.Due, a.Oldest.Add(time.Duration(s.keep)))
	if !r.act {
		return nil
	}
	_, err := s.forget(tx, r.t, a.CustomerID, before)
	return err
}

func (r *retaining) unused(tx *db.Tx, list []customer.Customer, kept map[customer.ID]bool) error {
	if r.idle == nil {
		return nil
	}
	var free []customer.Customer
	for _, c := range list {
		if !kept[c.ID] {
			free = append(free, c)
		}
	}
	found, err := r.idle(tx, r.t, free, r.act)
	for _, i := range found {
		if i.At.After(tx.Now) {
			r.await(i.Rule, i.At)
			continue
		}
		r.add(i.Rule, 1, i.At)
	}
	return err
}

// nobody does the messages to nobody who has an account.
func (r *retaining) nobody(tx *db.Tx) (over bool, err error) {
	keep := time.Duration(r.t.Settings.Retention.Messages)
	if keep == 0 {
		return true, nil
	}
	before := tx.Now.Add(-keep)
	a, err := notify.AgedNobody(tx, r.t, before)
	if err != nil {
		return false, err
	}
	if !a.Next.IsZero() {
		r.await(RuleMessages, a.Next.Add(keep))
	}
	if a.Due == 0 {
		return true, nil
	}
	n := a.Due
	if r.act {
		if n, err = notify.Forget(tx, r.t, customer.ID{}, before, page); err != nil {
			return false, err
		}
	}
	d := r.Dues[RuleMessages]
	d.Values, d.Since = d.Values+n, first(d.Since, a.Oldest.Add(keep))
	r.Dues[RuleMessages] = d
	return n == a.Due, nil
}

// journal does the details of events of one class. The subjects are counted
// when it begins.
func (r *retaining) journal(tx *db.Tx, class string) (over bool, err error) {
	keep := r.t.Settings.Retention.JournalKept(class)
	if keep == 0 {
		return true, nil
	}
	held, err := heldAll(tx, r.t, mostHeld+1)
	if err != nil || len(held) > mostHeld {
		return true, err
	}
	p := journal.Pruning{Tenant: r.t.ID, Class: journal.Class(class), Before: tx.Now.Add(-keep), Limit: page, Except: held}
	if r.After.IsZero() {
		if err := r.journalBegins(tx, p, keep); err != nil || !r.act {
			return true, err
		}
		r.After = customer.ID{1}
	}
	n, err := journal.Prune(tx, p)
	if n > 0 {
		d := r.Dues[RuleJournal+class]
		d.Values += n
		r.Dues[RuleJournal+class] = d
	}
	return n == 0, err
}

func (r *retaining) journalBegins(tx *db.Tx, p journal.Pruning, keep time.Duration) error {
	n, err := journal.CountPrunable(tx, p)
	if err != nil || n.Rows == 0 && n.Next.IsZero() {
		return err
	}
	d := Due{Customers: n.Subjects}
	if !r.act {
		d.Values = n.Rows
	}
	if !n.Oldest.IsZero() {
		d.Since = n.Oldest.Add(keep)
	}
	if !n.Next.IsZero() {
		d.Next = n.Next.Add(keep)
	}
	r.Dues[RuleJournal+string(p.Class)] = d
	return nil
}

type heldRow struct{ id [16]byte }

func (h *heldRow) Fields() []db.Field { return []db.Field{{Column: "customer_id", Ptr: &h.id}} }

// heldIn are the customers of a span who are under a legal hold.
func heldIn(tx *db.Tx, t *tenant.Tenant, s customer.Span) (map[customer.ID]bool, error) {
	rows, err := db.All[heldRow](tx, `FROM legal_hold WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3
		AND released_at IS NULL AND (until IS NULL OR until > $4)`, t.ID, s.After, s.Last, tx.Now)
	out := map[customer.ID]bool{}
	for _, r := range rows {
		out[customer.ID(r.id)] = true
	}
	return out, err
}

func heldAll(tx *db.Tx, t *tenant.Tenant, limit int) ([][16]byte, error) {
	rows, err := db.All[heldRow](tx, `FROM legal_hold WHERE tenant_id = $1 AND released_at IS NULL AND (until IS NULL OR until > $2)
		GROUP BY customer_id ORDER BY customer_id LIMIT $3`, t.ID, tx.Now, limit)
	out := make([][16]byte, len(rows))
	for i, r := range rows {
		out[i] = r.id
	}
	return out, err
}

// casesIn counts the requests of a span of customers that were closed before an
// instant.
func casesIn(tx *db.Tx, t *tenant.Tenant, s customer.Span, before time.Time) ([]customer.Aged, error) {
	return db.All[customer.Aged](tx, `FROM (SELECT customer_id, cast(sum(CASE WHEN closed_at < $4 THEN 1 ELSE 0 END) AS BIGINT) AS due,
		min(closed_at) AS oldest, min(CASE WHEN closed_at < $4 THEN NULL ELSE closed_at END) AS next
		FROM privacy_case WHERE tenant_id = $1 AND customer_id > $2 AND customer_id <= $3 AND closed_at IS NOT NULL
		GROUP BY customer_id) AS aged ORDER BY customer_id`, t.ID, s.After, s.Last, before)
}

// forgetCases takes away the customer's requests that were closed before an
// instant, with their history.
func forgetCases(tx *db.Tx, t *tenant.Tenant, c customer.ID, before time.Time) (int64, error) {
	if _, err := tx.Exec(`DELETE FROM case_entry WHERE tenant_id = $1 AND customer_id = $2 AND case_id IN (
		SELECT id FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2 AND closed_at < $3)`, t.ID, c, before); err != nil {
		return 0, err
	}
	return tx.Exec(`DELETE FROM privacy_case WHERE tenant_id = $1 AND customer_id = $2 AND closed_at < $3`, t.ID, c, before)
}
