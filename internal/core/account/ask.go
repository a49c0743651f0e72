package account

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// atOnce is how much is asked for on one page.
const atOnce = 2

// The faults of what is asked for.
var (
	ErrNeeded  = fault.New(fault.Invalid, "field_empty", "Fill in this field.")
	ErrConsent = fault.New(fault.Invalid, "consent_missing", "Tick this too, or leave the field above empty. Without your consent we do not keep what you wrote.")
)

// wanted finds the fields that the application asks for and the customer has yet
// to give. Where nothing is asked for it reads nothing.
func wanted(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if c.IsZero() || f.Request.Application.IsZero() || f.Kind != signin.SignIn && f.Kind != signin.Recover {
		return nil
	}
	a, found, err := app.Book{}.ByID(tx, t, f.Request.Application)
	if err != nil || !found {
		return err
	}
	w := want{tx: tx, t: t, c: c, app: a, more: f.Askable()}
	if !slices.ContainsFunc(a.Settings.Asks, func(q app.Asked) bool { return q.Needed || w.more }) {
		return nil
	}
	f.World.Asks, err = w.list()
	return err
}

// want looks what one application still wants of one customer.
type want struct {
	tx   *db.Tx
	t    *tenant.Tenant
	c    customer.ID
	app  *app.Application
	more bool // than what is needed

	fields *catalog.Catalog
	filled map[string]bool
	left   map[string]consent.LeftOut // read when the first is asked about
}

// list is what is asked for now: what is needed first, and no more than fits on
// a page.
func (w *want) list() (out []signin.Wanted, err error) {
	if w.filled, err = customer.Filled(w.tx, w.t, w.c); err != nil {
		return nil, err
	}
	if w.fields, err = catalog.For(w.tx, w.t); err != nil {
		return nil, err
	}
	for _, q := range w.app.Settings.Asks {
		one, ok, err := w.one(q)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(a, b signin.Wanted) int {
		switch {
		case a.Needed == b.Needed:
			return 0
		case a.Needed:
			return -1
		}
		return 1
	})
	return out[:min(len(out), atOnce)], nil
}

// one reports whether a field is asked for now.
func (w *want) one(q app.Asked) (out signin.Wanted, ok bool, err error) {
	field, known := w.fields.Field(q.Field)
	if !known || w.filled[q.Field] || !field.Stored() || !slices.Contains(field.Editors, catalog.Customer) || !slices.Contains(field.Purposes, q.Purpose) {
		return out, false, nil
	}
	p, known, err := consent.FindPurpose(w.tx, w.t, q.Purpose)
	if err != nil || !known {
		return out, false, err
	}
	out = signin.Wanted{Field: q.Field, Purpose: q.Purpose, Needed: q.Needed && p.Basis != consent.ByConsent}
	if !out.Needed && !w.more {
		return out, false, nil
	}
	if may, err := w.may(&p, &out); err != nil || !may {
		return out, false, err
	}
	if out.Needed {
		return out, true, nil
	}
	due, err := w.due(q)
	return out, due, err
}

// may reports whether the purpose holds for the customer, or can be consented to
// beside the field: only who never answered is asked, and who said no is not.
func (w *want) may(p *consent.Purpose, out *signin.Wanted) (bool, error) {
	recipient := [16]byte{}
	if !w.app.FirstParty && p.ID != catalog.PurposeAccount {
		recipient = w.app.ID
	}
	s, holds, err := consent.Holds(w.tx, w.t, w.c, p.ID, recipient)
	if err != nil || holds {
		return holds, err
	}
	switch s.Why {
	case consent.WhyNever, consent.WhyExpired, consent.WhyOlder:
		out.Consent = &signin.Choice{Purpose: p.ID, Version: p.Version}
		return true, nil
	}
	return false, nil
}

// due reports whether it is time to ask for what is not needed.
func (w *want) due(q app.Asked) (bool, error) {
	if w.left == nil {
		var err error
		if w.left, err = consent.AskedOf(w.tx, w.t, w.c); err != nil {
			return false, err
		}
	}
	this := int64(2) // whoever is here again is here for the second time at least
	if seen, ok := w.left[consent.VisitsItem(w.app.ClientID())]; ok {
		this = seen.Times + 1
	}
	rests := w.left[consent.FieldItem(q.Field)].RestsUntil
	return this >= int64(q.From) && !w.tx.Now.Before(rests), nil
}

