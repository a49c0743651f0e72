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
// why the rest is withheld; a field without a value is withheld as "no_value".
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
	if err := p.record(tx, t, &a, lines(allowed)); err != nil {
		return Disclosure{}, err
	}
	facts, err := gather(tx, t, a.Customer, allowed)
	if err != nil {
		return Disclosure{}, err
	}
	for _, v := range allowed {
		value, ok := facts.value(v)
		if !ok {
			withheld[v.field.Name] = Empty
			continue
		}
		d.Values[v.field.Name] = value
	}
	return d, nil
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

// facts are what was read and opened for one disclosure.
type facts struct {
	customer    customer.Customer
	identifiers map[string]Value // primary ones, by kind
	profile     map[string]string
}

// gather reads and opens what the allowed fields need, and nothing else: one
// data key is unwrapped once.
func gather(tx *db.Tx, t *tenant.Tenant, id customer.ID, allowed []verdict) (*facts, error) {
	f := &facts{identifiers: map[string]Value{}, profile: map[string]string{}}
	need := needs(allowed)
	var err error
	if need["updated_at"] {
		if f.customer, err = customer.Get(tx, t, id); err != nil {
			return nil, err
		}
	}
	var primary []customer.Identifier
	if need["email"] || need["phone"] || need["username"] {
		if primary, err = primaries(tx, t, id, need); err != nil {
			return nil, err
		}
	}
	var stored []customer.FieldValue
	if need["profile values"] {
		if stored, err = values(tx, t, id, allowed); err != nil {
			return nil, err
		}
	}
	return f, f.open(tx, t, id, primary, stored)
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

func primaries(tx *db.Tx, t *tenant.Tenant, id customer.ID, need map[string]bool) ([]customer.Identifier, error) {
	all, err := customer.Identifiers(tx, t, id)
	var out []customer.Identifier
	for _, i := range all {
		if i.Primary && need[i.Kind] {
			out = append(out, i)
		}
	}
	return out, err
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

func (f *facts) open(tx *db.Tx, t *tenant.Tenant, id customer.ID, primary []customer.Identifier, stored []customer.FieldValue) error {
	var items []customer.Item
	for i := range primary {
		items = append(items, primary[i].Item())
	}
	for i := range stored {
		items = append(items, stored[i].Item())
	}
	plain, err := customer.Unseal(tx, t, id, items...)
	if err != nil {
		return err
	}
	for i, p := range primary {
		f.identifiers[p.Kind] = Value{Text: string(plain[i]), Verified: p.Verified()}
	}
	for i, s := range stored {
		f.profile[s.Name] = string(plain[len(primary)+i])
	}
	return nil
}

// value is one field's value, as it may be shown.
func (f *facts) value(v verdict) (Value, bool) {
	name := v.field.Name
	out := Value{Field: name}
	if v.field.Stored() {
		out.Text = f.profile[name]
	} else {
		f.derive(name, &out)
	}
	if out.Text == "" {
		return Value{}, false
	}
	if v.masked {
		out.Text, out.Masked = Mask(kindOf(v.field), out.Text), true
	}
	return out, true
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
