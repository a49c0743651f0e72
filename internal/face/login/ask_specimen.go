package login

import (
	"strings"

	"github.com/cardea-id/cardea/internal/base/ui"
	"github.com/cardea-id/cardea/internal/core/account"
	"github.com/cardea-id/cardea/internal/core/catalog"
	"github.com/cardea-id/cardea/internal/core/consent"
	"github.com/cardea-id/cardea/internal/core/customer"
	"github.com/cardea-id/cardea/internal/core/signin"
	"github.com/cardea-id/cardea/internal/core/tenant"
)

// asks are the pages that ask for age, for consent and for fields.
func asks(s *ui.Sample) []ui.Specimen {
	age := func(a tenant.Age, kept bool, change ...func(*visit)) ui.Page {
		return specimen(s, append(change, mia, func(v *visit) { v.t.Settings.Registration.Age = a })...).askingAge(kept)
	}
	anywhere := tenant.Age{Ask: tenant.AskBirthdate}
	here := tenant.Age{Ask: tenant.AskBirthdate, Country: "DE"}
	statement := tenant.Age{Ask: tenant.AskStatement, Country: "DE"}
	signal := func(v *visit) { v.gpc = true }
	return append([]ui.Specimen{
		{Name: "login/age", State: "typical", Page: age(here, false)},
		{Name: "login/age", State: "countries", Page: age(anywhere, true)},
		{Name: "login/age", State: "statement", Page: age(statement, false)},
		{Name: "login/age", State: "error", Page: age(anywhere, false, wrong(account.ErrBirthdate.At("birthdate"), "birthdate", "2031-02-30", "country", "AT"))},
		{Name: "login/message", State: "too_young", Page: shown(specimen(s, asked, func(v *visit) {
			v.step = signin.Step{Name: signin.Refuse, Reason: signin.TooYoung}
		}).refusePage(nil))},
		{Name: "login/choices", State: "typical", Page: choicesSpecimen(s, 1, mia)},
		{Name: "login/choices", State: "renewal", Page: choicesSpecimen(s, 1, mia, somebody)},
		{Name: "login/choices", State: "long", Page: choicesSpecimen(s, 3, mia)},
		{Name: "login/choices", State: "many", Page: choicesSpecimen(s, 2, mia, somebody, signal)},
	}, fieldAsks(s)...)
}

func somebody(v *visit) { v.flow.World.Account.ID = customer.ID{1} }

func choicesSpecimen(s *ui.Sample, n int, change ...func(*visit)) ui.Page {
	list := []choiceWords{
		{signin.Choice{Purpose: "garden_tips", Version: 2}, "Tips for your garden", "We look at what you bought, to tell you when your plants want water, light and a bigger pot."},
		{signin.Choice{Purpose: "partners", Version: 1}, "Offers of our partners", strings.Repeat("Nurseries near you get your postcode and what you grow. ", 4)},
		{signin.Choice{Topic: "letter", Channel: "email"}, "Garden letter", "Once a month, what to do now."},
	}[:n]
	v := specimen(s, change...)
	for _, one := range list {
		v.flow.World.Choices = append(v.flow.World.Choices, one.choice)
	}
	return v.choosing(list)
}

func fieldAsks(s *ui.Sample) []ui.Specimen {
	tips := consent.Words{Title: "Tips for your garden", Text: "We look at what you grow, to tell you when it wants water."}
	garden := question{why: tips, field: catalog.Field{
		Name: "garden", Type: catalog.Choice, Choices: []string{"balcony", "allotment"},
		Words: map[string]catalog.Words{"en": {Label: "Your garden", Hint: "So that we show plants that fit"}},
	}}
	name := question{field: catalog.Field{Name: "given_name", Type: catalog.Text, Autocomplete: "given-name"}, why: consent.Words{Title: "Your account", Text: "We show it to you and sign our letters with it."}}
	needed, agreed := name, garden
	needed.Needed = true
	agreed.Wanted = signin.Wanted{Field: "garden", Purpose: "tips", Consent: &signin.Choice{Purpose: "tips", Version: 1}}
	page := func(list []question, change ...func(*visit)) ui.Page {
		return specimen(s, append(change, mia, asked, somebody)...).askingFor(list)
	}
	return []ui.Specimen{
		{Name: "login/ask", State: "typical", Page: page([]question{garden})},
		{Name: "login/ask", State: "consent", Page: page([]question{agreed})},
		{Name: "login/ask", State: "long", Page: page([]question{needed, agreed})},
		{Name: "login/ask", State: "error", Page: page([]question{needed, agreed}, wrong(errFields.Because(wrongFields{
			account.ErrNeeded.At("given_name"), account.ErrConsent.At("agree-tips"),
		}), "garden", "balcony"))},
	}
}