// offered finds what may be consented to now: by newcomers what the tenant
// offers at sign-up, by others what has no answer or ends.
func offered(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if c.IsZero() {
		return offeredAtSignUp(tx, t, f)
	}
	if !f.Askable() {
		return nil
	}
	list, err := consent.Due(tx, t, c, f.From.Signal)
	for _, p := range list[:min(len(list), atOnce)] {
		f.World.Choices = append(f.World.Choices, signin.Choice{Purpose: p.ID, Version: p.Version})
	}
	return err
}

func offeredAtSignUp(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if f.Identifier == nil {
		return nil
	}
	purposes, topics, err := consent.Offered(tx, t, f.From.Signal)
	for _, p := range purposes {
		f.World.Choices = append(f.World.Choices, signin.Choice{Purpose: p.ID, Version: p.Version})
	}
	by := map[string]consent.Channel{customer.Email: consent.ByEmail, customer.Phone: consent.BySMS}[f.Identifier.Kind]
	for _, d := range topics {
		if d.Uses(by) {
			f.World.Choices = append(f.World.Choices, signin.Choice{Topic: d.ID, Channel: string(by)})
		}
	}
	return err
}

// Answers are what a customer wrote on a page that asks for fields.
type Answers struct {
	Values map[string]string // by field
	Agreed map[string]bool   // by purpose, where the page offered a box to tick
	Locale string            // of the page
	Skip   bool
}

// Answer keeps what was written on the page of the step Ask, all or nothing:
// each value with its consent, where that was asked for beside it. What was left
// empty rests. Faults, each At its field and joined by the caller: field_empty,
// consent_missing, those of customer.SetField.
func (a Acts) Answer(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, e Entrance, in Answers) (wrong []*fault.Error, err error) {
	if err := reached(tx, t, f, e, signin.Ask); err != nil {
		return nil, err
	}
	if in.Skip && f.World.Asks[0].Needed {
		return nil, ErrStep
	}
	for _, q := range f.World.Asks {
		bad, err := answer(tx, t, f, q, in)
		if err != nil {
			return nil, err
		}
		if bad != nil {
			wrong = append(wrong, bad)
		}
	}
	if len(wrong) > 0 {
		return wrong, nil
	}
	f.Skip(signin.Ask)
	return nil, signin.Save(tx, t, f)
}

// answer keeps one value, or notes that it was left out.
func answer(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, q signin.Wanted, in Answers) (*fault.Error, error) {
	c, value := f.World.Account.ID, in.Values[q.Field]
	switch {
	case in.Skip || blank(value) && !q.Needed:
		return nil, consent.LeaveOut(tx, t, c, t.AskingRest(), consent.FieldItem(q.Field))
	case blank(value):
		return ErrNeeded.At(q.Field), nil
	case q.Consent != nil && !in.Agreed[q.Purpose]:
		return ErrConsent.At("agree-" + q.Purpose), nil
	}
	err := customer.SetField(tx, t, c, q.Field, value, catalog.Customer)
	if bad := fault.Of(err); bad != nil && bad.Kind == fault.Invalid {
		return bad.At(q.Field), nil
	}
	if err != nil {
		return nil, err
	}
	if q.Consent != nil {
		if err := decide(tx, t, f, *q.Consent, consent.Given, in.Locale, "checkbox"); err != nil {
			return nil, err
		}
	}
	return nil, consent.Answered(tx, t, c, consent.FieldItem(q.Field))
}

// count notes a sign-in where the application asks from the nth on.
func count(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if f.Request.Application.IsZero() || !f.Fresh() {
		return nil
	}
	a, found, err := app.Book{}.ByID(tx, t, f.Request.Application)
	if err != nil || !found || !a.Settings.Counts() {
		return err
	}
	return consent.Visit(tx, t, f.World.Account.ID, a.ClientID(), f.Registered)
}
