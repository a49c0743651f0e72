package release

import (
	"slices"
	"strconv"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Disclose opens the fields of a customer that the recipient may have and says
// why the rest is withheld; a field without a value is withheld as "no_value",
// and does not stand in the record as given.
// Faults: release_denied for a recipient who is nobody here, reason_missing,
// customer_erased, and release_unrecorded in a View (see ErrUnrecorded).
func Disclose(tx *db.Tx, t *tenant.Tenant, a Ask) (Disclosure, error) {
	p, allowed, withheld, err := judge(tx, t, &a)
	if err != nil {
		return Disclosure{}, err
	}
	d := Disclosure{Values: map[string]Value{}, Withheld: withheld}
	if len(allowed) == 0 {
		return d, nil
	}
	d.Values, err = p.give(tx, t, &a, allowed, withheld)
	return d, err
}

// give reads what was decided to go, writes it down and opens it. A field
// without a value is noted among those withheld.
func (p *party) give(tx *db.Tx, t *tenant.Tenant, a *Ask, allowed []verdict, withheld map[string]string) (map[string]Value, error) {
	facts, err := gather(tx, t, a.Customer, allowed)
	if err != nil {
		return nil, err
	}
	out := map[string]Value{}
	var there []verdict
	for _, v := range allowed {
		if facts.has(v) {
			there = append(there, v)
			continue
		}
		withheld[v.field.Name] = Empty
	}
	if len(there) == 0 {
		return out, nil
	}
	if err := p.record(tx, t, a, lines(there)); err != nil {
		return nil, err
	}
	if err := facts.open(tx, t, a.Customer); err != nil {
		return nil, err
	}
	for _, v := range there {
		out[v.field.Name] = facts.value(v)
	}
	return out, nil
}

// Explain tells what Disclose would decide, without opening or writing anything
// down: for each field the purpose under which it would go, or why it would not.
// Whether there is a value is not looked at. Faults: release_denied.
func Explain(tx *db.Tx, t *tenant.Tenant, a Ask) (goes, withheld map[string]string, err error) {
	_, allowed, withheld, err := judge(tx, t, &a)
	goes = map[string]string{}
	for _, v := range allowed {
		goes[v.field.Name] = v.purpose
	}
	return goes, withheld, err
}

// judge finds out who asks and decides on every asked field. Nothing is opened
// and nothing is written down.
func judge(tx *db.Tx, t *tenant.Tenant, a *Ask) (p *party, allowed []verdict, withheld map[string]string, err error) {
	if p, err = meet(tx, t, a); err != nil {
		return nil, nil, nil, err
	}
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, nil, nil, err
	}
	allowed, withheld, err = p.settle(tx, t, a, c)
	return p, allowed, withheld, err
}

// line is what the record says of the fields that go for one purpose.
type line struct {
	purpose string
	fields  []string
}

// lines are what has to be written down, a line for each purpose.
func lines(allowed []verdict) []line {
	var out []line
	for _, v := range allowed {
		i := slices.IndexFunc(out, func(l line) bool { return l.purpose == v.purpose })
		if i < 0 {
			out, i = append(out, line{purpose: v.purpose}), len(out)
		}
		out[i].fields = append(out[i].fields, v.name())
	}
	return out
}

// facts are what was read for one disclosure, and then opened.
type facts struct {
	customer customer.Customer
	primary  []customer.Primary
	stored   []customer.FieldValue

	identifiers map[string]Value // primary ones, by kind
	profile     map[string]string
}

// gather reads what the allowed fields need, and nothing else, without opening
// it.
func gather(tx *db.Tx, t *tenant.Tenant, id customer.ID, allowed []verdict) (*facts, error) {
	f := &facts{identifiers: map[string]Value{}, profile: map[string]string{}}
	need := needs(allowed)
	var err error
	if need["updated_at"] {
		if f.customer, err = customer.Get(tx, t, id); err != nil {
			return nil, err
		}
	}
	if need["email"] || need["phone"] || need["username"] {
		if f.primary, err = primaries(tx, t, id, need); err != nil {
			return nil, err
		}
	}
	if need["profile values"] {
		f.stored, err = values(tx, t, id, allowed)
	}
	return f, err
}

// has reports whether there is a value to give.
func (f *facts) has(v verdict) bool {
	name := strings.TrimSuffix(v.field.Name, "_verified")
	switch {
	case v.field.Stored():
		return slices.ContainsFunc(f.stored, func(s customer.FieldValue) bool { return s.Name == v.field.Name })
	case name == "updated_at":
		return true
	}
	return slices.ContainsFunc(f.primary, func(i customer.Primary) bool { return i.Kind == name })
}

// needs tells what has to be read: identifiers by kind, profile values.
func needs(allowed []verdict) map[string]bool {
	need := map[string]bool{}
	for _, v := range allowed {
		switch {
		case v.field.Stored():
			need["profile values"] = true
		default:
			need[strings.TrimSuffix(v.field.Name, "_verified")] = true
		}
	}
	return need
}

func primaries(tx *db.Tx, t *tenant.Tenant, id customer.ID, need map[string]bool) ([]customer.Primary, error) {
	all, err := customer.Primaries(tx, t, id)
	return slices.DeleteFunc(all, func(p customer.Primary) bool { return !need[p.Kind] }), err
}

func values(tx *db.Tx, t *tenant.Tenant, id customer.ID, allowed []verdict) ([]customer.FieldValue, error) {
	all, err := customer.Profile(tx, t, id)
	wanted := map[string]bool{}
	for _, v := range allowed {
		wanted[v.field.Name] = true
	}
	var out []customer.FieldValue
	for _, v := range all {
		if wanted[v.Name] {
			out = append(out, v)
		}
	}
	return out, err
}

// open opens what was read: one data key is unwrapped once.
func (f *facts) open(tx *db.Tx, t *tenant.Tenant, id customer.ID) error {
	var items []customer.Item
	for i := range f.primary {
		items = append(items, f.primary[i].Item())
	}
	for i := range f.stored {
		items = append(items, f.stored[i].Item())
	}
	plain, err := customer.Unseal(tx, t, id, items...)
	if err != nil {
		return err
	}
	for i, p := range f.primary {
		f.identifiers[p.Kind] = Value{Text: string(plain[i]), Verified: p.Verified()}
	}
	for i, s := range f.stored {
		f.profile[s.Name] = string(plain[len(f.primary)+i])
	}
	return nil
}

// value is one field's value, as it may be shown.
func (f *facts) value(v verdict) Value {
	name := v.field.Name
	out := Value{Field: name}
	if v.field.Stored() {
		out.Text = f.profile[name]
	} else {
		f.derive(name, &out)
	}
	if v.masked {
		out.Text, out.Masked = Mask(kindOf(v.field), out.Text), true
	}
	return out
}

// derive fills in fields that are identifiers or follow from other facts.
func (f *facts) derive(name string, out *Value) {
	if of, ok := strings.CutSuffix(name, "_verified"); ok {
		if i, ok := f.identifiers[of]; ok {
			out.Text = strconv.FormatBool(i.Verified)
		}
		return
	}
	if name == "updated_at" {
		out.Text = strconv.FormatInt(f.customer.ChangedAt.Unix(), 10) // seconds, OpenID Connect Core 5.1
		return
	}
	i := f.identifiers[name]
	out.Text, out.Verified = i.Text, i.Verified
}
