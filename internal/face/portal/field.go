package portal

import (
	"slices"
	"strings"
	"time"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/catalog"
)

// addressParts are the inputs of a postal address, in the order of a form.
var addressParts = []struct {
	name, key, token string
	of               func(*catalog.PostalAddress) *string
}{
	{"street_address", "portal.field.street_address", "street-address", func(a *catalog.PostalAddress) *string { return &a.StreetAddress }},
	{"postal_code", "portal.field.postal_code", "postal-code", func(a *catalog.PostalAddress) *string { return &a.PostalCode }},
	{"locality", "portal.field.locality", "address-level2", func(a *catalog.PostalAddress) *string { return &a.Locality }},
	{"region", "portal.field.region", "address-level1", func(a *catalog.PostalAddress) *string { return &a.Region }},
	{"country", "portal.field.country", "country-name", func(a *catalog.PostalAddress) *string { return &a.Country }},
}

// inputNames are the inputs of a field: its name, or its parts' names after it.
func inputNames(f catalog.Field) []string {
	if f.Type != catalog.Address {
		return []string{f.Name}
	}
	var out []string
	for _, p := range addressParts {
		out = append(out, f.Name+"-"+p.name)
	}
	return out
}

// inputs takes a stored value apart for the form. An address that was only ever
// told as a whole stands in its first line.
func inputs(f catalog.Field, value string) map[string]string {
	if f.Type != catalog.Address {
		return map[string]string{f.Name: value}
	}
	a, err := catalog.ParseAddress(value)
	if err != nil {
		a = catalog.PostalAddress{}
	}
	if (a == catalog.PostalAddress{Formatted: a.Formatted}) {
		a.StreetAddress = a.Formatted
	}
	out := map[string]string{}
	for _, p := range addressParts {
		out[f.Name+"-"+p.name] = *p.of(&a)
	}
	return out
}

// joined puts a field's inputs together to its value.
func joined(f catalog.Field, in map[string]string) string {
	if f.Type != catalog.Address {
		return strings.TrimSpace(in[f.Name])
	}
	var a catalog.PostalAddress
	for _, p := range addressParts {
		*p.of(&a) = strings.TrimSpace(in[f.Name+"-"+p.name])
	}
	if a == (catalog.PostalAddress{}) {
		return ""
	}
	return a.String()
}

// same compares what was typed with what was shown; browsers write line ends in
// their own way.
func same(typed, shown string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(typed) == plain(shown)
}

// controls are the inputs of a field.
func controls(s ui.Shell, f catalog.Field, in map[string]string) []ui.Component {
	value, text, hint, optional := in[f.Name], label(s, f), hintOf(s, f), !f.Required
	switch f.Type {
	case catalog.Address:
		return addressControls(s, f, in)
	case catalog.Choice:
		return []ui.Component{choose(s, f, value, choiceOptions(s, f))}
	case catalog.Bool:
		return []ui.Component{choose(s, f, value, []ui.Option{{Value: "true", Text: s.T("portal.yes")}, {Value: "false", Text: s.T("portal.no")}})}
	case catalog.Zone:
		return []ui.Component{choose(s, f, value, zoneOptions(s))}
	case catalog.Locale:
		if f.Name == "locale" {
			return []ui.Component{choose(s, f, value, localeOptions(s))}
		}
	case catalog.Text:
		if f.Max > 200 {
			return []ui.Component{ui.Textarea{Name: f.Name, Label: text, Hint: hint, Value: value, Max: f.Max, Optional: optional}}
		}
	}
	out := ui.Field{Name: f.Name, Label: text, Hint: hint, Value: value, Autocomplete: f.Autocomplete, Max: most(f), Optional: optional}
	switch f.Type {
	case catalog.Mail:
		out.Type = "email"
	case catalog.Phone:
		out.Type = "tel"
	case catalog.URL:
		out.Type = "url"
	case catalog.Number:
		out.InputMode, out.Ltr = "decimal", true
	case catalog.Locale:
		out.Ltr = true
	case catalog.Date:
		// A year alone, or a day without its year, fits no date input.
		if _, err := time.Parse(time.DateOnly, value); value == "" || err == nil && !strings.HasPrefix(value, "0000") {
			out.Type = "date"
		} else {
			out.Ltr = true
		}
	}
	return []ui.Component{out}
}

