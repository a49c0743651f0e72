package customer

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// WordRow is a readable word by which staff find a customer, and the field that
// it stands in.
type WordRow struct{ Word, Field string }

// Fields names the columns.
func (r *WordRow) Fields() []db.Field {
	return []db.Field{{Column: "word", Ptr: &r.Word}, {Column: "field", Ptr: &r.Field}}
}

type wordRow struct {
	tenant   tenant.ID
	customer ID
	WordRow
}

// Fields names the columns.
func (r *wordRow) Fields() []db.Field {
	return append([]db.Field{{Column: "tenant_id", Ptr: &r.tenant}, {Column: "customer_id", Ptr: &r.customer}}, r.WordRow.Fields()...)
}

// OpenWords lists the words of a customer that rest readable.
func OpenWords(tx *db.Tx, t *tenant.Tenant, id ID) ([]WordRow, error) {
	return db.All[WordRow](tx, `FROM search_word WHERE tenant_id = $1 AND customer_id = $2 ORDER BY field, word`, t.ID, id)
}

// Rebuild is how far the making anew of a tenant's search has come, after fields
// changed how they are searched. A tenant has one: the latest.
type Rebuild struct {
	TenantID  tenant.ID
	Searched  map[string]Searched // fields that ever changed, by name
	After     ID
	Done      int64 // customers
	Total     int64
	StartedAt time.Time
	EndedAt   time.Time // zero: under way
}

// Searched is how a field is searched since it was changed last.
type Searched struct {
	Search   catalog.Search `json:"search"`
	Under    bool           `json:"under,omitempty"`    // the rebuild is for this field too
	WasOpen  bool           `json:"was_open,omitempty"` // its words lay readable once, and lie so in backups of then
	Readable time.Time      `json:"readable,omitzero"`  // until when, if they do no more
}

// Fields names the columns.
func (r *Rebuild) Fields() []db.Field {
	return []db.Field{
		{Column: "tenant_id", Ptr: &r.TenantID}, {Column: "fields", Ptr: db.JSON(&r.Searched)}, {Column: "after_id", Ptr: (*[16]byte)(&r.After)},
		{Column: "done", Ptr: &r.Done}, {Column: "total", Ptr: &r.Total}, {Column: "started_at", Ptr: &r.StartedAt}, {Column: "ended_at", Ptr: &r.EndedAt},
	}
}

// SearchRebuilt is told when a tenant's search was made anew: how the fields that
// had changed are searched now, and of how many customers.
type SearchRebuilt struct {
	Fields    map[string]string `json:"fields"`
	Customers int64             `json:"customers"`
}

// EventName names the event.
func (SearchRebuilt) EventName() string { return "catalog.search_rebuilt" }

// SearchChange is a field that is to be searched in another way.
type SearchChange struct {
	Field     string
	Was, Is   catalog.Search
	Customers int64 // who have a value in it
}

// FindRebuild is the latest rebuild of a tenant, if there was one.
func FindRebuild(tx *db.Tx, t *tenant.Tenant) (Rebuild, bool, error) {
	return db.Find[Rebuild](tx, `FROM search_rebuild WHERE tenant_id = $1`, t.ID)
}

