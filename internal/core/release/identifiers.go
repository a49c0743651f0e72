package release

import (
	"slices"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// OpenIdentifier is one of a customer's addresses or names.
type OpenIdentifier struct {
	Kind       string
	Value      string // in the clear; the outline, if no more may be shown
	Masked     string // the outline
	Digest     [32]byte
	Primary    bool
	VerifiedAt time.Time // when the customer proved it; zero: not proven
	CreatedAt  time.Time
}

// Verified reports whether the customer has proven the identifier.
func (i *OpenIdentifier) Verified() bool { return !i.VerifiedAt.IsZero() }

// Identifiers opens all identifiers of a customer that the recipient may have,
// by the viewers of the fields "email", "phone" and "username"; a.Fields is not
// looked at. Applications get none but through Disclose: release_denied.
// Otherwise faults are those of Disclose.
func Identifiers(tx *db.Tx, t *tenant.Tenant, a Ask) ([]OpenIdentifier, error) {
	if a.Recipient.Kind == Application {
		return nil, ErrRecipient
	}
	a.Fields = identifierFields
	p, allowed, _, err := judge(tx, t, &a)
	if err != nil || len(allowed) == 0 {
		return nil, err
	}
	all, err := customer.Identifiers(tx, t, a.Customer)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if err := p.record(tx, t, &a, []line{{allowed[0].purpose, []string{identifiersOf(allowed)}}}); err != nil {
		return nil, err
	}
	return openIdentifiers(tx, t, a.Customer, all, allowed)
}

// Person is Disclose and Identifiers at once: what a member of staff sees of a
// customer in one look, which is one line of the record. a.Fields names the
// profile fields. Applications are release_denied; further faults are those of
// Disclose.
func Person(tx *db.Tx, t *tenant.Tenant, a Ask) (Disclosure, []OpenIdentifier, error) {
	if a.Recipient.Kind == Application {
		return Disclosure{}, nil, ErrRecipient
	}
	profile := slices.DeleteFunc(slices.Clone(a.Fields), func(f string) bool { return slices.Contains(identifierFields, f) })
	a.Fields = slices.Concat(profile, identifierFields)
	d, err := Disclose(tx, t, a)
	if err != nil {
		return Disclosure{}, nil, err
	}
	a.Fields = slices.DeleteFunc(slices.Clone(identifierFields), func(f string) bool { _, seen := d.Values[f]; return !seen })
	_, allowed, _, err := judge(tx, t, &a)
	if err != nil || len(allowed) == 0 {
		return d, nil, err
	}
	all, err := customer.Identifiers(tx, t, a.Customer)
	if err != nil {
		return Disclosure{}, nil, err
	}
	list, err := openIdentifiers(tx, t, a.Customer, all, allowed)
	return d, list, err
}

var identifierFields = []string{customer.Email, customer.Phone, customer.Username}

// identifiersOf is how the record calls a customer's identifiers.
func identifiersOf(allowed []verdict) string {
	for _, v := range allowed {
		if !v.masked {
			return "identifiers"
		}
	}
	return "identifiers" + catalog.Masked
}

func openIdentifiers(tx *db.Tx, t *tenant.Tenant, id customer.ID, all []customer.Identifier, allowed []verdict) ([]OpenIdentifier, error) {
	masked := map[string]bool{}
	for _, v := range allowed {
		masked[v.field.Name] = v.masked
	}
	all = slices.DeleteFunc(all, func(i customer.Identifier) bool { _, ok := masked[i.Kind]; return !ok })
	items := make([]customer.Item, len(all))
	for n := range all {
		items[n] = all[n].Item()
	}
	plain, err := customer.Unseal(tx, t, id, items...)
	if err != nil {
		return nil, err
	}
	out := make([]OpenIdentifier, len(all))
	for n, i := range all {
		out[n] = OpenIdentifier{
			Kind: i.Kind, Value: string(plain[n]), Masked: Mask(i.Kind, string(plain[n])),
			Digest: i.Digest, Primary: i.Primary, VerifiedAt: i.VerifiedAt, CreatedAt: i.CreatedAt,
		}
		if masked[i.Kind] {
			out[n].Value = out[n].Masked
		}
	}
	return out, nil
}

// Open opens something that another room sealed with customer.Seal under a
// field label of its own (the place of a session, the words of a message), for
// the customer or for a message to the customer. Others are release_denied.
func Open(tx *db.Tx, t *tenant.Tenant, r Recipient, id customer.ID, field string, sealed customer.Sealed) ([]byte, error) {
	list, err := OpenAll(tx, t, r, id, customer.Item{Field: field, Sealed: sealed})
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// OpenAll is Open for several values at the cost of one.
func OpenAll(tx *db.Tx, t *tenant.Tenant, r Recipient, id customer.ID, items ...customer.Item) ([][]byte, error) {
	mine := r.Kind == Self && (r.ID == [16]byte{} || customer.ID(r.ID) == id)
	if !mine && r.Kind != Message {
		return nil, ErrRecipient
	}
	return customer.Unseal(tx, t, id, items...)
}
