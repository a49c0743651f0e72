package server

import (
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
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
