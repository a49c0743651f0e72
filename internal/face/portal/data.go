package portal

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/base/ui/words"
	"github.com/cardea-id/cardea/internal/core/app"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/release"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

const dataPath = "/account/data"

// Known is "What we know about you": the catalogue in the customer's words, with
// each value, where it is from, what it is used for and who was given it.
type Known struct {
	ui.Shell
	Facts []Fact
	Empty *ui.EmptyState
	Rest  ui.Rows // what else is kept, and where it stands
}

// Template implements ui.Page.
func (Known) Template() string { return "portal/data" }

// Fact is one field of the customer.
type Fact struct {
	Name  string
	Value template.HTML
	From  template.HTML
	Uses  []Use
	Given string        // who was given it, the latest first
	Kept  template.HTML // for how long
	Edit  *ui.Button
}

// Use is what a field is used for, and why that is allowed.
type Use struct{ Purpose, Basis string }

// knowledge is what the page is made of.
type knowledge struct {
	words    lexicon
	values   map[string]release.Value
	stored   map[string]customer.FieldValue
	purposes []consent.Purpose
	record   []release.Entry
}

// seen is how far back the page looks for who was given a field.
const seen = 500

func (v *visit) known() error {
	var k knowledge
	err := v.view(func(tx *db.Tx) (err error) {
		k = knowledge{stored: map[string]customer.FieldValue{}}
		if k.words, err = v.lexicon(tx); err != nil {
			return err
		}
		d, err := release.Disclose(tx, v.t, release.Ask{
			Customer: v.me.CustomerID, Recipient: self(v.me.CustomerID), Purpose: release.SignIn, Fields: names(k.words.fields.Fields()),
		})
		if err != nil {
			return err
		}
		k.values = d.Values
		stored, err := customer.Profile(tx, v.t, v.me.CustomerID)
		if err != nil {
			return err
		}
		for _, one := range stored {
			k.stored[one.Name] = one
		}
		if k.purposes, err = consent.Purposes(tx, v.t); err != nil {
			return err
		}
		k.record, err = release.Record(tx, v.t, v.me.CustomerID, seen)
		return err
	})
	if err != nil {
		return err
	}
	p := newKnown(v.shell(privacyPath), k)
	return v.render(p, p.Shell)
}

func newKnown(s ui.Shell, k knowledge) Known {
	s.Title = s.T("portal.data.title")
	s.Back = &ui.Link{Href: privacyPath, Text: s.T("portal.nav.privacy")}
	p := Known{Shell: s}
	for _, f := range k.words.fields.Fields() {
		if value, ok := k.values[f.Name]; ok && f.Source != catalog.Derived {
			p.Facts = append(p.Facts, k.fact(s, f, value))
		}
	}
	if len(p.Facts) == 0 {
		p.Empty = &ui.EmptyState{Title: s.T("portal.data.none"), Text: s.T("portal.data.none_text")}
	}
	row := func(href, icon, key string) ui.Component {
		return ui.LinkRow{Href: href, Icon: icon, Title: s.T("portal.data.rest." + key), Text: s.T("portal.data.rest." + key + "_text")}
	}
	p.Rest = ui.Rows{Label: s.T("portal.data.rest"), Items: []ui.Component{
		row(securityPath, "shield-check", "security"), row(consentsPath, "scroll-text", "consents"),
		row(preferencesPath, "mail", "preferences"), row(privacyPath, "lock", "privacy"),
	}}
	return p
}

