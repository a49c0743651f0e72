package release

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// meetApplication loads the application, which must be enabled and use data for
// the purpose.
func (p *party) meetApplication(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	found, ok, err := app.Book{}.ByID(tx, t, app.ID(a.Recipient.ID))
	if err != nil {
		return err
	}
	if !ok || !found.Enabled {
		return ErrRecipient
	}
	if a.Purpose == "" {
		a.Purpose = SignIn
	}
	p.app = found
	return nil
}

// hear loads the consent that an application has, if anything asked for rests
// on it: with a first party that is special-category data alone.
func (p *party) hear(tx *db.Tx, t *tenant.Tenant, a *Ask, c *catalog.Catalog) error {
	special := func(name string) bool {
		f, ok := c.Field(name)
		return ok && f.Class == catalog.Special
	}
	if p.app == nil || p.app.FirstParty && !slices.ContainsFunc(a.Fields, special) {
		return nil
	}
	granted, err := consent.Granted(tx, t, a.Customer, p.app.ID)
	p.consent = map[string]bool{}
	for _, s := range granted {
		p.consent[s] = true
	}
	return err
}

// decide tells whether a field may go, or why not. It is pure: the whole rule
// of the house on one page.
func (p *party) decide(a *Ask, f catalog.Field) (v verdict, why string) {
	v.field = f
	switch p.kind {
	case Self, Message, Export:
		if !slices.Contains(f.Viewers, catalog.Customer) {
			return v, NotViewer
		}
		return v, ""
	case Staff, Operator:
		return p.decideStaff(a, v)
	}
	return p.decideApplication(a, v)
}

func (p *party) decideStaff(a *Ask, v verdict) (verdict, string) {
	full, masked := false, false
	for _, r := range p.roles {
		viewer := catalog.StaffPrefix + string(r)
		full = full || slices.Contains(v.field.Viewers, viewer)
		masked = masked || slices.Contains(v.field.Viewers, viewer+catalog.Masked)
	}
	if !full && !masked {
		return v, NotViewer
	}
	if !slices.Contains(v.field.Purposes, a.Purpose) {
		return v, NotPurpose
	}
	v.masked = !full
	return v, ""
}

func (p *party) decideApplication(a *Ask, v verdict) (verdict, string) {
	f := v.field
	switch {
	case !slices.Contains(f.Viewers, catalog.Application):
		return v, NotViewer
	case !slices.Contains(f.Purposes, a.Purpose), !slices.Contains(p.app.Settings.Purposes, a.Purpose):
		return v, NotPurpose
	case f.Scope == "" || !slices.Contains(a.Scopes, f.Scope):
		return v, NotScope
	case (!p.app.FirstParty || f.Class == catalog.Special) && !p.consent[f.Scope]:
		return v, NotConsent
	}
	return v, ""
}

// sort decides on every asked field.
func (p *party) sort(a *Ask, c *catalog.Catalog) (allowed []verdict, withheld map[string]string) {
	withheld = map[string]string{}
	names := slices.Clone(a.Fields)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		f, ok := c.Field(name)
		if !ok {
			withheld[name] = Unknown
			continue
		}
		v, why := p.decide(a, f)
		if why != "" {
			withheld[name] = why
			continue
		}
		allowed = append(allowed, v)
	}
	return allowed, withheld
}
