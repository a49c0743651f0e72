package release

import (
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// meetApplication loads the application, which must be enabled.
func (p *party) meetApplication(tx *db.Tx, t *tenant.Tenant, a *Ask) error {
	found, ok, err := app.Book{}.ByID(tx, t, app.ID(a.Recipient.ID))
	if err != nil {
		return err
	}
	if !ok || !found.Enabled {
		return ErrRecipient
	}
	p.app = found
	return nil
}

// unheard stands for a decision that rests on where the customer stands, which
// has not been read yet.
const unheard = "?"

// decide tells whether a field may go, or why not. It is pure: the whole rule
// of the house on one page.
func (p *party) decide(a *Ask, f catalog.Field) (v verdict, why string) {
	v.field = f
	switch {
	case p.free():
		if !slices.Contains(f.Viewers, catalog.Customer) {
			return v, NotViewer
		}
		v.purpose = a.Purpose
		return v, ""
	case p.kind == Application:
		return p.decideApplication(a, v)
	}
	return p.decideStaff(a, v)
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
	why := NotPurpose
	for i := range p.purposes {
		if of := &p.purposes[i]; slices.Contains(v.field.Purposes, of.ID) {
			why = p.staffFor(of)
		}
	}
	v.purpose, v.masked = a.Purpose, !full || a.Outline
	return v, why
}

// staffFor tells what keeps staff from data for a purpose.
func (p *party) staffFor(of *consent.Purpose) string {
	switch {
	case of.ID == catalog.PurposePrivacy:
		return ""
	case p.standing == nil:
		return unheard
	}
	if why, holds := p.standing.Holds(of, p.now); !holds {
		return NotConsent + why
	}
	if p.standing.Restricted {
		return IsRestricted
	}
	return ""
}

// decideApplication takes the first of the stated purposes that lets the field
// go. Where none does, it tells the reason of the one that came closest.
func (p *party) decideApplication(a *Ask, v verdict) (verdict, string) {
	f, closest := v.field, NotPurpose
	if !slices.Contains(f.Viewers, catalog.Application) {
		return v, NotViewer
	}
	for i := range p.purposes {
		of := &p.purposes[i]
		if !slices.Contains(f.Purposes, of.ID) || !slices.Contains(p.app.Settings.Purposes, of.ID) {
			continue
		}
		why := p.appFor(a, f, of)
		if why == "" {
			v.purpose = of.ID
			return v, ""
		}
		if distance(why) < distance(closest) {
			closest = why
		}
	}
	return v, closest
}

// appFor tells what keeps the application from a field for a purpose. Consent to
// a scope is needed by whoever is not of the house, and by everybody for special
// categories, unless the purpose itself rests on consent (GDPR Article 9(2)(a)).
func (p *party) appFor(a *Ask, f catalog.Field, of *consent.Purpose) string {
	asked := !p.app.FirstParty || f.Class == catalog.Special && of.Basis != consent.ByConsent
	switch {
	case f.Scope == "" || !slices.Contains(a.Scopes, f.Scope):
		return NotScope
	case !of.Admits(p.app):
		return NotRecipient
	case !asked && of.Rests(a.bySignIn()):
		return ""
	case p.standing == nil:
		return unheard
	}
	if asked {
		if why, agreed := p.standing.Scope(f.Scope, p.now); !agreed {
			return NotConsent + why
		}
	}
	if why, holds := p.standing.Holds(of, p.now); !holds {
		return NotConsent + why
	}
	if p.standing.Restricted && of.Restricts(a.bySignIn()) {
		return IsRestricted
	}
	return ""
}

// bySignIn tells whether an application asks with what a sign-in of the customer
// gave it: a token. A webhook comes without the customer's doing.
func (a *Ask) bySignIn() bool { return a.Occasion == [16]byte{} }

// distance is how far from going a reason leaves a field.
func distance(why string) int {
	order := []string{unheard, IsRestricted, NotConsent, NotRecipient, NotScope, NotPurpose}
	for i, reason := range order {
		if why == reason || reason == NotConsent && len(why) > len(reason) && why[:len(reason)] == reason {
			return i
		}
	}
	return len(order)
}

// settle decides on every asked field. Where the customer stands is read when the
// first decision rests on it, and never where none does.
func (p *party) settle(tx *db.Tx, t *tenant.Tenant, a *Ask, c *catalog.Catalog) (allowed []verdict, withheld map[string]string, err error) {
	allowed, withheld, told := p.sort(a, c)
	if told {
		return allowed, withheld, nil
	}
	var to app.ID
	if p.app != nil {
		to = p.app.ID
	}
	if p.standing, err = consent.StandingOf(tx, t, a.Customer, to); err != nil {
		return nil, nil, err
	}
	allowed, withheld, _ = p.sort(a, c)
	return allowed, withheld, nil
}

// sort decides as far as is known; told is false if it has to be asked again
// with where the customer stands.
func (p *party) sort(a *Ask, c *catalog.Catalog) (allowed []verdict, withheld map[string]string, told bool) {
	withheld, told = map[string]string{}, true
	names := slices.Clone(a.Fields)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		f, ok := c.Field(name)
		if !ok {
			withheld[name] = Unknown
			continue
		}
		v, why := p.decide(a, f)
		switch why {
		case "":
			allowed = append(allowed, v)
		case unheard:
			return nil, nil, false
		default:
			withheld[name] = why
		}
	}
	return allowed, withheld, told
}

// Conceivable are those of the fields that an application could ever be told of,
// sorted: it is among their viewers and declares one of their purposes. Which of
// them it may be told of whom is Disclose's to say.
func Conceivable(tx *db.Tx, t *tenant.Tenant, a *app.Application, names []string) ([]string, error) {
	c, err := catalog.For(tx, t)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range names {
		f, ok := c.Field(name)
		declared := slices.ContainsFunc(f.Purposes, func(p string) bool { return slices.Contains(a.Settings.Purposes, p) })
		if ok && declared && slices.Contains(f.Viewers, catalog.Application) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
