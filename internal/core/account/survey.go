package account

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/credential"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/session"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Survey looks up what the house knows about a journey at this moment, given
// the alive sessions that its browser holds, and returns the step that comes
// next. Every act below surveys again by itself before it acts.
func Survey(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, p signin.Policy, held []session.Session) (signin.Step, error) {
	f.World = signin.World{Now: tx.Now, Sessions: known(held), Surveyed: true}
	if err := whom(tx, t, f, p); err != nil {
		return signin.Step{}, err
	}
	if err := need(tx, t, f, p); err != nil {
		return signin.Step{}, err
	}
	if s, ok := signin.AtTheDoor(f.Facts, p); ok {
		return s, nil
	}
	a := f.World.Account.ID
	for _, look := range []func(*db.Tx, *tenant.Tenant, *signin.Flow, customer.ID) error{terms, names, missing, wants, wanted, offered} {
		if err := look(tx, t, f, a); err != nil {
			return signin.Step{}, err
		}
	}
	return signin.Next(f.Facts, p), nil
}

// holding is who a passkey named, if it came without an identifier.
func holding(tx *db.Tx, t *tenant.Tenant, f *signin.Flow) error {
	if f.Holder.IsZero() {
		return nil
	}
	c, err := customer.Get(tx, t, f.Holder)
	if err != nil {
		return err
	}
	f.World.Account = signin.Account{ID: c.ID, State: c.State}
	return since(tx, t, &f.World.Account)
}

func known(held []session.Session) []signin.Known {
	var out []signin.Known
	for _, s := range held {
		out = append(out, signin.Known{Session: s.ID, Customer: s.CustomerID, AuthenticatedAt: s.AuthenticatedAt})
	}
	return out
}

// whom finds the account that the journey is about: that of the session that
// answers it, or that of the identifier.
func whom(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, p signin.Policy) error {
	if k, ok := signin.Answering(f.Facts, p); ok {
		c, err := customer.Get(tx, t, k.Customer)
		if err == nil {
			f.World.Account = signin.Account{ID: c.ID, State: c.State}
		}
		return err
	}
	if f.Identifier == nil {
		return holding(tx, t, f)
	}
	c, found, err := customer.ByIdentifier(tx, t, f.Identifier.Kind, f.Identifier.Value)
	if err != nil {
		return err
	}
	if found {
		return holder(tx, t, f, c)
	}
	f.World.Refused = !Welcome(t, f.Identifier.Kind, f.Identifier.Value)
	if _, err := reassigned(tx, t, f, nil); err != nil {
		return err
	}
	return asLong(tx, t)
}

// asLong reads as much for nobody as holder does for somebody, so that the time
// tells no more than the words (H077).
func asLong(tx *db.Tx, t *tenant.Tenant) error {
	nobody := customer.ID{}
	if err := customer.Foresee(tx, t, nobody); err != nil {
		return err
	}
	if _, err := customer.Get(tx, t, nobody); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if _, err := customer.Identifiers(tx, t, nobody); err != nil {
		return err
	}
	return since(tx, t, &signin.Account{})
}

// holder looks at how the account has the identifier. One that nobody has
// proven opens no account that has a proven one: somebody may have mistyped it.
func holder(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.Customer) error {
	list, err := customer.Identifiers(tx, t, c.ID)
	if err != nil {
		return err
	}
	var this, any bool
	for _, i := range list {
		proven := i.Verified() && i.Kind != customer.Username
		any = any || proven
		this = this || i.Digest == f.Identifier.Digest && (proven || i.Kind == customer.Username)
	}
	rests, err := reassigned(tx, t, f, list)
	if err != nil {
		return err
	}
	if any && !this || rests && (f.Kind == signin.Recover || c.State == customer.Recovery) {
		f.World.Refused = true
		return nil
	}
	f.World.Account = signin.Account{ID: c.ID, State: c.State, Unproven: !any}
	return since(tx, t, &f.World.Account)
}

func since(tx *db.Tx, t *tenant.Tenant, a *signin.Account) error {
	at, err := credential.PasswordChanged(tx, t, a.ID)
	if !at.IsZero() {
		a.Since = at.UnixMicro()
	}
	return err
}

func terms(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	list, err := Documents(tx, t, c, f.Locale)
	f.World.Later = !c.IsZero()
	for _, d := range list {
		f.World.Later = f.World.Later && d.MayWait(tx.Now)
		f.World.Terms = append(f.World.Terms, signin.Acceptance{Kind: d.Kind, Version: d.Version, Locale: d.Locale})
	}
	return err
}

// Documents are the legal texts that the customer has yet to accept; for
// nobody, all that are in force.
func Documents(tx *db.Tx, t *tenant.Tenant, c customer.ID, locale string) ([]consent.Document, error) {
	if c.IsZero() {
		return consent.Documents(tx, t, locale)
	}
	return consent.Unaccepted(tx, t, c, locale)
}

func names(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if c.IsZero() || !t.Settings.Identifiers.Username {
		return nil
	}
	list, err := customer.Identifiers(tx, t, c)
	f.World.Username = slices.ContainsFunc(list, func(i customer.Identifier) bool { return i.Kind == customer.Username })
	return err
}

// missing finds the required fields that have no value yet.
func missing(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if c.IsZero() {
		return nil
	}
	cat, err := catalog.For(tx, t)
	if err != nil {
		return err
	}
	var required []string
	for _, field := range cat.EditableBy("customer") {
		if field.Required && field.Class != "identifier" {
			required = append(required, field.Name)
		}
	}
	if len(required) == 0 {
		return nil
	}
	d, err := release.Disclose(tx, t, release.Ask{
		Customer: c, Recipient: release.Recipient{Kind: "self", ID: c}, Purpose: "service", Fields: required,
	})
	if err != nil {
		return err
	}
	for _, name := range required {
		if d.Values[name].Text == "" {
			f.World.Fields = append(f.World.Fields, name)
		}
	}
	return nil
}

// wants finds the scopes that a third-party application asks for and the
// customer has not granted yet. First-party applications are the tenant itself.
func wants(tx *db.Tx, t *tenant.Tenant, f *signin.Flow, c customer.ID) error {
	if f.Request.Application.IsZero() {
		return nil
	}
	f.World.Client = true
	a, found, err := app.Book{}.ByID(tx, t, f.Request.Application)
	if err != nil || !found || a.FirstParty {
		return err
	}
	f.World.Scopes = f.Request.Scopes
	if !c.IsZero() {
		f.World.Scopes, err = consent.Missing(tx, t, c, a.ID, f.Request.Scopes)
	}
	return err
}
