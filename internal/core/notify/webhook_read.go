package notify

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/journal"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Webhooks is what webhooks need from above.
type Webhooks struct {
	House *tenant.House
	Call  Call
}

// Reader turns what the journal tells of customers into deliveries. A new
// house's webhooks begin with what happens from now on.
func (w Webhooks) Reader() journal.Reader {
	return journal.Reader{Name: "webhooks", Read: w.read, Tail: true}
}

// happening is an event that some application may have to hear of.
type happening struct {
	tenant   *tenant.Tenant
	event    journal.Recorded
	kind     string
	facts    Facts
	only     app.ID // the one application that it is about; zero: all
	hearers  []*app.Application
	hearings []Facts // what each of them may hear
}

// read stores the deliveries of a page. Endpoints are rung first and in one
// order, so that readers of several buckets wait for each other and never in a
// circle.
func (w Webhooks) read(tx *db.Tx, events []journal.Recorded) error {
	list, err := w.happenings(tx, events)
	if err != nil {
		return err
	}
	endpoints := map[lane]tenant.ID{}
	for i := range list {
		if err := list[i].findHearers(tx); err != nil {
			return err
		}
		for _, a := range list[i].hearers {
			endpoints[lane{a.ID}] = list[i].tenant.ID
		}
	}
	lanes := slices.SortedFunc(maps.Keys(endpoints), func(a, b lane) int {
		return strings.Compare(a.Application.String(), b.Application.String())
	})
	for _, l := range lanes {
		if err := ring(tx, endpoints[l], l.Application, tx.Now); err != nil {
			return err
		}
	}
	for i := range list {
		if err := list[i].deliver(tx); err != nil {
			return err
		}
	}
	for _, l := range lanes {
		if err := wake(tx, endpoints[l], l.Application); err != nil {
			return err
		}
	}
	return nil
}

// happenings reads the events of tenants that have webhooks. Fields that were
// changed by one act make one happening.
func (w Webhooks) happenings(tx *db.Tx, events []journal.Recorded) ([]happening, error) {
	var out []happening
	for _, e := range events {
		h := happening{event: e}
		if !h.understand() {
			continue
		}
		t, ok := w.House.ByID(tenant.ID(e.Tenant))
		if !ok {
			continue
		}
		if list, err := (app.Book{}).Webhooks(tx, t); err != nil {
			return nil, err
		} else if len(list) == 0 {
			continue
		}
		h.tenant = t
		if last := len(out) - 1; last >= 0 && out[last].sameAct(&h) {
			out[last].event = e
			out[last].facts.Fields = append(out[last].facts.Fields, h.facts.Fields...)
			out[last].facts.Removed = append(out[last].facts.Removed, h.facts.Removed...)
			continue
		}
		out = append(out, h)
	}
	return out, nil
}

// sameAct reports whether two updates were made by one transaction.
func (h *happening) sameAct(next *happening) bool {
	return h.kind == app.CustomerUpdated && next.kind == app.CustomerUpdated &&
		h.event.Tenant == next.event.Tenant && h.event.Subject == next.event.Subject && h.event.At.Equal(next.event.At)
}

// understand says in the words of webhooks what an event means to applications;
// false: nothing, or its payload is not kept any more.
func (h *happening) understand() bool {
	e := &h.event
	switch e.Name {
	case consent.Decided{}.EventName():
		var d consent.Decided
		return e.Decode(&d) == nil && h.decided(d)
	case consent.RuleSet{}.EventName():
		var r consent.RuleSet
		h.kind = app.PreferenceChanged
		ok := e.Decode(&r) == nil
		h.facts = Facts{Rule: true, PausedUntil: r.PausedUntil}
		return ok
	case customer.Registered{}.EventName():
		var r customer.Registered
		h.kind = app.CustomerRegistered
		ok := e.Decode(&r) == nil
		h.facts.Fields = slices.Sorted(maps.Keys(r.Identifiers))
		return ok
	case customer.StateChanged{}.EventName():
		var s customer.StateChanged
		return e.Decode(&s) == nil && h.moved(s)
	}
	return h.updated()
}

var decisions = map[string]string{
	consent.Given: app.ConsentGiven, consent.Withdrawn: app.ConsentWithdrawn, consent.Objected: app.ConsentObjected, consent.Expired: app.ConsentExpired,
}

func (h *happening) decided(d consent.Decided) bool {
	h.kind = cmp.Or(decisions[d.Decision], app.ConsentWithdrawn)
	if d.Given {
		h.kind = app.ConsentGiven
	}
	switch d.Purpose {
	case consent.ForPurpose:
		h.facts = Facts{Purpose: d.Item, Version: d.Version}
	case consent.Scope:
		h.facts, h.only = Facts{Scope: d.Item}, app.ID(h.event.Application)
	case consent.TopicPurpose:
		topic, channel, _ := strings.Cut(d.Item, "/")
		h.kind, h.facts = app.PreferenceChanged, Facts{Topic: topic, Channel: channel, On: &d.Given}
	case consent.Restriction:
		h.kind = app.CustomerUnrestricted
		if d.Given {
			h.kind = app.CustomerRestricted
		}
	default:
		return false
	}
	return true
}