func most(f catalog.Field) int {
	if f.Type == catalog.Date {
		return 0
	}
	if f.Max == 0 {
		return 200
	}
	return f.Max
}

func addressControls(s ui.Shell, f catalog.Field, in map[string]string) []ui.Component {
	var out []ui.Component
	for _, p := range addressParts {
		name := f.Name + "-" + p.name
		if p.name == "street_address" {
			out = append(out, ui.Textarea{Name: name, Label: s.T(p.key), Value: in[name], Max: 300, Rows: 2, Optional: true, Autocomplete: p.token})
			continue
		}
		out = append(out, ui.Field{Name: name, Label: s.T(p.key), Value: in[name], Autocomplete: p.token, Max: 300, Optional: true})
	}
	return out
}

// choose is a list with "not stated" on top where nothing need be stated. A
// value that is not on the list stays.
func choose(s ui.Shell, f catalog.Field, value string, options []ui.Option) ui.Select {
	if !f.Required || value == "" {
		options = slices.Insert(options, 0, ui.Option{Text: s.T("portal.unstated")})
	}
	if !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == value }) {
		options = append(options, ui.Option{Value: value, Text: value})
	}
	return ui.Select{Name: f.Name, Label: label(s, f), Hint: hintOf(s, f), Value: value, Options: options, Autocomplete: f.Autocomplete, Optional: !f.Required}
}

func choiceOptions(s ui.Shell, f catalog.Field) []ui.Option {
	out := make([]ui.Option, len(f.Choices))
	for i, c := range f.Choices {
		out[i] = ui.Option{Value: c, Text: choiceText(s, f, c)}
	}
	return out
}

// choiceText is what the customer reads for a choice.
func choiceText(s ui.Shell, f catalog.Field, choice string) string {
	locale := string(s.Locale)
	base, _, _ := strings.Cut(locale, "-")
	return f.ChoiceIn(choice, locale, base, string(s.Look.Locale), "en")
}

func localeOptions(s ui.Shell) []ui.Option {
	out := make([]ui.Option, len(s.Look.Locales))
	for i, l := range s.Look.Locales {
		out[i] = ui.Option{Value: string(l), Text: l.Name(), Lang: string(l)}
	}
	return out
}

// labels and hints of the standard fields.
var labels = map[string]string{
	"name": "portal.field.name", "given_name": "portal.field.given_name", "middle_name": "portal.field.middle_name",
	"family_name": "portal.field.family_name", "nickname": "portal.field.nickname", "profile": "portal.field.profile",
	"picture": "portal.field.picture", "website": "portal.field.website", "gender": "portal.field.gender",
	"birthdate": "portal.field.birthdate", "zoneinfo": "portal.field.zoneinfo", "locale": "portal.field.locale",
	"address": "portal.field.address", "email": "portal.field.email", "phone": "portal.field.phone", "username": "portal.field.username",
	"email_verified": "portal.privacy.field.email_verified", "phone_verified": "portal.privacy.field.phone_verified",
	"updated_at": "portal.privacy.field.updated_at",
}

var hints = map[string]string{
	"nickname": "portal.hint.nickname", "profile": "portal.hint.profile", "picture": "portal.hint.picture",
	"zoneinfo": "portal.hint.zoneinfo", "locale": "portal.hint.locale",
}

// label is what a field is called: in the tenant's own words, else in ours, else
// by its name.
func label(s ui.Shell, f catalog.Field) string {
	if own := inLocale(s, labelsOf(f)); own != "" {
		return own
	}
	if key := labels[f.Name]; key != "" {
		return s.T(key)
	}
	return strings.ReplaceAll(f.Name, "_", " ")
}

func labelsOf(f catalog.Field) map[string]string {
	out := map[string]string{}
	for locale, w := range f.Words {
		out[locale] = w.Label
	}
	return out
}

func hintOf(s ui.Shell, f catalog.Field) string {
	own := map[string]string{}
	for locale, w := range f.Words {
		own[locale] = w.Hint
	}
	if text := inLocale(s, own); text != "" {
		return text
	}
	if key := hints[f.Name]; key != "" && len(f.Words) == 0 {
		return s.T(key)
	}
	return ""
}
