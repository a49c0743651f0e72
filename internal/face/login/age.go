package login

import (
	"slices"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/cardea-id/cardea/internal/base/db"
	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// Age asks a newcomer whether they are old enough to make an account alone.
type Age struct {
	ui.Shell
	Lede   string
	Note   string // what is kept of the answer
	Action string
	Fields []ui.Component
	Submit []ui.Button
}

// Template names the page's file.
func (Age) Template() string { return "login/age" }

func (v *visit) agePage(tx *db.Tx) (ui.Page, error) {
	kept, err := account.Requires(tx, v.t, "birthdate")
	return v.askingAge(kept), err
}

// askingAge is the page. kept says that the date of birth goes to the profile.
func (v *visit) askingAge(kept bool) Age {
	rule := v.t.Settings.Registration.Age
	p := Age{Shell: v.shell(), Action: v.path("age")}
	p.Title, p.Lede = p.T("login.age.title"), p.T("login.age.text")
	if v.wrong != nil {
		tell(&p.Shell, v.wrong, v.wrong.Field)
	}
	if rule.Ask == tenant.AskStatement {
		n := v.t.AgeIn(rule.Country)
		p.Note = p.T("login.age.kept_statement")
		p.Submit = []ui.Button{
			{Text: p.T("login.age.old_enough", "n", n), Name: "action", Value: "yes", Block: true},
			{Text: p.T("login.age.younger", "n", n), Name: "action", Value: "no", Block: true},
		}
		return p
	}
	p.Note = p.T("login.age.kept_not")
	if kept {
		p.Note = p.T("login.age.kept")
	}
	if rule.Country == "" {
		p.Fields = append(p.Fields, v.countries(p.Shell))
	}
	p.Fields = append(p.Fields, ui.Field{
		Name: "birthdate", Type: "date", Label: p.T("login.field.birthdate"), Value: v.typed("birthdate"), Autocomplete: "bday",
	})
	p.Submit = []ui.Button{{Text: p.T("login.continue"), Kind: "primary", Name: "action", Value: "continue", Block: true}}
	return p
}

// countries are those whose age is known, by their names in the page's language.
func (v *visit) countries(s ui.Shell) ui.Select {
	sel := ui.Select{
		Name: "country", Label: s.T("login.age.country"), Value: v.typed("country"), Autocomplete: "country",
		Options: []ui.Option{{Text: s.T("login.profile.choose")}},
	}
	tag := language.Make(string(s.Locale))
	names := display.Regions(tag)
	if names == nil {
		names = display.Regions(language.English)
	}
	for _, code := range v.t.AgeCountries() {
		name := code
		if region, err := language.ParseRegion(code); err == nil {
			name = names.Name(region)
		}
		sel.Options = append(sel.Options, ui.Option{Value: code, Text: name})
	}
	slices.SortFunc(sel.Options[1:], func(a, b ui.Option) int { return strings.Compare(a.Text, b.Text) })
	sel.Options = append(sel.Options, ui.Option{Value: account.Elsewhere, Text: s.T("login.age.elsewhere")})
	return sel
}

func (v *visit) age() error {
	return v.act(func(tx *db.Tx) error {
		return account.TellAge(tx, v.t, &v.flow, v.entrance(), account.Told{
			Country: v.typed("country"), Birthdate: v.typed("birthdate"), OfAge: v.typed("action") == "yes",
		})
	})
}