func (h *happening) moved(s customer.StateChanged) bool {
	switch {
	case s.To == customer.Closing:
		h.kind = app.CustomerClosed
	case s.From == customer.Closing && s.To == customer.Active:
		h.kind = app.CustomerReopened
	default:
		return false
	}
	return true
}

func (h *happening) updated() bool {
	h.kind = app.CustomerUpdated
	switch h.event.Name {
	case customer.ProfileChanged{}.EventName():
		var p customer.ProfileChanged
		if h.event.Decode(&p) != nil {
			return false
		}
		h.facts.Fields = []string{p.Field}
	case customer.FieldExpired{}.EventName():
		var x customer.FieldExpired
		if h.event.Decode(&x) != nil {
			return false
		}
		h.facts.Fields, h.facts.Removed = []string{x.Field}, []string{x.Field}
	case customer.IdentifierChanged{}.EventName():
		var i customer.IdentifierChanged
		if h.event.Decode(&i) != nil {
			return false
		}
		h.facts.Fields = []string{i.Kind}
		if i.Kind != customer.Username {
			h.facts.Fields = append(h.facts.Fields, i.Kind+"_verified")
		}
	default:
		return false
	}
	return true
}

// findHearers finds the applications that are to hear of it: those that want
// to, know the customer, and have a right to.
func (h *happening) findHearers(tx *db.Tx) error {
	list, err := (app.Book{}).Webhooks(tx, h.tenant)
	if err != nil {
		return err
	}
	for _, a := range list {
		if !a.Hears(h.kind) || !h.only.IsZero() && h.only != a.ID {
			continue
		}
		facts, right, err := h.right(tx, a)
		if err != nil {
			return err
		}
		if !right {
			continue
		}
		known, err := h.knows(tx, a)
		if err != nil {
			return err
		}
		if known {
			h.hearers, h.hearings = append(h.hearers, a), append(h.hearings, facts)
		}
	}
	return nil
}

// knows reports whether an application knows the customer: a `sub` was drawn
// for it. Of a newcomer, the company's own applications hear before that.
func (h *happening) knows(tx *db.Tx, a *app.Application) (bool, error) {
	if h.kind == app.CustomerRegistered {
		return a.FirstParty && a.Sector == app.SectorTenant, nil
	}
	_, known, err := customer.FindSubject(tx, h.tenant, a, customer.ID(h.event.Subject))
	return known, err
}

// scopeCheck is the scope with which an application may ask what a customer
// wants to hear about.
const scopeCheck = "contact:check"

// right tells whether an application that knows the customer may know of this,
// and what of it.
func (h *happening) right(tx *db.Tx, a *app.Application) (Facts, bool, error) {
	facts := h.facts
	switch {
	case facts.Purpose != "":
		ok, err := h.receives(tx, a)
		return facts, ok, err
	case h.kind == app.PreferenceChanged:
		return facts, a.FirstParty || slices.Contains(a.Settings.AllowedScopes, scopeCheck), nil
	case h.kind == app.CustomerUpdated, h.kind == app.CustomerRegistered:
		err := h.fields(tx, a, &facts)
		return facts, h.kind == app.CustomerRegistered || len(facts.Fields) > 0, err
	}
	return facts, true, nil
}

// fields leaves those that the application may hear of: that it could be told of
// the value, or, of a value whose time was over, that it was given it. Whoever
// lost the right to a value must still hear that copies of it are to go.
func (h *happening) fields(tx *db.Tx, a *app.Application, facts *Facts) error {
	names, err := release.Conceivable(tx, h.tenant, a, facts.Fields)
	if err != nil || len(facts.Removed) == 0 {
		facts.Fields = names
		return err
	}
	given, err := release.GivenTo(tx, h.tenant, customer.ID(h.event.Subject), a.ID, facts.Removed)
	names = append(names, given...)
	slices.Sort(names)
	facts.Fields = slices.Compact(names)
	facts.Removed = slices.DeleteFunc(slices.Clone(facts.Removed), func(name string) bool { return !slices.Contains(names, name) })
	return err
}

// receives reports whether an application is a recipient of the purpose: the
// company's own if it declares it or is named, another one if it is named, in
// the version that was decided on or in the one that is in force.
func (h *happening) receives(tx *db.Tx, a *app.Application) (bool, error) {
	if a.FirstParty && slices.Contains(a.Settings.Purposes, h.facts.Purpose) {
		return true, nil
	}
	p, ok, err := consent.PurposeAt(tx, h.tenant, h.facts.Purpose, h.facts.Version)
	if err != nil || ok && p.Names(a.ID) {
		return err == nil, err
	}
	p, ok, err = consent.FindPurpose(tx, h.tenant, h.facts.Purpose)
	return ok && p.Names(a.ID), err
}

func (h *happening) deliver(tx *db.Tx) error {
	for i, a := range h.hearers {
		d := Delivery{
			TenantID: h.tenant.ID, CustomerID: customer.ID(h.event.Subject), Position: h.event.Seq, Type: h.kind,
			Facts: h.hearings[i], HappenedAt: h.event.At,
		}
		if err := d.add(tx, a); err != nil {
			return err
		}
	}
	return nil
}