// EverOpen names the fields whose words lie, or once lay, readable: older backups
// hold them still.
func EverOpen(tx *db.Tx, t *tenant.Tenant) ([]string, error) {
	r, _, err := FindRebuild(tx, t)
	var out []string
	for name, s := range r.Searched {
		if s.WasOpen {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, err
}

// ChangeSearch has the search made anew after the catalogue was changed from was
// to is in this transaction, by a job, and tells what that touches. Until the job
// has come to a customer they are found as before; once it is done no word of a
// field that is not searched open is readable.
func ChangeSearch(tx *db.Tx, t *tenant.Tenant, was, is *catalog.Catalog) ([]SearchChange, error) {
	changes, err := searchChanges(tx, t, was, is)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	r, known, err := FindRebuild(tx, t)
	if err != nil {
		return nil, err
	}
	if !known {
		r = Rebuild{TenantID: t.ID}
	}
	if r.Searched == nil {
		r.Searched = map[string]Searched{}
	}
	for name, s := range r.Searched {
		s.Under = s.Under && r.EndedAt.IsZero()
		r.Searched[name] = s
	}
	for _, c := range changes {
		s := Searched{Search: c.Is, Under: true, WasOpen: r.Searched[c.Field].WasOpen || c.Is == catalog.SearchOpen || c.Was == catalog.SearchOpen}
		if s.WasOpen && c.Is != catalog.SearchOpen {
			s.Readable = tx.Now.UTC()
		}
		r.Searched[c.Field] = s
	}
	if r.Total, err = filledIn(tx, t, r.under()); err != nil {
		return nil, err
	}
	r.After, r.Done, r.StartedAt, r.EndedAt = ID{}, 0, tx.Now, time.Time{}
	if _, err := tx.Exec(`DELETE FROM search_rebuild WHERE tenant_id = $1`, t.ID); err != nil {
		return nil, err
	}
	if err := db.Insert(tx, "search_rebuild", r); err != nil {
		return nil, err
	}
	return changes, scheduleRebuild(tx, t, rebuildRest)
}

func searchChanges(tx *db.Tx, t *tenant.Tenant, was, is *catalog.Catalog) (out []SearchChange, err error) {
	before, after := searchedWays(was), searchedWays(is)
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		c := SearchChange{Field: name, Was: catalog.SearchOff, Is: catalog.SearchOff}
		if s := before[name]; s.Indexed() {
			c.Was = s
		}
		if s := after[name]; s.Indexed() {
			c.Is = s
		}
		if c.Was == c.Is {
			continue
		}
		if c.Customers, err = filledIn(tx, t, []string{name}); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// searchedWays are how the stored fields of a catalogue are searched.
func searchedWays(c *catalog.Catalog) map[string]catalog.Search {
	out := map[string]catalog.Search{}
	for _, f := range c.Fields() {
		if f.Stored() {
			out[f.Name] = f.Search
		}
	}
	return out
}

// filledIn counts the customers who have a value in one of the fields.
func filledIn(tx *db.Tx, t *tenant.Tenant, names []string) (int64, error) {
	var q searching
	tenant := q.arg(t.ID)
	n, _, err := db.Value[int64](tx, `SELECT count(DISTINCT customer_id) FROM customer_field WHERE tenant_id = `+tenant+` AND name IN (`+q.list(names)+`)`, q.args...)
	return n, err
}

// under are the fields that the rebuild is for, sorted.
func (r *Rebuild) under() (out []string) {
	for name, s := range r.Searched {
		if s.Under {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// The jobs of a rebuild. It rests at first until every node knows the catalogue,
// and between two pages for a breath.
const (
	rebuildKind   = "customer.search"
	settleKind    = "customer.search_settle"
	rebuildRest   = 5 * time.Second
	rebuildBreath = 20 * time.Millisecond
	rebuildPage   = 100
)

func scheduleRebuild(tx *db.Tx, t *tenant.Tenant, pause time.Duration) error {
	_, err := journal.Enqueue(tx, journal.Job{
		Tenant: t.ID, Kind: rebuildKind, Key: rebuildKind, RunAt: tx.Now.Add(pause), MaxAttempts: 1000,
	})
	return err
}

// Wiring is what this room's work needs from above.
type Wiring struct {
	House      *tenant.House
	Checkpoint func(ctx context.Context) error // db.DB.Checkpoint: deleted words leave the write-ahead log
}

// Works are the jobs of this room.
func Works(w Wiring) []journal.Work {
	return []journal.Work{
		{Kind: rebuildKind, Parallel: 1, Finish: w.rebuild},
		{Kind: settleKind, Parallel: 1, Do: func(ctx context.Context, _ *journal.Job) error { return w.Checkpoint(ctx) }},
	}
}

// rebuild makes the search of a page of customers anew. How far it came is
// written in the same transaction, so that one that was cut off goes on.
func (w Wiring) rebuild(tx *db.Tx, j *journal.Job, _ error) error {
	t, ok := w.House.ByID(tenant.ID(j.Tenant))
	if j.State != journal.Done || !ok {
		return nil
	}
	r, found, err := FindRebuild(tx, t)
	if err != nil || !found || !r.EndedAt.IsZero() {
		return err
	}
	var q searching
	home, after := q.arg(t.ID), q.arg([16]byte(r.After))
	page, err := db.All[hit](tx, `FROM (SELECT DISTINCT customer_id FROM customer_field WHERE tenant_id = `+home+` AND customer_id > `+after+
		` AND name IN (`+q.list(r.under())+`)) AS filled ORDER BY customer_id LIMIT `+q.arg(rebuildPage), q.args...)
	if err != nil {
		return err
	}
	for _, h := range page {
		if err := reindex(tx, t, h.id); err != nil && !errors.Is(err, ErrErased) {
			return err
		}
		r.After, r.Done = h.id, r.Done+1
	}
	if len(page) < rebuildPage {
		return r.end(tx, t)
	}
	if _, err := tx.Exec(`UPDATE search_rebuild SET after_id = $2, done = $3 WHERE tenant_id = $1`, t.ID, [16]byte(r.After), r.Done); err != nil {
		return err
	}
	return scheduleRebuild(tx, t, rebuildBreath)
}

// end takes away what is readable of fields that are not searched open, and says
// that the rebuild is done.
func (r *Rebuild) end(tx *db.Tx, t *tenant.Tenant) error {
	fields := map[string]string{}
	for _, name := range r.under() {
		fields[name] = string(r.Searched[name].Search)
		if r.Searched[name].Search == catalog.SearchOpen {
			continue
		}
		if _, err := tx.Exec(`DELETE FROM search_word WHERE tenant_id = $1 AND field = $2`, t.ID, name); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(`UPDATE search_rebuild SET after_id = $2, done = $3, ended_at = $4 WHERE tenant_id = $1`,
		t.ID, [16]byte(r.After), r.Done, tx.Now); err != nil {
		return err
	}
	if _, err := journal.Enqueue(tx, journal.Job{Kind: settleKind, Key: settleKind}); err != nil {
		return err
	}
	return journal.Append(tx, journal.Entry{
		Tenant: t.ID, Subject: t.ID, Actor: journal.Actor{Kind: "system"}, Class: journal.Config,
		Event: SearchRebuilt{Fields: fields, Customers: r.Done},
	})
}
