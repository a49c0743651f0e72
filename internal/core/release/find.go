package release

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Matched marks a field in the record by the beginning of whose value somebody
// was found: who finds by "Mü" has seen that much of it.
const Matched = ":matched"

// Find finds customers for staff and for who is at the machine. Beginnings of
// words count in fields that are searched open, and there only where the
// catalogue shows the field whole to who asks, for the purpose, and nothing that
// the customer decided stands against it. That somebody was found by a beginning
// is a line of their record. a.Customer and a.Fields are not looked at. Faults:
// release_denied, reason_missing, release_unrecorded.
func Find(tx *db.Tx, t *tenant.Tenant, a Ask, query string, limit int) ([]customer.ID, error) {
	if a.Recipient.Kind != Staff && a.Recipient.Kind != Operator {
		return nil, ErrRecipient
	}
	p, err := meet(tx, t, &a)
	if err != nil {
		return nil, err
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	open := p.browsable(&a, c)
	ids, err := customer.Browse(tx, t, query, open, limit)
	if err != nil || len(open) == 0 {
		return ids, err
	}
	var out []customer.ID
	for _, id := range ids {
		may, err := mayFind(tx, t, a, id, query, open)
		if err != nil {
			return nil, err
		}
		if may {
			out = append(out, id)
		}
	}
	return out, nil
}

// browsable are the fields whose beginnings who asks may search, as far as the
// catalogue decides it.
func (p *party) browsable(a *Ask, c *catalog.Catalog) (out []string) {
	whole := *a
	whole.Outline = false
	for _, f := range c.Fields() {
		if f.Search != catalog.SearchOpen {
			continue
		}
		if v, why := p.decide(&whole, f); !v.masked && (why == "" || why == unheard) {
			out = append(out, f.Name)
		}
	}
	return out
}

// mayFind decides of one customer who fits, and writes down by which beginnings.
func mayFind(tx *db.Tx, t *tenant.Tenant, a Ask, id customer.ID, query string, open []string) (bool, error) {
	by, err := customer.Matched(tx, t, id, query, open)
	if err != nil {
		return false, err
	}
	a.Customer, a.Outline, a.Fields = id, false, slices.Concat(by...)
	if len(a.Fields) == 0 {
		return true, nil
	}
	p, allowed, _, err := judge(tx, t, &a)
	if err != nil {
		return false, err
	}
	var seen []string
	for _, in := range by {
		if in == nil {
			continue // a whole word
		}
		in = slices.DeleteFunc(in, func(name string) bool {
			return !slices.ContainsFunc(allowed, func(v verdict) bool { return v.field.Name == name && !v.masked })
		})
		if len(in) == 0 {
			return false, nil
		}
		seen = append(seen, in...)
	}
	slices.Sort(seen)
	names := slices.Compact(seen)
	for i := range names {
		names[i] += Matched
	}
	return true, p.record(tx, t, &a, []line{{a.Purpose, names}})
}
