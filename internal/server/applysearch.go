package server

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Search is that a field is to be found in another way, and whom that touches.
type Search struct {
	Was       catalog.Search `json:"was"`
	Is        catalog.Search `json:"is"`
	Customers int64          `json:"customers"` // who have a value in it
}

// search has the search made anew where fields changed how they are searched,
// and says so beside them.
func (a *applier) search(was *catalog.Catalog) error {
	is, err := catalog.Load(a.tx, a.t)
	if err != nil {
		return err
	}
	changes, err := customer.ChangeSearch(a.tx, a.t, was, is)
	if err != nil {
		return err
	}
	for _, c := range changes {
		for i := range a.changes {
			if x := &a.changes[i]; x.What == "field" && x.Name == c.Field {
				x.Search = &Search{Was: c.Was, Is: c.Is, Customers: c.Customers}
			}
		}
	}
	return nil
}

// Indexed is how a field is searched.
type Indexed struct {
	Field      string         `json:"field"`
	Search     catalog.Search `json:"search"`
	WasOpen    bool           `json:"was_open,omitempty"` // older backups hold readable words of it
	Until      time.Time      `json:"readable_until,omitzero"`
	Rebuilding bool           `json:"rebuilding,omitempty"`
	Done       int64          `json:"done,omitempty"` // customers of the rebuild that is under way
	Total      int64          `json:"total,omitempty"`
}

// SearchIndex tells of the fields that are or ever were searched how they are, and
// how far the rebuild has come, if one is under way.
func (b *Base) SearchIndex(ctx context.Context, t *tenant.Tenant) (out []Indexed, err error) {
	err = b.DB.View(ctx, func(tx *db.Tx) error {
		out = []Indexed{}
		c, err := catalog.Load(tx, t)
		if err != nil {
			return err
		}
		r, _, err := customer.FindRebuild(tx, t)
		if err != nil {
			return err
		}
		ways := map[string]catalog.Search{}
		for _, f := range c.Fields() {
			if f.Search.Indexed() {
				ways[f.Name] = f.Search
			}
		}
		for name, s := range r.Searched {
			ways[name] = s.Search
		}
		for name, way := range ways {
			i := Indexed{Field: name, Search: way}
			if s, known := r.Searched[name]; known {
				i.WasOpen, i.Until = s.WasOpen, s.Readable
				if i.Rebuilding = s.Under && r.EndedAt.IsZero(); i.Rebuilding {
					i.Done, i.Total = r.Done, r.Total
				}
			}
			out = append(out, i)
		}
		slices.SortFunc(out, func(a, b Indexed) int { return strings.Compare(a.Field, b.Field) })
		return nil
	})
	return out, err
}