func (k *knowledge) fact(s ui.Shell, f catalog.Field, value release.Value) Fact {
	out := Fact{Name: label(s, f), Value: readable(s, f, value.Text)}
	switch {
	case !f.Stored():
		out.Edit = &ui.Button{Href: addressesPath}
	case slices.Contains(f.Editors, catalog.Customer):
		out.Edit = &ui.Button{Href: profilePath}
	}
	if out.Edit != nil {
		out.Edit.Text, out.Edit.Kind, out.Edit.Label = s.T("portal.data.correct"), "quiet", s.T("portal.data.correct_this", "field", out.Name)
	}
	out.From, out.Kept = k.origin(s, f), k.kept(s, f)
	for _, p := range k.purposes {
		if slices.ContainsFunc(p.Data(k.words.fields), func(x catalog.Field) bool { return x.Name == f.Name }) {
			w, _ := p.WordsIn(string(s.Locale), string(s.Look.Locale))
			out.Uses = append(out.Uses, Use{Purpose: w.Title, Basis: s.T("portal.consent.basis." + string(p.Basis))})
		}
	}
	if given := k.given(f.Name); len(given) > 0 {
		out.Given = s.List(given)
	}
	return out
}

// kept says for how long a value is kept: until its own time is over, or as long
// as what it is for.
func (k *knowledge) kept(s ui.Shell, f catalog.Field) template.HTML {
	if d, err := tenant.ParseDuration(f.Retention); f.Retention != "" && err == nil {
		if one, stored := k.stored[f.Name]; stored {
			return s.Rich("portal.data.kept_until", "date", s.Date(one.SetAt.Add(time.Duration(d))))
		}
	}
	if f.Stored() && len(f.Purposes) > 0 && !slices.Contains(f.Purposes, catalog.PurposeAccount) {
		return s.Rich("portal.data.kept_uses")
	}
	return s.Rich("portal.consent.kept_account")
}

// origin says who told the value and when.
func (k *knowledge) origin(s ui.Shell, f catalog.Field) template.HTML {
	one, stored := k.stored[f.Name]
	switch {
	case !stored:
		return s.Rich("portal.data.from_you_somehow")
	case one.Source == catalog.Customer:
		return s.Rich("portal.data.from_you", "date", s.Date(one.SetAt))
	case strings.HasPrefix(one.Source, catalog.StaffPrefix):
		return s.Rich("portal.data.from_staff", "date", s.Date(one.SetAt))
	}
	return s.Rich("portal.data.from_others", "date", s.Date(one.SetAt))
}

// given are the applications that got the field, by name, the latest first.
func (k *knowledge) given(field string) (out []string) {
	for _, e := range k.record {
		if e.RecipientKind != release.Application || !slices.Contains(strings.Fields(e.Names), field) {
			continue
		}
		i := slices.IndexFunc(k.words.apps, func(a app.Application) bool { return a.ID == app.ID(e.Recipient) })
		if i >= 0 && !slices.Contains(out, k.words.apps[i].Name) {
			out = append(out, k.words.apps[i].Name)
		}
	}
	return out
}

// readable is a value as people write it.
func readable(s ui.Shell, f catalog.Field, text string) template.HTML {
	plain := func(text string) template.HTML { return template.HTML(template.HTMLEscapeString(text)) }
	switch f.Type {
	case catalog.Bool:
		if text == "true" {
			return plain(s.T("portal.data.yes"))
		}
		return plain(s.T("portal.data.no"))
	case catalog.Choice:
		return plain(choiceText(s, f, text))
	case catalog.Locale:
		if i := slices.IndexFunc(s.Look.Locales, func(l words.Locale) bool { return string(l) == text }); i >= 0 {
			return plain(s.Look.Locales[i].Name())
		}
	case catalog.Address:
		var parts []string
		in := inputs(f, text)
		for _, p := range addressParts {
			if part := strings.TrimSpace(in[f.Name+"-"+p.name]); part != "" {
				parts = append(parts, strings.ReplaceAll(part, "\n", ", "))
			}
		}
		return plain(strings.Join(parts, ", "))
	case catalog.Date:
		if at, err := time.Parse(time.DateOnly, text); err == nil && at.Year() > 0 {
			return s.Date(time.Date(at.Year(), at.Month(), at.Day(), 12, 0, 0, 0, s.Zone))
		}
	}
	return plain(text)
}
