package portal

import (
	"maps"
	"slices"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/fault"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/web"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
)

// Profile is the fields that the catalogue lets the customer edit.
type Profile struct {
	ui.Shell
	Groups []FieldGroup
	Mark   ui.Hidden
	Save   ui.SaveBar
	Signal *Signal // after a change of the name
}

// Template implements ui.Page.
func (Profile) Template() string { return "portal/profile" }

// FieldGroup is fields that belong together, under a heading.
type FieldGroup struct {
	ID, Title, Text string
	Fields          []ui.Component
}

// sheet is the profile on its way between the store and the form.
type sheet struct {
	fields []catalog.Field
	inputs map[string]string // name of an input -> its text
}

func (v *visit) profile() error {
	var f sheet
	if err := v.view(func(tx *db.Tx) (err error) { f, err = v.stored(tx); return err }); err != nil {
		return err
	}
	return v.showProfile(f, nil)
}

// stored opens the customer's own values.
func (v *visit) stored(tx *db.Tx) (sheet, error) {
	c, err := catalog.For(tx, v.t)
	if err != nil {
		return sheet{}, err
	}
	f := sheet{fields: arranged(c.EditableBy(catalog.Customer)), inputs: map[string]string{}}
	d, err := release.Disclose(tx, v.t, release.Ask{
		Customer: v.me.CustomerID, Recipient: self(v.me.CustomerID), Purpose: release.SignIn, Fields: names(f.fields),
	})
	for _, field := range f.fields {
		maps.Copy(f.inputs, inputs(field, d.Values[field.Name].Text))
	}
	return f, err
}

func (v *visit) showProfile(f sheet, wrong []ui.Problem) error {
	s := v.shell(profilePath)
	s.Problems = append(s.Problems, wrong...)
	p := newProfile(s, f)
	p.Mark, p.Signal = v.mark(), v.renamed(&p.Shell)
	return v.render(p, p.Shell)
}

// groups are the headings of the form and the standard fields below each; what
// stands nowhere else comes last.
var groups = []struct {
	id, title, text string
	fields          []string
}{
	{"names", "portal.profile.names", "portal.profile.names_text", []string{"name", "given_name", "middle_name", "family_name", "nickname"}},
	{"about", "portal.profile.about", "portal.profile.about_text", []string{"birthdate", "gender"}},
	{"postal", "portal.profile.postal", "portal.profile.postal_text", []string{"address"}},
	{"region", "portal.profile.region", "portal.profile.region_text", []string{"locale", "zoneinfo"}},
	{"web", "portal.profile.web", "portal.profile.web_text", []string{"website", "profile", "picture"}},
	{"more", "portal.profile.more", "portal.profile.more_text", nil},
}

// groupOf is the place of a field's group; the last one takes what stands
// nowhere else.
func groupOf(field string) int {
	for i, g := range groups {
		if slices.Contains(g.fields, field) {
			return i
		}
	}
	return len(groups) - 1
}

// arranged puts fields in the order of the form, which is also that in which
// problems are told.
func arranged(fields []catalog.Field) []catalog.Field {
	fields = slices.Clone(fields)
	slices.SortStableFunc(fields, func(a, b catalog.Field) int { return groupOf(a.Name) - groupOf(b.Name) })
	return fields
}

func newProfile(s ui.Shell, f sheet) Profile {
	s.Title = s.T("portal.profile.title")
	p := Profile{Shell: s, Save: ui.SaveBar{Save: ui.Button{Text: s.T("portal.save"), Kind: "primary", Wait: s.T("portal.wait")}}}
	for i, g := range groups {
		out := FieldGroup{ID: g.id, Title: s.T(g.title), Text: s.T(g.text)}
		for _, field := range f.fields {
			if groupOf(field.Name) == i {
				out.Fields = append(out.Fields, controls(s, field, f.inputs)...)
			}
		}
		if len(out.Fields) > 0 {
			p.Groups = append(p.Groups, out)
		}
	}
	return p
}

// change is one field that the form sets to something new.
type change struct {
	field catalog.Field
	value string // "" clears it
}

// saveProfile sets the fields that the form holds and that differ, all or none.
// Names that are no fields the customer may edit are not looked at (H125, H170).
func (v *visit) saveProfile() error {
	var f sheet
	if err := v.view(func(tx *db.Tx) (err error) { f, err = v.stored(tx); return err }); err != nil {
		return err
	}
	changes, wrong, err := v.compare(&f)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return v.showProfile(f, wrong)
	}
	if err := v.update(func(tx *db.Tx) error { return v.set(tx, changes) }); err != nil {
		if at := fault.Of(err); at.Kind == fault.Invalid && at.Field != "" {
			s := v.shell(profilePath)
			return v.showProfile(f, []ui.Problem{{Field: at.Field, Text: s.FaultText(at)}})
		}
		return err
	}
	for _, c := range changes {
		if c.field.Name == "locale" && c.value != "" {
			web.SetCookie(v.w, v.r, web.Cookie{Name: localeCookie, Value: c.value, MaxAge: year})
		}
	}
	return v.to(profilePath + "?done=saved")
}

// compare lays the form over what is stored and tells what is new and what is
// wrong with it.
func (v *visit) compare(f *sheet) (changes []change, wrong []ui.Problem, err error) {
	s := v.shell(profilePath)
	for _, field := range f.fields {
		typed, changed := map[string]string{}, false
		for _, name := range inputNames(field) {
			if !v.form.Has(name) {
				continue
			}
			if typed[name], err = v.typed(name); err != nil {
				return nil, nil, err
			}
			changed = changed || !same(typed[name], f.inputs[name])
		}
		if !changed {
			continue
		}
		maps.Copy(f.inputs, typed)
		value := joined(field, f.inputs)
		if text := complaint(s, field, value); text != "" {
			wrong = append(wrong, ui.Problem{Field: inputNames(field)[0], Text: text})
			continue
		}
		changes = append(changes, change{field, value})
	}
	return changes, wrong, nil
}

func (v *visit) set(tx *db.Tx, changes []change) error {
	for _, c := range changes {
		if err := customer.SetField(tx, v.t, v.me.CustomerID, c.field.Name, c.value, catalog.Customer); err != nil {
			return err
		}
	}
	return nil
}

// complaint says what is wrong with a value of a field, in words that fit its
// type; "" if nothing is.
func complaint(s ui.Shell, f catalog.Field, value string) string {
	if value == "" {
		if f.Required {
			return s.T("portal.bad.required", "field", label(s, f))
		}
		return ""
	}
	_, err := f.Check(value)
	wrong := fault.Of(err)
	if wrong == nil {
		return ""
	}
	key := map[catalog.Type]string{
		catalog.Date: "portal.bad.date", catalog.URL: "portal.bad.url", catalog.Number: "portal.bad.number",
		catalog.Address: "portal.bad.address", catalog.Zone: "portal.bad.choice", catalog.Locale: "portal.bad.choice",
		catalog.Choice: "portal.bad.choice", catalog.Bool: "portal.bad.choice",
	}[f.Type]
	if key == "" || catalog.ErrTooLong.Is(wrong) {
		return s.FaultText(wrong)
	}
	return s.T(key)
}
